"""Track record of a provider: notice periods before retirements, and compliance with its published
minimums. Plain Python.

Numbers with their sources; no grade, no score and no ranking. Models are announced in batches, so
each number is shown with its number of announcements, and below `MIN_ANNOUNCEMENTS` of them there
is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from apps.catalog.providers.earliest_retirement import ALL, PublishedMinimum

MIN_ANNOUNCEMENTS = 5  # minimum number of announcements for any statistic
MIN_ANNOUNCEMENTS_FOR_TREND = 10  # minimum announcements to compare two halves
SHORT_NOTICE_DAYS = 30
# the larger median is at least this multiple of the smaller one
_CHANGED = 1.25


@dataclass(frozen=True, slots=True)
class ModelRetirement:
    """The announced retirement of one model at one host, under all its names there.

    `announced_on` is the day that a source states; if none does, the day on which this registry
    first saw the date (`is_seen`), so that the true notice may be longer. `source` and `source_url`
    are of the retirement date, `told_by` is the source of the announcement. `scope` is the kind of
    model under the host's policies; `is_partners` marks a model of another developer.
    """

    model: str
    offering_id: int
    api_id: str
    ends_on: date
    announced_on: date | None = None
    is_seen: bool = False
    released_on: date | None = None
    scope: str = ""
    is_partners: bool = False
    n_offerings: int = 1
    source: str = ""
    source_url: str = ""
    told_by: str = ""

    @property
    def notice_days(self) -> int | None:
        """Days from announcement to retirement; None if no announcement is known or it is on the
        day of retirement."""
        if self.announced_on is None or self.announced_on >= self.ends_on:
            return None
        return (self.ends_on - self.announced_on).days

    @property
    def life_days(self) -> int | None:
        """Days from the release to the retirement; None if the release date is not known to the
        day."""
        return (self.ends_on - self.released_on).days if self.released_on else None

    @property
    def is_short(self) -> bool:
        """Whether it was announced, on a published day, less than SHORT_NOTICE_DAYS ahead."""
        return (
            not self.is_seen
            and self.notice_days is not None
            and self.notice_days < SHORT_NOTICE_DAYS
        )


@dataclass(frozen=True, slots=True)
class NoticeStatistics:
    """Notice periods in days, of `n_models` in `n_announcements` (distinct announcement days).

    A notice counted from the day on which its date was first seen here is a lower bound. With such
    notices the median is a lower bound too (`is_bound`); the shortest, the longest and the short
    ones are from the published days alone, if there are any: a feed that was late says nothing
    about the provider.
    """

    n_models: int
    n_announcements: int
    median_days: float
    is_bound: bool
    shortest: ModelRetirement
    longest: ModelRetirement
    n_short: int
    n_short_announcements: int


@dataclass(frozen=True, slots=True)
class NoticeHalf:
    first_on: date
    last_on: date
    n_models: int
    n_announcements: int
    median_days: float


@dataclass(frozen=True, slots=True)
class PolicyCompliance:
    """How often a published minimum was met, by the current policy.

    `misses` are the shortest first; `n_open` could not be judged, because only the day on which
    this registry saw the date is known, and that is below the minimum.
    """

    policy: PublishedMinimum
    what: str  # notice or life
    days: int
    n: int
    misses: tuple[ModelRetirement, ...]
    n_open: int = 0

    @property
    def n_kept(self) -> int:
        return self.n - len(self.misses)

    @property
    def last_miss_on(self) -> date | None:
        """The day of the latest miss: of its announcement, or of the retirement if life is
        judged."""
        days = [
            miss.announced_on if self.what == "notice" else miss.ends_on for miss in self.misses
        ]
        return max((day for day in days if day), default=None)


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A track record. `notices` is None below MIN_ANNOUNCEMENTS announcements, `halves` below
    MIN_ANNOUNCEMENTS_FOR_TREND published announcement dates; `told` holds the counted retirements,
    by announcement. `n_without` retirements have no known announcement."""

    told: tuple[ModelRetirement, ...]
    n_announcements: int
    n_seen: int
    n_without: int
    notices: NoticeStatistics | None
    halves: tuple[NoticeHalf, NoticeHalf] | None
    kept: tuple[PolicyCompliance, ...]

    @property
    def has_changed(self) -> bool:
        """Whether the medians of the two halves differ by a quarter or more."""
        if self.halves is None:
            return False
        low, high = sorted(half.median_days for half in self.halves)
        return high >= low * _CHANGED


