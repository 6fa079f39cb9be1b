"""Poll strip: the last day of one source's polls, a mark per stretch of time, oldest left."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HOURS = 24
SPAN = timedelta(hours=HOURS)
WIDTH, HEIGHT = 240.0, 16.0


class Outcome(StrEnum):
    """Outcome of a closed poll, the most severe last: a stretch with several shows that one."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    FAILED = "failed"
    SUSPECT = "suspect"


_GRAVITY = {outcome: rank for rank, outcome in enumerate(Outcome)}


@dataclass(frozen=True, slots=True)
class PollResult:
    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PollMark:
    """Stretch of time in which the source was polled; `x` is its left edge, `breadth` the maximum
    width of the mark."""

    x: float
    breadth: float
    outcome: Outcome

    @property
    def x_box(self) -> float:
        """Return the left edge of an outlined mark, whose line is half outside."""
        return round(self.x + 0.5, 1)

    @property
    def breadth_box(self) -> float:
        return round(self.breadth - 0.5, 1)


@dataclass(frozen=True, slots=True)
class PollStrip:
    """Strip of polls: `gap` is the space between two stretches, `minutes` the length of one."""

    marks: tuple[PollMark, ...]
    breadth: float
    gap: float
    minutes: int
    counts: dict[Outcome, int]
    narrow: bool
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def n_polls(self) -> int:
        return sum(self.counts.values())


def draw_poll_strip(
    polls: Iterable[PollResult], *, at: datetime, narrow: bool = False
) -> PollStrip:
    """Draw the 24 hours before `at` in half hours, or in hours if `narrow`; polls outside of them
    do not count."""
    recent_polls = [poll for poll in polls if at - SPAN < poll.at <= at]
    n_stretches = HOURS if narrow else 2 * HOURS
    step = WIDTH / n_stretches
    breadth = round(step * 0.7, 1)
    gravest: dict[int, Outcome] = {}
    for poll in recent_polls:
        stretch_number = n_stretches - 1 - int((at - poll.at) / (SPAN / n_stretches))
        gravest_so_far = gravest.get(stretch_number)
        if gravest_so_far is None or _GRAVITY[poll.outcome] > _GRAVITY[gravest_so_far]:
            gravest[stretch_number] = poll.outcome
    return PollStrip(
        marks=tuple(
            PollMark(round(stretch_number * step, 1), breadth, gravest[stretch_number])
            for stretch_number in sorted(gravest)
        ),
        breadth=breadth,
        gap=round(step - breadth, 1),
        minutes=int(SPAN / n_stretches / timedelta(minutes=1)),
        counts=dict(Counter(poll.outcome for poll in recent_polls)),
        narrow=narrow,
    )


def finding(name: str, poll_strip: PollStrip, *, enabled: bool) -> str:
    """Describe the strip as text, for screen readers."""
    if not poll_strip.n_polls:
        return (
            f"{name}: no poll in the last {HOURS} hours"
            f"{'' if enabled else '; polling is disabled'}."
        )
    count_texts = [
        f"{poll_strip.counts[outcome]} {outcome}"
        for outcome in reversed(Outcome)
        if poll_strip.counts.get(outcome)
    ]
    polls = "poll" if poll_strip.n_polls == 1 else "polls"
    counts = _join_with_and(count_texts)
    return f"{name}: {poll_strip.n_polls} {polls} in the last {HOURS} hours, {counts}."


def _join_with_and(count_texts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(count_texts[:-1]), count_texts[-1]]))
