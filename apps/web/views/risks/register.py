"""Risk register: inherited risks, their sources, and which are unassessed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.database.keyset_pagination import InvalidCursorError
from apps.risks.filters import CRITICALITIES
from apps.risks.levels import Level
from apps.risks.models import Layer, Treatment
from apps.risks.queries.conditions import INHERENT, InheritedRiskConditions, InheritedRiskQuery
from apps.risks.queries.inherited import (
    ORDERS,
    InheritedRisk,
    count_gathered_risks,
    dated_inherited_risks,
    inherited_risks,
    sorted_inherited_risks,
)
from apps.web.lists.columns import Column, FileColumn, format_day
from apps.web.lists.computed_rows import PagedRows
from apps.web.lists.pagination import (
    MAX_COUNTED_ROWS,
    PRINT_PAGE_SIZE,
    KeysetList,
    PaginatedList,
    SortableColumn,
    changed_query,
)
from apps.web.pages.background_files import MAX_ROWS_PER_REQUEST
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline
from apps.web.views.risks import presenters
from apps.web.views.risks.groups import RiskGroupList, is_grouped
from apps.web.views.risks.inherited_risks import NO_FILTERS, InheritedRiskList
from apps.web.wording import bounded_number, day, with_written_dates

MAX_FILE_ROWS = 10_000
_BATCH_SIZE = 500
# orders that need a query of their own if the rows cannot be gathered
_DATE_COLUMNS = {"due", "until"}
# columns that are sorted in descending order first
_DESCENDING_FIRST = {"gravest", "current", "residual"}
# filters whose rows can be counted from the standings of the risks
_COUNTABLE = {"state", "risk", "min_inherent", "severity", "likelihood", "impact", "node", "level"}


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
    treatment: str
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
        treatment=Treatment(risk.treatment).label if risk.treatment else "",
        is_late=risk.due_on is not None and risk.due_on < today and risk.state != "not_applicable",
    )


# --- cells ----------------------------------------------------------------------------------------


def _describe_origin(row: RegisterRow) -> SafeString:
    """Return the record that the risk is attached to, linked to the foundation risk."""
    risk = row.risk
    is_id = risk.node_kind in ("offering", "version")
    return format_html(
        'From {} <a{} href="{}">{}</a>',
        risk.node_kind,
        SafeString(' class="id"') if is_id else "",
        reverse("foundation-risks:detail", args=[risk.risk_id]),
        risk.node_name,
    )


def _describe_status(row: RegisterRow) -> str:
    """Return why an assessment is stale, linked to its event, or until when a risk is accepted."""
    note = with_written_dates(row.note)
    if row.risk.stale_event_id and row.risk.state == "stale":
        address = reverse("events:detail", args=[row.risk.stale_event_id])
        return format_html('<a href="{}">{}</a>', address, note)
    return note


def _describe_treatment(row: RegisterRow) -> str:
    """Return the owner, or that there is none, and the treatment."""
    owner: str = row.risk.owner_name
    if not owner and row.risk.state != "not_applicable":
        owner = SafeString('<span class="unowned">Unassigned</span>')
    texts = [(text,) for text in (owner, row.treatment) if text]
    return format_html_join(" · ", "{}", texts)


def _build_level_columns(name: str, level: Callable[[InheritedRisk], Level | None]) -> Any:
    def likelihood(row: RegisterRow) -> int | None:
        found = level(row.risk)
        return found.likelihood if found else None

    def impact(row: RegisterRow) -> int | None:
        found = level(row.risk)
        return found.impact if found else None

    return (
        FileColumn[RegisterRow](f"{name} likelihood", likelihood),
        FileColumn[RegisterRow](f"{name} impact", impact),
    )


# --- list -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GatheredRisks:
    """Rows of few applications or of one owner, in any order, by page."""

    conditions: InheritedRiskConditions
    on: date
    order: str
    is_descending: bool

    def count(self, *, limit: int) -> int:
        return count_gathered_risks(self.conditions, limit=limit)

    def page(self, *, limit: int, offset: int = 0) -> Sequence[InheritedRisk]:
        return sorted_inherited_risks(
            self.conditions,
            on=self.on,
            order=self.order,
            falling=self.is_descending,
            size=limit,
            offset=offset,
        )


class RegisterList(InheritedRiskList[RegisterRow]):
    """Inherited risks one by one, most severe first. If they are those of few applications or of
    one owner, they are counted and sorted by any column; otherwise they are read onwards from a
    cursor, or by a date. Unless the URL has a filter of single rows or `?group=none`, the page
    shows the groups of the same risks."""

    columns = (
        Column[RegisterRow](
            "risk",
            "Risk",
            lambda row: f"{row.risk.template} {row.risk.title}".lstrip(),
            note=_describe_origin,
            url=lambda row: reverse(
                "inherited-risks:detail", args=[row.risk.risk_id, row.risk.dependency_id]
            ),
        ),
        Column[RegisterRow](
            "application",
            "Application",
            attrgetter("risk.application_name"),
            note=lambda row: f"{row.risk.role} · {row.risk.team_name}",
            url=lambda row: reverse("applications:detail", args=[row.risk.application]),
        ),
        Column[RegisterRow](
            "state",
            "Status",
            attrgetter("state"),
            note=_describe_status,
            css=lambda row: f"state {row.mark}",
        ),
        Column[RegisterRow](
            "gravest", "Severity", attrgetter("inherent"), template="risks/severity-cell.html"
        ),
        Column[RegisterRow](
            "residual",
            "Residual",
            lambda row: row.residual if row.risk.residual else "",
            css=lambda row: f"sev sev-{row.risk.residual.severity}" if row.risk.residual else "",
            width="opt-2",
        ),
        Column[RegisterRow](
            "due",
            "Due and owner",
            attrgetter("risk.due_on"),
            format=format_day,
            note=_describe_treatment,
            css=lambda row: "bad" if row.is_late else "",
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[RegisterRow]("Risk ID", attrgetter("risk.risk_id")),
        FileColumn[RegisterRow]("Template", attrgetter("risk.template")),
        FileColumn[RegisterRow](
            "Layer", lambda row: Layer(row.risk.layer).label if row.risk.layer else ""
        ),
        FileColumn[RegisterRow]("Type of record", attrgetter("risk.node_kind")),
        FileColumn[RegisterRow]("From", attrgetter("risk.node_name")),
        FileColumn[RegisterRow]("Via", attrgetter("risk.via")),
        FileColumn[RegisterRow]("Application ID", attrgetter("risk.application")),
        FileColumn[RegisterRow]("Team", attrgetter("risk.team_name")),
        FileColumn[RegisterRow]("Criticality", lambda row: CRITICALITIES[row.risk.criticality][1]),
        FileColumn[RegisterRow]("Role", attrgetter("risk.role")),
        FileColumn[RegisterRow]("Model ID", attrgetter("risk.api_id")),
        FileColumn[RegisterRow]("Host", attrgetter("risk.host_name")),
        *_build_level_columns("Inherent", attrgetter("inherent")),
        FileColumn[RegisterRow]("Inherent score", attrgetter("risk.inherent.score")),
        FileColumn[RegisterRow]("Score after adaptations", attrgetter("risk.adjusted.score")),
        *_build_level_columns("Current", attrgetter("current")),
        *_build_level_columns("Residual", attrgetter("residual")),
        FileColumn[RegisterRow]("Treatment", attrgetter("treatment")),
        FileColumn[RegisterRow]("Owner", attrgetter("risk.owner_name")),
        FileColumn[RegisterRow]("Due", attrgetter("risk.due_on")),
        FileColumn[RegisterRow]("Accepted until", attrgetter("risk.accepted_until")),
        FileColumn[RegisterRow]("Reason why stale", attrgetter("risk.stale_reason")),
        FileColumn[RegisterRow](
            "Address",
            lambda row: reverse(
                "inherited-risks:detail", args=[row.risk.risk_id, row.risk.dependency_id]
            ),
        ),
    )
    listing_template = "risks/register-rows.html"
    bulk_template = "risks/register-bulk.html"

    def get_controls(self) -> Sequence[FilterControl]:
        return (
            *super().get_controls(),
            FilterControl("treatment", "Treatment", choices=Treatment.choices),
            FilterControl("due_before", "Due before", "date"),
            FilterControl("accepted_before", "Acceptance expires before", "date"),
        )

    # --- order ---

    @cached_property
    def order(self) -> tuple[str, bool]:
        """The key of ORDERS, and whether its default direction is reversed; the default if the list
        cannot be sorted by the requested key."""
        is_gathered, query = self.conditions.gathered, self.request.GET
        default_order = (
            "due" if query.get("due_before") else "until" if query.get("accepted_before") else ""
        )
        sort_key = query.get("sort", default_order)
        order = sort_key.removeprefix("-")
        if order not in ORDERS or not (is_gathered or order in _DATE_COLUMNS | {"gravest"}):
            return "gravest", False
        return order, sort_key.startswith("-") and (is_gathered or order in _DATE_COLUMNS)

    @property
    def is_descending(self) -> bool:
        """Whether the rows are sorted in descending order; by severity, whether in ascending."""
        order, is_reversed = self.order
        return is_reversed if order == "gravest" else is_reversed != (order in _DESCENDING_FIRST)

    @property
    def headers(self) -> list[tuple[Column[Any], SortableColumn | None]]:
        """The columns; the query is empty if the list cannot be sorted by the column."""
        order, is_reversed = self.order
        headers: list[tuple[Column[Any], SortableColumn | None]] = []
        for column in self.columns:
            name = column.name
            is_current = name == order
            sort = f"-{name}" if is_current and not is_reversed else name
            is_sortable = self.conditions.gathered or name in _DATE_COLUMNS
            is_descending = is_reversed != (name in _DESCENDING_FIRST)
            aria = ("descending" if is_descending else "ascending") if is_current else ""
            query = changed_query(self.request, sort=sort, page=None, cursor=None)
            sortable = SortableColumn(column.header, query if is_sortable else "", aria)
            headers.append((column, sortable))
        return headers

    # --- rows ---

    @cached_property
    def gathered_rows(self) -> PagedRows[InheritedRisk]:
        order = self.order[0]
        return PagedRows(GatheredRisks(self.conditions, self.today, order, self.is_descending))

    @cached_property
    def listing(self) -> PaginatedList[Any] | KeysetList[Any]:
        if self.conditions.gathered:
            return PaginatedList(self.request, self.gathered_rows, size=self.page_size)  # type: ignore[arg-type]
        is_printing = self.request.GET.get("print") == "all"
        size = PRINT_PAGE_SIZE if is_printing else self.page_size
        if self.order[0] in _DATE_COLUMNS:
            return self._read_by_date(size)
        return self._read_by_severity(size)

    def _read_by_date(self, size: int) -> KeysetList[InheritedRisk]:
        page_text = self.request.GET.get("page", "1")
        page = max(int(page_text), 1) if page_text.isdecimal() and len(page_text) < 5 else 1
        offset = min((page - 1) * size, MAX_COUNTED_ROWS)
        rows = self._load_by_date(size + 1, offset)
        has_more = len(rows) > size and offset + size < MAX_COUNTED_ROWS
        return KeysetList(
            rows=rows[:size],
            previous=changed_query(self.request, page=page - 1) if page > 1 else "",
            next=changed_query(self.request, page=page + 1) if has_more else "",
            is_filtered=self.is_filtered,
        )

    def _load_by_date(self, size: int, offset: int = 0) -> list[InheritedRisk]:
        return dated_inherited_risks(
            self.conditions,
            on=self.today,
            order=self.order[0],
            falling=self.is_descending,
            size=size,
            offset=offset,
        )

    def _read_by_severity(self, size: int) -> KeysetList[InheritedRisk]:
        cursor = self.request.GET.get("cursor", "")
        arguments: dict[str, Any] = {
            "user": self.user,
            "on": self.today,
            "query": self.query,
            "size": size,
        }
        try:
            page = inherited_risks(**arguments, cursor=cursor)
        except InvalidCursorError:
            page = inherited_risks(**arguments)
        return KeysetList(
            rows=page.rows,
            previous=self._cursor_query(page.previous),
            next=self._cursor_query(page.next),
            is_filtered=self.is_filtered,
        )

    def _cursor_query(self, cursor: str | None) -> str:
        return changed_query(self.request, cursor=cursor, page=None) if cursor else ""

    def build_rows(self, records: Sequence[InheritedRisk]) -> Sequence[RegisterRow]:
        return [register_row(risk, self.user, self.today) for risk in records]

    def get_selection_key(self, row: RegisterRow) -> str:
        return row.pick if row.may else ""

    def get_selection_label(self, row: RegisterRow) -> str:
        return row.label

    # --- files ---

    def iterate_file_rows(
        self, records: Iterable[InheritedRisk] | None = None
    ) -> Iterator[list[Any]]:
        return super().iterate_file_rows(self._load_file_rows() if records is None else records)

    def _load_file_rows(self) -> Iterable[InheritedRisk]:
        """Return the rows of a file in the order of the page, up to MAX_FILE_ROWS."""
        order, is_reversed = self.order
        if order == "gravest" and not is_reversed:
            return matching_risks(self.user, self.query, self.today, limit=MAX_FILE_ROWS)
        if self.conditions.gathered:
            return self.gathered_rows[:MAX_FILE_ROWS]
        return self._load_by_date(MAX_FILE_ROWS)

    def is_long(self) -> bool:
        """Return whether the workbook has more rows than a request can write, or they cannot be
        counted."""
        if self.conditions.gathered:
            n = self.gathered_rows[: MAX_ROWS_PER_REQUEST + 1].count()
            return n > MAX_ROWS_PER_REQUEST
        return self.n_matches is None or self.n_matches > MAX_ROWS_PER_REQUEST

    # --- texts ---

    @cached_property
    def n_matches(self) -> int | None:
        """The number of rows that match the filters; None if the counts of the risks do not
        suffice."""
        if self.conditions.gathered:
            return self.listing.n_found
        query = self.query
        names = {
            name
            for name in InheritedRiskQuery.__slots__
            if getattr(query, name) not in (None, "", False)
        }
        if names - _COUNTABLE or query.level not in ("", INHERENT):
            return None
        n_rows = 0
        for risk_standing in self.standings:
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

    @property
    def count(self) -> str:
        """The number of rows that match the filters; empty if it is unknown."""
        n = self.n_matches
        if n is None:
            return ""
        return bounded_number(n, MAX_COUNTED_ROWS)

    def get_lead(self) -> Headline:
        """Return the rows that match the filters, or those that are not assessed."""
        names = {name for name, value in self.request.GET.items() if value} - NO_FILTERS
        if self.is_filtered and names != {"application"} and self.count:
            return presenters.matches_headline(self.count)
        return presenters.register_headline(
            self.reach,
            application=self.application.name if self.application else "",
            is_counted=self.basis.is_counted,
        )

    # --- view ---

    def render(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        if "heat" in request.GET:
            address = f"{reverse('inherited-risks:heat-map')}{changed_query(request)}"
            return HttpResponsePermanentRedirect(address)
        if is_grouped(self.request, self.query, self.basis):
            groups = RiskGroupList(self.request, at=self.at)
            # read by the decision already
            groups.basis = self.basis
            return groups.render(request, status=status, **context)
        return super().render(request, status=status, **context)


def matching_risks(
    user: User, query: InheritedRiskQuery, on: date, *, limit: int
) -> Iterator[InheritedRisk]:
    """Return every row that matches the filters, most severe first, up to `limit`."""
    cursor, n_sent = "", 0
    while n_sent < limit:
        page = inherited_risks(
            user=user, on=on, query=query, size=min(_BATCH_SIZE, limit - n_sent), cursor=cursor
        )
        yield from page.rows
        n_sent += len(page.rows)
        if not page.next:
            return
        cursor = page.next
