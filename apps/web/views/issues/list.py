"""Work: the inbox of issues, in groups and most urgent first; the same rows as CSV."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import Any
from urllib.parse import urlencode

from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.catalog.models import Provider
from apps.common.text import pluralize
from apps.common.time import day_of, now
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
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import MAX_COUNTED_ROWS, Sorting, changed_query, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.issues.detail import issue_context, visible_issue
from apps.web.views.issues.forms import SNOOZE_CHOICES
from apps.web.views.issues.groups import (
    GROUPINGS,
    GroupedIssues,
    describe_groups,
    mark_set_aside,
)
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues
from apps.web.wording import number

CSV_BATCH_SIZE = 500
# a count of a tab or a view goes no further
MAX_VIEW_COUNT = 1_000

ORDERS = Sorting(
    {
        "urgency": ("Urgency", ("act_by", "criticality", "pk")),
        "finish": ("Finish by", ("date", "act_by", "pk")),
        "opened": ("Opened", ("-opened_at", "-pk")),
    }
)


def select_issues(
    request: HttpRequest, user: User, query: QueryDict
) -> tuple[IssueFilter, IssueQuerySet]:
    """Return the issues that a query selects. Without a state those that are unresolved and not
    snoozed. Rows, counts of views and the file are all selected here."""
    query = query.copy()
    if "state" not in query:
        query["state"] = UNRESOLVED
    filterset = IssueFilter(query, Issue.objects.visible_to(user), request=request)
    issues: IssueQuerySet = filterset.qs
    if query["state"] == UNRESOLVED:
        issues = issues.in_work(on=day_of(now()))
    return filterset, issues


def filter_issues(request: HttpRequest) -> tuple[IssueFilter, IssueQuerySet]:
    """Return the issues that the URL selects, in its order; accepted and snoozed ones last."""
    filterset, issues = select_issues(request, signed_in_user(request), request.GET)
    issues = mark_set_aside(issues, day_of(now())).annotate(date=Coalesce("finish_by", "due_on"))
    ordered = ORDERS.apply(request, issues)
    terms = ("is_set_aside", *ordered.query.order_by)
    return filterset, ordered.order_by(*terms)  # type: ignore[return-value]


@require_safe
def issue_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    today = day_of(at)
    filterset, issues = filter_issues(request)
    grouping = GROUPINGS.get(request.GET.get("group", ""), GROUPINGS["cause"])
    listing = GroupedIssues(request, issues, grouping, today)
    rows = listing.rows
    respondable = {row.issue.pk for row in rows if can_respond(user, row.issue)}
    describe_groups(listing, user, can_migrate=user.is_governance)
    return render_page(
        request,
        "issues/list.html",
        fragment="listing",
        title="Work",
        counts="Issues of your applications",
        as_of=at,
        sentence=_headline(filterset, issues, today),
        filters=build_filter_controls(
            request, filterset, _controls(user), default_values={"state": UNRESOLVED}
        ),
        columns=ORDERS.columns(request),
        listing=listing,
        groups=listing.groups,
        grouping=grouping,
        group_links=[
            (choice, changed_query(request, group=choice.name, page=None))
            for choice in GROUPINGS.values()
        ],
        tabs=_tabs(request, user),
        views=_views(request, user),
        rows=rows,
        respondable=respondable,
        can_respond=bool(respondable),
        owner_choices=[
            (person.pk, person_label(person)) for person in _bulk_owners(rows, respondable)
        ],
        snooze_choices=SNOOZE_CHOICES,
        panel=_panel(request, user),
    )


def _panel(request: HttpRequest, user: User) -> dict[str, Any] | None:
    """Return the context of the issue that the URL opens beside the list."""
    text = request.GET.get("issue", "")
    # a fragment replaces the list alone
    if not text.isdecimal() or len(text) > 17 or getattr(request, "htmx", False):
        return None
    issue = visible_issue(user, int(text))
    return issue_context(request, issue) if issue is not None else None


def _bulk_owners(rows: Sequence[IssueRow], respondable: set[int]) -> Iterable[User]:
    """Return the persons who can own at least one issue of the page to which the user can respond.
    Issues of the organisation, which every user can own, are left out."""
    issues = [
        row.issue for row in rows if row.issue.pk in respondable and row.issue.team_id is not None
    ]
    return possible_owners(*issues) if issues else ()


# --- tabs and views -------------------------------------------------------------------------------

# parameters that are neither a scope nor a filter of a view
_KEPT = ("group", "sort")


@dataclass(frozen=True, slots=True)
class ViewLink:
    label: str
    url: str
    count: str
    is_current: bool


def _tabs(request: HttpRequest, user: User) -> list[ViewLink]:
    """Return the scopes, each with the number of issues that it lists without other filters."""
    scopes = [(MINE, "Mine"), (MY_TEAMS, "My teams"), (ALL, "All")]
    queries = {label: {"scope": scope} for scope, label in scopes}
    current = request.GET.get("scope") or ALL
    return _links(
        request,
        user,
        queries,
        {label for scope, label in scopes if scope == current},
        MAX_COUNTED_ROWS,
    )


# {label: filters of a view}
_VIEWS = {
    "Now": {"urgency": Urgency.NOW.value},
    "Unassigned": {"owner": UNASSIGNED},
    "No response": {"state": Issue.State.OPEN.value},
    "Accepted": {"state": Issue.State.ACCEPTED.value},
    "Snoozed": {"state": SNOOZED},
}


def _views(request: HttpRequest, user: User) -> list[ViewLink]:
    """Return the views that every user has, each with the number of issues that it lists."""
    scope = {"scope": request.GET["scope"]} if request.GET.get("scope") else {}
    queries = {label: {**scope, **filters} for label, filters in _VIEWS.items()}
    given = {
        name: values
        for name, values in request.GET.lists()
        if any(values) and name not in {*_KEPT, "page", "issue", "print"}
    }
    current = {
        label
        for label, filters in queries.items()
        if given == {name: [value] for name, value in filters.items()}
    }
    return _links(request, user, queries, current, MAX_VIEW_COUNT)


def _links(
    request: HttpRequest,
    user: User,
    queries: dict[str, dict[str, str]],
    current: set[str],
    limit: int,
) -> list[ViewLink]:
    """Return links with their counts; one statement for all."""
    selections = {}
    for label, filters in queries.items():
        query = QueryDict(mutable=True)
        query.update(filters)
        selections[label] = select_issues(request, user, query)[1]
    counts = bounded_counts(selections, limit=limit + 1)
    kept = {name: request.GET[name] for name in _KEPT if request.GET.get(name)}
    return [
        ViewLink(
            label,
            f"?{urlencode({**filters, **kept})}",
            f"{limit:,}+" if counts[label] > limit else number(counts[label]),
            label in current,
        )
        for label, filters in queries.items()
    ]


# --- filters and headline -------------------------------------------------------------------------


def _controls(user: User) -> list[FilterControl]:
    providers = Provider.objects.order_by("name").values_list("slug", "name")
    teams = Team.objects.visible_to(user).values_list("slug", "name")
    return [
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
    ]


def _headline(filterset: IssueFilter, issues: IssueQuerySet, today: date) -> Headline:
    """Count what the filters select; without any, what is unresolved."""
    is_filtered = any(
        any(values)
        for name, values in filterset.data.lists()
        if name in filterset.filters
        and (name, values) not in [("state", [UNRESOLVED]), ("scope", [ALL])]
    )
    urgent = issues.unresolved().filter(act_by__lte=today)
    counts = bounded_counts(
        {"all": issues, "now": urgent, "unassigned": urgent.filter(owner=None)},
        limit=MAX_COUNTED_ROWS + 1,
    )
    n, n_now, n_unassigned = counts["all"], counts["now"], counts["unassigned"]
    if not n:
        return Headline("No issues match these filters." if is_filtered else "No issue needs work.")
    match_clause = " that match these filters" if is_filtered else ""
    if not n_now:
        subject = pluralize(n, "1 issue", f"{_bounded(n)} issues")
        if is_filtered:
            verb = pluralize(n, "matches", "match")
            return Headline(f"{subject} {verb} these filters. None needs action now.")
        return Headline(f"{subject} {pluralize(n, 'is', 'are')} unresolved. None needs action now.")
    issues_clause = pluralize(n, "1 issue", f"{_bounded(n)} issues")
    verb = pluralize(n_now, "needs", "need")
    mark = f"{_bounded(n_now)} of {issues_clause}{match_clause} {verb} action now."
    after = pluralize(
        n_unassigned,
        " 1 of them is unassigned.",
        f" {_bounded(n_unassigned)} of them are unassigned.",
    )
    return Headline("", mark, after if n_unassigned else "")


def _bounded(n: int) -> str:
    return f"more than {MAX_COUNTED_ROWS:,}" if n > MAX_COUNTED_ROWS else number(n)


# --- the same as a table --------------------------------------------------------------------------

CSV_HEADER = [
    "urgency",
    "issue",
    "advice",
    "type",
    "application",
    "criticality",
    "team",
    "owner",
    "state",
    "date",
    "start by",
    "finish by",
    "opened",
    "last notified",
    "response",
    "URL",
]


@require_safe
def issue_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send what the page lists with these filters, in that order, as CSV."""
    _, issues = filter_issues(request)
    today = day_of(now())
    return csv_response(
        "issues", CSV_HEADER, _iterate_rows(issues.select_related(*RELATIONS), today), _csv_cells
    )


def _iterate_rows(issues: IssueQuerySet, today: date) -> Iterator[IssueRow]:
    stream = issues.iterator(chunk_size=CSV_BATCH_SIZE)
    for batch in batched(stream, CSV_BATCH_SIZE, strict=False):
        yield from present_issues(batch, today=today)


def _csv_cells(row: IssueRow) -> list[Any]:
    issue = row.issue
    application = issue.application
    return [
        row.urgency.label,
        row.title,
        row.advice,
        issue.cause.get_kind_display(),
        application.name if application else "",
        application.get_criticality_display() if application else "",
        str(issue.team or ""),
        str(issue.owner or "Unassigned"),
        issue.get_state_display(),
        issue.due_on,
        issue.start_by,
        issue.finish_by,
        issue.opened_at,
        row.notified_at,
        row.answer,
        reverse("issues:detail", args=[issue.pk]),
    ]
