"""Price history chart: level until a change, a gap while the price is unknown, dashed if
announced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.text import capfirst

from apps.common.text import pluralize
from apps.web.drawings.base.axes import (
    LETTERS,
    EndName,
    Frame,
    amounts,
    end_names,
    key_lines,
    room_for_amounts,
    time,
)
from apps.web.drawings.base.picture import NARROW, WIDE, Dot, Picture, Stroke, across, down
from apps.web.drawings.base.scales import Days, Linear, Unit, day_scale, linear
from apps.web.drawings.base.text_layout import Label, clamp_labels, text_width


@dataclass(frozen=True, slots=True)
class Series:
    """Price series: `points` are (day, value from that day on), None if it is unknown from then;
    days after today are announced.

    `until` is the day on which the last value ends, `hot` draws the line red."""

    label: str
    points: tuple[tuple[date, float | None], ...]
    until: date | None = None
    hot: bool = False


@dataclass(frozen=True, slots=True)
class _Stretch:
    begin: date
    end: date
    value: float


def draw_price_steps(
    series: Sequence[Series],
    *,
    unit: Unit,
    today: date,
    begin: date | None = None,
    finish: date | None = None,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw lines of several units on one scale from zero, between `begin` and `finish` (by default
    all that is known).

    `narrow`: in the layout for phones.
    """
    priced_series = [
        price_series
        for price_series in series
        if any(value is not None for _day, value in price_series.points)
    ]
    if not priced_series:
        return None
    changes = [day for price_series in priced_series for day, _value in price_series.points]
    begin = begin or min([*changes, today - timedelta(90)])
    finish = finish or max([*changes, today]) + timedelta(30)
    stretches_of_series = [
        _list_stretches(price_series, begin, finish) for price_series in priced_series
    ]
    values = [stretch.value for stretches in stretches_of_series for stretch in stretches]
    names = [_series_name(price_series, unit, today) for price_series in priced_series]
    width = NARROW if narrow else width
    top, height = 40.0, 200.0 if narrow else 220.0
    y = linear(values, start=top + height, end=top, n_ticks=4)
    room = 16.0 if narrow else min(max(text_width(name, bold=True) for name in names), width * 0.36)
    frame = Frame(
        room_for_amounts(y, unit), round(width - room - (6 if narrow else 26), 1), top, top + height
    )
    x = day_scale(begin, finish, start=frame.left, end=frame.right)
    strokes, dots, ends = [], [], []
    for rank, (price_series, series_stretches) in enumerate(
        zip(priced_series, stretches_of_series, strict=True)
    ):
        css = "rl2" if price_series.hot else "l2" if rank == 0 else "l"
        strokes += _series_strokes(price_series.label, series_stretches, x, y, today, css)
        dots += [
            Dot(
                x.at(level_stretch.begin),
                y.at(level_stretch.value),
                "box",
                3.5,
                f"{price_series.label}: {unit.write(level_stretch.value)} from "
                f"{level_stretch.begin.day} {level_stretch.begin:%b %Y}",
                price_series.label,
            )
            for level_stretch in series_stretches
        ]
        if series_stretches:
            last_stretch = series_stretches[-1]
            if price_series.until == last_stretch.end:
                end_mark = (
                    f"M{x.at(last_stretch.end):g} {y.at(last_stretch.value) - 6:g}l5 6l-5 6l-5 -6z"
                )
                strokes.append(
                    Stroke(
                        end_mark,
                        "red" if price_series.hot else "ink",
                        name=f"{price_series.label} ends",
                    )
                )
            text = LETTERS[rank % 26] if narrow else names[rank]
            ends.append(
                EndName(
                    x.at(last_stretch.end),
                    y.at(last_stretch.value),
                    text,
                    "r" if price_series.hot else "b" if narrow else "",
                )
            )
    grid, axis = amounts(y, unit, frame, above=28)
    ticks, months = time(x, frame)
    leaders, end_labels = end_names(
        ends, x=frame.right + (4 if narrow else 20), room=room, low=top, high=frame.bottom
    )
    labels = [*axis, *months, *end_labels]
    bottom = frame.bottom + 26
    if narrow:
        key_labels, bottom = key_lines(
            [(LETTERS[rank % 26], name) for rank, name in enumerate(names)],
            top=bottom + 16,
            width=width,
        )
        labels += key_labels
    if x.shows(today):
        strokes.append(Stroke(down(x.at(today), top - 7, frame.bottom), "rl", name="today"))
        labels.append(
            clamp_labels(Label(x.at(today), top - 11, "Today", "r halo", "middle"), 0, width)
        )
    return Picture(
        width=width,
        height=round(bottom, 1),
        narrow=narrow,
        title=title or _describe_finding(priced_series, unit, today),
        desc=f"Lines from zero, {unit.word}; a gap is a time without a known value, dashes are "
        "announced.",
        grid=(*grid, *ticks, *leaders),
        strokes=tuple(strokes),
        dots=tuple(dots),
        labels=tuple(labels),
    )


