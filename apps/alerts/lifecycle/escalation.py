"""Escalation of alerts without a response, end of snoozes, and release of muted notifications."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from apps.alerts.delivery.schedule import MAX_CLOCK_LEAD
from apps.alerts.kinds.severity import URGENT_SEVERITY
from apps.alerts.models import Alert, AlertPolicy, AlertSettings, Notice
from apps.alerts.recipients import governance_users, team_audiences
from apps.common.time import day_of
from apps.inventory.models import Application

ESCALATION_BATCH_SIZE = 500
# a message that is still on its way holds an escalation up, but not for ever
RETRY_AFTER = timedelta(hours=1)
MAX_WAIT_FACTOR = 3


def escalate_alerts(*, at: datetime) -> int:
    """Escalate alerts without a timely response, and return the number escalated.

    The hours count from when the first message was sent to the recipients of the current level, so
    that no recipient is passed over before they could know. An acknowledgement, a snooze, an
    assignment or the end of the cause counts as a response."""
    _limit_wait(at=at)
    n_further = 0
    while batch := _escalate_batch(at=at):
        n_further += batch[1]
    return n_further


def _limit_wait(*, at: datetime) -> None:
    """Limit escalation times that a clock running ahead has set too late to the longest wait that
    any policy allows."""
    spans = AlertPolicy.objects.values_list("escalate_team_hours", "escalate_governance_hours")
    longest = timedelta(hours=max((hours or 0 for both in spans for hours in both), default=0))
    Alert.objects.waiting().filter(escalate_at__gt=at + longest + MAX_CLOCK_LEAD).update(
        escalate_at=at + longest
    )


@transaction.atomic
def _escalate_batch(*, at: datetime) -> tuple[int, int] | None:
    """Escalate one batch, and return (examined, escalated); None if none is due."""
    due = list(
        Alert.objects.waiting()
        .filter(escalate_at__lte=at)
        .select_for_update(skip_locked=True, no_key=True)
        .order_by("escalate_at", "pk")[:ESCALATION_BATCH_SIZE]
    )
    if not due:
        return None
    notified = _notified_recipients(due)
    hours = _waiting_times(due)
    audiences = team_audiences({alert.team_id for alert in due if alert.team_id is not None})
    governance = [user.pk for user in governance_users()]
    notices: list[Notice] = []
    n_further = 0
    for alert in due:
        to_team, to_governance = hours[alert.pk]
        wait = to_governance if alert.escalation > 0 or to_team is None else to_team
        if wait is None:
            alert.escalate_at = None
            continue
        if (later := _postponed_until(notified[alert.pk], wait, at=at)) is not None:
            alert.escalate_at = later
            continue
        people: Sequence[int] = ()
        if alert.escalation == 0 and to_team is not None:
            audience = audiences.get(alert.team_id or 0)
            people = [
                pk
                for pk in (audience.owner_ids if audience else ())
                if pk not in notified[alert.pk].people
            ]
            alert.escalation, alert.escalate_at = 1, None
            if people and to_governance is not None:
                alert.escalate_at = at + to_governance
        if not people and to_governance is not None:
            # nobody between the party and governance who was not told before
            people = [pk for pk in governance if pk not in notified[alert.pk].people]
            alert.escalation, alert.escalate_at = 2, None
        n_further += bool(people)
        notices += [
            Notice(
                alert=alert,
                user_id=pk,
                why=Notice.Why.ESCALATION,
                occasion=notified[alert.pk].occasion,
                urgent=alert.severity >= URGENT_SEVERITY,
                owed_at=at,
            )
            for pk in people
        ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    Alert.objects.bulk_update(due, ["escalation", "escalate_at"])
    return len(due), n_further


class _NotifiedRecipients:
    """The recipients notified of one alert since it is open, and when the recipients of the current
    level were first notified: its party, or after an escalation the users of that level."""

    def __init__(self, alert: Alert) -> None:
        self.again_since = waits_again_since(alert)
        self.began = self.again_since or alert.raised_at
        self.further = alert.escalation > 0
        self.first_sent: datetime | None = None
        self.under_way = False
        self.people: set[int] = set()

    @property
    def occasion(self) -> str:
        word = str(Notice.Occasion.ESCALATED)
        return word if self.again_since is None else f"{word} {self.again_since:%Y-%m-%d %H:%M}"

    def add(self, notice: Notice) -> None:
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
        if (notice.why == Notice.Why.ESCALATION) is not self.further:
            return
        if self.further:
            self.began = notice.owed_at
        self.under_way = self.under_way or is_under_way
        if sent_at is not None and (self.first_sent is None or sent_at < self.first_sent):
            self.first_sent = sent_at


def _notified_recipients(alerts: Sequence[Alert]) -> dict[int, _NotifiedRecipients]:
    recipients = {alert.pk: _NotifiedRecipients(alert) for alert in alerts}
    # what somebody subscribed to is told to nobody who is to answer
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


def _postponed_until(
    notified: _NotifiedRecipients, wait: timedelta, *, at: datetime
) -> datetime | None:
    """Return when to check again; None: escalate now."""
    if notified.first_sent is not None and notified.first_sent <= at + MAX_CLOCK_LEAD:
        due = notified.first_sent + wait
        return due if due > at else None
    if notified.under_way and at < notified.began + wait * MAX_WAIT_FACTOR + RETRY_AFTER:
        return at + RETRY_AFTER
    return None


def _waiting_times(alerts: Sequence[Alert]) -> dict[int, tuple[timedelta | None, timedelta | None]]:
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
        gravest = min((levels[pk] for pk in alert.application_ids if pk in levels), default=None)
        policy = policies.get(gravest) if gravest is not None else None
        times[alert.pk] = (
            _duration(policy.escalate_team_hours if policy else None),
            _duration(policy.escalate_governance_hours if policy else None),
        )
    return times


def _duration(hours: int | None) -> timedelta | None:
    return None if hours is None else timedelta(hours=hours)


# --- answers taken back ---------------------------------------------------------------------------


def waits_again_since(alert: Alert) -> datetime | None:
    """Return since when the alert is open again after a response; None if it never had one."""
    said = alert.details.get("again_since")
    return datetime.fromisoformat(said) if said else None


def restart_escalation(alerts: Sequence[Alert], *, at: datetime) -> None:
    """Restart the escalation of reopened alerts, as if they had been created `at`; the caller
    saves."""
    from_severity = AlertSettings.objects.get(pk=1).escalate_from_severity
    hours = _waiting_times(alerts)
    for alert in alerts:
        to_team, to_governance = hours[alert.pk]
        wait = to_team if to_team is not None else to_governance
        goes_further = alert.team_id is not None and alert.severity >= from_severity
        alert.escalation = 0
        alert.escalate_at = at + wait if wait is not None and goes_further else None
        alert.details = {**alert.details, "again_since": at.isoformat()}


# --- snoozed and muted ----------------------------------------------------------------------------


@transaction.atomic
def wake_snoozed_alerts(*, at: datetime) -> int:
    """Reopen snoozed alerts whose date has come, notify the user who snoozed them and the assignee,
    and return the number reopened."""
    due = list(
        Alert.objects.filter(state=Alert.State.SNOOZED, snoozed_until__lte=day_of(at))
        .select_for_update(skip_locked=True, no_key=True)
        .order_by("pk")[:ESCALATION_BATCH_SIZE]
    )
    if not due:
        return 0
    notices = [
        Notice(
            alert=alert,
            user_id=pk,
            why=why,
            owed_at=at,
            urgent=False,
            occasion=f"{Notice.Occasion.WOKEN} {alert.snoozed_until}",
        )
        for alert in due
        for pk, why in {
            alert.assigned_to_id: Notice.Why.ASSIGNED,
            alert.snoozed_by_id: Notice.Why.OWN,
        }.items()
        if pk is not None
    ]
    restart_escalation(due, at=at)
    for alert in due:
        alert.state, alert.snoozed_until = Alert.State.OPEN, None
    Alert.objects.bulk_update(
        due, ["state", "snoozed_until", "escalation", "escalate_at", "details"]
    )
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    return len(due)


_RELEASE_MUTED_NOTICES = """
INSERT INTO alerts_notice
    (alert_id, user_id, team_id, webhook_id, why, occasion, application_ids, urgent, owed_at,
     skip_reason, skip_details)
SELECT n.alert_id, n.user_id, n.team_id, n.webhook_id, n.why, 'unmuted ' || m.id,
    n.application_ids, false, %(at)s, '', '{}'
FROM alerts_mute m
JOIN alerts_notice n ON n.mute_id = m.id
JOIN alerts_alert a ON a.id = n.alert_id AND a.state = 'open'
WHERE (m.until <= %(day)s OR m.lifted_at IS NOT NULL)
  AND NOT EXISTS (
      SELECT 1 FROM alerts_notice x WHERE x.alert_id = n.alert_id AND x.user_id IS NOT DISTINCT
      FROM n.user_id
        AND x.team_id IS NOT DISTINCT FROM n.team_id AND x.occasion = 'unmuted ' || m.id)
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
