"""Days between the releases of a developer's versions. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

# The minimum of intervals for a median.
MIN_INTERVALS = 4
# Earlier releases are left out: the pace of releases changes within a few years.
RELEASE_WINDOW = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class ReleaseIntervals:
    """Days between consecutive release days. `n_versions` were released on `n_days` days from
    `first_on` to `last_on`; `n_undated` have no release date that is known to the day.

    The figures in days are None below MIN_INTERVALS intervals.
    """

    n_versions: int
    n_days: int
    n_undated: int
    first_on: date | None = None
    last_on: date | None = None
    median_days: float | None = None
    shortest_days: int | None = None
    longest_days: int | None = None


def measure_releases(released_on: Iterable[date | None], *, today: date) -> ReleaseIntervals:
    """Return the intervals between the release days of the last two years; None is a version whose
    release day is not known."""
    all_days = list(released_on)
    recent_days = sorted(
        day for day in all_days if day is not None and today - RELEASE_WINDOW < day <= today
    )
    days = sorted(set(recent_days))
    intervals = [(later - earlier).days for earlier, later in pairwise(days)]
    has_statistic = len(intervals) >= MIN_INTERVALS
    return ReleaseIntervals(
        n_versions=len(recent_days),
        n_days=len(days),
        n_undated=all_days.count(None),
        first_on=days[0] if days else None,
        last_on=days[-1] if days else None,
        median_days=median(intervals) if has_statistic else None,
        shortest_days=min(intervals) if has_statistic else None,
        longest_days=max(intervals) if has_statistic else None,
    )
