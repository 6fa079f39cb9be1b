"""Loss exceedance curve: the probability that the yearly loss is larger, beside the twin with
independent failures."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.text import capfirst

from apps.web.drawings.base.axes import Frame
from apps.web.drawings.base.picture import NARROW, THIRD, Dot, Picture, Stroke, across, down, line
from apps.web.drawings.base.scales import Linear, Log, Unit, linear, logarithmic
from apps.web.drawings.base.text_layout import (
    Label,
    clamp_labels,
    drop_overlapping,
    overlap,
    shorten_to_width,
    text_width,
)

type Curve = Sequence[tuple[float, float]]
type Height = Callable[[float], float]
_SMOOTH = 30
_CHANCES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class Level:
    """Return period: `once_in` years, its loss, that of the twin, and the 95 % interval of the
    first."""

    once_in: int
    loss: float
    twin: float | None = None
    low: float | None = None
    high: float | None = None


def draw_loss_curve(
    curve: Curve,
    *,
    unit: Unit,
    twin: Curve = (),
    band: Sequence[tuple[float, float, float]] = (),
    levels: Sequence[Level] = (),
    expected: float | None = None,
    rarest: int = 500,
    log: bool = False,
    title: str = "",
    width: float = THIRD,
    narrow: bool = False,
) -> Picture | None:
    """Draw both curves; `curve` and `twin` are (loss, probability of a larger yearly loss); `band`
    is (loss, lowest, highest probability).

    Probabilities are drawn on a logarithmic scale down to 1 in `rarest`, losses from zero, or with
    `log` from the power of ten below the least. `expected` is the mean year. `narrow`: in the
    layout for phones.
    """
    rarest = max([rarest, *(level.once_in for level in levels)])
    curve_points = _visible_part(curve, rarest)
    if not curve_points or max(loss for loss, _chance in curve_points) <= 0:
        return None
    twin_points = _visible_part(twin, rarest)
    width = NARROW if narrow else width
    left = text_width(_return_period_text(rarest)) + 8
    frame = Frame(round(left, 1), width - 8, 28.0, 264.0 if width < 600 else 304.0)
    losses = [loss for loss, _chance in (*curve_points, *twin_points)]
    losses += [
        value
        for level in levels
        for value in (level.loss, level.twin, level.high)
        if value is not None
    ]
    n_ticks = 4 if width < 600 else 7
    x: Linear | Log = (
        logarithmic(losses, start=frame.left, end=frame.right)
        if log
        else linear(losses, start=frame.left, end=frame.right, n_ticks=n_ticks)
    )

    def y(chance: float) -> float:
        depth = math.log(1 / max(min(chance, 1.0), 1 / rarest)) / math.log(rarest)
        return round(frame.top + (frame.bottom - frame.top) * depth, 2)

    areas = []
    if band:
        upper = [(x.at(loss), y(high)) for loss, _low, high in band]
        lower = [(x.at(loss), y(low)) for loss, low, _high in band]
        areas.append(Stroke(f"{line([*upper, *reversed(lower)])}Z", "band", name="band"))
    strokes = []
    if twin_points:
        strokes.append(Stroke(_curve_path(twin_points, x, y), "l dash", name="twin"))
    strokes.append(Stroke(_curve_path(curve_points, x, y), "rl2", name="curve"))
    dots, labels, level_strokes = _draw_levels(levels, x, y, frame, unit, width)
    strokes += level_strokes
    if expected is not None:
        expected_x = x.at(expected)
        strokes.append(Stroke(down(expected_x, frame.top, frame.bottom), "l dot", name="expected"))
        expected_label = Label(
            expected_x + 4, frame.top + 2, f"expected {unit.write(expected)}", "b halo"
        )
        labels.append(clamp_labels(expected_label, frame.left, width))
    grid, axes = _draw_axes(x, y, frame, unit, rarest, width)
    name_labels = _make_name_labels(curve_points, twin_points, x, y, frame)
    return Picture(
        width=width,
        height=frame.bottom + 42,
        narrow=narrow,
        title=title or _describe_finding(levels, unit, expected, with_twin=bool(twin_points)),
        desc=(
            "Probability of a larger yearly loss, by loss: {unit}. Probabilities are on a "
            "logarithmic scale{log}."
        ).format(unit=unit.word, log=", losses too" if log else ""),
        grid=grid,
        areas=tuple(areas),
        strokes=tuple(strokes),
        dots=tuple(dots),
        labels=(*axes, *_place_labels(labels, name_labels)),
    )


def _visible_part(curve: Curve, rarest: int) -> list[tuple[float, float]]:
    """Return the points by rising loss down to 1 in `rarest`, the last one moved onto that edge."""
    points = sorted(curve)
    visible_points = [
        (float(loss), float(chance)) for loss, chance in points if chance >= 1 / rarest
    ]
    hidden_point = next(
        ((float(loss), float(chance)) for loss, chance in points if chance < 1 / rarest), None
    )
    if visible_points and hidden_point:
        (loss, chance), (further_loss, rarer_chance) = visible_points[-1], hidden_point
        fraction = (
            math.log(chance * rarest) / math.log(chance / max(rarer_chance, 1e-9))
            if rarer_chance > 0
            else 1.0
        )
        visible_points.append((loss + (further_loss - loss) * min(fraction, 1.0), 1 / rarest))
    return visible_points


def _curve_path(curve: Curve, x: Linear | Log, y: Height) -> str:
    """Return the path of a curve; few points are drawn as steps, since the probability is constant
    until the next possible loss."""
    coordinates = [(x.at(loss), y(chance)) for loss, chance in curve]
    if len(coordinates) > _SMOOTH:
        return line(coordinates)
    stepped = [coordinates[0]]
    for (_before, chance), (loss, next_chance) in pairwise(coordinates):
        stepped += [(loss, chance), (loss, next_chance)]
    return line(stepped)


def _return_period_text(n: int) -> str:
    return "every year" if n == 1 else f"1 in {n:,}"


def _draw_levels(
    levels: Sequence[Level], x: Linear | Log, y: Height, frame: Frame, unit: Unit, width: float
) -> tuple[list[Dot], list[Label], list[Stroke]]:
    """Return the marks of the levels: the loss, its confidence interval, and the loss if failures
    were independent."""
    dots, labels, strokes = [], [], []
    for level in levels:
        level_x, level_y = x.at(level.loss), y(1 / level.once_in)
        once = _return_period_text(level.once_in)
        strokes.append(
            Stroke(down(level_x, level_y, frame.bottom), "rl dot", name=f"1 in {level.once_in}")
        )
        if level.low is not None and level.high is not None:
            ends = f"{across(level_y, x.at(level.low), x.at(level.high))}"
            for edge in (level.low, level.high):
                ends += down(x.at(edge), level_y - 4, level_y + 4)
            strokes.append(Stroke(ends, "rl", name="interval"))
        dots.append(
            Dot(
                level_x,
                level_y,
                "red",
                3.5,
                f"{once}: {unit.write(level.loss)}",
                f"1 in {level.once_in}",
            )
        )
        labels.append(
            clamp_labels(
                Label(level_x + 8, level_y - 6, unit.write(level.loss), "r halo"), 0, width
            )
        )
        if level.twin is not None:
            twin_x = x.at(level.twin)
            tip = f"{once}, independent: {unit.write(level.twin)}"
            dots.append(Dot(twin_x, level_y, "ink", 3.5, tip, f"1 in {level.once_in} twin"))
            twin_label = Label(twin_x - 7, level_y + 14, unit.write(level.twin), "b halo", "end")
            labels.append(clamp_labels(twin_label, frame.left + 2, width))
    return dots, labels, strokes


def _draw_axes(
    x: Linear | Log, y: Height, frame: Frame, unit: Unit, rarest: int, width: float
) -> tuple[tuple[Stroke, ...], list[Label]]:
    """Return the grid lines and labels of both axes; `rarest` is the longest return period in
    years."""
    chances = [n for n in _CHANCES if n < rarest] + [rarest]
    grid = [
        Stroke(
            across(y(1 / n), frame.left, frame.right),
            "l" if n == rarest else "g",
            name=f"probability {n}",
        )
        for n in chances
    ]
    chance_labels = [
        Label(frame.left - 6, round(y(1 / n) + 4, 1), _return_period_text(n), "s", "end")
        for n in reversed(chances)
        if n > 1
    ]
    grid += [
        Stroke(down(x.at(tick), frame.bottom, frame.bottom + 5), "g2", name="tick")
        for tick in x.ticks
    ]
    ticks = [
        clamp_labels(
            Label(x.at(tick), frame.bottom + 18, unit.on_axis(tick), "s", "middle"), 0, width
        )
        for tick in x.ticks
    ]
    unit_label = Label(width, frame.bottom + 34, shorten_to_width(unit.word, width), "s", "end")
    return tuple(grid), [*drop_overlapping(chance_labels), *drop_overlapping(ticks), unit_label]


def _make_name_labels(
    curve_points: Curve, twin_points: Curve, x: Linear | Log, y: Height, frame: Frame
) -> list[Label]:
    """Make the labels that name the curves, each beside a point of its curve."""
    labels = []
    if curve_points:
        loss, chance = curve_points[len(curve_points) // 2]
        labels.append(
            clamp_labels(
                Label(x.at(loss) + 10, y(chance) - 6, "correlated causes", "r halo"),
                frame.left,
                frame.right,
            )
        )
    if twin_points:
        loss, chance = twin_points[len(twin_points) * 2 // 3]
        labels.append(
            clamp_labels(
                Label(x.at(loss) - 8, y(chance) + 4, "independent", "halo", "end"),
                frame.left,
                frame.right,
            )
        )
    return labels


def _place_labels(value_labels: Sequence[Label], name_labels: Sequence[Label]) -> tuple[Label, ...]:
    """Return the values that do not overlap, and the names, moved up or down until they overlap
    nothing."""
    placed_labels = list(drop_overlapping(value_labels))
    for name in name_labels:
        for shift in (0, -14, 14, -28, 28, -42, 42):
            moved_label = Label(name.x, round(name.y + shift, 1), name.text, name.css, name.anchor)
            if not any(
                overlap(moved_label.box, placed_label.box) for placed_label in placed_labels
            ):
                placed_labels.append(moved_label)
                break
    return tuple(placed_labels)


def _describe_finding(
    levels: Sequence[Level], unit: Unit, expected: float | None, *, with_twin: bool
) -> str:
    """Describe the curve as text, for screen readers. `with_twin`: compare with independent
    failures."""
    phrases = []
    if expected is not None:
        phrases.append(f"an average year costs {unit.write(expected)}")
    phrases += [
        f"1 in {level.once_in} years costs {unit.write(level.loss)} or more" for level in levels
    ]
    sentence = "{unit}: {parts}.".format(
        unit=capfirst(unit.word),
        parts=", ".join(phrases) or "the probability of a larger yearly loss",
    )
    worst = max(
        (level for level in levels if level.twin), key=lambda level: level.once_in, default=None
    )
    if not with_twin or worst is None or not worst.twin:
        return sentence
    placeholders = {"n": worst.once_in, "loss": unit.write(worst.twin)}
    independent = "If failures were independent, 1 in {n} years would cost {loss} or more."
    return f"{sentence} {independent.format(**placeholders)}"
