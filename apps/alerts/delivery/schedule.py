"""Digest schedule: when a recipient's next digest is due. Plain Python: times and preferences in,
times out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.alerts.models import Cadence

# A stored time further in the future than this was written while the clock was wrong; a nearer one
# is valid.
MAX_CLOCK_LEAD = timedelta(hours=12)


def time_zone_named(name: str) -> tzinfo:
    """Return the time zone of that name; UTC if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class DigestSchedule:
    """The digest schedule of a recipient. `weekday` is 0 for Monday; `served_at` is the window of
    the last digest."""

    cadence: str = Cadence.DAILY
    hour: int = 7
    time_zone: str = "UTC"
    weekday: int = 0
    immediate: bool = True
    heartbeat: bool = False
    served_at: datetime | None = None

    @property
    def has_windows(self) -> bool:
        return self.cadence in {Cadence.DAILY, Cadence.WORKING_DAYS, Cadence.WEEKLY}

    @property
    def wants_only_urgent(self) -> bool:
        return self.cadence == Cadence.URGENT

    def served_before(self, at: datetime) -> datetime | None:
        """Return the last window that was served; one written by a clock that ran ahead does not
        count."""
        return (
            None
            if self.served_at is not None and self.served_at > at + MAX_CLOCK_LEAD
            else self.served_at
        )


def last_window(schedule: DigestSchedule, at: datetime) -> datetime:
    """Return the last time at or before `at` at which a digest was due: at most one per local day,
    also on days with a clock change.

    An hour that a change to summer time skips is the hour after it; an hour that occurs twice
    counts the first time."""
    zone = time_zone_named(schedule.time_zone)
    day = at.astimezone(zone).date() + timedelta(days=1)
    while True:
        if _is_due_on(schedule, day):
            window = datetime.combine(day, time(schedule.hour), tzinfo=zone).astimezone(UTC)
            if window <= at:
                return window
        day -= timedelta(days=1)


def next_window(schedule: DigestSchedule, at: datetime) -> datetime:
    """Return the first time after `at` at which a digest is due."""
    window = last_window(schedule, at)
    probe = at
    while window <= at:
        probe += timedelta(hours=12)
        window = last_window(schedule, probe)
    return window


def _is_due_on(schedule: DigestSchedule, day: date) -> bool:
    if schedule.cadence == Cadence.WEEKLY:
        return day.weekday() == schedule.weekday
    return day.weekday() < 5 if schedule.cadence == Cadence.WORKING_DAYS else True


def due_window(
    schedule: DigestSchedule,
    *,
    at: datetime,
    oldest: datetime | None,
    last_scan_at: datetime | None,
    gather: timedelta,
) -> datetime | None:
    """Return the window for which a digest is due now; None if there is none.

    `oldest` is when the oldest pending notification was created, `last_scan_at` when digests were
    last written (None: never). A window that passed since then includes notifications created
    after it: after an outage of three days, one digest covers the gap. Otherwise notifications
    created after the window wait for the next one."""
    window = last_window(schedule, at)
    last_served_at = schedule.served_before(at)
    if last_served_at is not None and window <= last_served_at:
        return None
    if oldest is None:
        return window if schedule.heartbeat and last_served_at is not None else None
    if oldest > at - gather:
        return None
    effective_scan_at = None if last_scan_at is None else min(last_scan_at, at)
    return (
        window
        if oldest <= window or effective_scan_at is None or effective_scan_at < window
        else None
    )