def measure_track_record(
    ends: Iterable[ModelRetirement], policies: Iterable[PublishedMinimum]
) -> TrackRecord:
    """Return the track record of a host from its announced retirements and the minimums it
    publishes. Notice periods are measured only over retirements with a known announcement."""
    ends = list(ends)
    announced_retirements = sorted(
        (end for end in ends if end.notice_days is not None),
        key=lambda end: (end.announced_on, end.ends_on, end.model, end.offering_id),
    )
    days = sorted({end.announced_on for end in announced_retirements if end.announced_on})
    return TrackRecord(
        told=tuple(announced_retirements),
        n_announcements=len(days),
        n_seen=sum(end.is_seen for end in announced_retirements),
        n_without=len(ends) - len(announced_retirements),
        notices=_measure_notices(announced_retirements) if len(days) >= MIN_ANNOUNCEMENTS else None,
        halves=_measure_halves([end for end in announced_retirements if not end.is_seen]),
        kept=tuple(
            compliance for policy in policies for compliance in _measure_compliance(policy, ends)
        ),
    )


def notice_days(end: ModelRetirement) -> int:
    """Return the days of notice of a retirement whose notice is known."""
    days = end.notice_days
    assert days is not None
    return days


def _measure_notices(announced_retirements: Sequence[ModelRetirement]) -> NoticeStatistics:
    published = [end for end in announced_retirements if not end.is_seen]
    short = [end for end in published if end.is_short]
    return NoticeStatistics(
        n_models=len(announced_retirements),
        n_announcements=len({end.announced_on for end in announced_retirements}),
        median_days=median(notice_days(end) for end in announced_retirements),
        is_bound=len(published) < len(announced_retirements),
        shortest=min(published or announced_retirements, key=notice_days),
        longest=max(published or announced_retirements, key=notice_days),
        n_short=len(short),
        n_short_announcements=len({end.announced_on for end in short}),
    )


def _measure_halves(published: Sequence[ModelRetirement]) -> tuple[NoticeHalf, NoticeHalf] | None:
    """Return the earlier and the later half of the announcements, with a middle one in the later
    half; None below MIN_ANNOUNCEMENTS_FOR_TREND."""
    days = sorted({end.announced_on for end in published if end.announced_on})
    if len(days) < MIN_ANNOUNCEMENTS_FOR_TREND:
        return None
    middle_day = days[len(days) // 2]
    return (
        _measure_half(
            [end for end in published if end.announced_on and end.announced_on < middle_day]
        ),
        _measure_half(
            [end for end in published if end.announced_on and end.announced_on >= middle_day]
        ),
    )


def _measure_half(announced_retirements: Sequence[ModelRetirement]) -> NoticeHalf:
    days = sorted({end.announced_on for end in announced_retirements if end.announced_on})
    return NoticeHalf(
        days[0],
        days[-1],
        len(announced_retirements),
        len(days),
        median(notice_days(end) for end in announced_retirements),
    )


def _measure_compliance(
    policy: PublishedMinimum, ends: Sequence[ModelRetirement]
) -> list[PolicyCompliance]:
    """Return how often the retirements that a policy covers met its minimum notice and its minimum
    life; nothing for a minimum without a retirement to judge.

    A notice counted from the day on which this registry saw the date is a lower bound: it can show
    that the minimum was met, but not that it was missed."""
    covered_retirements = [
        end
        for end in ends
        if policy.scope == ALL or (policy.scope == end.scope and not end.is_partners)
    ]
    result = []
    if policy.notice_days is not None:
        minimum_days = policy.notice_days
        announced_retirements = [end for end in covered_retirements if end.notice_days is not None]
        uncertain_retirements = [
            end for end in announced_retirements if end.is_seen and notice_days(end) < minimum_days
        ]
        judged_retirements = [
            end for end in announced_retirements if end not in uncertain_retirements
        ]
        misses = sorted(
            (end for end in judged_retirements if notice_days(end) < minimum_days), key=notice_days
        )
        result.append(
            PolicyCompliance(
                policy,
                "notice",
                minimum_days,
                len(judged_retirements),
                tuple(misses),
                len(uncertain_retirements),
            )
        )
    if policy.life_days is not None:
        minimum_days = policy.life_days
        # when this host began to serve a partner's model, some time after its release, is not
        # published
        judged_retirements = [
            end for end in covered_retirements if not end.is_partners and _life_days(end) > 0
        ]
        misses = sorted(
            (end for end in judged_retirements if _life_days(end) < minimum_days), key=_life_days
        )
        result.append(
            PolicyCompliance(policy, "life", minimum_days, len(judged_retirements), tuple(misses))
        )
    return [compliance for compliance in result if compliance.n or compliance.n_open]


def _life_days(end: ModelRetirement) -> int:
    return end.life_days or 0
