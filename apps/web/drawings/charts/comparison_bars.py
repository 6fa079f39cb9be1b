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
    lines: Sequence[ComparisonRow],
    *,
    names: tuple[str, str],
    unit: Unit,
    whole: bool = False,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw the comparison; `names` are those of the two results; all rows share one scale, so pass
    rows of one unit."""
    shown = [one for one in lines if one.first is not None or one.second is not None]
    if not shown:
        return None
    width = NARROW if narrow else width
    values = [value for one in shown for value in (one.first, one.second) if value is not None]
    value_room = max(text_width(unit.write(value), bold=True) for value in values) + 10
    stacked = narrow or width < 600
    left = 1.0 if stacked else min(max(text_width(one.label) for one in shown) + 12, width * 0.3)
    below = value_room if min(values) < 0 else 0.0  # a negative bar has its number before it
    scale = linear(
        values, start=left + below, end=width - value_room, n_ticks=4 if stacked else 6, whole=whole
    )
    patches, labels, top = _key(names, width)
    first_row = top
    for one in shown:
        y = top + (18 if stacked else 6)
        if stacked:
            labels.append(Label(4, y - 5, shorten_to_width(one.label, width - 8), "halo"))
        else:
            labels.append(
                Label(left - 8, y + _THICK + 4, shorten_to_width(one.label, left - 10), "", "end")
            )
        for rank, value in enumerate((one.first, one.second)):
            at = y + rank * (_THICK + 2)
            if value is None:
                labels.append(Label(scale.at(0) + 6, at + 10, "not counted", "s halo"))
                continue
            begin, end = sorted((scale.at(0), scale.at(value)))
            tip = f"{names[rank]}, {one.label}: {unit.write(value)}"
            fill, hatch, edge = _LOOKS[rank]
            patches.append(
                Patch(
                    box(begin, at, end - begin, _THICK),
                    fill,
                    hatch,
                    edge,
                    tip,
                    f"{one.label} {rank}",
                )
            )
            labels.append(
                Label(end + 6, at + 10, unit.write(value), "b halo")
                if value >= 0
                else Label(begin - 6, at + 10, unit.write(value), "b halo", "end")
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
        title=title or _finding(shown, names, unit),
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


def _key(names: tuple[str, str], width: float) -> tuple[list[Patch], list[Label], float]:
    """Both swatches on one line where they fit, else below each other."""
    texts = [shorten_to_width(name, width - 30) for name in names]
    beside = sum(text_width(text) + 46 for text in texts) <= width
    patches, labels = [], []
    x, y = 0.0, 2.0
    for text, (fill, hatch, edge) in zip(texts, _LOOKS, strict=True):
        patches.append(Patch(box(x + 0.5, y, 22, 11), fill, hatch, edge, name="key"))
        labels.append(Label(x + 28, y + 10, text))
        x, y = (round(x + text_width(text) + 46, 1), y) if beside else (0.0, y + 18)
    return patches, labels, 26.0 if beside else 44.0


def _finding(lines: Sequence[ComparisonRow], names: tuple[str, str], unit: Unit) -> str:
    def written(value: float | None) -> str:
        return "not counted" if value is None else unit.write(value)

    said = [f"{one.label} {written(one.first)} and {written(one.second)}" for one in lines[:4]]
    if len(lines) > 4:
        said.append(f"{number(len(lines) - 4)} more in the table")
    words = {
        "first": names[0],
        "second": names[1],
        "unit": capfirst(unit.word),
        "said": "; ".join(said),
    }
    return "{unit} with {first} and with {second}: {said}.".format(**words)
