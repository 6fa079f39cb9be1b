"""Trend of a measured share or number by day, with its tolerance; the same in a table cell as a
sparkline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.utils.text import capfirst

from apps.common.text import pluralize
from apps.web.drawings.base.axes import Frame, amounts, room_for_amounts, time
from apps.web.drawings.base.picture import NARROW, WIDE, Dot, Picture, Stroke, across, line
from apps.web.drawings.base.scales import Unit, day_scale, linear
from apps.web.drawings.base.text_layout import Label, clamp_labels, drop_overlapping, text_width

type Measured = tuple[date, float | None]
type Point = tuple[float, float]


def draw_trend(
    points: Sequence[Measured],
    *,
    unit: Unit,
    limit: float | None = None,
    top: float | None = None,
    every_days: int = 1,
    integers_only: bool = False,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw a line from snapshot to snapshot; it breaks if more than `every_days` are between two,
    or a value is None.

    The part above `limit` is red. `narrow`: in the layout for phones. `integers_only`: without
    fractions on the axis.
    """
    known_points = [
        (day, float(value))
        for day, value in sorted(points, key=lambda point: point[0])
        if value is not None
    ]
    if not known_points:
        return None
    width = NARROW if narrow else width
    height, ceiling = (160.0, 34.0) if narrow else (180.0, 34.0)
    values = [value for _day, value in known_points]
    reference_values = [value for value in (limit, top) if value is not None]
    y = linear(
        [*values, *reference_values],
        start=ceiling + height,
        end=ceiling,
        n_ticks=5,
        integers_only=integers_only,
    )
    last_day, last_value = known_points[-1]
    room = text_width(unit.write(last_value), bold=True) + 14
    frame = Frame(room_for_amounts(y, unit), round(width - room, 1), ceiling, ceiling + height)
    # a few snapshots stand at the end of a week
    x = day_scale(
        min(known_points[0][0], last_day - timedelta(6)),
        last_day,
        start=frame.left,
        end=frame.right,
    )
    strokes: list[Stroke] = []
    runs = _split_runs(known_points, {day for day, value in points if value is None}, every_days)
    for run in runs:
        run_points = [(x.at(day), y.at(value)) for day, value in run]
        if len(run_points) > 1:
            strokes.append(Stroke(line(run_points), "l2", name="line"))
        if limit is not None:
            strokes += [
                Stroke(line(over_points), "rl2", name="over")
                for over_points in _segments_above(run_points, y.at(limit))
            ]
    is_over = limit is not None and last_value > limit
    isolated_points = [run[0] for run in runs if len(run) == 1 and run[0][0] != last_day]
    dots = [Dot(x.at(day), y.at(value), "ink", 2, name="alone") for day, value in isolated_points]
    dots.append(
        Dot(
            x.at(last_day),
            y.at(last_value),
            "red" if is_over else "ink",
            3.5,
            name="last",
            tip=f"{last_day.day} {last_day:%b %Y}: {unit.write(last_value)}",
        )
    )
    grid, axis = amounts(y, unit, frame)
    ticks, months = time(x, frame)
    labels = [
        Label(
            x.at(last_day) + 8,
            round(y.at(last_value) + 4, 1),
            unit.write(last_value),
            "r" if is_over else "b",
        ),
        *axis,
        *months,
    ]
    if limit is not None:
        grid.append(Stroke(across(y.at(limit), frame.left, frame.right), "rl dash", name="limit"))
        limit_label = Label(
            frame.left + 4, round(y.at(limit) - 5, 1), f"tolerance {unit.write(limit)}", "s halo"
        )
        labels = list(drop_overlapping([*labels, clamp_labels(limit_label, 0, width)]))
    return Picture(
        width=width,
        height=frame.bottom + 26,
        narrow=narrow,
        title=title or _describe_finding(known_points, unit, limit),
        desc=f"A line from zero, {unit.word}, broken where days are missing.",
        grid=(*grid, *ticks),
        strokes=tuple(strokes),
        dots=tuple(dots),
        labels=tuple(labels),
    )


def _split_runs(
    known_points: Sequence[tuple[date, float]], missing_days: set[date], every_days: int
) -> list[list[tuple[date, float]]]:
    """Split the snapshots into runs that follow each other without a break."""
    runs: list[list[tuple[date, float]]] = []
    for day, value in known_points:
        previous_day = runs[-1][-1][0] if runs else None
        if (
            previous_day
            and day - previous_day <= timedelta(every_days)
            and not any(previous_day < missing_day < day for missing_day in missing_days)
        ):
            runs[-1].append((day, value))
        else:
            runs.append([(day, value)])
    return runs


