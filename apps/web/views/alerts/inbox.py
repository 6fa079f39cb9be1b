"""Alert inbox: open alerts, filtered and sorted; bulk responses, and their undo."""

from collections.abc import Iterator
from itertools import batched
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Team, User
from apps.alerts.delivery.status import RecipientStatus
from apps.alerts.filters import AlertFilter
from apps.alerts.lifecycle.responses import AlertResponse
from apps.alerts.models import KINDS, Alert, AlertQuerySet
from apps.alerts.queries import visible_alerts
from apps.catalog.models import Provider
from apps.common.time import day_of, now
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import MAX_COUNTED_ROWS, PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts import responses
from apps.web.views.alerts.forms import ResolveForm, SnoozeForm
from apps.web.views.alerts.presenters import SNOOZES, AlertRow, present_alerts, recipient_name
from apps.web.wording import count_of, join_names

PAGE_SIZE = 30
MAX_CSV_ROWS = 10_000
CSV_BATCH_SIZE = 500

ORDERS = Sorting(
    {
        "severity": ("Most severe", ("-severity", "-raised_at", "-pk")),
        "due": ("Due first", ("due_on", "-severity", "-pk")),
        "raised": ("Latest", ("-raised_at", "-pk")),
    }
)
WITHIN = ((7, "7 days"), (14, "14 days"), (30, "30 days"), (90, "90 days"), (180, "180 days"))


def filter_alerts(request: HttpRequest) -> tuple[AlertFilter, AlertQuerySet]:
    """Return the alerts that the URL selects, in its order; those that need a response if it names
    no state."""
    asked = request.GET.copy()
    if "state" not in request.GET:
        asked["state"] = Alert.State.OPEN
    found = AlertFilter(asked, visible_alerts(signed_in_user(request)), request=request)
    ordered: AlertQuerySet = ORDERS.apply(request, found.qs)  # type: ignore[assignment]
    return found, ordered


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    found, queryset = filter_alerts(request)
    listing = PaginatedList(request, queryset, size=PAGE_SIZE)
    today = day_of(at)
    rows = present_alerts(listing.rows, user, on=today)
    return render_page(
        request,
        "alerts/list.html",
        fragment="listing",
        title="Alerts",
        counts="Alerts of your teams and your own",
        as_of=at,
        sentence=_sentence(user),
        filters=build_filter_controls(
            request, found, _controls(user), default_values={"state": Alert.State.OPEN.value}
        ),
        columns=ORDERS.columns(request),
        listing=listing,
        rows=rows,
        answers_several=any(row.may_answer for row in rows),
        snoozes=SNOOZES,
        # only a whole page has the place to offer it
        undo=None if getattr(request, "htmx", False) else responses.load_undo(request),
    )


def _controls(user: User) -> list[FilterControl]:
    providers = Provider.objects.order_by("name").values_list("slug", "name")
    return [
        FilterControl("state", "State", choices=Alert.State.choices),
        FilterControl("mine", "Whose", choices=[("true", "Mine"), ("false", "Not mine")]),
        FilterControl("kind", "Kind", choices=list(KINDS.items())),
        FilterControl("severity", "Severity", choices=Alert.SEVERITIES),
        FilterControl("due_within", "Due within", choices=WITHIN),
        FilterControl(
            "team", "Team", choices=list(Team.objects.visible_to(user).values_list("slug", "name"))
        ),
        FilterControl("provider", "Provider", choices=list(providers)),
    ]


def _sentence(user: User) -> Headline:
    some = Alert.objects.visible_to(user).waiting().order_by()[: MAX_COUNTED_ROWS + 1]
    counts = some.aggregate(n=Count("pk"), n_severe=Count("pk", filter=Q(severity__gte=4)))
    n_open, n_severe = counts["n"], counts["n_severe"]
    if n_open == 0:
        return Headline("No alert waits for an answer.")
    more = "More than " if n_open > MAX_COUNTED_ROWS else ""
    waiting = count_of(min(n_open, MAX_COUNTED_ROWS), "alert")
    start = (
        f"{more}{waiting if more else waiting.capitalize()} "
        f"{'waits' if n_open == 1 else 'wait'} for an answer"
    )
    if not n_severe:
        return Headline(f"{start}.")
    severe = count_of(n_severe, "of them is", "of them are") if n_open > 1 else "it is"
    return Headline(f"{start}; ", f"{severe} high or severe", ".")


# --- the same as a table --------------------------------------------------------------------------

