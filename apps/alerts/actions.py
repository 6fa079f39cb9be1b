"""Alert jobs: create alerts from events, flags, feeds, dates and states, maintain open ones, and
retry failed deliveries. Sending is in delivery/dispatch.py."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.alerts.delivery.dispatch import send_due_deliveries
from apps.alerts.delivery.outbox import queue_digests
from apps.alerts.issues.links import link_issues
from apps.alerts.kinds.decisions import raise_decision_alerts
from apps.alerts.kinds.exposure_flags import raise_flag_alerts
from apps.alerts.kinds.feeds.alerts import raise_feed_alerts
from apps.alerts.kinds.issue_alerts import find_due_kinds, raise_issue_alerts
from apps.alerts.kinds.migration_tasks import raise_task_alerts
from apps.alerts.kinds.provider_events import (
    EVENT_BATCH_SIZE,
    NOTIFIED_EVENT_KINDS,
    raise_event_alerts,
)
from apps.alerts.kinds.reminders.alerts import raise_reminders
from apps.alerts.kinds.runways_and_assessments import raise_runway_and_assessment_alerts
from apps.alerts.kinds.superseded_events import resolve_event_alerts
from apps.alerts.kinds.usage_discrepancies import raise_discrepancy_alerts
from apps.alerts.kinds.use_cases import raise_use_case_alerts
from apps.alerts.lifecycle.escalation import (
    escalate_alerts,
    release_muted_notices,
    wake_snoozed_alerts,
)
from apps.alerts.lifecycle.responses import (
    AlertPermissionError,
    InvalidResponseError,
    acknowledge_alert,
    assign_alert,
    can_respond,
    create_mute,
    end_mute,
    reopen_alert,
    resolve_alert,
    snooze_alert,
)
from apps.alerts.lifecycle.undo import undo_response
from apps.alerts.models import Delivery, IssueAlertKind, SkipReason

__all__ = [
    "EVENT_BATCH_SIZE",
    "NOTIFIED_EVENT_KINDS",
    "AlertPermissionError",
    "InvalidResponseError",
    "acknowledge_alert",
    "assign_alert",
    "can_respond",
    "create_mute",
    "end_mute",
    "maintain_alerts",
    "queue_digests",
    "raise_alerts",
    "raise_due_alerts",
    "reopen_alert",
    "requeue_delivery",
    "resolve_alert",
    "send_due_deliveries",
    "snooze_alert",
    "undo_response",
]


def raise_alerts(*, at: datetime) -> int:
    """Create alerts and notifications for every event, flag and feed run that is not handled yet,
    and for issues and migration tasks that are due, and link them with their issues; return the
    number of new alerts.

    A migration that is late is told of by the reminder of its retirement or by its negative runway
    if one of them is due: these are created first then.

    Safe to run twice concurrently: an event is claimed by its "handled" row in the transaction that
    writes its alerts. A second run waits for that row and then finds nothing to do."""
    n_raised = raise_flag_alerts(at=at) + raise_feed_alerts(at=at) + raise_event_alerts(at=at)
    due_kinds = find_due_kinds(at=at)
    if IssueAlertKind.MIGRATION_LATE in due_kinds:
        n_raised += raise_due_alerts(at=at)
    n_raised += raise_task_alerts(at=at) + raise_decision_alerts(at=at)
    n_raised += raise_use_case_alerts(at=at)
    if due_kinds:
        n_raised += raise_issue_alerts(at=at)
    link_issues()
    return n_raised


def raise_due_alerts(*, at: datetime) -> int:
    """Create alerts for dates and states, and return the number of new ones: reminders, expiries,
    reviews, runway, stale assessments, undeclared and unconfirmed uses."""
    n_raised = (
        raise_reminders(at=at)
        + raise_runway_and_assessment_alerts(at=at)
        + raise_discrepancy_alerts(at=at)
    )
    link_issues()
    return n_raised


def maintain_alerts(*, at: datetime) -> dict[str, int]:
    """Resolve, escalate, wake and unmute alerts as time passes, and return how many of each."""
    return {
        "overtaken": resolve_event_alerts(at=at),
        "woken": wake_snoozed_alerts(at=at),
        "unmuted": release_muted_notices(at=at),
        "escalated": escalate_alerts(at=at),
    }


@transaction.atomic
def requeue_delivery(*, delivery: Delivery, at: datetime, by: User) -> bool:
    """Retry a failed delivery under its original Message-ID; False if it has not failed."""
    if not by.is_governance:
        raise AlertPermissionError(
            "You need the governance or administrator role to retry a delivery."
        )
    # a message to a disabled channel was not lost: it is sent once the channel is enabled
    resendable = Q(state=Delivery.State.FAILED) | Q(
        state=Delivery.State.SKIPPED,
        skip_reason=SkipReason.CHANNEL_DISABLED,
        webhook__enabled=True,
    ) & ~Q(body_text="")
    n_updated = Delivery.objects.filter(resendable, pk=delivery.pk).update(
        state=Delivery.State.QUEUED,
        skip_reason="",
        attempts=0,
        due_at=at,
        reason=f"Retried by {by.get_username()}.",
    )
    return n_updated == 1
