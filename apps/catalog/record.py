"""A provider's record: how long before the end it announced, and whether it kept what it promises. Plain Python.

Numbers with their sources; no grade, no score and no ranking. Models are announced in batches, so a number always
says from how many announcements it comes, and below `ENOUGH` of them there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from apps.catalog.earliest import ALL, Policy

ENOUGH = 5  # announcements, for any statistic
HALVED = 10  # announcements, to compare the earlier half with the later one
SHORT_DAYS = 30
# the medians of the halves differ by at least a quarter of the smaller one
_CHANGED = 1.25


@dataclass(frozen=True, slots=True)
class End:
    """The firm end of one model at one host, by whichever names it is called there.

    `announced_on` is the day a source names; where none does, the day on which this registry first saw the date
    (`is_seen`), so that the true notice may be longer. `source` and `source_url` are of the end, `told_by` is who
    names the announcement. `scope` is the kind of model under the host's policies; `is_partners` marks a model of
    another developer.
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
        """Days from announcement to end; None where no announcement is known or it names the end's own day."""
        if self.announced_on is None or self.announced_on >= self.ends_on:
            return None
        return (self.ends_on - self.announced_on).days

    @property
    def life_days(self) -> int | None:
        """Days from the release to the end; None where the release is not known to the day."""
        return (self.ends_on - self.released_on).days if self.released_on else None

    @property
    def is_short(self) -> bool:
        """Announced, by a published day, less than SHORT_DAYS ahead."""
        return not self.is_seen and self.notice_days is not None and self.notice_days < SHORT_DAYS


@dataclass(frozen=True, slots=True)
class Notices:
    """Of `n_models` in `n_announcements` (distinct announcement days); days.

    A notice counted from the day its date was first seen here is one of at least that length. With such notices the
    median is a lower bound too (`is_bound`); the shortest, the longest and the short ones are of the published days
    alone, where there are any: a feed that was late says nothing about the provider.
    """

    n_models: int
    n_announcements: int
    median_days: float
    is_bound: bool
    shortest: End
    longest: End
    n_short: int
    n_short_announcements: int


@dataclass(frozen=True, slots=True)
class Half:
    first_on: date
    last_on: date
    n_models: int
    n_announcements: int
    median_days: float


@dataclass(frozen=True, slots=True)
class Kept:
    """How often a published minimum was kept, judged by the policy of today.

    `misses` are the shortest first; `n_open` could not be judged, because only the day on which this registry saw
    the date is known, and that falls short of the minimum.
    """

    policy: Policy
    what: str  # notice or life
    days: int
    n: int
    misses: tuple[End, ...]
    n_open: int = 0

    @property
    def n_kept(self) -> int:
        return self.n - len(self.misses)

    @property
    def last_miss_on(self) -> date | None:
        """The day of the latest miss: of its announcement, or of the end where life is judged."""
        days = [miss.announced_on if self.what == "notice" else miss.ends_on for miss in self.misses]
        return max((day for day in days if day), default=None)


@dataclass(frozen=True, slots=True)
class Record:
    """`notices` is None below ENOUGH announcements, `halves` below HALVED published days of announcement; `told` is
    what they were counted from, by announcement. `n_without` ends have no known announcement."""

    told: tuple[End, ...]
    n_announcements: int
    n_seen: int
    n_without: int
    notices: Notices | None
    halves: tuple[Half, Half] | None
    kept: tuple[Kept, ...]

    @property
    def has_changed(self) -> bool:
        """Whether the later half's median differs from the earlier one's by a quarter or more."""
        if self.halves is None:
            return False
        low, high = sorted(half.median_days for half in self.halves)
        return high >= low * _CHANGED


def measure(ends: Iterable[End], policies: Iterable[Policy]) -> Record:
    ends = list(ends)
    told = sorted(
        (end for end in ends if end.notice_days is not None),
        key=lambda end: (end.announced_on, end.ends_on, end.model, end.offering_id),
    )
    days = sorted({end.announced_on for end in told if end.announced_on})
    return Record(
        told=tuple(told),
        n_announcements=len(days),
        n_seen=sum(end.is_seen for end in told),
        n_without=len(ends) - len(told),
        notices=_notices(told) if len(days) >= ENOUGH else None,
        halves=_halves([end for end in told if not end.is_seen]),
        kept=tuple(kept for policy in policies for kept in _kept(policy, ends)),
    )


def notice_days(end: End) -> int:
    """Of an end whose notice is known."""
    days = end.notice_days
    assert days is not None
    return days


def _notices(told: Sequence[End]) -> Notices:
    published = [end for end in told if not end.is_seen]
    short = [end for end in published if end.is_short]
    return Notices(
        n_models=len(told),
        n_announcements=len({end.announced_on for end in told}),
        median_days=median(notice_days(end) for end in told),
        is_bound=len(published) < len(told),
        shortest=min(published or told, key=notice_days),
        longest=max(published or told, key=notice_days),
        n_short=len(short),
        n_short_announcements=len({end.announced_on for end in short}),
    )


def _halves(published: Sequence[End]) -> tuple[Half, Half] | None:
    """The earlier and the later half of the announcements, a middle one in the later half; None below HALVED."""
    days = sorted({end.announced_on for end in published if end.announced_on})
    if len(days) < HALVED:
        return None
    cut = days[len(days) // 2]
    return (
        _half([end for end in published if end.announced_on and end.announced_on < cut]),
        _half([end for end in published if end.announced_on and end.announced_on >= cut]),
    )


def _half(told: Sequence[End]) -> Half:
    days = sorted({end.announced_on for end in told if end.announced_on})
    return Half(days[0], days[-1], len(told), len(days), median(notice_days(end) for end in told))


def _kept(policy: Policy, ends: Sequence[End]) -> list[Kept]:
    covered = [end for end in ends if policy.scope == ALL or (policy.scope == end.scope and not end.is_partners)]
    out = []
    if policy.notice_days is not None:
        least = policy.notice_days
        told = [end for end in covered if end.notice_days is not None]
        unsure = [end for end in told if end.is_seen and notice_days(end) < least]
        judged = [end for end in told if end not in unsure]
        misses = sorted((end for end in judged if notice_days(end) < least), key=notice_days)
        out.append(Kept(policy, "notice", least, len(judged), tuple(misses), len(unsure)))
    if policy.life_days is not None:
        least = policy.life_days
        # a partner's model began at this host some time after its release, on a day nobody writes down
        judged = [end for end in covered if not end.is_partners and _life(end) > 0]
        misses = sorted((end for end in judged if _life(end) < least), key=_life)
        out.append(Kept(policy, "life", least, len(judged), tuple(misses)))
    return [kept for kept in out if kept.n or kept.n_open]


def _life(end: End) -> int:
    return end.life_days or 0