HEADS = [
    "raised",
    "severity",
    "kind",
    "about",
    "due",
    "days left",
    "state",
    "to",
    "assigned to",
    "applications",
    "acknowledged by",
    "snoozed until",
    "resolved",
    "told",
    "address",
]


@require_safe
def alert_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send what the page lists with these filters, in that order, as CSV."""
    _, queryset = filter_alerts(request)
    return csv_response("alerts", HEADS, _rows(queryset, signed_in_user(request)), _cells)


def _rows(queryset: AlertQuerySet, user: User) -> Iterator[AlertRow]:
    today = day_of(now())
    for some in batched(
        queryset[:MAX_CSV_ROWS].iterator(chunk_size=CSV_BATCH_SIZE), CSV_BATCH_SIZE, strict=False
    ):
        yield from present_alerts(some, user, on=today)


def _cells(row: AlertRow) -> list[Any]:
    alert = row.alert
    return [
        alert.raised_at,
        alert.get_severity_display(),
        alert.kind,
        row.heading,
        alert.due_on,
        row.days_left,
        alert.get_state_display(),
        recipient_name(alert),
        str(alert.assigned_to or ""),
        join_names([name for name, _ in row.applications], max_names=1000),
        str(alert.acknowledged_by or ""),
        alert.snoozed_until,
        alert.resolution_sentence,
        "; ".join(_recipients_cell(told) for told in row.told.named)
        + (f"; {row.told.n_more} more" if row.told.n_more else ""),
        reverse("alerts:detail", args=[alert.pk]),
    ]


def _recipients_cell(told: RecipientStatus) -> str:
    return f"{told.name}: {told.outcome}"


# --- several at once ------------------------------------------------------------------------------


@require_POST
def bulk_respond(request: HttpRequest) -> HttpResponse:
    """Acknowledge, snooze, resolve or reopen the selected alerts."""
    user, at = signed_in_user(request), now()
    back = back_to_inbox(request.POST)
    ids = [int(pk) for pk in request.POST.getlist("alert") if pk.isdecimal() and len(pk) < 18]
    chosen = list(visible_alerts(user).filter(pk__in=ids[: responses.MAX_ALERTS_AT_A_TIME]))
    if not chosen:
        messages.error(request, "Select at least one alert.")
        return redirect(back)
    done = _answered(request, chosen, user, at)
    if done is None:
        return redirect(back)
    if done.can_be_undone:
        responses.store_undo(request, done)
    elif done.changed:
        messages.success(request, responses.describe_outcome(done))
    for refusal in done.refusals:
        messages.error(request, refusal)
    if not done.changed and not done.refusals:
        messages.info(request, "They were answered so already; nothing was changed.")
    return redirect(back)


def _answered(
    request: HttpRequest, chosen: list[Alert], user: User, at: Any
) -> responses.ResponseOutcome | None:
    """None where the answer lacks something, which is said."""
    match request.POST.get("action"):
        case "acknowledge":
            return responses.respond(
                chosen, AlertResponse.ACKNOWLEDGE, said="acknowledged", by=user, at=at
            )
        case "snooze":
            snooze = SnoozeForm(request.POST, on=day_of(at))
            if snooze.is_valid():
                until = snooze.cleaned_data["until"]
                said = responses.describe_snooze(until)
                return responses.respond(
                    chosen, AlertResponse.SNOOZE, said=said, by=user, at=at, until=until
                )
            problems = snooze.errors
        case "resolve":
            resolve = ResolveForm(request.POST)
            if resolve.is_valid():
                why = resolve.cleaned_data["why"]
                return responses.respond(
                    chosen, AlertResponse.RESOLVE, said="resolved", by=user, at=at, reason=why
                )
            problems = resolve.errors
        case "undo":
            return responses.respond(
                chosen, AlertResponse.UNDO, said=responses.UNDO_SENTENCES, by=user, at=at
            )
        case "reopen":
            return responses.respond(chosen, AlertResponse.REOPEN, said="reopened", by=user, at=at)
        case _:
            messages.error(request, "Select a response: acknowledge, snooze or resolve.")
            return None
    for errors in problems.values():
        messages.error(request, " ".join(str(error) for error in errors))
    return None


def back_to_inbox(said: QueryDict) -> str:
    """Redirect to the page of alerts that the form was on, and to no other page."""
    back = said.get("back", "")
    return back if back.startswith("/alerts/") and "\\" not in back else reverse("alerts:list")
