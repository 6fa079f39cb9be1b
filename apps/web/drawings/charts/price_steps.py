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
    all that is known)."""
    drawn = [one for one in series if any(value is not None for _day, value in one.points)]
    if not drawn:
        return None
    changes = [day for one in drawn for day, _value in one.points]
    begin = begin or min([*changes, today - timedelta(90)])
    finish = finish or max([*changes, today]) + timedelta(30)
    stretches = [_stretches(one, begin, finish) for one in drawn]
    values = [stretch.value for one in stretches for stretch in one]
    names = [_name(one, unit, today) for one in drawn]
    width = NARROW if narrow else width
    top, height = 40.0, 200.0 if narrow else 220.0
    y = linear(values, start=top + height, end=top, n_ticks=4)
    room = 16.0 if narrow else min(max(text_width(name, bold=True) for name in names), width * 0.36)
    frame = Frame(
        room_for_amounts(y, unit), round(width - room - (6 if narrow else 26), 1), top, top + height
    )
    x = day_scale(begin, finish, start=frame.left, end=frame.right)
    strokes, dots, ends = [], [], []
    for rank, (one, parts) in enumerate(zip(drawn, stretches, strict=True)):
        css = "rl2" if one.hot else "l2" if rank == 0 else "l"
        strokes += _lines(one.label, parts, x, y, today, css)
        dots += [
            Dot(
                x.at(part.begin),
                y.at(part.value),
                "box",
                3.5,
                f"{one.label}: {unit.write(part.value)} from {part.begin.day} {part.begin:%b %Y}",
                one.label,
            )
            for part in parts
        ]
        if parts:
            last = parts[-1]
            if one.until == last.end:
                ended = f"M{x.at(last.end):g} {y.at(last.value) - 6:g}l5 6l-5 6l-5 -6z"
                strokes.append(Stroke(ended, "red" if one.hot else "ink", name=f"{one.label} ends"))
            text = LETTERS[rank % 26] if narrow else names[rank]
            ends.append(
                EndName(
                    x.at(last.end),
                    y.at(last.value),
                    text,
                    "r" if one.hot else "b" if narrow else "",
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
        keyed, bottom = key_lines(
            [(LETTERS[rank % 26], name) for rank, name in enumerate(names)],
            top=bottom + 16,
            width=width,
        )
        labels += keyed
    if x.shows(today):
        strokes.append(Stroke(down(x.at(today), top - 7, frame.bottom), "rl", name="today"))
        labels.append(
            clamp_labels(Label(x.at(today), top - 11, "Today", "r halo", "middle"), 0, width)
        )
    return Picture(
        width=width,
        height=round(bottom, 1),
        narrow=narrow,
        title=title or _finding(drawn, unit, today),
        desc=f"Lines from zero, {unit.word}; a gap is a time without a known value, dashes are "
        "announced.",
        grid=(*grid, *ticks, *leaders),
        strokes=tuple(strokes),
        dots=tuple(dots),
        labels=tuple(labels),
    )


def _stretches(one: Series, begin: date, finish: date) -> list[_Stretch]:
    """Times of one value within the window, oldest first."""
    points = sorted(one.points, key=lambda point: point[0])
    out = []
    for rank, (day, value) in enumerate(points):
        end = points[rank + 1][0] if rank + 1 < len(points) else one.until or finish
        if one.until is not None:
            end = min(end, one.until)
        day, end = max(day, begin), min(end, finish)
        if value is not None and day < end:
            out.append(_Stretch(day, end, float(value)))
    return out


def _lines(
    name: str, parts: Sequence[_Stretch], x: Days, y: Linear, today: date, css: str
) -> list[Stroke]:
    """Every level, with the rise between two that touch; dashed where it is announced for later."""
    out = []
    for rank, part in enumerate(parts):
        level = y.at(part.value)
        kind = f"{css} dash" if part.begin > today else css
        out.append(Stroke(across(level, x.at(part.begin), x.at(part.end)), kind, name=name))
        before = parts[rank - 1] if rank else None
        if before and before.end == part.begin:
            rise = down(x.at(part.begin), y.at(before.value), level)
            out.append(Stroke(rise, kind, name=name))
    return out


def _name(one: Series, unit: Unit, today: date) -> str:
    """`Claude Sonnet 5: 15.00, then 18.00`."""
    said = {
        "name": one.label,
        "now": _written(_at(one, today), unit),
        "then": _written(_next(one, today)[1], unit),
    }
    return ("{name}: {now}, then {then}" if _next(one, today)[0] else "{name}: {now}").format(
        **said
    )


def _written(value: float | None, unit: Unit) -> str:
    return "unknown" if value is None else unit.write(value)


def _next(one: Series, today: date) -> tuple[date | None, float | None]:
    """The first announced price; its day is None where none is."""
    coming = [
        (day, value) for day, value in sorted(one.points, key=lambda point: point[0]) if day > today
    ]
    return next(((day, value) for day, value in coming if value is not None), (None, None))


def _at(one: Series, day: date) -> float | None:
    if one.until is not None and one.until <= day:
        return None
    passed = [
        value for since, value in sorted(one.points, key=lambda point: point[0]) if since <= day
    ]
    return passed[-1] if passed else None


def _finding(series: Sequence[Series], unit: Unit, today: date) -> str:
    said = []
    for one in series[:4]:
        day, value = _next(one, today)
        words = {
            "name": one.label,
            "value": _written(_at(one, today), unit),
            "next": _written(value, unit),
        }
        said.append(
            "{name} {value}, {next} from {day}".format(**words, day=f"{day.day} {day:%b %Y}")
            if day
            else "{name} {value}".format(**words)
        )
    text = f"{capfirst(unit.word)}: {'; '.join(said)}"
    if len(series) > 4:
        n = len(series) - 4
        text += "; " + pluralize(n, f"{n} further line", f"{n} further lines")
    return f"{text}."