def _segments_above(points: Sequence[Point], edge: float) -> list[list[Point]]:
    """Return the segments of a line above `edge` (smaller y), cut where the line crosses it."""
    segments: list[list[Point]] = []
    open_segment: list[Point] = []
    for before, after in pairwise(points):
        starts_above, ends_above = before[1] < edge, after[1] < edge
        crossing = (edge, edge)
        if starts_above != ends_above:
            fraction = (edge - before[1]) / (after[1] - before[1])
            crossing = (round(before[0] + fraction * (after[0] - before[0]), 2), edge)
        if starts_above and not open_segment:
            open_segment = [before]
        if starts_above and ends_above:
            open_segment.append(after)
        elif starts_above:
            segments.append([*open_segment, crossing])
            open_segment = []
        elif ends_above:
            open_segment = [crossing, after]
    return [*segments, open_segment] if len(open_segment) > 1 else segments


def _describe_finding(
    known_points: Sequence[tuple[date, float]], unit: Unit, limit: float | None
) -> str:
    """Describe the trend as text, for screen readers: first and last value, and the days above the
    tolerance."""
    (first_day, first_value), (last_day, last_value) = known_points[0], known_points[-1]
    placeholders = {
        "unit": capfirst(unit.word),
        "first": unit.write(first_value),
        "last": unit.write(last_value),
        "since": f"{first_day.day} {first_day:%b %Y}",
        "day": f"{last_day.day} {last_day:%b %Y}",
    }
    text = (
        "{unit}: {last} on {day}.".format(**placeholders)
        if len(known_points) == 1
        else "{unit}: from {first} on {since} to {last} on {day}.".format(**placeholders)
    )
    if limit is None:
        return text
    n_over = sum(value > limit for _day, value in known_points)
    if not n_over:
        return f"{text} No day is above the tolerance of {unit.write(limit)}."
    over_sentence = pluralize(
        n_over,
        "{n} day is above the tolerance of {limit}.",
        "{n} days are above the tolerance of {limit}.",
    )
    return f"{text} {over_sentence.format(n=n_over, limit=unit.write(limit))}"


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Sparkline of 96 by 20 units; `d` has one piece per run of known values, `x` and `y` the last
    one, `y_limit` the tolerance."""

    d: str
    x: float
    y: float
    y_limit: float | None
    over: bool
    title: str
    width: float = 96.0
    height: float = 20.0


def draw_sparkline(
    values: Sequence[float | None],
    *,
    unit: Unit,
    limit: float | None = None,
    top: float | None = None,
    name: str = "",
) -> Sparkline | None:
    """Draw values at equal distances, oldest first, None if one is missing; `top` gives several
    lines one scale."""
    known_points = [(rank, float(value)) for rank, value in enumerate(values) if value is not None]
    if not known_points:
        return None
    reference_values = [value for value in (limit, top) if value is not None]
    y = linear(
        [*(value for _rank, value in known_points), *reference_values],
        start=18.0,
        end=2.0,
        tight=True,
    )
    step = 92.0 / max(len(values) - 1, 1)
    segments: list[list[Point]] = []
    for place, (rank, value) in enumerate(known_points):
        point = (round(1 + step * rank, 1), round(y.at(value), 1))
        if place and known_points[place - 1][0] == rank - 1:
            segments[-1].append(point)
        else:
            segments.append([point])
    (_rank, first_value), (_last_rank, last_value) = known_points[0], known_points[-1]
    placeholders = {
        "name": name or unit.word,
        "first": unit.write(first_value),
        "last": unit.write(last_value),
    }
    return Sparkline(
        # a lone value is a short dash
        d="".join(
            line(segment)
            if len(segment) > 1
            else line([segment[0], (segment[0][0] + 1, segment[0][1])])
            for segment in segments
        ),
        x=segments[-1][-1][0],
        y=segments[-1][-1][1],
        y_limit=None if limit is None else y.at(limit),
        over=limit is not None and last_value > limit,
        title="{name}: {first} to {last}".format(**placeholders)
        if len(known_points) > 1
        else "{name}: {last}".format(**placeholders),
    )
