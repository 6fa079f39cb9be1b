"""What ends when: a bar per offering for the time left until its day, on one scale of days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from apps.web.drawings.section import cut


@dataclass(frozen=True, slots=True)
class Ending:
    """`label` and `place` name the offering; `soft` is a date that says only 'not before'."""

    label: str
    place: str
    ends_on: date
    soft: bool
    urgent: bool
    when: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    ending: Ending
    y: float
    label: str
    place: str
    x_from: float
    x_to: float
    x_text: float
    flip: bool

    @property
    def length(self) -> float:
        return round(abs(self.x_to - self.x_from), 1)

    @property
    def x_bar(self) -> float:
        return min(self.x_from, self.x_to)


@dataclass(frozen=True, slots=True)
class Month:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    width: float
    height: float
    left: float
    right: float
    today_x: float
    months: tuple[Month, ...]
    lines: tuple[Line, ...]
    stacked: bool


def timeline(endings: Sequence[Ending], *, today: date, days: int, narrow: bool = False) -> Timeline:
    """Past ends stand at the left edge, 30 days before `today`; `narrow` puts the names above the lines."""
    width, left, right = (360.0, 4.0, 318.0) if narrow else (1120.0, 250.0, 1010.0)
    top, step = (30.0, 36.0) if narrow else (34.0, 27.0)
    start, end = today - timedelta(30), today + timedelta(days)

    def x(day: date) -> float:
        return round(left + (right - left) * ((day - start).days / (end - start).days), 1)

    lines = []
    for position, ending in enumerate(endings):
        x_to = x(max(start, min(ending.ends_on, end)))
        room = 58 if narrow else 150
        past = ending.ends_on < today
        flip = x_to + room > width
        lines.append(
            Line(
                ending=ending,
                y=round(top + step * position + (20 if narrow else 10), 1),
                label=cut(ending.label, 34 if narrow else 26),
                place=cut(ending.place, 20 if narrow else max(6, 36 - min(26, len(ending.label)))),
                x_from=x(today),
                x_to=x_to,
                x_text=round(x_to - 12 if flip else max(x_to, x(today) if past else x_to) + 12, 1),
                flip=flip,
            )
        )
    return Timeline(
        width=width,
        height=round(top + step * len(endings) + 8, 1),
        left=left,
        right=right,
        today_x=x(today),
        months=tuple(_months(start, end, x, every=2 if narrow else 1)),
        lines=tuple(lines),
        stacked=narrow,
    )


def _months(start: date, end: date, x: Callable[[date], float], *, every: int) -> list[Month]:
    months: list[Month] = []
    first = (start.replace(day=1) + timedelta(32)).replace(day=1)
    position = 0
    while first < end:
        if position % every == 0:
            named_year = not months or first.month == 1 or (every > 1 and first.month <= every)
            months.append(Month(x(first), f"{first:%b %Y}" if named_year else f"{first:%b}"))
        first = (first + timedelta(32)).replace(day=1)
        position += 1
    return months
