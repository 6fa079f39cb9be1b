"""Comparison of two results as bars: per row a solid and a hatched bar from one zero."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.text import capfirst

from apps.web.drawings.base.picture import NARROW, WIDE, Patch, Picture, Stroke, box, down
from apps.web.drawings.base.scales import Unit, linear, number
from apps.web.drawings.base.text_layout import (
    Label,
    clamp_labels,
    drop_overlapping,
    shorten_to_width,
    text_width,
)

_LOOKS = (("ink", "", ""), ("pap", "diag", "l"))
_THICK = 12.0


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """Row of a comparison that both results measure; None if a result does not."""

    label: str
    first: float | None
    second: float | None


def draw_comparison(
    rows: Sequence[ComparisonRow],
    *,
    names: tuple[str, str],
    unit: Unit,
    integers_only: bool = False,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw the comparison; `names` are those of the two results; all rows share one scale, so pass
    rows of one unit.

    `narrow`: in the layout for phones. `integers_only`: without fractions on the axis.
    """
    shown_rows = [row for row in rows if row.first is not None or row.second is not None]
    if not shown_rows:
        return None
    width = NARROW if narrow else width
    values = [value for row in shown_rows for value in (row.first, row.second) if value is not None]
    value_room = max(text_width(unit.write(value), bold=True) for value in values) + 10
    stacked = narrow or width < 600
    left = (
        1.0 if stacked else min(max(text_width(row.label) for row in shown_rows) + 12, width * 0.3)
    )
    # a negative bar has its number before it
    negative_room = value_room if min(values) < 0 else 0.0
    scale = linear(
        values,
        start=left + negative_room,
        end=width - value_room,
        n_ticks=4 if stacked else 6,
        integers_only=integers_only,
    )
    patches, labels, top = _draw_legend(names, width)
    first_row = top
    for row in shown_rows:
        y = top + (18 if stacked else 6)
        if stacked:
            labels.append(Label(4, y - 5, shorten_to_width(row.label, width - 8), "halo"))
        else:
            labels.append(
                Label(left - 8, y + _THICK + 4, shorten_to_width(row.label, left - 10), "", "end")
            )
        for rank, value in enumerate((row.first, row.second)):
            bar_y = y + rank * (_THICK + 2)
            if value is None:
                labels.append(Label(scale.at(0) + 6, bar_y + 10, "not counted", "s halo"))
                continue
            begin, end = sorted((scale.at(0), scale.at(value)))
            tip = f"{names[rank]}, {row.label}: {unit.write(value)}"
            fill, hatch, edge = _LOOKS[rank]
            patches.append(
                Patch(
                    box(begin, bar_y, end - begin, _THICK),
                    fill,
                    hatch,
                    edge,
                    tip,
                    f"{row.label} {rank}",
                )
            )
            labels.append(
                Label(end + 6, bar_y + 10, unit.write(value), "b halo")
                if value >= 0
                else Label(begin - 6, bar_y + 10, unit.write(value), "b halo", "end")
            )
        top = y + 2 * _THICK + 12
    ticks = [
        clamp_labels(Label(scale.at(tick), top + 14, unit.on_axis(tick), "s", "middle"), 0, width)
        for tick in scale.ticks
    ]
    return Picture(
        width=width,
        height=round(top + 34, 1),
        narrow=narrow,
        title=title or _describe_finding(shown_rows, names, unit),
        desc=f"Two bars per line from zero, {unit.word}: solid is {names[0]}, hatched is "
        f"{names[1]}.",
        grid=tuple(
            Stroke(down(scale.at(tick), first_row, top), "l" if tick == 0 else "g", name="tick")
            for tick in scale.ticks
        ),
        patches=tuple(patches),
        labels=(
            *labels,
            *drop_overlapping(ticks),
            clamp_labels(
                Label(scale.end, top + 29, shorten_to_width(unit.word, width), "s", "end"), 0, width
            ),
        ),
    )


def _draw_legend(names: tuple[str, str], width: float) -> tuple[list[Patch], list[Label], float]:
    """Draw both swatches on one line if they fit, else below each other; also return the height."""
    texts = [shorten_to_width(name, width - 30) for name in names]
    beside = sum(text_width(text) + 46 for text in texts) <= width
    patches, labels = [], []
    x, y = 0.0, 2.0
    for text, (fill, hatch, edge) in zip(texts, _LOOKS, strict=True):
        patches.append(Patch(box(x + 0.5, y, 22, 11), fill, hatch, edge, name="key"))
        labels.append(Label(x + 28, y + 10, text))
        x, y = (round(x + text_width(text) + 46, 1), y) if beside else (0.0, y + 18)
    return patches, labels, 26.0 if beside else 44.0


def _describe_finding(rows: Sequence[ComparisonRow], names: tuple[str, str], unit: Unit) -> str:
    def format_value(amount: float | None) -> str:
        return "not counted" if amount is None else unit.write(amount)

    phrases = [
        f"{row.label} {format_value(row.first)} and {format_value(row.second)}" for row in rows[:4]
    ]
    if len(rows) > 4:
        phrases.append(f"{number(len(rows) - 4)} more in the table")
    placeholders = {
        "first": names[0],
        "second": names[1],
        "unit": capfirst(unit.word),
        "values": "; ".join(phrases),
    }
    return "{unit} with {first} and with {second}: {values}.".format(**placeholders)
