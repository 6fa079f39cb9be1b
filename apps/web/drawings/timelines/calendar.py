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
    """Retirement on the calendar: of a `soft` one the date is a lower bound. Of several, those with
    the greatest `weight` are named."""

    label: str
    ends_on: date
    soft: bool = False
    urgent: bool = False
    weight: int = 0
    tip: str = ""


def draw_calendar(
    retirements: Sequence[CalendarRetirement],
    *,
    today: date,
    months: int = 18,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw retirements from the month of `today` on, `months` long; others are not drawn and not
    counted.

    `narrow`: in the layout for phones.
    """
    begin = today.replace(day=1)
    finish = _months_later(begin, months)
    shown_retirements = sorted(
        (retirement for retirement in retirements if begin <= retirement.ends_on < finish),
        key=lambda retirement: (retirement.ends_on, retirement.label),
    )
    if not shown_retirements:
        return None
    width = NARROW if narrow else width
    x = day_scale(begin, finish, start=1.0, end=width - 1)
    columns: dict[int, list[CalendarRetirement]] = defaultdict(list)
    for retirement in shown_retirements:
        columns[int(x.at(retirement.ends_on) / _MARK)].append(retirement)
    tallest = max(len(column) for column in columns.values())
    name_room = 0.0 if narrow else _LANES * _LANE + 4
    rise = min(_MARK, 150 / tallest)
    top = 24.0 + name_room
    ground = round(top + rise * (tallest - 1) + _MARK + 4, 1)
    strokes, tops = [], []
    for column_number, column in columns.items():
        # urgent ones lie on the ground, where every column begins
        ordered_retirements = sorted(
            column,
            key=lambda retirement: (not retirement.urgent, -retirement.weight, retirement.ends_on),
        )
        column_x = min(max(column_number * _MARK + _MARK / 2, 6.0), width - 6)
        for rank, retirement in enumerate(ordered_retirements):
            y = ground - 8 - rise * rank
            strokes.append(
                Stroke(
                    _mark_path(column_x, y, soft=retirement.soft),
                    _mark_css(retirement),
                    _tip_text(retirement),
                    retirement.label,
                )
            )
        heaviest = max(
            ordered_retirements, key=lambda retirement: (retirement.urgent, retirement.weight)
        )
        tops.append(
            (
                column_x,
                ground - 8 - rise * (len(ordered_retirements) - 1),
                heaviest,
                len(ordered_retirements),
            )
        )
    grid, labels = _draw_months(shown_retirements, x, begin, months, ground, width)
    strokes.append(Stroke(down(x.at(today), 14, ground), "rl", name="today"))
    today_label = clamp_labels(Label(x.at(today), 10, "Today", "r halo", "middle"), 0, width)
    leaders, names = ([], []) if narrow else _place_names(tops, top, width)
    return Picture(
        width=width,
        height=ground + 40,
        narrow=narrow,
        title=title or _describe_finding(shown_retirements, today, months),
        desc="One mark per retirement, by date. Filled: announced. Hollow: earliest. Red: "
        "urgent. Counts below.",
        grid=(*grid, *leaders, Stroke(across(ground, 0, width), "l")),
        strokes=tuple(strokes),
        labels=(today_label, *labels, *names),
    )


def _months_later(day: date, n: int) -> date:
    month = day.month - 1 + n
    return date(day.year + month // 12, month % 12 + 1, 1)


def _mark_path(x: float, y: float, *, soft: bool) -> str:
    """Return a diamond for an announced date, or a flag that points onwards for a lower bound."""
    return f"M{x - 3:g} {y - 4:g}v8l7 -4z" if soft else f"M{x:g} {y - 5:g}l4.5 5l-4.5 5l-4.5 -5z"


def _mark_css(retirement: CalendarRetirement) -> str:
    return (
        ("redbox" if retirement.urgent else "box")
        if retirement.soft
        else "red"
        if retirement.urgent
        else "ink"
    )


def _tip_text(retirement: CalendarRetirement) -> str:
    day_text = f"{retirement.ends_on.day} {retirement.ends_on:%b %Y}"
    return (
        retirement.tip
        or f"{retirement.label}: {'no earlier than ' if retirement.soft else ''}{day_text}"
    )


def _draw_months(
    retirements: Sequence[CalendarRetirement],
    x: Days,
    begin: date,
    months: int,
    ground: float,
    width: float,
) -> tuple[list[Stroke], list[Label]]:
    """Return the lines and labels of the months, with the number of retirements in each."""
    counts = Counter(
        (retirement.ends_on.year, retirement.ends_on.month) for retirement in retirements
    )
    grid, labels = [], []
    for offset in range(months):
        month_start, next_month_start = (
            _months_later(begin, offset),
            _months_later(begin, offset + 1),
        )
        grid.append(
            Stroke(down(x.at(month_start), 18 if offset else ground, ground + 4), "g", name="month")
        )
        n = counts[month_start.year, month_start.month]
        middle = (x.at(month_start) + x.at(next_month_start)) / 2
        if n:
            labels.append(Label(round(middle, 1), ground + 15, number(n), "b", "middle"))
    month_labels = [
        clamp_labels(Label(tick.x + 2, ground + 33, tick.label, "s"), 0, width) for tick in x.ticks
    ]
    return grid, [*drop_overlapping(labels), *drop_overlapping(month_labels)]


def _place_names(
    tops: Sequence[tuple[float, float, CalendarRetirement, int]], top: float, width: float
) -> tuple[list[Stroke], list[Label]]:
    """Place the names of the heaviest stacks in lanes above them, urgent ones first, each joined to
    its stack by a line."""
    placed_names: list[tuple[int, float, Label]] = []
    leaders = []
    ordered_stacks = sorted(
        tops, key=lambda stack: (not stack[2].urgent, -stack[2].weight, stack[0])
    )
    for column_x, y, retirement, n in ordered_stacks:
        if len(placed_names) == _MOST_NAMES:
            break
        text = retirement.label if n == 1 else f"{retirement.label} and {n - 1} more"
        for lane in range(_LANES):
            label = Label(
                column_x - 2,
                round(top - 6 - _LANE * lane, 1),
                text,
                "r halo" if retirement.urgent else "halo",
            )
            label = clamp_labels(label, 0, width)
            if not any(
                _names_collide(lane, column_x, label, *placed_name) for placed_name in placed_names
            ):
                placed_names.append((lane, column_x, label))
                leaders.append(Stroke(down(column_x, label.y + 3, y - 6), "g2", name="leader"))
                break
    return leaders, [label for _lane, _at, label in placed_names]


def _names_collide(
    lane: int, at: float, label: Label, other_lane: int, other_at: float, other_label: Label
) -> bool:
    """Return whether two names of one lane touch, or the line of a higher one runs through a lower
    one."""
    left, right = label.box.x - 6, label.box.x + label.box.width + 6
    other_left, other_right = other_label.box.x - 6, other_label.box.x + other_label.box.width + 6
    if lane == other_lane:
        return left < other_right and other_left < right
    lower_left, lower_right, line_at = (
        (left, right, other_at) if lane < other_lane else (other_left, other_right, at)
    )
    return lower_left < line_at < lower_right


def _describe_finding(retirements: Sequence[CalendarRetirement], today: date, months: int) -> str:
    """Describe the retirements as text, for screen readers: their number, those within 90 days, and
    the next one."""
    soon_ending = [
        retirement
        for retirement in retirements
        if today <= retirement.ends_on <= today + timedelta(90)
    ]
    next_retirement = next(
        (retirement for retirement in retirements if retirement.ends_on >= today), retirements[0]
    )
    template = pluralize(
        len(retirements),
        "{n} retirement within {months} months, {soon} of them within 90 days; next {name} on "
        "{day}.",
        "{n} retirements within {months} months, {soon} of them within 90 days; next {name} on "
        "{day}.",
    )
    return template.format(
        n=number(len(retirements)),
        months=months,
        soon=number(len(soon_ending)),
        name=next_retirement.label,
        day=f"{next_retirement.ends_on.day} {next_retirement.ends_on:%b %Y}",
    )
