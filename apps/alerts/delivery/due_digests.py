"""Due digests: recipients with pending notifications, compared with their digest schedules."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q

from apps.accounts.models import Team, User
from apps.alerts.delivery.schedule import MAX_CLOCK_LEAD, DigestSchedule, due_window, next_window
from apps.alerts.models import Cadence, DayKind, Delivery, Preference
from apps.common.database.statements import fetch_rows

# The interval of two daily digests, also if the clock is set back between them.
DAY_WITH_CLOCK_CHANGE = timedelta(hours=25)
# Further urgent notifications wait for the digest.
MAX_IMMEDIATE_PER_DAY = 12


@dataclass(frozen=True, slots=True)
class PendingRecipient:
    """A recipient with pending notifications; one of the IDs is set. `oldest` and `oldest_urgent`
    are creation times of notifications.

    `oldest_request` is when the recipient requested a summary, which is sent immediately whatever
    the frequency."""

    user_id: int | None
    team_id: int | None
    webhook_id: int | None
    oldest: datetime | None
    oldest_urgent: datetime | None = None
    oldest_urgent_change: datetime | None = None
    oldest_request: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueDigest:
    """A digest to write now: for `window`, or (None) urgent notifications only, or an immediate
    one."""

    recipient: PendingRecipient
    schedule: DigestSchedule
    window: datetime | None
    only_urgent: bool = False

    @property
    def takes_all(self) -> bool:
        """Return whether notifications that are not urgent are decided, too: for a recipient
        without digests they would otherwise be pending for ever."""
        return not self.only_urgent or self.schedule.wants_only_urgent


# Urgent notifications about dates, which are created at midnight, wait for the digest if there is
# one within a day.
_PENDING_RECIPIENTS = """
SELECT n.user_id, n.team_id, n.webhook_id, min(o.at) AS oldest,
       min(o.at) FILTER (WHERE n.urgent) AS oldest_urgent,
       min(o.at) FILTER (WHERE n.urgent AND NOT a.kind = ANY (%(days)s)) AS oldest_urgent_change,
       min(o.at) FILTER (WHERE n.occasion LIKE 'asked %%') AS oldest_request
