"""Risk register: inherited risks, their sources, and which are unassessed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.database.keyset_pagination import InvalidCursorError
from apps.common.time import day_of, now
from apps.risks.filters import CRITICALITIES
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
from apps.web.views.risks.summaries import requested_breakdown, risk_summaries
from apps.web.wording import day, number

MAX_CSV_ROWS = 10_000
CSV_BATCH_SIZE = 500
# what the register cannot be sorted by beyond few applications
_DATED = {"due", "until"}
HEADS = {
    "risk": "Risk",
    "application": "Application",
    "state": "State",
    "gravest": "Inherent",
    "current": "Current",
    "residual": "Residual",
    "treatment": "Treatment",
    "owner": "Owner",
    "due": "Due",
    "until": "Accepted until",
}
_NO_FILTERS = {"page", "sort", "print", "after", "heat"}
# what comes first when a head is chosen for the first time
_DESCENDING_FIRST = {"gravest", "current", "residual"}


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """Page of the risk register. By cursor, `first` is 0: the number of rows before it is
    unknown."""

    rows: Sequence[InheritedRisk]
    count: str
    first: int
    previous: str
    next: str
    is_filtered: bool

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def order_of(request: HttpRequest, *, few: bool) -> tuple[str, bool]:
    """(word of ORDERS, whether its first direction is turned around); the usual one where it is not
    offered here."""
    usual = (
        "due"
        if request.GET.get("due_before")
        else "until"
        if request.GET.get("accepted_before")
        else ""
    )
    word = request.GET.get("sort", usual)
    bare = word.removeprefix("-")
    if bare not in ORDERS or not (few or bare in _DATED | {"gravest"}):
        return "gravest", False
    return bare, word.startswith("-") and (few or bare in _DATED)


def load_page(
    request: HttpRequest,
    narrowed: InheritedRiskQuery,
    asked: InheritedRiskConditions,
    standings: Sequence[RiskStanding],
    today: date,
) -> RegisterPage:
    """The sheet the address asks for: by number where the rows can be gathered, otherwise by
    cursor."""
    user = signed_in_user(request)
    printing = request.GET.get("print") == "all"
    size = PRINT_PAGE_SIZE if printing else PAGE_SIZE
    filtered = any(
        value
        for name, value in request.GET.items()
        if name not in {"page", "sort", "print", "after", "heat"}
    )
    order, turned = order_of(request, few=asked.gathered)
    falling = turned != (order in _DESCENDING_FIRST) if order != "gravest" else turned
    if asked.gathered or order in _DATED:
        numbered = request.GET.get("page", "1")
        wanted = max(int(numbered), 1) if numbered.isdecimal() and len(numbered) < 5 else 1
        offset = min((wanted - 1) * size, MAX_COUNTED_ROWS)
        read = sorted_inherited_risks if asked.gathered else dated_inherited_risks
        rows = read(asked, on=today, order=order, falling=falling, size=size + 1, offset=offset)
        more, rows = len(rows) > size, rows[:size]
        n = count_gathered_risks(asked, limit=MAX_COUNTED_ROWS + 1) if asked.gathered else None
        return RegisterPage(
            rows=rows,
            count=_count(n),
            first=offset + 1,
            previous=changed_query(request, page=wanted - 1) if wanted > 1 else "",
            next=changed_query(request, page=wanted + 1)
            if more and offset + size < MAX_COUNTED_ROWS
            else "",
            is_filtered=filtered,
        )
    try:
        found = inherited_risks(
            user=user, on=today, query=narrowed, size=size, cursor=request.GET.get("after", "")
        )
    except InvalidCursorError:
        found = inherited_risks(user=user, on=today, query=narrowed, size=size)
    return RegisterPage(
        rows=found.rows,
        count=_count(_known_count(narrowed, standings)),
        first=0,
        previous=changed_query(request, after=found.previous, page=None) if found.previous else "",
        next=changed_query(request, after=found.next, page=None) if found.next else "",
        is_filtered=filtered,
    )


def _count(n: int | None) -> str:
    if n is None:
        return ""
    return f"{MAX_COUNTED_ROWS:,}+" if n > MAX_COUNTED_ROWS else number(n)


# filters whose rows the standings of the risks can count
_COUNTABLE = {"state", "risk", "min_inherent", "severity", "likelihood", "impact", "node", "level"}


def _known_count(narrowed: InheritedRiskQuery, standings: Sequence[RiskStanding]) -> int | None:
    """How many rows the filters leave, where that follows from the counts of the risks."""
    set_ = {
        name
        for name in InheritedRiskQuery.__slots__
        if getattr(narrowed, name) not in (None, "", False)
    }
    if set_ - _COUNTABLE or narrowed.level not in ("", INHERENT):
        return None
    n = 0
    for standing in standings:
        level = Level(standing.likelihood, standing.impact)
        if (
            narrowed.risk in (None, standing.risk_id)
            and narrowed.node in (None, standing.node_id)
            and narrowed.likelihood in (None, level.likelihood)
            and narrowed.impact in (None, level.impact)
            and narrowed.severity in (None, level.severity)
            and level.score >= (narrowed.min_inherent or 1)
        ):
            n += _in_state(standing.reach, narrowed.state)
    return n


def _in_state(reach: RiskReach, state: str) -> int:
    return {
        "": reach.n_inherited,
        "unassessed": reach.n_unassessed,
        "assessed": reach.n_assessed,
        "stale": reach.n_stale,
        "not_applicable": reach.n_not_applicable,
    }[state]


def columns_of(request: HttpRequest, *, few: bool) -> dict[str, SortableColumn]:
    """Heads of the columns; without an address where the list cannot be sorted by them."""
    order, turned = order_of(request, few=few)
    heads = {}
    for name, title in HEADS.items():
        sortable = few or name in _DATED
        current = name == order
        query = changed_query(
            request, sort=f"-{name}" if current and not turned else name, page=None, after=None
        )
        down = turned != (name in _DESCENDING_FIRST)
        aria = ("descending" if down else "ascending") if current else ""
        heads[name] = SortableColumn(str(title), query if sortable else "", aria)
    return heads


@require_safe
def risk_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    today = day_of(at)
    found = requested_breakdown(request)
    narrowed = found.narrowed
    asked = build_conditions(user=user, on=today, query=narrowed, count_all=True)
    whole = not getattr(request, "htmx", False)
    basis = CountBasis() if narrowed.application else count_basis(user)
    standings: Sequence[RiskStanding] = ()
    if whole or not asked.gathered:
        standings = risk_standings(
            user=user, on=today, stored=basis.stored, application=narrowed.application
        )
    listing = load_page(request, narrowed, asked, standings, today)
    return render_page(
        request,
        "risks/register.html",
        fragment="listing",
        title="Risks",
        counts="Foundation risk × live dependency",
        as_of=at,
        filters=build_filter_controls(request, found, controls(user)),
        columns=columns_of(request, few=asked.gathered),
        few=asked.gathered,
        listing=listing,
        rows=[register_row(row, user, today) for row in listing.rows],
        assesses=any(user.may(TeamRole.EDITOR, row.team_id) for row in listing.rows),
        **(risk_summaries(request, user, today, narrowed, standings, basis) if whole else {}),
    )


def controls(user: User) -> list[FilterControl]:
    """Two statements."""
    teams = Team.objects.visible_to(user).order_by("name").values_list("slug", "name")[:300]
    taxonomies = Taxonomy.objects.values_list("slug", "name")
    return [
        FilterControl("q", "Risk contains", "search"),
        FilterControl(
            "state",
            "State",
            choices=[(state, str(word)) for state, word in presenters.STATES.items()],
        ),
        FilterControl(
            "severity",
            "Inherent",
            choices=[(n, str(word)) for n, word in presenters.SEVERITIES.items()],
        ),
        FilterControl("criticality", "Criticality", choices=CRITICALITIES),
        FilterControl("layer", "Layer", choices=Layer.choices),
        FilterControl("treatment", "Treatment", choices=Treatment.choices),
        FilterControl("team", "Team", choices=list(teams)),
        FilterControl("due_before", "Due before", "date"),
        FilterControl("accepted_before", "Acceptance ends before", "date"),
        FilterControl("taxonomy", "Crosswalk", choices=list(taxonomies)),
    ]


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """Row of the register with its texts for the page."""

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
    accepted = risk.accepted_until is not None
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
        mark="part" if accepted else presenters.MARKS[risk.state],
        state="Accepted" if accepted else str(presenters.STATES[risk.state]),
        note=note,
        inherent=presenters.describe_severity(risk.inherent),
        here=f"{risk.adjusted.score} of 25 here" if risk.adjusted != risk.inherent else "",
        residual=presenters.describe_severity(risk.residual),
        is_late=risk.due_on is not None and risk.due_on < today and risk.state != "not_applicable",
    )


# --- the same as tables ---------------------------------------------------------------------------

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
    user: User, narrowed: InheritedRiskQuery, on: date, *, most: int
) -> Iterator[InheritedRisk]:
    """Return every row that matches the filters, most severe first, up to `most`."""
    cursor, n = "", 0
    while n < most:
        found = inherited_risks(
            user=user, on=on, query=narrowed, size=min(CSV_BATCH_SIZE, most - n), cursor=cursor
        )
        yield from found.rows
        n += len(found.rows)
        if not found.next:
            return
        cursor = found.next


@require_safe
def register_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send what the page lists with these filters: in its order if it can be sorted, otherwise most
    severe first."""
    user, today = signed_in_user(request), day_of(now())
    narrowed = requested_breakdown(request).narrowed
    asked = build_conditions(user=user, on=today, query=narrowed, count_all=True)
    order, turned = order_of(request, few=asked.gathered)
    if order == "gravest" and not turned:
        rows: Any = matching_risks(user, narrowed, today, most=MAX_CSV_ROWS)
    else:
        falling = turned != (order in _DESCENDING_FIRST) if order != "gravest" else turned
        read = sorted_inherited_risks if asked.gathered else dated_inherited_risks
        rows = read(asked, on=today, order=order, falling=falling, size=MAX_CSV_ROWS)
    return csv_response("inherited-risks", CSV_HEADS, rows, _cells)


def _cells(row: InheritedRisk) -> list[Any]:
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
