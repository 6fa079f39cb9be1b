"""Recipients who were notified of a retirement, or of another change of a model, with the outcome
and their answer. Pages of events and offerings show them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.alerts.issues.timeline import NotificationEntryKind, find_outcome, name_recipient
from apps.alerts.models import Alert, AlertIssue, Notice
from apps.issues.models import CauseOffering

# notifications that are read, latest first, and recipients that are listed
MAX_NOTICES = 1_000
MAX_RECIPIENTS = 50


@dataclass(frozen=True, slots=True)
class NotifiedRecipient:
    """One recipient: the latest notification, its outcome, and the answer to its alert. `alert_id`
    is the alert that the reader can open."""

    name: str
    route: str
    at: datetime
    outcome: str
    is_notified: bool
    reason: str
    answer: str
    alert_id: int
    n: int


@dataclass(frozen=True, slots=True)
class NotifiedRecipients:
    listed: Sequence[NotifiedRecipient]
    n: int
    n_notified: int

    @property
    def n_more(self) -> int:
        return self.n - len(self.listed)


def notified_of_offerings(
    offering_ids: Collection[int], *, user: Any, event_id: int | None = None
) -> NotifiedRecipients:
    """Return the recipients of notifications about the offerings, or about the issues that their
    retirement makes, that `user` can view; latest first. With an event also those of its alerts.
    One statement."""
    causes = CauseOffering.objects.filter(offering__in=offering_ids).values("cause")
    linked = AlertIssue.objects.order_by().filter(issue__cause__in=causes).values("alert")
    # a list of alerts: an index is not used for either of several conditions
    alerts = Alert.objects.order_by()
    concerned = alerts.filter(offering__in=offering_ids).values("pk").union(linked)
    if event_id is not None:
        concerned = concerned.union(alerts.filter(event=event_id).values("pk"))
    notices = (
        Notice.objects.visible_to(user)
        .filter(alert__in=concerned)
        .select_related("alert__acknowledged_by", "user", "team", "webhook", "delivery")
        .defer("delivery__body_text", "delivery__body_html")
        .order_by("-owed_at", "-pk")[:MAX_NOTICES]
    )
    by_recipient: dict[tuple[object, ...], list[Notice]] = {}
    for notice in notices:
        key = (notice.user_id, notice.team_id, notice.webhook_id)
        by_recipient.setdefault(key, []).append(notice)
    recipients = [_describe(found) for found in by_recipient.values()]
    return NotifiedRecipients(
        recipients[:MAX_RECIPIENTS],
        len(recipients),
        sum(recipient.is_notified for recipient in recipients),
    )


_OUTCOMES = {
    NotificationEntryKind.SENT: "Notified",
    NotificationEntryKind.PENDING: "Pending",
    NotificationEntryKind.FAILED: "Failed",
    NotificationEntryKind.SKIPPED: "Not notified",
}


def _describe(notices: Sequence[Notice]) -> NotifiedRecipient:
    """Return the recipient of these notifications, the latest first: a sent one counts more than a
    later one that was not sent."""
    outcomes = [(notice, *find_outcome(notice)) for notice in notices]
    notice, kind, at, reason = next(
        (found for found in outcomes if found[1] == NotificationEntryKind.SENT), outcomes[0]
    )
    name = name_recipient(notice)
    return NotifiedRecipient(
        name=f"{name[:1].upper()}{name[1:]}" if notice.user_id is None else name,
        route=notice.get_why_display(),
        at=at,
        outcome=_OUTCOMES[kind],
        is_notified=kind == NotificationEntryKind.SENT,
        reason=reason,
        answer=_describe_answer(notice.alert),
        alert_id=notice.alert_id,
        n=sum(found[1] == NotificationEntryKind.SENT for found in outcomes),
    )


def _describe_answer(alert: Alert) -> str:
    if alert.acknowledged_by is not None and alert.state != Alert.State.OPEN:
        return f"Acknowledged by {alert.acknowledged_by}"
    if alert.state == Alert.State.SNOOZED:
        return "Snoozed"
    return "Resolved" if alert.state == Alert.State.RESOLVED else "No response"