FROM alerts_notice n JOIN alerts_alert a ON a.id = n.alert_id
-- what a clock that ran ahead wrote has waited long enough
CROSS JOIN LATERAL (SELECT CASE WHEN n.owed_at > %(ahead)s THEN 'epoch' ELSE n.owed_at END AS at) o
WHERE n.delivery_id IS NULL AND n.skip_reason = ''
GROUP BY n.user_id, n.team_id, n.webhook_id
ORDER BY min(o.at), n.user_id, n.team_id, n.webhook_id
"""


@dataclass(frozen=True, slots=True)
class DueScan:
    """Recipients whose message is due now, longest pending first. `gathers`: further digests would
    be due, but new notifications are still being gathered."""

    due: list[DueDigest]
    gathers: bool


def scan_due_digests(*, at: datetime, last_scan_at: datetime | None, gather: timedelta) -> DueScan:
    """Find the due digests in a few statements, whatever the number of recipients."""
    recipients = fetch_rows(
        PendingRecipient,
        _PENDING_RECIPIENTS,
        {"days": [str(kind) for kind in DayKind], "ahead": at + MAX_CLOCK_LEAD},
    )
    recipient_keys = {(recipient.user_id, recipient.team_id) for recipient in recipients}
    heartbeat_preferences = Preference.objects.filter(
        Q(user__is_active=True) | Q(team__isnull=False), heartbeat=True
    )
    recipients += [
        PendingRecipient(user_id, team_id, None, None)
        for user_id, team_id in heartbeat_preferences.values_list("user_id", "team_id")
        if (user_id, team_id) not in recipient_keys
    ]
    schedules = load_schedules(recipients)
    sent_today = _count_immediate(at - timedelta(days=1), at)
    digests = []
    is_gathering = False
    for recipient in recipients:
        schedule = schedules[recipient.user_id, recipient.team_id]
        due_digest = _find_due_digest(
            recipient, schedule, at=at, last_scan_at=last_scan_at, gather=gather
        )
        if due_digest is None or due_digest.window is None:
            digest_without_gathering = _find_due_digest(
                recipient, schedule, at=at, last_scan_at=last_scan_at, gather=timedelta(0)
            )
            is_gathering = is_gathering or (
                digest_without_gathering is not None and digest_without_gathering.window is not None
            )
        if due_digest is None:
            continue
        if (
            not due_digest.only_urgent
            or sent_today[recipient.user_id, recipient.team_id] < MAX_IMMEDIATE_PER_DAY
        ):
            digests.append(due_digest)
    return DueScan(digests, is_gathering)


def _find_due_digest(
    recipient: PendingRecipient,
    schedule: DigestSchedule,
    *,
    at: datetime,
    last_scan_at: datetime | None,
    gather: timedelta,
) -> DueDigest | None:
    """Return the digest that is due for the recipient at `at`, or None.

    `gather` is the time in which further notifications are collected. A window of the schedule
    comes first; urgent notifications are sent before it if the recipient wants them immediately.
    """
    if recipient.webhook_id is not None or not schedule.has_windows:
        is_gathered = recipient.oldest is not None and recipient.oldest <= at - gather
        if recipient.webhook_id is None and schedule.wants_only_urgent:
            return _find_due_urgent_digest(
                recipient, schedule, at=at, last_scan_at=last_scan_at, gather=gather
            )
        return DueDigest(recipient, schedule, None) if is_gathered else None
    window = due_window(
        schedule, at=at, oldest=recipient.oldest, last_scan_at=last_scan_at, gather=gather
    )
    if window is not None:
        return DueDigest(recipient, schedule, window)
    if recipient.oldest_request is not None and recipient.oldest_request <= at - gather:
        return DueDigest(recipient, schedule, None, only_urgent=True)
    oldest_urgent = recipient.oldest_urgent
    if oldest_urgent is not None and next_window(schedule, at) <= at + DAY_WITH_CLOCK_CHANGE:
        oldest_urgent = recipient.oldest_urgent_change
    if schedule.immediate and oldest_urgent is not None and oldest_urgent <= at - gather:
        return DueDigest(recipient, schedule, None, only_urgent=True)
    return None


def _find_due_urgent_digest(
    recipient: PendingRecipient,
    schedule: DigestSchedule,
    *,
    at: datetime,
    last_scan_at: datetime | None,
    gather: timedelta,
) -> DueDigest | None:
    """Return the due message of a recipient without digests: event alerts and requested summaries
    immediately, date alerts at the digest hour; notifications that are not urgent are only recorded
    as unwanted."""
    gathered_until = at - gather
    immediate_times = [
        moment
        for moment in (recipient.oldest_urgent_change, recipient.oldest_request)
        if moment is not None
    ]
    if any(moment <= gathered_until for moment in immediate_times):
        return DueDigest(recipient, schedule, None, only_urgent=True)
    if recipient.oldest_urgent is not None:
        daily_schedule = replace(schedule, cadence=Cadence.DAILY, served_at=None)
        window = due_window(
            daily_schedule,
            at=at,
            oldest=recipient.oldest_urgent,
            last_scan_at=last_scan_at,
            gather=gather,
        )
        return (
            DueDigest(recipient, schedule, None, only_urgent=True) if window is not None else None
        )
    return (
        DueDigest(recipient, schedule, None)
        if recipient.oldest is not None and recipient.oldest <= gathered_until
        else None
    )


def load_schedules(
    recipients: Iterable[PendingRecipient],
) -> dict[tuple[int | None, int | None], DigestSchedule]:
    """Load {(user, team): digest schedule}; three statements."""
    rows = list(recipients)
    user_ids = {row.user_id for row in rows if row.user_id}
    team_ids = {row.team_id for row in rows if row.team_id}
    preferences = {
        (preference.user_id, preference.team_id): preference
        for preference in Preference.objects.filter(Q(user__in=user_ids) | Q(team__in=team_ids))
    }
    schedules: dict[tuple[int | None, int | None], DigestSchedule] = {
        (None, None): DigestSchedule()
    }
    for pk, hour, time_zone in User.objects.filter(pk__in=user_ids).values_list(
        "pk", "digest_hour", "time_zone"
    ):
        schedules[pk, None] = schedule_of_preference(
            preferences.get((pk, None)), hour=hour, time_zone=time_zone
        )
    for pk, hour, time_zone in Team.objects.filter(pk__in=team_ids).values_list(
        "pk", "digest_hour", "time_zone"
    ):
        schedules[None, pk] = schedule_of_preference(
            preferences.get((None, pk)), hour=hour, time_zone=time_zone
        )
    return schedules


def schedule_of_preference(
    preference: Preference | None, *, hour: int, time_zone: str
) -> DigestSchedule:
    if preference is None:
        return DigestSchedule(hour=hour, time_zone=time_zone)
    return DigestSchedule(
        cadence=preference.cadence,
        hour=hour,
        time_zone=time_zone,
        weekday=preference.weekday,
        immediate=preference.immediate or preference.cadence == Cadence.URGENT,
        heartbeat=preference.heartbeat,
        served_at=preference.served_at,
    )


def _count_immediate(since: datetime, at: datetime) -> dict[tuple[int | None, int | None], int]:
    counts: dict[tuple[int | None, int | None], int] = defaultdict(int)
    rows = Delivery.objects.filter(
        kind=Delivery.Kind.IMMEDIATE, created_at__gt=since, created_at__lte=at
    ).values_list("user_id", "team_id")
    for user_id, team_id in rows:
        counts[user_id, team_id] += 1
    return counts
