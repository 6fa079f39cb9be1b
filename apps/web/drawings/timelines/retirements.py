"""Retirement timeline: a bar per offering for the time left until its date, on one scale of
days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from apps.web.drawings.base.text_layout import text_width
from apps.web.drawings.diagrams.stack_section import cut_section

# between a mark and its words, and between these and the edge of the sheet
_GAP, _EDGE = 12.0, 4.0


@dataclass(frozen=True, slots=True)
class Retirement:
    """Retirement on the timeline: `label` and `place` name the offering; `soft` is a date that says
    only 'not before'."""

    label: str
    place: str
    ends_on: date
    soft: bool
    urgent: bool
    when: str
    note: str
    url: str

    def words(self, *, short: bool) -> str:
        """Return the text behind the mark; `short` for a phone."""
        when = f"not before {self.when}" if self.soft else self.when
        return when if short else f"{when}, {self.note}"


@dataclass(frozen=True, slots=True)
class TimelineRow:
    ending: Retirement
    y: float
    label: str
    place: str
    x_from: float
    x_to: float
    x_text: float
    words: str

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
    lines: tuple[TimelineRow, ...]
    stacked: bool


def draw_timeline(
    endings: Sequence[Retirement], *, today: date, days: int, narrow: bool = False
) -> Timeline:
    """Draw a bar per retirement; past ones are at the left edge, 30 days before `today`; `narrow`
    puts the names above the lines.

    The scale is as wide as leaves every mark room for its text, which is behind the mark, never on
    its bar."""
    width, left, right = (360.0, 4.0, 318.0) if narrow else (1120.0, 250.0, 1010.0)
    top, step = (30.0, 36.0) if narrow else (34.0, 27.0)
    start, end = today - timedelta(30), today + timedelta(days)
    for ending in endings:
        share = (max(today, min(ending.ends_on, end)) - start).days / (end - start).days
        needed = text_width(ending.words(short=narrow), bold=ending.urgent) + _GAP + _EDGE
        right = min(right, left + (width - needed - left) / share)

    def x(day: date) -> float:
        return round(left + (right - left) * ((day - start).days / (end - start).days), 1)

    lines = []
    for position, ending in enumerate(endings):
        x_to = x(max(start, min(ending.ends_on, end)))
        past = ending.ends_on < today
        lines.append(
            TimelineRow(
                ending=ending,
                y=round(top + step * position + (20 if narrow else 10), 1),
                label=cut_section(ending.label, 34 if narrow else 26),
                place=cut_section(
                    ending.place, 20 if narrow else max(6, 36 - min(26, len(ending.label)))
                ),
                x_from=x(today),
                x_to=x_to,
                x_text=round(max(x_to, x(today) if past else x_to) + _GAP, 1),
                words=ending.words(short=narrow),
            )
        )
    return Timeline(
        width=width,
        height=round(top + step * len(endings) + 8, 1),
        left=left,
        right=round(right, 1),
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
