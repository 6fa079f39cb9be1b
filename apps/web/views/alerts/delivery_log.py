"""Delivery log: every message, with its state and text; and every notification that was not sent,
with the reason."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Team, User
from apps.alerts import actions
from apps.alerts.delivery.status import DeliveryTotals, delivery_totals, occasion_label
from apps.alerts.filters import DeliveryFilter, NoticeFilter
from apps.alerts.models import KINDS, Alert, Delivery, Notice, SkipReason
from apps.alerts.queries import visible_alerts, visible_deliveries
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.web.lists.columns import Column, FileColumn, format_moment, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.presenters import AlertRow, present_alerts
from apps.web.wording import number

# notifications that the page of one message lists
MAX_NOTIFICATIONS = 200


def _team_control(user: User) -> FilterControl:
    return FilterControl(
        "team", "Team", choices=list(Team.objects.visible_to(user).values_list("slug", "name"))
    )


def _build_totals_headline(totals: DeliveryTotals) -> Headline:
    """State the totals of notifications: all = sent + failed + not sent + pending."""
    if not totals.n_owed:
        return Headline("No notifications yet.")
    start = (
        f"{pluralize(totals.n_owed, '1 notification', f'{number(totals.n_owed)} notifications')}"
    )
    end = f"{number(totals.n_skipped)} not sent with a reason, {number(totals.n_waiting)} pending."
    sent = f"{start}: {number(totals.n_sent)} sent"
    if totals.n_failed:
        return Headline(f"{sent}, ", f"{number(totals.n_failed)} failed", f", {end}")
    return Headline(f"{sent}, none failed, {end}")


_STATE_CSS: dict[str, str] = {
    Delivery.State.SENT: "state done",
    Delivery.State.FAILED: "state open",
    Delivery.State.SKIPPED: "state",
}


class DeliveryList(ListPage[Delivery, Delivery]):
    """Messages of the delivery log, by the filters of the URL."""

    namespace = "deliveries"
    title = "Delivery log"
    nouns = ("message", "messages")
    counts = "Messages and their notifications"
    filterset_class = DeliveryFilter
    columns = (
        Column[Delivery](
            "subject",
            "Message",
            attrgetter("subject"),
            note=Delivery.get_kind_display,
            url=lambda row: reverse("deliveries:detail", args=[row.pk]),
        ),
        Column[Delivery](
            "recipient",
            "Recipient",
            lambda row: str(row.team or row.user or row.webhook),
            note=attrgetter("address"),
            width="url",
        ),
        Column[Delivery](
            "state",
            "State",
            Delivery.get_state_display,
            note=attrgetter("reason_sentence"),
            css=lambda row: _STATE_CSS.get(row.state, "state part"),
        ),
        Column[Delivery]("created", "Created", attrgetter("created_at"), format=format_moment),
        Column[Delivery]("sent", "Sent", attrgetter("sent_at"), format=format_moment),
        Column[Delivery](
            "attempts", "Attempts", attrgetter("attempts"), format=format_number, is_numeric=True
        ),
    )
    file_columns = (
        FileColumn[Delivery]("Type", Delivery.get_kind_display),
        FileColumn[Delivery]("Address", attrgetter("address")),
        FileColumn[Delivery]("Due", attrgetter("due_at")),
        FileColumn[Delivery]("Reason", attrgetter("reason_sentence")),
        FileColumn[Delivery]("Message ID", attrgetter("message_id")),
    )
    default_order = ("", ("-created_at", "-pk"))
    template = "alerts/deliveries.html"

    def get_queryset(self) -> "QuerySet[Delivery]":
        return visible_deliveries(self.user)

    @cached_property
    def totals(self) -> DeliveryTotals:
        return delivery_totals(self.user)

    def get_controls(self) -> Sequence[FilterControl]:
        return (
            FilterControl("state", "State", choices=Delivery.State.choices),
            FilterControl("kind", "Type", choices=Delivery.Kind.choices),
            FilterControl("recipient", "Recipient", "search"),
            _team_control(self.user),
        )

    def get_lead(self) -> Headline:
        return self.describe_matches() if self.is_filtered else _build_totals_headline(self.totals)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No messages yet.",
            "Every email and every message to a channel is listed here with its state and text, "
            "also those that failed. Notifications without a message have a list of their own.",
            "View notifications not sent",
            reverse("deliveries:not-sent"),
        )


# --- one message ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SentNotification:
    """Notification, in a message or without one. `row` is None if the user may not (or no longer)
    see the alert, and in a file; `shows_alert` says which."""

    notice: Notice
    row: AlertRow | None
    shows_alert: bool

    @property
    def occasion(self) -> str:
        return occasion_label(self.notice.occasion)

    @property
    def alert_type(self) -> str:
        kind = self.notice.alert.kind
        return KINDS.get(kind, kind) if self.shows_alert else ""

    @property
    def alert_key(self) -> str:
        return self.notice.alert.key if self.shows_alert else ""


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
        can_resend=user.is_governance
        and (
            message.state == Delivery.State.FAILED
            or (message.skip_reason == SkipReason.CHANNEL_DISABLED and bool(message.body_text))
        ),
        is_cut=len(notices) > MAX_NOTIFICATIONS,
    )


def _sent_notifications(notices: Sequence[Notice], user: User) -> list[SentNotification]:
    alerts = list(visible_alerts(user).filter(pk__in=[notice.alert_id for notice in notices]))
    rows = {
        row.alert.pk: row
        for row in present_alerts(alerts, user, on=day_of(now()), max_recipients=0)
    }
    return [
        SentNotification(notice, rows.get(notice.alert_id), notice.alert_id in rows)
        for notice in notices
    ]


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
    return action_view(
        request,
        action=lambda _: actions.requeue_delivery(delivery=message, at=now(), by=user),
        done=lambda is_queued: (
            Confirmation("The message was queued again.")
            if is_queued
            else Confirmation("Only a failed message can be retried.", is_refusal=True)
        ),
        back=reverse("deliveries:detail", args=[pk]),
    )


# --- notifications without a message --------------------------------------------------------------


class UnsentNotificationList(ListPage[Notice, SentNotification]):
    """Notifications without a message, pending or not sent, latest first."""

    namespace = "deliveries"
    route = "not-sent"
    title = "Not sent"
    nouns = ("notification", "notifications")
    counts = "Notifications without a message"
    filterset_class = NoticeFilter
    columns = (
        Column[SentNotification](
            "alert",
            "Alert",
            lambda row: row.row.heading if row.row else "An alert that you cannot view",
            note=attrgetter("occasion"),
            url=lambda row: reverse("alerts:detail", args=[row.notice.alert_id]) if row.row else "",
            css=lambda row: "" if row.row else "dim",
            is_in_files=False,
        ),
        Column[SentNotification](
            "recipient",
            "Recipient",
            lambda row: str(row.notice.user or row.notice.team or row.notice.webhook),
            note=lambda row: row.notice.get_why_display(),
        ),
        Column[SentNotification](
            "outcome",
            "Outcome",
            lambda row: "Not sent" if row.notice.skip_reason else "Pending",
            note=lambda row: row.notice.skip_sentence or "In the recipient’s next message.",
            css=lambda row: "state" if row.notice.skip_reason else "state part",
        ),
        Column[SentNotification](
            "raised", "Raised", attrgetter("notice.owed_at"), format=format_moment
        ),
    )
    file_columns = (
        FileColumn[SentNotification]("Route", lambda row: row.notice.get_why_display()),
        FileColumn[SentNotification]("Trigger", attrgetter("notice.occasion")),
        FileColumn[SentNotification]("Alert type", attrgetter("alert_type")),
        FileColumn[SentNotification]("Alert key", attrgetter("alert_key")),
        FileColumn[SentNotification]("Reason", attrgetter("notice.skip_sentence")),
    )
    default_order = ("", ("-owed_at", "-pk"))
    template = "alerts/deliveries.html"

    def get_queryset(self) -> "QuerySet[Notice]":
        return (
            Notice.objects.visible_to(self.user)
            .filter(delivery__isnull=True)
            .select_related("user", "team", "webhook", "alert")
            .fetch_mode(models.FETCH_RAISE)
        )

    def build_rows(self, records: Sequence[Notice]) -> Sequence[SentNotification]:
        return _sent_notifications(records, self.user)

    def build_file_rows(self, records: Sequence[Notice]) -> Sequence[SentNotification]:
        alerts = Alert.objects.visible_to(self.user).filter(
            pk__in=[notice.alert_id for notice in records]
        )
        visible_ids = set(alerts.order_by().values_list("pk", flat=True))
        return [
            SentNotification(notice, None, notice.alert_id in visible_ids) for notice in records
        ]

    @cached_property
    def totals(self) -> DeliveryTotals:
        return delivery_totals(self.user)

    def get_controls(self) -> Sequence[FilterControl]:
        return (
            FilterControl(
                "carried", "Outcome", choices=[("owed", "Pending"), ("skipped", "Not sent")]
            ),
            FilterControl("route", "Route", choices=Notice.Why.choices),
            FilterControl("recipient", "Name contains", "search"),
            _team_control(self.user),
        )

    def get_lead(self) -> Headline:
        return self.describe_matches() if self.is_filtered else _build_totals_headline(self.totals)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "Every notification is in a message.",
            "Pending notifications are listed here until the recipient’s next message, and "
            "those not sent with the reason: muted, unsubscribed, resolved before the message was "
            "due, or no email address.",
            "View messages",
            reverse("deliveries:list"),
        )
