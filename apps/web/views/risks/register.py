"""Risk register: inherited risks, their sources, and which are unassessed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.database.keyset_pagination import InvalidCursorError
from apps.common.time import day_of, now
from apps.risks.filters import CRITICALITIES, STATE_LABELS
from apps.risks.levels import Level
from apps.risks.models import Layer, Taxonomy, Treatment
from apps.risks.queries.conditions import (
    INHERENT,
    InheritedRiskConditions,
    InheritedRiskQuery,
    build_conditions,
)
from apps.risks.queries.counts import CountBasis, RiskStanding, count_basis, risk_standings
from apps.risks.queries.inherited import (
    ORDERS,
    InheritedRisk,
    count_gathered_risks,
    dated_inherited_risks,
    inherited_risks,
    sorted_inherited_risks,
)
from apps.risks.queries.reach import RiskReach
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import (
    MAX_COUNTED_ROWS,
    PAGE_SIZE,
    PRINT_PAGE_SIZE,
    SortableColumn,
    changed_query,
    csv_response,
)
from apps.web.pages.page import render_page
from apps.web.views.risks import presenters
from apps.web.views.risks.groups import build_group_page, is_grouped, load_groups, may_decide
from apps.web.views.risks.summaries import requested_breakdown, selected_application
from apps.web.wording import day, number

MAX_CSV_ROWS = 10_000
CSV_BATCH_SIZE = 500
# orders that need a query of their own if the rows cannot be gathered
_DATE_COLUMNS = {"due", "until"}
HEADS = {
    "risk": "Risk",
    "application": "Application",
    "state": "Status",
    "gravest": "Severity",
    "current": "Current",
    "residual": "Residual",
    "treatment": "Treatment",
    "owner": "Owner",
    "due": "Due and owner",
    "until": "Accepted until",
}
_NO_FILTERS = {"page", "sort", "print", "after", "group"}
# columns that are sorted in descending order first
_DESCENDING_FIRST = {"gravest", "current", "residual"}


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """Page of the risk register. With a cursor, `first` is 0 because the number of rows before it
    is unknown."""

    rows: Sequence[InheritedRisk]
    count: str
    first: int
    previous: str
    next: str
    is_filtered: bool

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def order_of(request: HttpRequest, *, is_gathered: bool) -> tuple[str, bool]:
    """Return (key of ORDERS, whether its default direction is reversed); the default if the list
    cannot be sorted by the requested key."""
    default_order = (
        "due"
        if request.GET.get("due_before")
        else "until"
        if request.GET.get("accepted_before")
        else ""
    )
    sort_key = request.GET.get("sort", default_order)
    order = sort_key.removeprefix("-")
    if order not in ORDERS or not (is_gathered or order in _DATE_COLUMNS | {"gravest"}):
        return "gravest", False
    return order, sort_key.startswith("-") and (is_gathered or order in _DATE_COLUMNS)


def load_page(
    request: HttpRequest,
    query: InheritedRiskQuery,
    conditions: InheritedRiskConditions,
    standings: Sequence[RiskStanding],
    today: date,
) -> RegisterPage:
    """Return the page that the URL names: by number if all rows can be gathered, otherwise by
    cursor."""
    user = signed_in_user(request)
    is_printing = request.GET.get("print") == "all"
    size = PRINT_PAGE_SIZE if is_printing else PAGE_SIZE
    is_filtered = any(value for name, value in request.GET.items() if name not in _NO_FILTERS)
    order, is_reversed = order_of(request, is_gathered=conditions.gathered)
    is_descending = (
        is_reversed != (order in _DESCENDING_FIRST) if order != "gravest" else is_reversed
    )
    if conditions.gathered or order in _DATE_COLUMNS:
        page_text = request.GET.get("page", "1")
        page_number = max(int(page_text), 1) if page_text.isdecimal() and len(page_text) < 5 else 1
        offset = min((page_number - 1) * size, MAX_COUNTED_ROWS)
        load_rows = sorted_inherited_risks if conditions.gathered else dated_inherited_risks
        rows = load_rows(
            conditions, on=today, order=order, falling=is_descending, size=size + 1, offset=offset
        )
        has_more, rows = len(rows) > size, rows[:size]
        n = (
            count_gathered_risks(conditions, limit=MAX_COUNTED_ROWS + 1)
            if conditions.gathered
            else None
        )
        return RegisterPage(
            rows=rows,
            count=_format_count(n),
            first=offset + 1,
            previous=changed_query(request, page=page_number - 1) if page_number > 1 else "",
            next=changed_query(request, page=page_number + 1)
            if has_more and offset + size < MAX_COUNTED_ROWS
            else "",
            is_filtered=is_filtered,
        )
    try:
        risk_page = inherited_risks(
            user=user, on=today, query=query, size=size, cursor=request.GET.get("after", "")
        )
    except InvalidCursorError:
        risk_page = inherited_risks(user=user, on=today, query=query, size=size)
    return RegisterPage(
        rows=risk_page.rows,
        count=_format_count(_count_from_standings(query, standings)),
        first=0,
        previous=changed_query(request, after=risk_page.previous, page=None)
        if risk_page.previous
        else "",
        next=changed_query(request, after=risk_page.next, page=None) if risk_page.next else "",
        is_filtered=is_filtered,
    )


def _format_count(n: int | None) -> str:
    if n is None:
        return ""
    return f"{MAX_COUNTED_ROWS:,}+" if n > MAX_COUNTED_ROWS else number(n)


# filters whose rows can be counted from the standings of the risks
_COUNTABLE = {"state", "risk", "min_inherent", "severity", "likelihood", "impact", "node", "level"}


def _count_from_standings(
    query: InheritedRiskQuery, standings: Sequence[RiskStanding]
) -> int | None:
    """Count the rows that match the filters, or return None if the counts of the risks do not
    suffice."""
    filter_names = {
        name
        for name in InheritedRiskQuery.__slots__
        if getattr(query, name) not in (None, "", False)
    }
    if filter_names - _COUNTABLE or query.level not in ("", INHERENT):
        return None
    n_rows = 0
    for risk_standing in standings:
        level = Level(risk_standing.likelihood, risk_standing.impact)
        if (
            query.risk in (None, risk_standing.risk_id)
            and query.node in (None, risk_standing.node_id)
            and query.likelihood in (None, level.likelihood)
            and query.impact in (None, level.impact)
            and query.severity in (None, level.severity)
            and level.score >= (query.min_inherent or 1)
        ):
            n_rows += risk_standing.reach.n_in_state(query.state)
    return n_rows


def columns_of(request: HttpRequest, *, is_gathered: bool) -> dict[str, SortableColumn]:
    """Return the column headers; the URL is empty if the list cannot be sorted by the column."""
    order, is_reversed = order_of(request, is_gathered=is_gathered)
    heads = {}
    for name, title in HEADS.items():
        is_sortable = is_gathered or name in _DATE_COLUMNS
        is_current = name == order
        query = changed_query(
            request,
            sort=f"-{name}" if is_current and not is_reversed else name,
            page=None,
            after=None,
        )
        is_descending = is_reversed != (name in _DESCENDING_FIRST)
        aria = ("descending" if is_descending else "ascending") if is_current else ""
        heads[name] = SortableColumn(str(title), query if is_sortable else "", aria)
    return heads


@require_safe
def risk_list(request: HttpRequest) -> HttpResponse:
    """Show the inherited risks by the filters of the URL, in groups or one by one
    (`?group=none`)."""
    if "heat" in request.GET:
        address = f"{reverse('inherited-risks:heat-map')}{changed_query(request)}"
        return HttpResponsePermanentRedirect(address)
    user, at = signed_in_user(request), now()
    today = day_of(at)
    filterset = requested_breakdown(request)
    query = filterset.narrowed
    conditions = build_conditions(user=user, on=today, query=query, count_all=True)
    basis = CountBasis() if query.application else count_basis(user)
    grouped = is_grouped(request, query, basis)
    is_full_page = not getattr(request, "htmx", False)
    standings: Sequence[RiskStanding] = ()
    if is_full_page or grouped or not conditions.gathered:
        standings = risk_standings(
            user=user, on=today, stored=basis.stored, application=query.application
        )
    reach = RiskReach.total(standing.reach for standing in standings)
    application = selected_application(user, query)
    context: dict[str, Any] = {}
    if grouped:
        page = build_group_page(request, load_groups(user, today, query, conditions, standings))
        context |= {
            "listing": page,
            "sentence": presenters.groups_headline(
                page.reach,
                page.n_groups,
                is_filtered=page.is_filtered,
                is_counted=basis.is_counted,
            ),
            "decides": may_decide(user),
        }
    else:
        listing = load_page(request, query, conditions, standings, today)
        context |= {
            "listing": listing,
            "sentence": presenters.matches_headline(listing.count)
            if listing.is_filtered and not _names_only_application(request) and listing.count
            else presenters.register_headline(
                reach,
                application=application.name if application else "",
                is_counted=basis.is_counted,
            ),
            "rows": [register_row(row, user, today) for row in listing.rows],
            "columns": columns_of(request, is_gathered=conditions.gathered),
            "few": conditions.gathered,
            "assesses": any(user.may(TeamRole.EDITOR, row.team_id) for row in listing.rows),
        }
    return render_page(
        request,
        "risks/register.html",
        fragment="listing",
        title="Inherited risks",
        counts="Foundation risk × active dependency",
        as_of=at,
        filters=build_filter_controls(request, filterset, controls(user, grouped=grouped)),
        grouped=grouped,
        reach=reach,
        counted_at=basis.counted_at,
        application=application,
        **context,
    )


def _names_only_application(request: HttpRequest) -> bool:
    names = {name for name, value in request.GET.items() if value and name not in _NO_FILTERS}
    return names == {"application"}


def controls(user: User, *, grouped: bool) -> list[FilterControl]:
    """Return the filter controls; two statements. Those of single assessments only if the rows are
    not grouped."""
    teams = Team.objects.visible_to(user).order_by("name").values_list("slug", "name")[:300]
    taxonomies = Taxonomy.objects.values_list("slug", "name")
    filters = [
        FilterControl("q", "Risk contains", "search"),
        FilterControl("state", "Status", choices=list(STATE_LABELS.items())),
        FilterControl(
            "severity",
            "Severity",
            choices=[(n, str(label)) for n, label in presenters.SEVERITIES.items()],
        ),
        FilterControl("criticality", "Criticality", choices=CRITICALITIES),
        FilterControl("layer", "Layer", choices=Layer.choices),
        FilterControl("team", "Team", choices=list(teams)),
        FilterControl("taxonomy", "Framework", choices=list(taxonomies)),
        FilterControl("entry", "Framework entry, such as LLM09", "search"),
    ]
    if grouped:
        return filters
    return [
        *filters,
        FilterControl("treatment", "Treatment", choices=Treatment.choices),
        FilterControl("due_before", "Due before", "date"),
        FilterControl("accepted_before", "Acceptance expires before", "date"),
    ]


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """Row of the register, with its texts."""

    risk: InheritedRisk
    pick: str
    may: bool
    label: str
    mark: str
    state: str
    note: str
    inherent: str
    here: str
    residual: str
    is_late: bool


def register_row(risk: InheritedRisk, user: User, today: date) -> RegisterRow:
    """Return an inherited risk as a row of the list."""
    # an acceptance whose assessment became stale is stale, although it has not expired
    is_accepted = risk.accepted_until is not None and risk.state == "assessed"
    note = ""
    if risk.state == "stale":
        note = risk.stale_reason
    elif risk.accepted_until is not None:
        note = f"until {day(risk.accepted_until, today=today)}"
    return RegisterRow(
        risk=risk,
        pick=f"{risk.risk_id}-{risk.dependency_id}-{risk.assessment_version}",
        may=user.may(TeamRole.EDITOR, risk.team_id),
        label=f"Select {risk.title} for {risk.application_name}",
        mark="part" if is_accepted else presenters.MARKS[risk.state],
        state="Accepted" if is_accepted else str(presenters.STATES[risk.state]),
        note=note,
        inherent=presenters.describe_severity(risk.inherent),
        here=f"{risk.adjusted.score} of 25 here" if risk.adjusted != risk.inherent else "",
        residual=presenters.describe_severity(risk.residual),
        is_late=risk.due_on is not None and risk.due_on < today and risk.state != "not_applicable",
    )


# --- CSV ------------------------------------------------------------------------------------------

CSV_HEADS = [
    "risk",
    "template",
    "title",
    "layer",
    "node kind",
    "node",
    "via",
    "application",
    "team",
    "criticality",
    "role",
    "offering",
    "host",
    "state",
    "inherent likelihood",
    "inherent impact",
    "inherent",
    "with adaptations",
    "current likelihood",
    "current impact",
    "residual likelihood",
    "residual impact",
    "treatment",
    "owner",
    "due",
    "accepted until",
    "stale because",
    "address",
]


def matching_risks(
    user: User, query: InheritedRiskQuery, on: date, *, limit: int
) -> Iterator[InheritedRisk]:
    """Return every row that matches the filters, most severe first, up to `limit`."""
    cursor, n_sent = "", 0
    while n_sent < limit:
        page = inherited_risks(
            user=user, on=on, query=query, size=min(CSV_BATCH_SIZE, limit - n_sent), cursor=cursor
        )
        yield from page.rows
        n_sent += len(page.rows)
        if not page.next:
            return
        cursor = page.next


@require_safe
def register_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the rows of the page with its filters and order; if it cannot be sorted, most severe
    first."""
    user, today = signed_in_user(request), day_of(now())
    query = requested_breakdown(request).narrowed
    conditions = build_conditions(user=user, on=today, query=query, count_all=True)
    order, is_reversed = order_of(request, is_gathered=conditions.gathered)
    if order == "gravest" and not is_reversed:
        rows: Any = matching_risks(user, query, today, limit=MAX_CSV_ROWS)
    else:
        is_descending = (
            is_reversed != (order in _DESCENDING_FIRST) if order != "gravest" else is_reversed
        )
        load_rows = sorted_inherited_risks if conditions.gathered else dated_inherited_risks
        rows = load_rows(
            conditions, on=today, order=order, falling=is_descending, size=MAX_CSV_ROWS
        )
    return csv_response("inherited-risks", CSV_HEADS, rows, _csv_cells)


def _csv_cells(row: InheritedRisk) -> list[Any]:
    current, residual = row.current, row.residual
    return [
        row.risk_id,
        row.template,
        row.title,
        row.layer,
        row.node_kind,
        row.node_name,
        row.via or "",
        row.application,
        row.team,
        CRITICALITIES[row.criticality][0],
        row.role,
        row.api_id,
        row.host,
        row.state,
        row.inherent.likelihood,
        row.inherent.impact,
        row.inherent.score,
        row.adjusted.score,
        current.likelihood if current else "",
        current.impact if current else "",
        residual.likelihood if residual else "",
        residual.impact if residual else "",
        row.treatment,
        row.owner or "",
        row.due_on or "",
        row.accepted_until or "",
        row.stale_reason,
        reverse("inherited-risks:detail", args=[row.risk_id, row.dependency_id]),
    ]
