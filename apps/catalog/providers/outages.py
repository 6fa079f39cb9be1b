"""Counts of the outages that the status page of a host told of, by a threshold. Plain Python.

A rate without its threshold says nothing: from "minor or worse" to "critical and at least 4 hours"
it falls by a factor of 30. Only months that were observed from their first to their last day count,
so that a record can start with an incident without a bias.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

# Impact as status pages state it, in ascending order; "none" tells of no outage.
IMPACTS = ("none", "minor", "major", "critical")
# Hours of the thresholds for which counts of long records exist (docs/loss.md).
THRESHOLD_HOURS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
# Older months are left out: rates of providers change within a few years.
MAX_MONTHS = 24
_MONTHS_PER_YEAR = 12
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OutageThreshold:
    """The incidents that count: with at least this impact, and this long from start to end."""

    impact: str
    hours: float

    @property
    def impacts(self) -> tuple[str, ...]:
        """The impacts that count, in ascending order."""
        return IMPACTS[IMPACTS.index(self.impact) :]


# What the loss model calls an outage: the host serves nothing, long enough to cause costs.
DEFAULT_THRESHOLD = OutageThreshold("critical", 4.0)
# The thresholds of a track record.
RECORD_THRESHOLDS = (
    OutageThreshold("minor", 0.0),
    OutageThreshold("major", 0.0),
    OutageThreshold("major", 4.0),
    DEFAULT_THRESHOLD,
)


@dataclass(frozen=True, slots=True)
class Outage:
    """An incident of a host. While it is open, `ended_at` is the last time at which it was known to
    be so."""

    started_at: datetime
    ended_at: datetime
    impact: str
    is_open: bool = False

    @property
    def hours(self) -> float:
        """Hours from start to end, or so far."""
        return max(self.ended_at - self.started_at, timedelta(0)) / _HOUR


@dataclass(frozen=True, slots=True)
class OutageLength:
    """Hours of an outage; of one that is open, the hours so far."""

    hours: float
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class OutageCounts:
    """Outages above a threshold for each month that was fully observed, the earliest first.

    `lengths` are those of all outages of the impact in these months, of any length.
    """

    threshold: OutageThreshold
    months: tuple[tuple[date, int], ...]
    lengths: tuple[OutageLength, ...] = ()

    @property
    def n(self) -> int:
        return sum(count for _, count in self.months)

    @property
    def years(self) -> float:
        """Exposure time."""
        return len(self.months) / _MONTHS_PER_YEAR

    @property
    def per_year(self) -> float | None:
        """Outages per year as counted; None without a month that was fully observed."""
        return self.n / self.years if self.months else None


def count_outages(
    outages: Iterable[Outage],
    threshold: OutageThreshold,
    *,
    observed_from: datetime,
    observed_until: datetime,
) -> OutageCounts:
    """Count outages by month of their start, in UTC.

    An open outage counts as soon as it has lasted for the hours of the threshold.
    """
    counts = dict.fromkeys(full_months(observed_from, observed_until), 0)
    lengths = []
    for outage in outages:
        month = _month_of(outage.started_at)
        if month not in counts or outage.impact not in threshold.impacts:
            continue
        lengths.append(OutageLength(outage.hours, outage.is_open))
        counts[month] += outage.hours >= threshold.hours
    return OutageCounts(threshold, tuple(counts.items()), tuple(lengths))


def full_months(observed_from: datetime, observed_until: datetime) -> list[date]:
    """Return the first days of the months that lie within the time of observation, the latest
    MAX_MONTHS of them."""
    month = _month_of(observed_from)
    if datetime(month.year, month.month, 1, tzinfo=UTC) < observed_from:
        month = _next_month(month)
    last_month = _month_of(observed_until)
    months = []
    while month < last_month:
        months.append(month)
        month = _next_month(month)
    return months[-MAX_MONTHS:]


def _month_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
