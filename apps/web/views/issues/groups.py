"""Groups of the list of issues: by cause, application or person, each with its first rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import BooleanField, Case, Min, QuerySet, Value, When
from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.inventory.models import Criticality
from apps.issues.models import (
    CauseKind,
    CauseOffering,
    Issue,
    IssueQuerySet,
    Urgency,
)
from apps.issues.queries import (
    bounded_counts,
    first_groups,
    first_in_each,
    set_aside_condition,
)
from apps.web.lists.pagination import (
    MAX_COUNTED_ROWS,
    PRINT_PAGE_SIZE,
    PaginatedList,
    QuerySource,
    changed_query,
)
from apps.web.views.issues.presenters import (
    RELATIONS,
    URGENCY_BARS,
    IssueRow,
    present_issues,
    record_link,
)
from apps.web.wording import bounded_number, number

GROUPS_PER_PAGE = 15
ROWS_PER_GROUP = 5
# groups that can be paged through; beyond, filters are the better tool
MAX_GROUPS = 500
MIGRATED_KINDS = frozenset(
    {CauseKind.RETIREMENT, CauseKind.FALLBACK_RETIRES, CauseKind.APPROVAL_VIOLATION}
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to group issues. `column` holds the key, `parameter` is the filter that selects one
    group."""

    name: str
    label: str
    plural: str
    column: str
    parameter: str


GROUPINGS = {
    grouping.name: grouping
    for grouping in (
        Grouping("cause", "Cause", "causes", "cause_id", "cause"),
        Grouping("application", "Application", "applications", "application_id", "application"),
        Grouping("person", "Person", "persons", "owner_id", "owner"),
    )
}


@dataclass(frozen=True, slots=True)
class Act:
    label: str
    url: str


@dataclass(slots=True)
class IssueGroup:
    """One group with its first rows; `n` counts all of them, up to MAX_COUNTED_ROWS + 1."""

    key: int | None
    is_set_aside: bool
    n: int
    n_critical: int
    urgency: Urgency
    rows: list[IssueRow] = field(default_factory=list)
    title: str = ""
    url: str = ""
    line: str = ""
    acts: Sequence[Act] = ()
    all_query: str = ""

    @property
    def bars(self) -> int:
        return URGENCY_BARS[self.urgency]

    @property
    def is_cut(self) -> bool:
        return self.n > len(self.rows)

    @property
    def n_shown(self) -> str:
        return bounded_number(self.n, MAX_COUNTED_ROWS)


