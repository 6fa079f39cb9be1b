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
from apps.web.wording import join_names, number

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
    """Return the filter set of the URL and its alerts in order; by default those that need a
    response."""
    query = request.GET.copy()
    if "state" not in request.GET:
        query["state"] = Alert.State.OPEN
    filterset = AlertFilter(query, visible_alerts(signed_in_user(request)), request=request)
    alerts: AlertQuerySet = ORDERS.apply(request, filterset.qs)  # type: ignore[assignment]
    return filterset, alerts


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the alerts of the user and of the teams of the user, by the filters of the URL."""
    user, at = signed_in_user(request), now()
    filterset, alerts = filter_alerts(request)
    listing = PaginatedList(request, alerts, size=PAGE_SIZE)
    today = day_of(at)
    rows = present_alerts(listing.rows, user, on=today)
    return render_page(
        request,
        "alerts/list.html",
        fragment="listing",
        title="Alerts",
        counts="Alerts of your teams and your own",
        as_of=at,
        sentence=_build_headline(filterset, alerts),
        filters=build_filter_controls(
            request,
            filterset,
            _build_controls(user),
            default_values={"state": Alert.State.OPEN.value},
        ),
        columns=ORDERS.columns(request),
        listing=listing,
        rows=rows,
        answers_several=any(row.may_answer for row in rows),
        snoozes=SNOOZES,
        # fragments for htmx have no place for the offer
        undo=None if getattr(request, "htmx", False) else responses.load_undo(request),
    )


def _build_controls(user: User) -> list[FilterControl]:
    providers = Provider.objects.order_by("name").values_list("slug", "name")
    return [
        FilterControl("state", "State", choices=Alert.State.choices),
        FilterControl("mine", "Owner", choices=[("true", "Mine"), ("false", "Not mine")]),
        FilterControl("kind", "Type", choices=list(KINDS.items())),
        FilterControl("severity", "Severity", choices=Alert.SEVERITIES),
        FilterControl("due_within", "Due within", choices=WITHIN),
        FilterControl(
            "team", "Team", choices=list(Team.objects.visible_to(user).values_list("slug", "name"))
        ),
        FilterControl("provider", "Provider", choices=list(providers)),
    ]


def _build_headline(filterset: AlertFilter, alerts: AlertQuerySet) -> Headline:
    """Count what the filters leave; without any, the alerts that need a response."""
    is_filtered = any(
        any(values)
        for name, values in filterset.data.lists()
        if name in filterset.filters and (name, values) != ("state", [Alert.State.OPEN.value])
    )
    bounded = alerts.order_by()[: MAX_COUNTED_ROWS + 1]
    counts = bounded.aggregate(n=Count("pk"), n_severe=Count("pk", filter=Q(severity__gte=4)))
    n, n_severe = counts["n"], counts["n_severe"]
    if n == 0:
        return Headline(
            "No alerts match these filters." if is_filtered else "No alert needs a response."
        )
    count = f"More than {MAX_COUNTED_ROWS:,}" if n > MAX_COUNTED_ROWS else number(n)
    if is_filtered:
        start = f"{count} {'alert matches' if n == 1 else 'alerts match'} these filters"
    else:
        start = f"{count} {'alert needs' if n == 1 else 'alerts need'} a response"
    if not n_severe:
        return Headline(f"{start}.")
    verb = "is" if n_severe == 1 else "are"
    return Headline(f"{start}. ", f"{number(n_severe)} {verb} urgent or high", ".")


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
    """Send the alerts of the page, with its filters and order, as CSV."""
    _, alerts = filter_alerts(request)
    return csv_response("alerts", HEADS, _iterate_rows(alerts, signed_in_user(request)), _cells)


def _iterate_rows(alerts: AlertQuerySet, user: User) -> Iterator[AlertRow]:
    today = day_of(now())
    for batch in batched(
        alerts[:MAX_CSV_ROWS].iterator(chunk_size=CSV_BATCH_SIZE), CSV_BATCH_SIZE, strict=False
    ):
        yield from present_alerts(batch, user, on=today)


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
        "; ".join(_describe_recipient(recipient) for recipient in row.told.named)
        + (f"; {row.told.n_more} more" if row.told.n_more else ""),
        reverse("alerts:detail", args=[alert.pk]),
    ]


def _describe_recipient(recipient: RecipientStatus) -> str:
    return f"{recipient.name}: {recipient.outcome}"


# --- several at once ------------------------------------------------------------------------------


@require_POST
def bulk_respond(request: HttpRequest) -> HttpResponse:
    """Acknowledge, snooze, resolve or reopen the selected alerts."""
    user, at = signed_in_user(request), now()
    back_url = back_to_inbox(request.POST)
    ids = [int(pk) for pk in request.POST.getlist("alert") if pk.isdecimal() and len(pk) < 18]
    alerts = list(visible_alerts(user).filter(pk__in=ids[: responses.MAX_ALERTS_AT_A_TIME]))
    if not alerts:
        messages.error(request, "Select at least one alert.")
        return redirect(back_url)
    outcome = _respond_to_selected(request, alerts, user, at)
    if outcome is None:
        return redirect(back_url)
    if outcome.can_be_undone:
        responses.store_undo(request, outcome)
    elif outcome.changed:
        messages.success(request, responses.describe_outcome(outcome))
    for refusal in outcome.refusals:
        messages.error(request, refusal)
    if not outcome.changed and not outcome.refusals:
        messages.info(request, "The alerts have this response already. Nothing was changed.")
    return redirect(back_url)


def _respond_to_selected(
    request: HttpRequest, alerts: list[Alert], user: User, at: Any
) -> responses.ResponseOutcome | None:
    """Respond to the alerts; after invalid input add error messages to the request and return
    None."""
    match request.POST.get("action"):
        case "acknowledge":
            return responses.respond(
                alerts, AlertResponse.ACKNOWLEDGE, description="acknowledged", by=user, at=at
            )
        case "snooze":
            snooze_form = SnoozeForm(request.POST, on=day_of(at))
            if snooze_form.is_valid():
                until = snooze_form.cleaned_data["until"]
                description = responses.describe_snooze(until)
                return responses.respond(
                    alerts,
                    AlertResponse.SNOOZE,
                    description=description,
                    by=user,
                    at=at,
                    until=until,
                )
            form_errors = snooze_form.errors
        case "resolve":
            resolve_form = ResolveForm(request.POST)
            if resolve_form.is_valid():
                reason = resolve_form.cleaned_data["why"]
                return responses.respond(
                    alerts,
                    AlertResponse.RESOLVE,
                    description="resolved",
                    by=user,
                    at=at,
                    reason=reason,
                )
            form_errors = resolve_form.errors
        case "undo":
            return responses.respond(
                alerts, AlertResponse.UNDO, description=responses.UNDO_SENTENCES, by=user, at=at
            )
        case "reopen":
            return responses.respond(
                alerts, AlertResponse.REOPEN, description="reopened", by=user, at=at
            )
        case _:
            messages.error(request, "Select a response: acknowledge, snooze or resolve.")
            return None
    for errors in form_errors.values():
        messages.error(request, " ".join(str(error) for error in errors))
    return None


def back_to_inbox(data: QueryDict) -> str:
    """Return the inbox URL that the form came from; any path outside `/alerts/` is replaced by the
    inbox."""
    path = data.get("back", "")
    return path if path.startswith("/alerts/") and "\\" not in path else reverse("alerts:list")
