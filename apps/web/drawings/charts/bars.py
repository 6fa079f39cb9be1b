"""Horizontal bar chart from zero, with the tolerance as a line, and the best and worst case as a
whisker."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.text import capfirst

from apps.common.text import pluralize
from apps.web.drawings.base.picture import NARROW, WIDE, Patch, Picture, Stroke, across, box, down
from apps.web.drawings.base.scales import Linear, Unit, linear
from apps.web.drawings.base.text_layout import (
    Label,
    clamp_labels,
    drop_overlapping,
    shorten_to_width,
    text_width,
)


@dataclass(frozen=True, slots=True)
class Bar:
    """Bar: `low` and `high` are the best and the worst case; `unsure` hatches an unidentified
    group.

    `limit` is the bar's own if bars have different ones; `note` follows the value, `tip` is the
    tooltip."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    note: str = ""
    unsure: bool = False
    tip: str = ""


@dataclass(frozen=True, slots=True)
class _Measure:
    width: float
    left: float
    right: float
    top: float
    step: float
    thick: float
    drop: float  # from a row's top to the middle of its bar


def draw_bars(
    rows: Sequence[Bar],
    *,
    unit: Unit,
    limit: float | None = None,
    limit_name: str = "",
    top: float | None = None,
    integers_only: bool = False,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw one bar per row in the order given. A bar beyond `limit` (or its own) is red; `top` ends
    the scale, say 1.

    `narrow`: in the layout for phones. `integers_only`: without fractions on the axis.
    """
    if not rows:
        return None
    values = [
        value
        for row in rows
        for value in (row.value, row.low, row.high, _limit_of(row, limit))
        if value is not None
    ]
    width = NARROW if narrow else width
    stacked = narrow or width < 500  # names above their bars
    measure = _measure_chart(rows, unit, width, stacked=stacked)
    scale = linear(
        [*values, *([top] if top is not None else [])],
        start=measure.left,
        end=measure.right,
        n_ticks=4 if measure.right - measure.left < 400 else 6,
        integers_only=integers_only,
    )
    bottom = round(measure.top + measure.step * len(rows) + 2, 1)
    patches, strokes, labels = [], [], []
    for rank, row in enumerate(rows):
        y = measure.top + measure.step * rank + measure.drop
        patches.append(_bar_patch(row, scale, y, measure.thick, unit, limit))
        strokes += _row_strokes(row, scale, y, measure.thick, limit if stacked else None)
        labels += _row_labels(row, scale, y, measure, unit, limit, stacked=stacked)
    grid, ticks = _draw_axis(scale, unit, measure, bottom, stacked=stacked)
    if limit is not None and not any(row.limit is not None for row in rows):
        if not stacked:
            strokes.append(Stroke(down(scale.at(limit), 16, bottom), "rl", name="limit"))
        limit_text = limit_name or f"tolerance {unit.write(limit)}"
        labels.append(
            clamp_labels(Label(scale.at(limit), 11, limit_text, "s", "middle"), 0, measure.width)
        )
    return Picture(
        width=measure.width,
        height=bottom + 34,
        narrow=narrow,
        title=title or _describe_finding(rows, unit, limit),
        desc=f"Bars from zero, {unit.word}; the red line is the tolerance, a thin line the best "
        "and worst case.",
        grid=grid,
        patches=tuple(patches),
        strokes=tuple(strokes),
        labels=(*labels, *ticks),
    )


def _limit_of(row: Bar, limit: float | None) -> float | None:
    return limit if row.limit is None else row.limit


def _is_over_limit(row: Bar, limit: float | None) -> bool:
    row_limit = _limit_of(row, limit)
    return row_limit is not None and row.value > row_limit


def _measure_chart(rows: Sequence[Bar], unit: Unit, width: float, *, stacked: bool) -> _Measure:
    """Return the space for names and values. `stacked`: names are above their bars."""
    if stacked:
        return _Measure(width, 1.0, width - 2, 20.0, 38.0, 12.0, 25.0)
    left = min(max(text_width(row.label, bold=True) for row in rows) + 12, width * 0.34)
    value_room = min(
        max(text_width(_value_text(row, unit), bold=True) for row in rows) + 10, width * 0.3
    )
    return _Measure(width, round(left, 1), round(width - value_room, 1), 20.0, 26.0, 13.0, 14.0)


def _value_text(row: Bar, unit: Unit) -> str:
    return ", ".join(filter(None, [unit.write(row.value), row.note]))


def _bar_patch(
    row: Bar, scale: Linear, y: float, thick: float, unit: Unit, limit: float | None
) -> Patch:
    x_zero, x_value = scale.at(0), scale.at(row.value)
    bar_box = box(min(x_zero, x_value), y - thick / 2, abs(x_value - x_zero), thick)
    tip = row.tip or f"{row.label}: {_value_text(row, unit)}"
    if _is_over_limit(row, limit):
        return Patch(bar_box, "wash", "red", "rl", tip, row.label)
    if row.unsure:
        return Patch(bar_box, "pap", "dots", "l", tip, row.label)
    return Patch(bar_box, "ink", "", "", tip, row.label)


def _row_strokes(
    row: Bar, scale: Linear, y: float, thick: float, limit: float | None
) -> list[Stroke]:
    strokes = []
    if row.low is not None and row.high is not None and row.low < row.high:
        x_low, x_high = scale.at(row.low), scale.at(row.high)
        ends = f"{across(y, x_low, x_high)}{down(x_low, y - 4, y + 4)}{down(x_high, y - 4, y + 4)}"
        strokes += [Stroke(ends, "under"), Stroke(ends, "l", name=f"{row.label} whisker")]
    row_limit = _limit_of(row, limit)
    if row_limit is not None:
        strokes.append(
            Stroke(
                down(scale.at(row_limit), y - thick / 2 - 4, y + thick / 2 + 4), "rl", name="limit"
            )
        )
    return strokes


def _row_labels(
    row: Bar,
    scale: Linear,
    y: float,
    measure: _Measure,
    unit: Unit,
    limit: float | None,
    *,
    stacked: bool,
) -> list[Label]:
    """Return the labels of a bar: its name and its value. `stacked`: both are on a line above the
    bar, since the drawing is narrow."""
    value, css = _value_text(row, unit), "r halo" if _is_over_limit(row, limit) else "b halo"
    if stacked:
        value = shorten_to_width(value, measure.width * 0.6, bold=True) or unit.write(row.value)
        value_label = Label(measure.width, round(y - 11, 1), value, css, "end")
        name = shorten_to_width(row.label, measure.width - value_label.width - 14)
        return [Label(4, round(y - 11, 1), name, "halo"), value_label]
    x_end = max(scale.at(value) for value in (row.value, row.high or 0.0, 0.0))
    row_limit = _limit_of(row, limit)
    if row_limit is not None and x_end <= scale.at(row_limit) < x_end + 14:
        x_end = scale.at(row_limit)
    value_label = Label(
        round(x_end + 7, 1),
        round(y + 4, 1),
        shorten_to_width(value, measure.width - x_end - 7, bold=True),
        css,
    )
    name = shorten_to_width(row.label, measure.left - 10, bold=_is_over_limit(row, limit))
    return [
        Label(
            measure.left - 8,
            round(y + 4, 1),
            name,
            "b" if _is_over_limit(row, limit) else "",
            "end",
        ),
        value_label,
    ]


def _draw_axis(
    scale: Linear, unit: Unit, measure: _Measure, bottom: float, *, stacked: bool
) -> tuple[tuple[Stroke, ...], tuple[Label, ...]]:
    """Return the grid lines and the labels of the axis, without those that would overlap."""
    grid = tuple(
        Stroke(
            down(scale.at(tick), measure.top, bottom + 4), "l" if tick == 0 else "g", name="tick"
        )
        for tick in scale.ticks
    )
    ticks = [
        clamp_labels(
            Label(scale.at(tick), bottom + 16, unit.on_axis(tick), "s", "middle"), 0, measure.width
        )
        for tick in scale.ticks
    ]
    unit_label = Label(
        measure.width if stacked else measure.right,
        bottom + 31,
        shorten_to_width(unit.word, measure.width - 2),
        "s",
        "end",
    )
    return grid, (*drop_overlapping(ticks), clamp_labels(unit_label, 0, measure.width))


def _describe_finding(rows: Sequence[Bar], unit: Unit, limit: float | None) -> str:
    largest = max(rows, key=lambda row: row.value)
    n_over = sum(_is_over_limit(row, limit) for row in rows)
    text = (
        f"{capfirst(unit.word)}: {largest.label} has the largest value, "
        f"{unit.write(largest.value)}."
    )
    if any(_limit_of(row, limit) is not None for row in rows):
        text += " " + (
            pluralize(
                n_over, f"{n_over} is above its tolerance.", f"{n_over} are above their tolerance."
            )
            if n_over
            else "All are within tolerance."
        )
    return text
