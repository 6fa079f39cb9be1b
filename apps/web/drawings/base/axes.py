"""Axes of charts over time or money: the frame, its axes and the labels at the ends of lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.web.drawings.base.picture import Stroke, across, down
from apps.web.drawings.base.scales import Days, Linear, Unit
from apps.web.drawings.base.text_layout import (
    Label,
    clamp_labels,
    drop_overlapping,
    shorten_to_width,
    spread,
    text_width,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LINE = 14.0  # from one line of text to the next


@dataclass(frozen=True, slots=True)
class Frame:
    """Rectangle in which lines are drawn; `bottom` is the position of the time axis."""

    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class EndName:
    """Label at the end of a line, at (`x`, `y`)."""

    x: float
    y: float
    text: str
    css: str = ""


def amounts(
    scale: Linear, unit: Unit, frame: Frame, *, above: float = 14.0
) -> tuple[list[Stroke], list[Label]]:
    """Draw rules across at the ticks, their numbers before them, the unit `above` the frame."""
    rules = [
        Stroke(
            across(scale.at(tick), frame.left, frame.right), "l" if tick == 0 else "g", name="tick"
        )
        for tick in scale.ticks
    ]
    tick_labels = [
        Label(frame.left - 6, round(scale.at(tick) + 4, 1), unit.on_axis(tick), "s", "end")
        for tick in scale.ticks
    ]
    return rules, [
        *drop_overlapping(tick_labels),
        Label(0, round(frame.top - above, 1), shorten_to_width(unit.word, frame.right), "s"),
    ]


def room_for_amounts(scale: Linear, unit: Unit) -> float:
    return round(max(text_width(unit.on_axis(tick)) for tick in scale.ticks) + 8, 1)


def time(days: Days, frame: Frame) -> tuple[list[Stroke], list[Label]]:
    """Draw ticks below the frame with the names of months after them."""
    marks = [
        Stroke(down(tick.x, frame.bottom, frame.bottom + 5), "g2", name="month")
        for tick in days.ticks
    ]
    month_labels = [
        clamp_labels(
            Label(tick.x, frame.bottom + 18, tick.label, "s", "middle"), 0, frame.right + 20
        )
        for tick in days.ticks
    ]
    return marks, list(drop_overlapping(month_labels))


def end_names(
    ends: Sequence[EndName], *, x: float, room: float, low: float, high: float
) -> tuple[list[Stroke], list[Label]]:
    """Place the names below each other at `x`, as near to their lines as possible; a name that had
    to move gets a leader.

    If there is no room for all, the first ones are named."""
    strokes, labels = [], []
    ends = ends[: int((high - low) / _LINE) + 1]
    places = spread([end.y for end in ends], gap=_LINE, low=low, high=high)
    for end, y in zip(ends, places, strict=True):
        if abs(y - end.y) > 3 or x - end.x > 12:
            strokes.append(Stroke(f"M{end.x + 3:g} {end.y:g}L{x - 3:g} {y:g}", "g2", name="leader"))
        css_classes = end.css.split()
        text = shorten_to_width(end.text, room, bold="b" in css_classes or "r" in css_classes)
        labels.append(Label(x, round(y + 4, 1), text, end.css))
    return strokes, labels


def key_lines(
    names: Sequence[tuple[str, str]], *, top: float, width: float
) -> tuple[list[Label], float]:
    """Draw legend lines such as `A Claude Sonnet 4.5, 15.00` below each other from `top`; return
    the labels and where they end."""
    labels = []
    for rank, (letter, text) in enumerate(names):
        y = round(top + 15 * rank, 1)
        labels += [Label(0, y, letter, "b"), Label(16, y, shorten_to_width(text, width - 16))]
    return labels, round(top + 15 * len(names), 1)
