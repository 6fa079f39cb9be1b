"""List of issues, most urgent first; the same rows as CSV; bulk responses."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import batched
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Team, User
from apps.catalog.models import Provider
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.issues.bulk_responses import respond_to_issues
from apps.issues.filters import ME, SNOOZED, UNASSIGNED, UNRESOLVED, IssueFilter
from apps.issues.models import CauseKind, Issue, IssueQuerySet, Urgency
from apps.issues.owners import person_label, possible_owners
from apps.issues.responses import can_respond
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import MAX_COUNTED_ROWS, PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.issues.forms import SNOOZE_CHOICES, SnoozeForm
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues
from apps.web.views.undo import return_path
from apps.web.wording import number

CSV_BATCH_SIZE = 500

ORDERS = Sorting(
    {
        "urgency": ("Urgency", ("act_by", "criticality", "pk")),
        "finish": ("Finish by", ("date", "act_by", "pk")),
        "opened": ("Opened", ("-opened_at", "-pk")),
    }
)
# a URL in a message holds no more
MAX_UNDO_IDS = 100
_DONE = {
    "acknowledge": "acknowledged",
    "assign": "assigned",
    "snooze": "snoozed",
    "undo": "undone",
}


def filter_issues(request: HttpRequest) -> tuple[IssueFilter, IssueQuerySet]:
    """Return the issues that the URL selects, in its order; without a state those that are
    unresolved and not snoozed."""
    user = signed_in_user(request)
    query = request.GET.copy()
    if "state" not in query:
        query["state"] = UNRESOLVED
    filterset = IssueFilter(query, Issue.objects.visible_to(user), request=request)
    issues: IssueQuerySet = filterset.qs.annotate(date=Coalesce("finish_by", "due_on"))
    if query["state"] == UNRESOLVED:
        today = day_of(now())
        issues = issues.filter(Q(snoozed_until=None) | Q(snoozed_until__lte=today))
    return filterset, ORDERS.apply(request, issues)  # type: ignore[return-value]


@require_safe
def issue_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    today = day_of(at)
    filterset, issues = filter_issues(request)
    listing = PaginatedList(request, issues.select_related(*RELATIONS))
    rows = present_issues(listing.rows, today=today)
    row_can_respond = [can_respond(user, row.issue) for row in rows]
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
        rows=rows,
        can_respond=any(row_can_respond),
        owner_choices=[
            (person.pk, person_label(person)) for person in _bulk_owners(rows, row_can_respond)
        ],
        snooze_choices=SNOOZE_CHOICES,
    )


def _bulk_owners(rows: Sequence[IssueRow], row_can_respond: Sequence[bool]) -> Iterable[User]:
    """Return the persons who can own at least one issue of the page to which the user can respond.
    Issues of the organisation, which every user can own, are left out."""
    issues = [
        row.issue
        for row, is_respondable in zip(rows, row_can_respond, strict=True)
        if is_respondable and row.issue.team_id is not None
    ]
    return possible_owners(*issues) if issues else ()


def _controls(user: User) -> list[FilterControl]:
    providers = Provider.objects.order_by("name").values_list("slug", "name")
    teams = Team.objects.visible_to(user).values_list("slug", "name")
    return [
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
        values
        for name, values in filterset.data.lists()
        if name in filterset.filters and (name, values) != ("state", [UNRESOLVED])
    )
    n = issues.order_by()[: MAX_COUNTED_ROWS + 1].count()
    if not n:
        return Headline("No issues match these filters." if is_filtered else "No issue needs work.")
    unresolved = issues.unresolved().filter(act_by__lte=today)
    n_now = unresolved.order_by()[: MAX_COUNTED_ROWS + 1].count()
    counted = f"More than {MAX_COUNTED_ROWS:,}" if n > MAX_COUNTED_ROWS else number(n)
    if is_filtered:
        start = pluralize(
            n, "1 issue matches these filters", f"{counted} issues match these filters"
        )
    else:
        start = pluralize(n, "1 issue is unresolved", f"{counted} issues are unresolved")
    if not n_now:
        return Headline(f"{start}. None of them is urgent now." if n > 1 else f"{start}.")
    urgent = pluralize(n_now, "1 needs work now", f"{number(n_now)} need work now")
    return Headline(f"{start}. ", urgent, ".")


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
        str(issue.owner or ""),
        issue.get_state_display(),
        issue.due_on,
        issue.start_by,
        issue.finish_by,
        issue.opened_at,
        reverse("issues:detail", args=[issue.pk]),
    ]


@require_POST
def bulk_respond(request: HttpRequest) -> HttpResponse:
    """Acknowledge, assign or snooze the selected issues, or undo that. The URL of an undo holds its
    issues."""
    user, at = signed_in_user(request), now()
    back = return_path(request, reverse("issues:list"))
    data = request.POST if "action" in request.POST else request.GET
    ids = [int(pk) for pk in data.getlist("issue") if pk.isdecimal() and len(pk) < 18]
    action = data.get("action", "")
    if action not in _DONE:
        flash_error(request, "Select a response: acknowledge, assign or snooze.")
        return redirect(back)
    if not ids:
        flash_error(request, "Select at least one issue.")
        return redirect(back)
    until = None
    if action == "snooze":
        form = SnoozeForm(data, today=day_of(at))
        if not form.is_valid():
            flash_error(request, "Select for how long the issues are snoozed.")
            return redirect(back)
        until = form.cleaned_data["until"]
    owner = None
    if action == "assign" and (owner_id := data.get("owner", "")):
        # who can own which issue is checked for each
        pk = int(owner_id) if owner_id.isdecimal() and len(owner_id) < 18 else 0
        owner = User.objects.people().filter(pk=pk).first()
        if owner is None:
            flash_error(request, "Select a person from the list.")
            return redirect(back)
    try:
        outcome = respond_to_issues(
            issue_ids=ids, response=action, by=user, at=at, until=until, to=owner
        )
    except DomainError as error:
        flash_error(request, str(error))
        return redirect(back)
    if outcome.updated:
        _confirm(request, outcome.updated, action)
    for reason in dict.fromkeys(rejected.reason for rejected in outcome.rejected):
        flash_error(request, reason)
    return redirect(back)


def _confirm(request: HttpRequest, ids: Sequence[int], action: str) -> None:
    n, done = len(ids), _DONE[action]
    if action == "undo":
        sentence = pluralize(n, "1 response undone.", f"{n} responses undone.")
    else:
        sentence = pluralize(n, f"1 issue {done}.", f"{n} issues {done}.")
    undo = None
    if action != "undo" and n <= MAX_UNDO_IDS:
        query = urlencode([("action", "undo"), *(("issue", pk) for pk in ids)])
        undo = f"{reverse('issues:bulk-respond')}?{query}"
    flash_success(request, sentence, undo=undo)
