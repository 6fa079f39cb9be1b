"""Notifications and escalations of an issue, as entries of its timeline."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from apps.alerts.models import KINDS, Delivery, Notice
from apps.alerts.recipients import display_name
from apps.alerts.text import join_with_more, one_line

# a timeline shows the latest ones
MAX_NOTICES = 500
MAX_NAMES = 6


class NotificationEntryKind(models.TextChoices):
    """A kind of entry beside those of `Activity.Kind`."""

    SENT = "notification_sent", "Notification sent"
    PENDING = "notification_pending", "Notification pending"
    FAILED = "notification_failed", "Notification failed"
    SKIPPED = "notification_skipped", "Notification not sent"
    ESCALATED = "escalated", "Escalated"


@dataclass(frozen=True, slots=True)
class NotificationEntry:
    """One entry of the timeline: what became of the notifications of one trigger."""

    at: datetime
    kind: NotificationEntryKind
    sentence: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What recipients of one trigger have in common; `at` is accurate to the minute."""

    kind: NotificationEntryKind
    at: datetime
    trigger: str
    reason: str


def issue_notifications(issue_id: int, *, user: Any) -> list[NotificationEntry]:
    """List the notifications about the issue that `user` can view, latest first; recipients with
    the same outcome share an entry. One statement."""
    notices = Notice.objects.visible_to(user).filter(alert__issue_links__issue=issue_id)
    return _list_entries(notices, MAX_NOTICES)


def application_notifications(
    application_id: int, *, user: Any, limit: int
) -> list[NotificationEntry]:
    """List the latest `limit` notifications about the application that `user` can view, latest
    first; recipients with the same outcome share an entry. One statement."""
    notices = Notice.objects.visible_to(user).filter(
        alert__application_ids__contains=[application_id]
    )
    return _list_entries(notices, limit)


def _list_entries(selected: "models.QuerySet[Notice]", limit: int) -> list[NotificationEntry]:
    notices = list(
        selected.select_related("alert", "user", "team", "webhook", "delivery")
        .defer("delivery__body_text", "delivery__body_html", "alert__details")
        .order_by("-owed_at", "-pk")[:limit]
    )
    names: dict[_Outcome, list[str]] = defaultdict(list)
    for notice in reversed(notices):
        for outcome in _list_outcomes(notice):
            names[outcome].append(name_recipient(notice))
    entries = [
        NotificationEntry(outcome.at, outcome.kind, _describe(outcome, recipients))
        for outcome, recipients in names.items()
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _list_outcomes(notice: Notice) -> list[_Outcome]:
    """Return what became of the notification, after the escalation that created it."""
    kind, at, reason = find_outcome(notice)
    trigger = _describe_trigger(notice)
    outcomes = [_Outcome(kind, at.replace(second=0, microsecond=0), trigger, reason)]
    if notice.why == Notice.Why.ESCALATION:
        escalated_at = notice.owed_at.replace(second=0, microsecond=0)
        outcomes.insert(0, _Outcome(NotificationEntryKind.ESCALATED, escalated_at, trigger, ""))
    return outcomes


def find_outcome(notice: Notice) -> tuple[NotificationEntryKind, datetime, str]:
    """Return what became of the notification, when, and the reason."""
    delivery = notice.delivery
    if delivery is None:
        if notice.skip_reason:
            return NotificationEntryKind.SKIPPED, notice.owed_at, notice.skip_sentence
        return NotificationEntryKind.PENDING, notice.owed_at, ""
    match delivery.state:
        case Delivery.State.SENT:
            return NotificationEntryKind.SENT, delivery.sent_at or delivery.created_at, ""
        case Delivery.State.FAILED:
            return NotificationEntryKind.FAILED, delivery.created_at, delivery.reason_sentence
        case Delivery.State.SKIPPED:
            return NotificationEntryKind.SKIPPED, delivery.created_at, delivery.reason_sentence
    return NotificationEntryKind.PENDING, notice.owed_at, ""


_OCCASIONS: dict[str, str] = {
    Notice.Occasion.RESOLVED: "resolved",
    Notice.Occasion.ESCALATED: "escalated",
    Notice.Occasion.WOKEN: "the snooze ended",
    Notice.Occasion.UNMUTED: "the mute ended",
    Notice.Occasion.ASSIGNED: "assigned",
    Notice.Occasion.ASKED: "requested",
    Notice.Occasion.ACKNOWLEDGED: "acknowledged",
    Notice.Occasion.REOPENED: "reopened",
}


def _describe_trigger(notice: Notice) -> str:
    """Return the trigger: `upcoming retirement, escalated`."""
    label = KINDS.get(notice.alert.kind, "alert")
    if label[1:2].islower():
        label = label[0].lower() + label[1:]
    occasion = _OCCASIONS.get(notice.occasion_word, "")
    return f"{label}, {occasion}" if occasion else label


def name_recipient(notice: Notice) -> str:
    """Return the name of the recipient for a sentence."""
    if notice.user is not None:
        name = one_line(display_name(notice.user))
        return f"{name} (deputy)" if notice.why == Notice.Why.DEPUTY else name
    if notice.team is not None:
        return f"the mailbox of {one_line(notice.team)}"
    if notice.webhook is not None and not notice.webhook.is_signed_webhook:
        return f"the channel {one_line(notice.webhook)}"
    return f"the webhook {one_line(notice.webhook)}"


def _describe(outcome: _Outcome, recipients: Sequence[str]) -> str:
    names = join_with_more(recipients[:MAX_NAMES], max(0, len(recipients) - MAX_NAMES))
    trigger, reason = outcome.trigger, f" {outcome.reason}" if outcome.reason else ""
    match outcome.kind:
        case NotificationEntryKind.SENT:
            return f"A notification was sent to {names}: {trigger}."
        case NotificationEntryKind.PENDING:
            return f"A notification to {names} is pending: {trigger}."
        case NotificationEntryKind.FAILED:
            return f"A notification to {names} failed: {trigger}.{reason}"
        case NotificationEntryKind.SKIPPED:
            return f"A notification to {names} was not sent: {trigger}.{reason}"
    return f"The issue was escalated to {names}: {trigger.removesuffix(', escalated')}."
