"""Escalation of alerts without a response, end of snoozes, and release of muted notifications."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from apps.alerts.delivery.schedule import MAX_CLOCK_LEAD
from apps.alerts.deputies import deputy_notices
from apps.alerts.kinds.severity import URGENT_SEVERITY
from apps.alerts.models import Alert, AlertPolicy, AlertSettings, Notice
from apps.alerts.recipients import governance_users, team_audiences
from apps.common.time import day_of
from apps.inventory.models import Application

ESCALATION_BATCH_SIZE = 500
# A message that is not sent yet postpones an escalation, but only for a limited time.
RETRY_AFTER = timedelta(hours=1)
MAX_WAIT_FACTOR = 3


def escalate_alerts(*, at: datetime) -> int:
    """Escalate alerts without a timely response, and return the number escalated.

    The hours count from when the first message was sent to the recipients of the current level, so
    that no recipient is passed over before they could know. An acknowledgement, a snooze, an
    assignment or the end of the cause counts as a response."""
    _limit_wait(at=at)
    n_escalated = 0
    while batch_counts := _escalate_batch(at=at):
        n_escalated += batch_counts[1]
    return n_escalated


def _limit_wait(*, at: datetime) -> None:
    """Limit escalation times that a clock running ahead has set too late to the longest wait that
    any policy allows."""
    hour_pairs = AlertPolicy.objects.values_list("escalate_team_hours", "escalate_governance_hours")
    max_wait = timedelta(
        hours=max((hours or 0 for hour_pair in hour_pairs for hours in hour_pair), default=0)
    )
    Alert.objects.waiting().filter(escalate_at__gt=at + max_wait + MAX_CLOCK_LEAD).update(
        escalate_at=at + max_wait
    )


@transaction.atomic
def _escalate_batch(*, at: datetime) -> tuple[int, int] | None:
    """Escalate one batch, and return (examined, escalated); None if none is due."""
    due_alerts = list(
        Alert.objects.waiting()
        .filter(escalate_at__lte=at)
        .select_for_update(skip_locked=True, no_key=True)
        .order_by("escalate_at", "pk")[:ESCALATION_BATCH_SIZE]
    )
    if not due_alerts:
        return None
    recipients_by_alert = _load_notified_recipients(due_alerts)
    waits = _load_waiting_times(due_alerts)
    audiences = team_audiences({alert.team_id for alert in due_alerts if alert.team_id is not None})
    governance = [user.pk for user in governance_users()]
    notices: list[Notice] = []
    n_escalated = 0
    for alert in due_alerts:
        team_wait, governance_wait = waits[alert.pk]
        wait = governance_wait if alert.escalation > 0 or team_wait is None else team_wait
        if wait is None:
            alert.escalate_at = None
            continue
        if (
            postponed_until := _find_postponement(recipients_by_alert[alert.pk], wait, at=at)
        ) is not None:
            alert.escalate_at = postponed_until
            continue
        user_ids: Sequence[int] = ()
        if alert.escalation == 0 and team_wait is not None:
            audience = audiences.get(alert.team_id or 0)
            user_ids = [
                pk
                for pk in (audience.owner_ids if audience else ())
                if pk not in recipients_by_alert[alert.pk].people
            ]
            alert.escalation, alert.escalate_at = 1, None
            if user_ids and governance_wait is not None:
                alert.escalate_at = at + governance_wait
        if not user_ids and governance_wait is not None:
            # All team owners were notified before, so the alert is escalated to governance.
            user_ids = [pk for pk in governance if pk not in recipients_by_alert[alert.pk].people]
            alert.escalation, alert.escalate_at = 2, None
        n_escalated += bool(user_ids)
        notices += [
            Notice(
                alert=alert,
                user_id=pk,
                why=Notice.Why.ESCALATION,
                occasion=recipients_by_alert[alert.pk].occasion,
                urgent=alert.severity >= URGENT_SEVERITY,
                owed_at=at,
            )
            for pk in user_ids
        ]
    notices += deputy_notices(notices, {alert.pk: alert for alert in due_alerts}, on=day_of(at))
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    Alert.objects.bulk_update(due_alerts, ["escalation", "escalate_at"])
    return len(due_alerts), n_escalated


class _NotifiedRecipients:
    """The recipients notified of one alert since it is open, and when the recipients of the current
    level were first notified: its party, or after an escalation the users of that level."""

    def __init__(self, alert: Alert) -> None:
        self.again_since = waits_again_since(alert)
        self.began = self.again_since or alert.raised_at
        self.is_escalated = alert.escalation > 0
        self.first_sent: datetime | None = None
        self.under_way = False
        self.people: set[int] = set()

    @property
    def occasion(self) -> str:
        trigger = str(Notice.Occasion.ESCALATED)
        return (
            trigger if self.again_since is None else f"{trigger} {self.again_since:%Y-%m-%d %H:%M}"
        )

    def add(self, notice: Notice) -> None:
        """Count a notification of the alert: its recipient, and when the current level was first
        notified.

        Notifications before the alert was last opened again do not count. A level is under way
        while one of its notifications is pending.
        """
        delivery = notice.delivery
        is_owed = delivery is None and not notice.skip_reason
        is_under_way = is_owed or (delivery is not None and delivery.state in {"queued", "sending"})
        sent_at = delivery.sent_at if delivery is not None else None
        if (
            not is_under_way
            and self.again_since is not None
            and (sent_at or notice.owed_at) < self.again_since
        ):
            return
        if notice.user_id is not None:
            self.people.add(notice.user_id)
        if (notice.why == Notice.Why.ESCALATION) is not self.is_escalated:
            return
        if self.is_escalated:
            self.began = notice.owed_at
        self.under_way = self.under_way or is_under_way
        if sent_at is not None and (self.first_sent is None or sent_at < self.first_sent):
            self.first_sent = sent_at


def _load_notified_recipients(alerts: Sequence[Alert]) -> dict[int, _NotifiedRecipients]:
    recipients = {alert.pk: _NotifiedRecipients(alert) for alert in alerts}
    # Subscribers are not responsible for a response.
    rows = Notice.objects.filter(alert__in=recipients, webhook__isnull=True).exclude(
        why=Notice.Why.SUBSCRIPTION
    )
    for notice in (
        rows.select_related("delivery")
        .defer("delivery__body_text", "delivery__body_html")
        .order_by("pk")
    ):
        recipients[notice.alert_id].add(notice)
    return recipients


def _find_postponement(
    recipients: _NotifiedRecipients, wait: timedelta, *, at: datetime
) -> datetime | None:
    """Return when to check again; None: escalate now."""
    if recipients.first_sent is not None and recipients.first_sent <= at + MAX_CLOCK_LEAD:
        due_at = recipients.first_sent + wait
        return due_at if due_at > at else None
    if recipients.under_way and at < recipients.began + wait * MAX_WAIT_FACTOR + RETRY_AFTER:
        return at + RETRY_AFTER
    return None


def _load_waiting_times(
    alerts: Sequence[Alert],
) -> dict[int, tuple[timedelta | None, timedelta | None]]:
    """Return {alert: time limits of its party and then of the team's owners}, by the most critical
    application concerned."""
    policies = {policy.criticality: policy for policy in AlertPolicy.objects.all()}
    levels: Mapping[int, int] = dict(
        Application.objects.filter(
            pk__in={pk for alert in alerts for pk in alert.application_ids}
        ).values_list("pk", "criticality")
    )
    times = {}
    for alert in alerts:
        level = min((levels[pk] for pk in alert.application_ids if pk in levels), default=None)
        policy = policies.get(level) if level is not None else None
        times[alert.pk] = (
            _to_duration(policy.escalate_team_hours if policy else None),
            _to_duration(policy.escalate_governance_hours if policy else None),
        )
    return times


def _to_duration(hours: int | None) -> timedelta | None:
    return None if hours is None else timedelta(hours=hours)


# --- reopened alerts ------------------------------------------------------------------------------


def waits_again_since(alert: Alert) -> datetime | None:
    """Return the time since which the alert is open again after a response; None if it was never
    reopened."""
    reopened_at = alert.details.get("again_since")
    return datetime.fromisoformat(reopened_at) if reopened_at else None


def restart_escalation(alerts: Sequence[Alert], *, at: datetime) -> None:
    """Restart the escalation of reopened alerts, as if they had been created `at`; the caller
    saves."""
    from_severity = AlertSettings.objects.get(pk=1).escalate_from_severity
    waits = _load_waiting_times(alerts)
    for alert in alerts:
        team_wait, governance_wait = waits[alert.pk]
        wait = team_wait if team_wait is not None else governance_wait
        can_escalate = alert.team_id is not None and alert.severity >= from_severity
        alert.escalation = 0
        alert.escalate_at = at + wait if wait is not None and can_escalate else None
        alert.details = {**alert.details, "again_since": at.isoformat()}


# --- snoozed and muted ----------------------------------------------------------------------------


@transaction.atomic
def wake_snoozed_alerts(*, at: datetime) -> int:
    """Reopen snoozed alerts whose date has come, notify the user who snoozed them and the assignee,
    and return the number reopened."""
    due_alerts = list(
        Alert.objects.filter(state=Alert.State.SNOOZED, snoozed_until__lte=day_of(at))
        .select_for_update(skip_locked=True, no_key=True)
        .order_by("pk")[:ESCALATION_BATCH_SIZE]
    )
    if not due_alerts:
        return 0
    notices = [
        Notice(
            alert=alert,
            user_id=pk,
            why=route,
            owed_at=at,
            urgent=False,
            occasion=f"{Notice.Occasion.WOKEN} {alert.snoozed_until}",
        )
        for alert in due_alerts
        for pk, route in {
            alert.assigned_to_id: Notice.Why.ASSIGNED,
            alert.snoozed_by_id: Notice.Why.OWN,
        }.items()
        if pk is not None
    ]
    notices += deputy_notices(notices, {alert.pk: alert for alert in due_alerts}, on=day_of(at))
    restart_escalation(due_alerts, at=at)
    for alert in due_alerts:
        alert.state, alert.snoozed_until = Alert.State.OPEN, None
    Alert.objects.bulk_update(
        due_alerts, ["state", "snoozed_until", "escalation", "escalate_at", "details"]
    )
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    return len(due_alerts)


_RELEASE_MUTED_NOTICES = """
INSERT INTO alerts_notice
    (alert_id, user_id, team_id, webhook_id, why, occasion, application_ids, urgent, owed_at,
     skip_reason, skip_details)
SELECT n.alert_id, n.user_id, n.team_id, n.webhook_id, n.why, 'unmuted ' || m.id,
    n.application_ids, false, %(at)s, '', '{}'
FROM alerts_mute m
JOIN alerts_notice n ON n.mute_id = m.id
JOIN alerts_alert a ON a.id = n.alert_id AND a.state = 'open'
-- the mute has expired or was lifted
WHERE (m.until <= %(day)s OR m.lifted_at IS NOT NULL)
  -- the recipient was not notified after this mute yet
  AND NOT EXISTS (
      SELECT 1 FROM alerts_notice x WHERE x.alert_id = n.alert_id AND x.user_id IS NOT DISTINCT
      FROM n.user_id
        AND x.team_id IS NOT DISTINCT FROM n.team_id
        AND x.webhook_id IS NOT DISTINCT FROM n.webhook_id AND x.occasion = 'unmuted ' || m.id)
ON CONFLICT DO NOTHING
"""


@transaction.atomic
def release_muted_notices(*, at: datetime) -> int:
    """Create the notifications that an expired mute withheld, for alerts that are still open, and
    return their number."""
    today: date = day_of(at)
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_MUTED_NOTICES, {"at": at, "day": today})
        n_owed: int = cursor.rowcount
    return n_owed