def mark_set_aside(issues: IssueQuerySet, today: date) -> IssueQuerySet:
    """Annotate the issues with `is_set_aside`: accepted or snoozed, which are listed last."""
    return issues.annotate(
        is_set_aside=Case(
            When(set_aside_condition(today), then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        )
    )


# value of the column of the groups, and whether its issues are set aside
type _GroupKey = tuple[int | None, bool]
_SOON = (Urgency.NOW, Urgency.THIS_MONTH, Urgency.THIS_QUARTER)


@dataclass
class GroupedIssues:
    """A page of groups. A URL that selects one group lists all its rows, page by page."""

    request: QuerySource
    # sorted, with `is_set_aside` and `date`
    issues: "QuerySet[Issue]"
    grouping: Grouping
    today: date

    @cached_property
    def is_single(self) -> bool:
        """Return whether the URL selects one group."""
        return bool(self.request.GET.get(self.grouping.parameter))

    @cached_property
    def _is_print(self) -> bool:
        return self.request.GET.get("print") == "all"

    @cached_property
    def _single(self) -> PaginatedList[Issue]:
        return PaginatedList(self.request, self.issues.select_related(*RELATIONS))

    @cached_property
    def _found(self) -> tuple[list[_GroupKey], bool]:
        """Return (the groups in the order of their first issues, whether there are more); what is
        set aside comes last."""
        found: list[_GroupKey] = []
        is_cut = False
        for is_set_aside in (False, True):
            if len(found) >= MAX_GROUPS:
                return found, is_cut or self._select(None, is_set_aside).exists()
            keys, is_part_cut = first_groups(
                self._select(None, is_set_aside),
                column=self.grouping.column,
                limit=MAX_GROUPS - len(found),
            )
            found += [(key, is_set_aside) for key in keys]
            is_cut = is_cut or is_part_cut
        return found, is_cut

    def _select(self, group: _GroupKey | None, is_set_aside: bool | None = None) -> IssueQuerySet:
        """Return the issues of one group, or of all, in the order of the list."""
        issues: Any = self.issues.order_by(
            *(term for term in self.issues.query.order_by if term != "is_set_aside")
        )
        if group is not None:
            key, is_set_aside = group
            column = self.grouping.column
            issues = issues.filter(
                **({f"{column}__isnull": True} if key is None else {column: key})
            )
        aside = set_aside_condition(self.today)
        selected: IssueQuerySet = issues.filter(aside) if is_set_aside else issues.exclude(aside)
        return selected

    @cached_property
    def groups(self) -> list[IssueGroup]:
        """Return the groups of the page with their rows; the page is what the reader sees."""
        loaded = self._single.rows if self.is_single else self._load_rows()
        rows_by_group: dict[_GroupKey, list[IssueRow]] = {}
        for row in present_issues(loaded, today=self.today):
            group = (getattr(row.issue, self.grouping.column), _is_set_aside(row, self.today))
            rows_by_group.setdefault(group, []).append(row)
        return self._count(rows_by_group)

    def _load_rows(self) -> list[Issue]:
        """Return the first rows of each group of the page, in the order of the list."""
        if self._is_print:
            return list(self.issues.select_related(*RELATIONS)[:PRINT_PAGE_SIZE])
        found = self._found[0][(self.number - 1) * self.size : self.number * self.size]
        return first_in_each(
            [self._select(group) for group in found], n=ROWS_PER_GROUP, relations=RELATIONS
        )

    def _count(self, rows_by_group: Mapping[_GroupKey, list[IssueRow]]) -> list[IssueGroup]:
        """Return the groups with the numbers of their issues and their highest urgency; one
        statement."""
        selections: dict[tuple[_GroupKey, str], IssueQuerySet] = {}
        for group, rows in rows_by_group.items():
            if not (self.is_single or self._is_print) and len(rows) < ROWS_PER_GROUP:
                # these are all
                continue
            issues = self._select(group)
            selections[group, "all"] = issues
            if self.grouping.name == "cause":
                selections[group, "critical"] = issues.filter(criticality=Criticality.CRITICAL)
            if not any(row.urgency == Urgency.NOW for row in rows):
                for urgency in _SOON:
                    selections[group, urgency] = issues.of_urgency([urgency], self.today)[:1]
        counts = bounded_counts(selections, limit=MAX_COUNTED_ROWS + 1)
        return [
            IssueGroup(
                *group,
                n=counts.get((group, "all"), len(rows)),
                n_critical=counts.get(
                    (group, "critical"),
                    sum(row.issue.criticality == Criticality.CRITICAL for row in rows),
                ),
                urgency=next(
                    (u for u in _SOON if counts.get((group, u))),
                    max((row.urgency for row in rows), key=URGENCY_BARS.__getitem__),
                ),
                rows=rows,
            )
            for group, rows in rows_by_group.items()
        ]

    @property
    def rows(self) -> list[IssueRow]:
        return [row for group in self.groups for row in group.rows]

    # --- pages, with the names of `PaginatedList` ---

    @property
    def size(self) -> int:
        return MAX_GROUPS if self._is_print else GROUPS_PER_PAGE

    @property
    def n_found(self) -> int:
        return self._single.n_found if self.is_single else len(self._found[0])

    @property
    def count(self) -> str:
        if self.is_single:
            return self._single.count
        found, is_cut = self._found
        return f"{number(len(found))}{'+' if is_cut else ''}"

    @cached_property
    def number(self) -> int:
        if self.is_single:
            return self._single.number
        text = self.request.GET.get("page", "1")
        page = int(text) if text.isdecimal() and len(text) < 7 else 1
        return min(max(page, 1), self.n_pages)

    @property
    def n_pages(self) -> int:
        return max(1, -(-self.n_found // (self._single.size if self.is_single else self.size)))

    @property
    def first(self) -> int:
        return self._single.first if self.is_single else (self.number - 1) * self.size + 1

    @property
    def last(self) -> int:
        return self._single.last if self.is_single else self.first + len(self.groups) - 1

    @property
    def is_cut(self) -> bool:
        if self.is_single:
            return self._single.is_cut
        return self._found[1] and self.number == self.n_pages

    @property
    def previous(self) -> str:
        return changed_query(self.request, page=self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        is_last = self.number >= self.n_pages
        return "" if is_last else changed_query(self.request, page=self.number + 1)


def _is_set_aside(row: IssueRow, today: date) -> bool:
    """Return whether the row meets `set_aside_condition`."""
    issue = row.issue
    return row.is_snoozed or (issue.state == Issue.State.ACCEPTED and issue.act_by > today)


# --- headings -------------------------------------------------------------------------------------


def describe_groups(listing: GroupedIssues, user: User, *, can_migrate: bool) -> None:
    """Give the groups of the page their headings and acts; one statement."""
    offerings = _first_offerings(listing) if can_migrate else {}
    for group in listing.groups:
        first = group.rows[0]
        match listing.grouping.name:
            case "cause":
                _describe_cause(group, first, user, offerings)
            case "application":
                _describe_application(group, first)
            case _:
                _describe_person(group, first)
        group.all_query = _all_query(listing, group, first)


def _first_offerings(listing: GroupedIssues) -> Mapping[int, int]:
    """Return {cause: an offering that it concerns}, for causes of the page that have no
    migration."""
    causes = {
        row.issue.cause_id
        for row in listing.rows
        if row.issue.cause.kind in MIGRATED_KINDS and row.issue.task_id is None
    }
    if not causes or listing.grouping.name != "cause":
        return {}
    rows = (
        CauseOffering.objects.filter(cause__in=causes)
        .values("cause")
        .annotate(first=Min("offering"))
    )
    return {row["cause"]: row["first"] for row in rows}


def _describe_cause(
    group: IssueGroup, first: IssueRow, user: User, offerings: Mapping[int, int]
) -> None:
    issue = first.issue
    group.title = first.title
    group.url = f"?{urlencode({'cause': issue.cause_id, 'state': ''})}"
    if issue.application_id is None:
        sentences = ["Whole organisation."]
    else:
        count = pluralize(group.n, "1 application", f"{group.n_shown} applications")
        critical = (
            f", {bounded_number(group.n_critical, MAX_COUNTED_ROWS)} critical"
            if group.n_critical
            else ""
        )
        sentences = [f"{count}{critical}."]
    acts = []
    task = next((row.issue.task for row in group.rows if row.issue.task is not None), None)
    if task is not None:
        sentences.append("Migration started.")
        acts.append(Act("Open migration", reverse("campaigns:detail", args=[task.campaign_id])))
    elif issue.cause_id in offerings:
        sentences.append("No migration.")
        query = urlencode({"offering": offerings[issue.cause_id]})
        acts.append(Act("Start migration", f"{reverse('campaigns:create')}?{query}"))
    if (record := record_link(issue, first.subject, user)) is not None:
        acts.append(Act(record.label, record.url))
    group.line, group.acts = " ".join(sentences), acts


def _describe_application(group: IssueGroup, first: IssueRow) -> None:
    application = first.issue.application
    group.line = _count_issues(group)
    if application is None:
        group.title = "Whole organisation"
        return
    group.title = application.name
    url = reverse("applications:detail", args=[application.slug])
    group.url = url
    group.line = f"{application.get_criticality_display()}. {first.issue.team}. {group.line}"
    group.acts = [Act("Open application", url)]


def _describe_person(group: IssueGroup, first: IssueRow) -> None:
    owner = first.issue.owner
    group.title = str(owner) if owner is not None else "Unassigned"
    group.line = _count_issues(group)
    if owner is not None and owner.is_contact:
        group.line = f"By email only. {group.line}"


def _count_issues(group: IssueGroup) -> str:
    return pluralize(group.n, "1 issue.", f"{group.n_shown} issues.")


def _all_query(listing: GroupedIssues, group: IssueGroup, first: IssueRow) -> str:
    """Return the query that lists all rows of the group, with the filters of the page; empty if
    there is none."""
    issue = first.issue
    value: Any = None
    match listing.grouping.name:
        case "cause":
            value = issue.cause_id
        case "application":
            value = issue.application.slug if issue.application is not None else None
        case _:
            value = issue.owner.username if issue.owner is not None else "unassigned"
    if value is None:
        return ""
    return changed_query(
        listing.request, **{listing.grouping.parameter: value, "page": None, "issue": None}
    )