def _list_stretches(price_series: Series, begin: date, finish: date) -> list[_Stretch]:
    """Return the periods of one price within the window, oldest first."""
    points = sorted(price_series.points, key=lambda point: point[0])
    stretches = []
    for rank, (day, value) in enumerate(points):
        end = points[rank + 1][0] if rank + 1 < len(points) else price_series.until or finish
        if price_series.until is not None:
            end = min(end, price_series.until)
        day, end = max(day, begin), min(end, finish)
        if value is not None and day < end:
            stretches.append(_Stretch(day, end, float(value)))
    return stretches


def _series_strokes(
    name: str, stretches: Sequence[_Stretch], x: Days, y: Linear, today: date, css: str
) -> list[Stroke]:
    """Draw every level, with the rise between two that touch; dashed where it is announced for
    later."""
    strokes = []
    for rank, stretch in enumerate(stretches):
        level = y.at(stretch.value)
        stretch_css = f"{css} dash" if stretch.begin > today else css
        strokes.append(
            Stroke(across(level, x.at(stretch.begin), x.at(stretch.end)), stretch_css, name=name)
        )
        previous_stretch = stretches[rank - 1] if rank else None
        if previous_stretch and previous_stretch.end == stretch.begin:
            rise = down(x.at(stretch.begin), y.at(previous_stretch.value), level)
            strokes.append(Stroke(rise, stretch_css, name=name))
    return strokes


def _series_name(price_series: Series, unit: Unit, today: date) -> str:
    """Return the name of a series with its prices: `Claude Sonnet 5: 15.00, then 18.00`."""
    placeholders = {
        "name": price_series.label,
        "now": _format_price(_price_on(price_series, today), unit),
        "then": _format_price(_next_announced_price(price_series, today)[1], unit),
    }
    return (
        "{name}: {now}, then {then}"
        if _next_announced_price(price_series, today)[0]
        else "{name}: {now}"
    ).format(**placeholders)


def _format_price(value: float | None, unit: Unit) -> str:
    return "unknown" if value is None else unit.write(value)


def _next_announced_price(price_series: Series, today: date) -> tuple[date | None, float | None]:
    """Return day and value of the first announced price; the day is None if there is none."""
    later_points = [
        (day, value)
        for day, value in sorted(price_series.points, key=lambda point: point[0])
        if day > today
    ]
    return next(((day, value) for day, value in later_points if value is not None), (None, None))


def _price_on(price_series: Series, day: date) -> float | None:
    if price_series.until is not None and price_series.until <= day:
        return None
    past_values = [
        value
        for since, value in sorted(price_series.points, key=lambda point: point[0])
        if since <= day
    ]
    return past_values[-1] if past_values else None


def _describe_finding(series: Sequence[Series], unit: Unit, today: date) -> str:
    """Describe the prices of today and the next announced ones as text, for screen readers; at most
    four lines."""
    phrases = []
    for price_series in series[:4]:
        day, value = _next_announced_price(price_series, today)
        placeholders = {
            "name": price_series.label,
            "value": _format_price(_price_on(price_series, today), unit),
            "next": _format_price(value, unit),
        }
        phrases.append(
            "{name} {value}, {next} from {day}".format(**placeholders, day=f"{day.day} {day:%b %Y}")
            if day
            else "{name} {value}".format(**placeholders)
        )
    text = f"{capfirst(unit.word)}: {'; '.join(phrases)}"
    if len(series) > 4:
        n = len(series) - 4
        text += "; " + pluralize(n, f"{n} more line", f"{n} more lines")
    return f"{text}."
