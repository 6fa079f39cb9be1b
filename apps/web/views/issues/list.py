"""Work: the inbox of issues, in groups and most urgent first; the same rows as files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.models import Team, User
from apps.catalog.models import Provider
from apps.common.text import pluralize
from apps.issues.filters import (
    ALL,
    ME,
    MINE,
    MY_TEAMS,
    SNOOZED,
    UNASSIGNED,
    UNRESOLVED,
    IssueFilter,
)
from apps.issues.models import CauseKind, Issue, IssueQuerySet, Urgency
from apps.issues.owners import person_label, possible_owners
from apps.issues.queries import bounded_counts
from apps.issues.responses import can_respond
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage, ListRequest
from apps.web.lists.pagination import MAX_COUNTED_ROWS, changed_query
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline
from apps.web.views.issues.detail import issue_context, visible_issue
from apps.web.views.issues.forms import SNOOZE_CHOICES
from apps.web.views.issues.groups import (
    GROUPINGS,
    GroupedIssues,
    Grouping,
    IssueGroup,
    describe_groups,
    mark_set_aside,
)
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues
from apps.web.wording import bounded_number, number

# a count of a tab or a view goes no further
MAX_VIEW_COUNT = 1_000
# parameters that are neither a scope nor a filter of a view
_KEPT = ("group", "sort")
# {label: filters of a view}
_VIEWS = {
    "Now": {"urgency": Urgency.NOW.value},
    "Unassigned": {"owner": UNASSIGNED},
    "No response": {"state": Issue.State.OPEN.value},
    "Accepted": {"state": Issue.State.ACCEPTED.value},
    "Snoozed": {"state": SNOOZED},
}
_SCOPES = ((MINE, "Mine"), (MY_TEAMS, "My teams"), (ALL, "All"))


@dataclass(frozen=True, slots=True)
class ViewLink:
    label: str
    url: str
    count: str
    is_current: bool


class IssueList(ListPage[Issue, IssueRow]):
    """Issues by the filters of the URL, accepted and snoozed ones last; without a state those that
    are unresolved and not snoozed. The page draws them in groups; the columns are those of its
    files."""

    namespace = "issues"
    title = "Work"
    nouns = ("issue", "issues")
    counts = "Issues of your applications"
    filterset_class = IssueFilter
    columns = (
        Column[IssueRow](
            "urgency",
            "Urgency",
            attrgetter("urgency.label"),
            order=("act_by", "criticality", "pk"),
        ),
        Column[IssueRow]("issue", "Issue", attrgetter("title")),
        Column[IssueRow]("owner", "Owner", lambda row: str(row.issue.owner or "Unassigned")),
        Column[IssueRow]("state", "State", lambda row: row.issue.get_state_display()),
        Column[IssueRow](
            "finish", "Finish by", attrgetter("issue.finish_by"), order=("date", "act_by", "pk")
        ),
        Column[IssueRow](
            "opened", "Opened", attrgetter("issue.opened_at"), order=("-opened_at", "-pk")
        ),
    )
    file_columns = (
        FileColumn[IssueRow]("Advice", attrgetter("advice")),
        FileColumn[IssueRow]("Type", lambda row: row.issue.cause.get_kind_display()),
        FileColumn[IssueRow](
            "Application", lambda row: row.issue.application.name if row.issue.application else ""
        ),
        FileColumn[IssueRow](
            "Criticality",
            lambda row: (
                row.issue.application.get_criticality_display() if row.issue.application else ""
            ),
        ),
        FileColumn[IssueRow]("Team", lambda row: str(row.issue.team or "")),
        FileColumn[IssueRow]("Date", attrgetter("issue.due_on")),
        FileColumn[IssueRow]("Start by", attrgetter("issue.start_by")),
        FileColumn[IssueRow]("Last notified", attrgetter("notified_at")),
        FileColumn[IssueRow]("Response", attrgetter("answer")),
        FileColumn[IssueRow]("Address", lambda row: reverse("issues:detail", args=[row.issue.pk])),
    )
    default_filters = {"state": UNRESOLVED}
    default_order = ("urgency", ())
    is_table = False
    template = "issues/list.html"
    listing_template = "issues/listing.html"

    def get_queryset(self) -> IssueQuerySet:
        return Issue.objects.visible_to(self.user)

    @cached_property
    def selected(self) -> IssueQuerySet:
        """The issues that the filters select. Rows, counts of views and files are selected here."""
        issues: IssueQuerySet = self.filterset.qs
        is_work = self.filterset.data["state"] == UNRESOLVED
        return issues.in_work(on=self.today) if is_work else issues

    def narrow(self, queryset: "QuerySet[Issue]") -> "QuerySet[Issue]":
        issues = mark_set_aside(self.selected, self.today)
        return issues.annotate(date=Coalesce("finish_by", "due_on"))

    @cached_property
    def queryset(self) -> "QuerySet[Issue]":
        ordered: Any = super().queryset
        queryset: QuerySet[Issue] = ordered.order_by("is_set_aside", *ordered.query.order_by)
        return queryset

    def get_file_queryset(self) -> "QuerySet[Issue]":
        return self.queryset.select_related(*RELATIONS)

    def build_rows(self, records: Sequence[Issue]) -> Sequence[IssueRow]:
        return present_issues(records, today=self.today)

    # --- groups -----------------------------------------------------------------------------------

    @cached_property
    def grouping(self) -> Grouping:
        return GROUPINGS.get(self.request.GET.get("group", ""), GROUPINGS["cause"])

    @cached_property
    def listing(self) -> GroupedIssues:  # type: ignore[override]
        return GroupedIssues(self.request, self.queryset, self.grouping, self.today)

    @cached_property
    def groups(self) -> list[IssueGroup]:
        describe_groups(self.listing, self.user, can_migrate=self.user.is_governance)
        return self.listing.groups

    @cached_property
    def rows(self) -> Sequence[IssueRow]:
        return self.listing.rows

    @property
    def group_links(self) -> list[tuple[Grouping, str]]:
        return [
            (choice, changed_query(self.request, group=choice.name, page=None))
            for choice in GROUPINGS.values()
        ]

    @cached_property
    def respondable(self) -> set[int]:
        """The issues of the page to which the user can respond."""
        return {row.issue.pk for row in self.rows if can_respond(self.user, row.issue)}

    @cached_property
    def owner_choices(self) -> list[tuple[int, str]]:
        """The people who can own at least one issue of the page to which the user can respond.
        Issues of the organisation, which every user can own, are left out."""
        issues = [
            row.issue
            for row in self.rows
            if row.issue.pk in self.respondable and row.issue.team_id is not None
        ]
        owners: Iterable[User] = possible_owners(*issues) if issues else ()
        return [(person.pk, person_label(person)) for person in owners]

    # --- tabs and views ---------------------------------------------------------------------------

    @property
    def tabs(self) -> list[ViewLink]:
        """The scopes, each with the number of issues that it lists without other filters."""
        current = self.request.GET.get("scope") or ALL
        return self._links(
            {label: {"scope": scope} for scope, label in _SCOPES},
            {label for scope, label in _SCOPES if scope == current},
            MAX_COUNTED_ROWS,
        )

    @property
    def views(self) -> list[ViewLink]:
        """The views that every user has, each with the number of issues that it lists."""
        query = self.request.GET
        scope = {"scope": query.get("scope", "")} if query.get("scope") else {}
        queries = {label: {**scope, **filters} for label, filters in _VIEWS.items()}
        given = {
            name: values
            for name, values in query.lists()
            if any(values) and name not in {*_KEPT, "page", "issue", "print"}
        }
        current = {
            label
            for label, filters in queries.items()
            if given == {name: [value] for name, value in filters.items()}
        }
        return self._links(queries, current, MAX_VIEW_COUNT)

    def _links(
        self, queries: Mapping[str, Mapping[str, str]], current: set[str], limit: int
    ) -> list[ViewLink]:
        """Return links with their counts; one statement for all."""
        selections = {}
        for label, filters in queries.items():
            query = QueryDict(mutable=True)
            query.update(filters)
            selections[label] = IssueList(ListRequest(query, self.user), at=self.at).selected
        counts = bounded_counts(selections, limit=limit + 1)
        kept = {name: self.request.GET[name] for name in _KEPT if self.request.GET.get(name)}
        return [
            ViewLink(
                label,
                f"?{urlencode({**filters, **kept})}",
                bounded_number(counts[label], limit),
                label in current,
            )
            for label, filters in queries.items()
        ]

    # --- filters and lead -------------------------------------------------------------------------

    def get_controls(self) -> Sequence[FilterControl]:
        providers = Provider.objects.order_by("name").values_list("slug", "name")
        teams = Team.objects.visible_to(self.user).values_list("slug", "name")
        return (
            FilterControl("q", "Search", "search"),
            FilterControl(
                "state",
                "State",
                choices=[
                    (UNRESOLVED, "Unresolved"),
                    (SNOOZED, "Snoozed"),
                    *Issue.State.choices,
                ],
            ),
            FilterControl("urgency", "Urgency", choices=Urgency.choices),
            FilterControl("owner", "Owner", choices=[(ME, "Me"), (UNASSIGNED, "Unassigned")]),
            FilterControl("kind", "Type", choices=CauseKind.choices),
            FilterControl("team", "Team", choices=list(teams)),
            FilterControl("provider", "Provider", choices=list(providers)),
            FilterControl("opened_since", "Opened since", "date"),
            FilterControl("resolved_since", "Resolved since", "date"),
        )

    @cached_property
    def is_filtered(self) -> bool:
        """Whether the address selects other issues than all unresolved ones."""
        return any(
            any(values) or name == "state"
            for name, values in self.request.GET.lists()
            if name in self.filterset.filters
            and (name, values) not in [("state", [UNRESOLVED]), ("scope", [ALL])]
        )

    def get_lead(self) -> Headline:
        """Count what the filters select; without any, what is unresolved."""
        urgent = self.selected.unresolved().filter(act_by__lte=self.today)
        counts = bounded_counts(
            {"all": self.selected, "now": urgent, "unassigned": urgent.filter(owner=None)},
            limit=MAX_COUNTED_ROWS + 1,
        )
        n, n_now, n_unassigned = counts["all"], counts["now"], counts["unassigned"]
        if not n:
            return Headline(
                "No issues match these filters." if self.is_filtered else "No issue needs work."
            )
        subject = pluralize(n, "1 issue", f"{_bounded(n)} issues")
        if not n_now:
            verb = (
                pluralize(n, "matches", "match") if self.is_filtered else pluralize(n, "is", "are")
            )
            rest = "these filters" if self.is_filtered else "unresolved"
            return Headline(f"{subject} {verb} {rest}. None needs action now.")
        match_clause = " that match these filters" if self.is_filtered else ""
        verb = pluralize(n_now, "needs", "need")
        mark = f"{_bounded(n_now)} of {subject}{match_clause} {verb} action now."
        after = pluralize(
            n_unassigned,
            " 1 of them is unassigned.",
            f" {_bounded(n_unassigned)} of them are unassigned.",
        )
        return Headline("", mark, after if n_unassigned else "")

    def get_basis(self) -> str:
        return (
            "An issue is one fact that needs work, for one application: a retirement, an approval "
            "violation, a deadline. It closes by itself when its cause ends."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No issues yet.",
            "An issue opens when a model that an application uses retires, violates an approval or "
            "misses a deadline.",
            "View applications",
            reverse("applications:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        return {
            "groups": self.groups,
            "grouping": self.grouping,
            "respondable": self.respondable,
            "can_respond": bool(self.respondable),
            "snooze_choices": SNOOZE_CHOICES,
        }

    def render(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        # a fragment replaces the list alone
        panel = None if getattr(request, "htmx", False) else self._load_panel(request)
        return super().render(request, status=status, panel=panel, **context)

    def _load_panel(self, request: HttpRequest) -> dict[str, Any] | None:
        """Return the context of the issue that the URL opens beside the list."""
        text = request.GET.get("issue", "")
        if not text.isdecimal() or len(text) > 17:
            return None
        issue = visible_issue(self.user, int(text))
        return issue_context(request, issue) if issue is not None else None


def _bounded(n: int) -> str:
    return f"more than {MAX_COUNTED_ROWS:,}" if n > MAX_COUNTED_ROWS else number(n)
