"""What is done about alerts, from raising them to the answers people give. sending.py carries
messages out."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.alerts.answering import (
    BadAnswer,
    NotYourAlert,
    acknowledge_alert,
    assign_alert,
    may_answer,
    mute,
    reopen_alert,
    resolve_alert,
    snooze_alert,
    unmute_now,
)
from apps.alerts.day_alerts import raise_for_days
from apps.alerts.escalating import escalate, unmute, wake
from apps.alerts.event_alerts import EVENTS_AT_ONCE, MAILED_KINDS, raise_for_events
from apps.alerts.feed_alerts import raise_for_feeds
from apps.alerts.flag_alerts import raise_for_flags
from apps.alerts.models import Delivery
from apps.alerts.overtaking import settle_events
from apps.alerts.queueing import queue_digests
from apps.alerts.seen_alerts import raise_for_seen
from apps.alerts.sending import send_due
from apps.alerts.state_alerts import raise_for_states
from apps.alerts.undoing import undo_answer

__all__ = [
    "EVENTS_AT_ONCE",
    "MAILED_KINDS",
    "BadAnswer",
    "NotYourAlert",
    "acknowledge_alert",
    "assign_alert",
    "keep_alerts",
    "may_answer",
    "mute",
    "queue_digests",
    "raise_alerts",
    "raise_due_alerts",
    "reopen_alert",
    "requeue_delivery",
    "resolve_alert",
    "send_due",
    "snooze_alert",
    "undo_answer",
    "unmute_now",
]


def raise_alerts(*, at: datetime) -> int:
    """Write down who is owed word of every event, flag and feed not yet worked through; the number
    of new alerts.

    Safe to run twice at once: an event is claimed by the row that says it is handled, in the
    transaction that writes its alerts, and a second run waits for that row and then finds nothing
    to do.
    """
    return raise_for_flags(at=at) + raise_for_feeds(at=at) + raise_for_events(at=at)


def raise_due_alerts(*, at: datetime) -> int:
    """The same for what days and states bring: milestones, expiries, reviews, runway, stale
    assessments, and uses that were seen and not declared or the other way round."""
    return raise_for_days(at=at) + raise_for_states(at=at) + raise_for_seen(at=at)


def keep_alerts(*, at: datetime) -> dict[str, int]:
    """What time does to alerts that stand; how many of each."""
    return {
        "overtaken": settle_events(at=at),
        "woken": wake(at=at),
        "unmuted": unmute(at=at),
        "escalated": escalate(at=at),
    }


@transaction.atomic
def requeue_delivery(*, delivery: Delivery, at: datetime, by: User) -> bool:
    """Try a failed delivery again, under its old Message-ID; False where it is not failed."""
    if not by.is_governance:
        raise NotYourAlert("Only governance and administrators may send a delivery again.")
    changed = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FAILED).update(
        state=Delivery.State.QUEUED,
        attempts=0,
        due_at=at,
        reason=f"Sent again by {by.get_username()}.",
    )
    return changed == 1
