"""List of issues, most urgent first; the same rows as CSV; bulk responses."""

from collections.abc import Iterator
from datetime import date
from itertools import batched
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Team, User
from apps.catalog.models import Provider
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.issues.bulk_responses import MAX_BULK_RESPONSES, respond_to_issues
from apps.issues.filters import ME, SNOOZED, UNASSIGNED, UNRESOLVED, IssueFilter
from apps.issues.models import CauseKind, Issue, IssueQuerySet, Urgency
from apps.issues.responses import can_respond
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import MAX_COUNTED_ROWS, PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.issues.forms import SnoozeForm
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues
from apps.web.views.undo import return_path
from apps.web.wording import number

CSV_BATCH_SIZE = 500

ORDERS = Sorting(
    {
        "urgency": ("Urgency", ("act_by", "criticality", "pk")),
        "finish": ("Finish by", ("finish_by", "act_by", "pk")),
        "opened": ("Opened", ("-opened_at", "-pk")),
    }
)
SNOOZE_CHOICES = ((7, "7 days"), (14, "14 days"), (30, "30 days"), (90, "90 days"))


def filter_issues(request: HttpRequest) -> tuple[IssueFilter, IssueQuerySet]:
    """Return the issues that the URL selects, in its order; without a state those that are
    unresolved and not snoozed."""
    user = signed_in_user(request)
    query = request.GET.copy()
    if "state" not in query:
        query["state"] = UNRESOLVED
    filterset = IssueFilter(query, Issue.objects.visible_to(user), request=request)
    issues: IssueQuerySet = filterset.qs
    if query["state"] != SNOOZED:
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
    return render_page(
        request,
        "issues/list.html",
        fragment="listing",
        title="Issues",
        counts="Issues of your applications",
        as_of=at,
        sentence=_headline(user, today),
        filters=build_filter_controls(
            request, filterset, _controls(user), usual={"state": UNRESOLVED}
        ),
        columns=ORDERS.columns(request),
        listing=listing,
        rows=rows,
        can_respond=any(can_respond(user, row.issue) for row in rows),
        snooze_choices=SNOOZE_CHOICES,
    )


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


def _headline(user: User, today: date) -> Headline:
    issues = Issue.objects.visible_to(user).unresolved()
    n = issues.order_by()[: MAX_COUNTED_ROWS + 1].count()
    if not n:
        return Headline("No issue needs work.")
    n_now = issues.filter(act_by__lte=today).order_by()[: MAX_COUNTED_ROWS + 1].count()
    counted = f"more than {MAX_COUNTED_ROWS:,}" if n > MAX_COUNTED_ROWS else number(n)
    before = pluralize(n, f"{counted} issue is unresolved", f"{counted} issues are unresolved")
    before = before[0].upper() + before[1:]
    if not n_now:
        return Headline(f"{before}. None of them is urgent now.")
    urgent = pluralize(n_now, f"{number(n_now)} needs work now", f"{number(n_now)} need work now")
    return Headline(f"{before}. ", urgent, ".")


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
    """Acknowledge or snooze the selected issues."""
    user, at = signed_in_user(request), now()
    back = return_path(request, reverse("issues:list"))
    ids = [int(pk) for pk in request.POST.getlist("issue") if pk.isdecimal() and len(pk) < 18]
    if not ids:
        flash_error(request, "Select at least one issue.")
        return redirect(back)
    response = request.POST.get("action", "")
    until = None
    if response == "snooze":
        form = SnoozeForm(request.POST, today=day_of(at))
        if not form.is_valid():
            flash_error(request, "Select for how long the issues are snoozed.")
            return redirect(back)
        until = form.cleaned_data["until"]
    try:
        outcome = respond_to_issues(
            issue_ids=ids[:MAX_BULK_RESPONSES], response=response, by=user, at=at, until=until
        )
    except DomainError as error:
        flash_error(request, str(error))
        return redirect(back)
    if outcome.updated:
        n = len(outcome.updated)
        verb = {"acknowledge": "acknowledged", "snooze": "snoozed"}.get(response, "updated")
        flash_success(request, pluralize(n, f"1 issue {verb}.", f"{n} issues {verb}."))
    for rejected in outcome.rejected[:5]:
        flash_error(request, rejected.reason)
    return redirect(back)
