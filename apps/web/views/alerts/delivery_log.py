"""Delivery log: every message, with its state and text; and every notification that was not sent,
with the reason."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import models
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Team, User
from apps.alerts import actions
from apps.alerts.delivery.status import DeliveryTotals, delivery_totals, occasion_label
from apps.alerts.filters import DeliveryFilter, NoticeFilter
from apps.alerts.models import KINDS, Alert, Delivery, Notice, NoticeQuerySet
from apps.alerts.queries import visible_alerts, visible_deliveries
from apps.common.time import day_of, now
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.presenters import AlertRow, present_alerts
from apps.web.wording import as_word, count_of

# notifications that the page of one message lists
MAX_NOTIFICATIONS = 200


@require_safe
def delivery_list(request: HttpRequest) -> HttpResponse:
    """Show the messages of the delivery log, by the filters of the URL."""
    user = signed_in_user(request)
    filterset = DeliveryFilter(request.GET, visible_deliveries(user), request=request)
    totals = delivery_totals(user)
    return render_page(
        request,
        "alerts/deliveries.html",
        fragment="listing",
        title="Delivery log",
        counts="Messages, and the notices they carry",
        sentence=_build_headline(totals),
        account=totals,
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("state", "State", choices=Delivery.State.choices),
                FilterControl("kind", "Kind", choices=Delivery.Kind.choices),
                FilterControl("recipient", "Recipient", "search"),
                _team_control(user),
            ],
        ),
        listing=PaginatedList(request, filterset.qs),
    )


def _team_control(user: User) -> FilterControl:
    return FilterControl(
        "team", "Team", choices=list(Team.objects.visible_to(user).values_list("slug", "name"))
    )


def _build_headline(totals: DeliveryTotals) -> Headline:
    """State the totals of notifications: owed = sent + failed + skipped + waiting."""
    if not totals.n_owed:
        return Headline("Nobody has been owed word of anything yet.")
    owed_clause = (
        f"{count_of(totals.n_owed, 'notice').capitalize()} "
        f"{'was' if totals.n_owed == 1 else 'were'} owed"
    )
    sent_clause, skipped_clause = (
        f"{_spell_count(totals.n_sent)} sent",
        f"{_spell_count(totals.n_skipped)} skipped with a reason",
    )
    remainder_clause = f"{skipped_clause} and {_spell_count(totals.n_waiting)} still waiting."
    if totals.n_failed:
        return Headline(
            f"{owed_clause}: {sent_clause}, ",
            f"{as_word(totals.n_failed)} failed",
            f", {remainder_clause}",
        )
    return Headline(f"{owed_clause}: {sent_clause}, none failed, {remainder_clause}")


def _spell_count(n: int) -> str:
    return as_word(n) if n else "none"


@require_safe
def delivery_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all messages that match the filters."""
    filterset = DeliveryFilter(
        request.GET, visible_deliveries(signed_in_user(request)), request=request
    )
    return csv_response(
        "deliveries",
        [
            "created",
            "kind",
            "to",
            "recipient",
            "state",
            "subject",
            "attempts",
            "due",
            "sent",
            "reason",
            "message id",
        ],
        filterset.qs.iterator(chunk_size=2000),
        lambda row: [
            row.created_at,
            row.get_kind_display(),
            row.address,
            str(row.team or row.user or row.webhook),
            row.get_state_display(),
            row.subject,
            row.attempts,
            row.due_at,
            row.sent_at,
            row.reason_sentence,
            row.message_id,
        ],
    )


# --- one message ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SentNotification:
    """Notification in a message; `row` is None if the user may not (or no longer) see the alert."""

    notice: Notice
    row: AlertRow | None

    @property
    def occasion(self) -> str:
        return occasion_label(self.notice.occasion)


