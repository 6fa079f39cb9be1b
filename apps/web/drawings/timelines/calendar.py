"""Calendar timeline of retirements: a mark per date on a strip of months, stacked where they
coincide, a count per month."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from apps.common.text import pluralize
from apps.web.drawings.base.picture import NARROW, WIDE, Picture, Stroke, across, down
from apps.web.drawings.base.scales import Days, day_scale, number
from apps.web.drawings.base.text_layout import Label, clamp_labels, drop_overlapping

_MARK = 11.0  # breadth of a mark with its gap
_LANES, _LANE, _MOST_NAMES = 4, 14.0, 14


@dataclass(frozen=True, slots=True)
class CalendarRetirement:
    """Retirement on the calendar: `soft` is a date that says only 'not before'; `weight` orders
    which are named if there is room."""

    label: str
    ends_on: date
    soft: bool = False
    urgent: bool = False
    weight: int = 0
    tip: str = ""


def draw_calendar(
    ends: Sequence[CalendarRetirement],
    *,
    today: date,
    months: int = 18,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw retirements from the month of `today` on, `months` long; others are not drawn and not
    counted."""
    begin = today.replace(day=1)
    finish = _months_later(begin, months)
    shown = sorted(
        (one for one in ends if begin <= one.ends_on < finish),
        key=lambda one: (one.ends_on, one.label),
    )
    if not shown:
        return None
    width = NARROW if narrow else width
    x = day_scale(begin, finish, start=1.0, end=width - 1)
    columns: dict[int, list[CalendarRetirement]] = defaultdict(list)
    for one in shown:
        columns[int(x.at(one.ends_on) / _MARK)].append(one)
    tallest = max(len(column) for column in columns.values())
    named_room = 0.0 if narrow else _LANES * _LANE + 4
    rise = min(_MARK, 150 / tallest)
    top = 24.0 + named_room
    ground = round(top + rise * (tallest - 1) + _MARK + 4, 1)
    strokes, tops = [], []
    for place, column in columns.items():
        # urgent ones lie on the ground, where every column begins
        ordered = sorted(column, key=lambda one: (not one.urgent, -one.weight, one.ends_on))
        at = min(max(place * _MARK + _MARK / 2, 6.0), width - 6)
        for rank, one in enumerate(ordered):
            y = ground - 8 - rise * rank
            strokes.append(Stroke(_mark(at, y, soft=one.soft), _look(one), _tip(one), one.label))
        heaviest = max(ordered, key=lambda one: (one.urgent, one.weight))
        tops.append((at, ground - 8 - rise * (len(ordered) - 1), heaviest, len(ordered)))
    grid, labels = _months(shown, x, begin, months, ground, width)
    strokes.append(Stroke(down(x.at(today), 14, ground), "rl", name="today"))
    word = clamp_labels(Label(x.at(today), 10, "Today", "r halo", "middle"), 0, width)
    leaders, names = ([], []) if narrow else _names(tops, top, width)
    return Picture(
        width=width,
        height=ground + 40,
        narrow=narrow,
        title=title or _finding(shown, today, months),
        desc="A mark per end, by its day; filled is a firm date, hollow a 'not before', red is "
        "urgent. Counts below.",
        grid=(*grid, *leaders, Stroke(across(ground, 0, width), "l")),
        strokes=tuple(strokes),
        labels=(word, *labels, *names),
    )


def _months_later(day: date, n: int) -> date:
    month = day.month - 1 + n
    return date(day.year + month // 12, month % 12 + 1, 1)


def _mark(x: float, y: float, *, soft: bool) -> str:
    """A diamond for a firm date; a flag that points onwards for a lower bound."""
    return f"M{x - 3:g} {y - 4:g}v8l7 -4z" if soft else f"M{x:g} {y - 5:g}l4.5 5l-4.5 5l-4.5 -5z"


def _look(one: CalendarRetirement) -> str:
    return ("redbox" if one.urgent else "box") if one.soft else "red" if one.urgent else "ink"


def _tip(one: CalendarRetirement) -> str:
    when = f"{one.ends_on.day} {one.ends_on:%b %Y}"
    return one.tip or f"{one.label}: {'not before' + ' ' if one.soft else ''}{when}"


def _months(
    shown: Sequence[CalendarRetirement],
    x: Days,
    begin: date,
    months: int,
    ground: float,
    width: float,
) -> tuple[list[Stroke], list[Label]]:
    counts = Counter((one.ends_on.year, one.ends_on.month) for one in shown)
    grid, labels = [], []
    for offset in range(months):
        first, following = _months_later(begin, offset), _months_later(begin, offset + 1)
        grid.append(
            Stroke(down(x.at(first), 18 if offset else ground, ground + 4), "g", name="month")
        )
        n = counts[first.year, first.month]
        middle = (x.at(first) + x.at(following)) / 2
        if n:
            labels.append(Label(round(middle, 1), ground + 15, number(n), "b", "middle"))
    named = [
        clamp_labels(Label(tick.x + 2, ground + 33, tick.label, "s"), 0, width) for tick in x.ticks
    ]
    return grid, [*drop_overlapping(labels), *drop_overlapping(named)]


def _names(
    tops: Sequence[tuple[float, float, CalendarRetirement, int]], top: float, width: float
) -> tuple[list[Stroke], list[Label]]:
    """Names of the heaviest ends in lanes above the stacks, urgent ones first, each joined to its
    stack by a line."""
    placed: list[tuple[int, float, Label]] = []
    leaders = []
    ordered = sorted(tops, key=lambda stack: (not stack[2].urgent, -stack[2].weight, stack[0]))
    for at, y, one, n in ordered:
        if len(placed) == _MOST_NAMES:
            break
        text = one.label if n == 1 else f"{one.label} and {n - 1} more"
        for lane in range(_LANES):
            label = Label(
                at - 2, round(top - 6 - _LANE * lane, 1), text, "r halo" if one.urgent else "halo"
            )
            label = clamp_labels(label, 0, width)
            if not any(_in_the_way(lane, at, label, *other) for other in placed):
                placed.append((lane, at, label))
                leaders.append(Stroke(down(at, label.y + 3, y - 6), "g2", name="leader"))
                break
    return leaders, [label for _lane, _at, label in placed]


def _in_the_way(
    lane: int, at: float, label: Label, other_lane: int, other_at: float, other: Label
) -> bool:
    """Two names of one lane must not touch; the line of a higher one must not run through a lower
    one."""
    left, right = label.box.x - 6, label.box.x + label.box.width + 6
    other_left, other_right = other.box.x - 6, other.box.x + other.box.width + 6
    if lane == other_lane:
        return left < other_right and other_left < right
    lower_left, lower_right, line_at = (
        (left, right, other_at) if lane < other_lane else (other_left, other_right, at)
    )
    return lower_left < line_at < lower_right


def _finding(shown: Sequence[CalendarRetirement], today: date, months: int) -> str:
    soon = [one for one in shown if today <= one.ends_on <= today + timedelta(90)]
    first = next((one for one in shown if one.ends_on >= today), shown[0])
    said = pluralize(
        len(shown),
        "{n} end within {months} months, {soon} of it within 90 days; next {name} on {day}.",
        "{n} ends within {months} months, {soon} of them within 90 days; next {name} on {day}.",
    )
    return said.format(
        n=number(len(shown)),
        months=months,
        soon=number(len(soon)),
        name=first.label,
        day=f"{first.ends_on.day} {first.ends_on:%b %Y}",
    )
