"""Groups of the list of issues: by cause, application or person, each with its first rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import (
    BooleanField,
    Case,
    Count,
    F,
    IntegerField,
    Max,
    Min,
    Q,
    QuerySet,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber
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
    UrgencyExpression,
)
from apps.web.pages.list_page import PRINT_PAGE_SIZE, PaginatedList, QuerySource, changed_query
from apps.web.views.issues.presenters import (
    RELATIONS,
    URGENCY_BARS,
    IssueRow,
    present_issues,
    record_link,
)
from apps.web.wording import number

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
    """One group with its first rows; `n` counts all of them."""

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


def mark_set_aside(issues: IssueQuerySet, today: date) -> IssueQuerySet:
    """Annotate the issues with `is_set_aside`: accepted or snoozed, which are listed last."""
    return issues.annotate(
        is_set_aside=Case(
            When(Q(state=Issue.State.ACCEPTED) | Q(snoozed_until__gt=today), then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        )
    )


# {order of the list: order of its groups}
_GROUP_ORDERS = {
    "urgency": ("first_act_by", "first_criticality"),
    "finish": ("first_date", "first_act_by"),
    "opened": ("-last_opened_at",),
}
_RANKS = (Urgency.NOW, Urgency.THIS_MONTH, Urgency.THIS_QUARTER, Urgency.LATER)


@dataclass
class GroupedIssues:
    """A page of groups. A URL that selects one group lists all its rows, page by page."""

    request: QuerySource
    # sorted, with `is_set_aside` and `date`
    issues: "QuerySet[Issue]"
    grouping: Grouping
    order: str
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
    def _found(self) -> list[IssueGroup]:
        """Return the groups in order, at most MAX_GROUPS + 1; one statement."""
        is_descending = self.order.startswith("-")
        order = [
            F(term.lstrip("-")).desc(nulls_last=True)
            if term.startswith("-") != is_descending
            else F(term.lstrip("-")).asc(nulls_last=True)
            for term in _GROUP_ORDERS[self.order.removeprefix("-")]
        ]
        column = self.grouping.column
        rank = Case(
            *(When(now_urgency=urgency, then=Value(n)) for n, urgency in enumerate(_RANKS)),
            output_field=IntegerField(),
        )
        groups = (
            self.issues.order_by()
            .annotate(now_urgency=UrgencyExpression(self.today))
            .values(column, "is_set_aside")
            .annotate(
                n=Count("pk"),
                n_critical=Count("pk", filter=Q(criticality=Criticality.CRITICAL)),
                rank=Min(rank),
                first_act_by=Min("act_by"),
                first_criticality=Min("criticality"),
                first_date=Min("date"),
                last_opened_at=Max("opened_at"),
            )
            .order_by("is_set_aside", *order, column)[: MAX_GROUPS + 1]
        )
        return [
            IssueGroup(
                key=row[column],
                is_set_aside=row["is_set_aside"],
                n=row["n"],
                n_critical=row["n_critical"],
                urgency=_RANKS[row["rank"]],
            )
            for row in groups
        ]

    @cached_property
    def groups(self) -> list[IssueGroup]:
        """Return the groups of the page with their rows; the page is what the reader sees."""
        if self.is_single:
            groups, loaded = self._found, self._single.rows
        else:
            start = (self.number - 1) * self.size
            groups = self._found[start : start + self.size]
            loaded = self._load_rows(groups)
        by_key = {(group.key, group.is_set_aside): group for group in groups}
        for row in present_issues(loaded, today=self.today):
            key = (getattr(row.issue, self.grouping.column), _is_set_aside(row, self.today))
            if key in by_key:
                by_key[key].rows.append(row)
        return [group for group in groups if group.rows]

    def _load_rows(self, groups: Sequence[IssueGroup]) -> list[Issue]:
        """Return the first rows of each group, in the order of the list."""
        if not groups:
            return []
        column = self.grouping.column
        selected = Q()
        for is_set_aside in (False, True):
            keys = [group.key for group in groups if group.is_set_aside == is_set_aside]
            known = [key for key in keys if key is not None]
            condition = Q(**{f"{column}__in": known})
            if None in keys:
                condition |= Q(**{f"{column}__isnull": True})
            selected |= condition & Q(is_set_aside=is_set_aside)
        issues = self.issues.filter(selected)
        if self._is_print:
            return list(issues.select_related(*RELATIONS)[:PRINT_PAGE_SIZE])
        terms = [str(term) for term in issues.query.order_by if term != "is_set_aside"]
        place = Window(
            RowNumber(),
            partition_by=[F(column), F("is_set_aside")],
            order_by=[
                F(term[1:]).desc() if term.startswith("-") else F(term).asc() for term in terms
            ],
        )
        ranked = issues.annotate(place=place).filter(place__lte=ROWS_PER_GROUP)
        return list(ranked.select_related(*RELATIONS))

    @property
    def rows(self) -> list[IssueRow]:
        return [row for group in self.groups for row in group.rows]

    # --- pages, with the names of `PaginatedList` ---

    @property
    def size(self) -> int:
        return MAX_GROUPS if self._is_print else GROUPS_PER_PAGE

    @property
    def n_found(self) -> int:
        return self._single.n_found if self.is_single else min(len(self._found), MAX_GROUPS)

    @property
    def count(self) -> str:
        if self.is_single:
            return self._single.count
        return f"{MAX_GROUPS}+" if len(self._found) > MAX_GROUPS else number(self.n_found)

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
        return len(self._found) > MAX_GROUPS and self.number == self.n_pages

    @property
    def previous(self) -> str:
        return changed_query(self.request, page=self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        is_last = self.number >= self.n_pages
        return "" if is_last else changed_query(self.request, page=self.number + 1)


def _is_set_aside(row: IssueRow, today: date) -> bool:
    return row.is_snoozed or row.issue.state == Issue.State.ACCEPTED


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
        count = pluralize(group.n, "1 application", f"{number(group.n)} applications")
        critical = f", {number(group.n_critical)} critical" if group.n_critical else ""
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
    return pluralize(group.n, "1 issue.", f"{number(group.n)} issues.")


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