@require_safe
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one message with its notifications."""
    user = signed_in_user(request)
    message = get_object_or_404(visible_deliveries(user), pk=pk)
    notices = list(Notice.objects.filter(delivery=message).order_by("pk")[: MAX_NOTIFICATIONS + 1])
    notifications = _sent_notifications(notices[:MAX_NOTIFICATIONS], user)
    return render_page(
        request,
        "alerts/delivery.html",
        title=message.subject,
        crumbs=(("Delivery log", reverse("deliveries:list")),),
        counts="One message",
        delivery=message,
        recipient=message.team or message.user or message.webhook,
        text=_format_json(message.body_text)
        if message.webhook_id is not None
        else message.body_text,
        sentence=Headline(f"{message.subject.rstrip('.')}."),
        carried=notifications,
        is_cut=len(notices) > MAX_NOTIFICATIONS,
    )


def _sent_notifications(notices: Sequence[Notice], user: User) -> list[SentNotification]:
    alerts = list(visible_alerts(user).filter(pk__in=[notice.alert_id for notice in notices]))
    rows = {
        row.alert.pk: row
        for row in present_alerts(alerts, user, on=day_of(now()), max_recipients=0)
    }
    return [SentNotification(notice, rows.get(notice.alert_id)) for notice in notices]


def _format_json(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a failed message again, under its old Message-ID."""
    user = signed_in_user(request)
    message = get_object_or_404(visible_deliveries(user), pk=pk)
    if actions.requeue_delivery(delivery=message, at=now(), by=user):
        messages.success(request, "It is queued again.")
    else:
        messages.error(request, "Only a failed message can be retried.")
    return redirect("deliveries:detail", pk=pk)


# --- what no message carries ----------------------------------------------------------------------


def _unsent_notifications(request: HttpRequest) -> tuple[NoticeFilter, NoticeQuerySet]:
    """Return the filter set and the notifications without a message, skipped or pending, latest
    first."""
    notices = (
        Notice.objects.visible_to(signed_in_user(request))
        .filter(delivery__isnull=True)
        .select_related("user", "team", "webhook", "alert")
        .order_by("-owed_at", "-pk")
        .fetch_mode(models.FETCH_RAISE)
    )
    filterset = NoticeFilter(request.GET, notices, request=request)
    return filterset, filterset.qs


@require_safe
def unsent_notification_list(request: HttpRequest) -> HttpResponse:
    """Show the notifications that were not sent, with the reason."""
    user = signed_in_user(request)
    filterset, notices = _unsent_notifications(request)
    listing = PaginatedList(request, notices)
    totals = delivery_totals(user)
    return render_page(
        request,
        "alerts/not-carried.html",
        fragment="listing",
        title="Not sent",
        crumbs=(("Delivery log", reverse("deliveries:list")),),
        counts="Notices that no message carries",
        sentence=_build_headline(totals),
        account=totals,
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl(
                    "carried", "Outcome", choices=[("owed", "Pending"), ("skipped", "Not sent")]
                ),
                FilterControl("route", "Route", choices=Notice.Why.choices),
                FilterControl("recipient", "Name contains", "search"),
                _team_control(user),
            ],
        ),
        listing=listing,
        rows=_sent_notifications(listing.rows, user),
    )


@require_safe
def unsent_notification_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all notifications that were not sent and match the filters."""
    _, notices = _unsent_notifications(request)
    alerts = (
        Alert.objects.visible_to(signed_in_user(request)).filter(pk=OuterRef("alert")).order_by()
    )

    def cells(notice: Notice) -> list[Any]:
        return [
            notice.owed_at,
            str(notice.user or notice.team or notice.webhook),
            notice.get_why_display(),
            notice.occasion,
            *_alert_cells(notice),
            "skipped" if notice.skip_reason else "owed",
            notice.skip_sentence,
        ]

    heads = ["owed", "recipient", "why", "occasion", "kind", "alert", "outcome", "reason"]
    rows = notices.annotate(is_seen=Exists(alerts)).iterator(chunk_size=2000)
    return csv_response("not-carried", heads, rows, cells)


def _alert_cells(notice: Any) -> tuple[str, str]:
    """Return (kind, key) of the alert, both empty if the user may not see the alert any more."""
    alert = notice.alert
    return (KINDS.get(alert.kind, alert.kind), alert.key) if notice.is_seen else ("", "")
