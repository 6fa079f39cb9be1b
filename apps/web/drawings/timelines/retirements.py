"""Retirement timeline: a bar per offering for the time left until its date, on one scale of
days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from apps.web.drawings.base.text_layout import text_width
from apps.web.drawings.diagrams.stack_section import cut_section

# between a mark and its text, and between the text and the edge of the drawing
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

    def words(self, *, is_short: bool) -> str:
        """Return the text behind the mark; `short` for a phone."""
        date_text = f"no earlier than {self.when}" if self.soft else self.when
        return date_text if is_short else f"{date_text}, {self.note}"


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
    retirements: Sequence[Retirement], *, today: date, days: int, narrow: bool = False
) -> Timeline:
    """Draw a bar per retirement; past ones are at the left edge, 30 days before `today`; `narrow`
    puts the names above the lines.

    The scale is as wide as leaves every mark room for its text, which is behind the mark, never on
    its bar."""
    width, left, right = (360.0, 4.0, 318.0) if narrow else (1120.0, 250.0, 1010.0)
    top, step = (30.0, 36.0) if narrow else (34.0, 27.0)
    start, end = today - timedelta(30), today + timedelta(days)
    for retirement in retirements:
        share = (max(today, min(retirement.ends_on, end)) - start).days / (end - start).days
        text_room = (
            text_width(retirement.words(is_short=narrow), bold=retirement.urgent) + _GAP + _EDGE
        )
        right = min(right, left + (width - text_room - left) / share)

    def x(day: date) -> float:
        return round(left + (right - left) * ((day - start).days / (end - start).days), 1)

    rows = []
    for position, retirement in enumerate(retirements):
        x_to = x(max(start, min(retirement.ends_on, end)))
        is_past = retirement.ends_on < today
        rows.append(
            TimelineRow(
                ending=retirement,
                y=round(top + step * position + (20 if narrow else 10), 1),
                label=cut_section(retirement.label, 34 if narrow else 26),
                place=cut_section(
                    retirement.place, 20 if narrow else max(6, 36 - min(26, len(retirement.label)))
                ),
                x_from=x(today),
                x_to=x_to,
                x_text=round(max(x_to, x(today) if is_past else x_to) + _GAP, 1),
                words=retirement.words(is_short=narrow),
            )
        )
    return Timeline(
        width=width,
        height=round(top + step * len(retirements) + 8, 1),
        left=left,
        right=round(right, 1),
        today_x=x(today),
        months=tuple(_month_ticks(start, end, x, month_interval=2 if narrow else 1)),
        lines=tuple(rows),
        stacked=narrow,
    )


def _month_ticks(
    start: date, end: date, x: Callable[[date], float], *, month_interval: int
) -> list[Month]:
    """Return a tick every `month_interval` months; the first one, and the first of each year, name
    the year."""
    months: list[Month] = []
    month_start = (start.replace(day=1) + timedelta(32)).replace(day=1)
    position = 0
    while month_start < end:
        if position % month_interval == 0:
            named_year = (
                not months
                or month_start.month == 1
                or (month_interval > 1 and month_start.month <= month_interval)
            )
            months.append(
                Month(x(month_start), f"{month_start:%b %Y}" if named_year else f"{month_start:%b}")
            )
        month_start = (month_start + timedelta(32)).replace(day=1)
        position += 1
    return months
