"""Runway chart: days until retirement above the days that the migration took, or is estimated to
take."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.common.text import pluralize
from apps.web.drawings.base.picture import NARROW, WIDE, Patch, Picture, Stroke, box, down
from apps.web.drawings.base.scales import Linear, Unit, days, linear, number
from apps.web.drawings.base.text_layout import (
    Label,
    clamp_labels,
    drop_overlapping,
    shorten_to_width,
    text_width,
)


@dataclass(frozen=True, slots=True)
class Runway:
    """Runway of an application: `left_days` is negative after the retirement and None while no date
    is known; `at_least` if the date is a lower bound.

    `need_days` is what the last exit test took (`tested`) or what is estimated; None if neither
    exists."""

    label: str
    left_days: int | None
    need_days: int | None
    tested: bool = False
    at_least: bool = False

    @property
    def short_days(self) -> int:
        """Return the days that are missing; 0 if time suffices or one of the two is unknown."""
        if self.left_days is None or self.need_days is None:
            return 0
        return max(self.need_days - self.left_days, 0)

    @property
    def is_late(self) -> bool:
        return self.short_days > 0 or (self.left_days is not None and self.left_days < 0)


def draw_runways(
    rows: Sequence[Runway],
    *,
    most_days: int = 730,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw two bars per application from today; the days that are missing are red. Longer times end
    at `most_days`.

    `narrow`: in the layout for phones.
    """
    shown_rows = [row for row in rows if row.left_days is not None or row.need_days is not None]
    if not shown_rows:
        return None
    width = NARROW if narrow else width
    lengths = [
        min(value, most_days)
        for row in shown_rows
        for value in (row.left_days, row.need_days)
        if value is not None
    ]
    earliest = max(min(lengths), -most_days)
    stacked = narrow or width < 600
    left = (
        1.0
        if stacked
        else min(max(text_width(row.label, bold=True) for row in shown_rows) + 12, width * 0.3)
    )
    room = (
        8.0
        if stacked
        else max(text_width(_describe_runway(row), bold=True) for row in shown_rows) + 12
    )
    scale = linear(
        [earliest, *lengths],
        start=left,
        end=width - room,
        n_ticks=4 if stacked else 7,
        integers_only=True,
    )
    step, top = (56.0, 18.0) if stacked else (30.0, 18.0)
    patches, labels, strokes = [], [], []
    for rank, row in enumerate(shown_rows):
        y = top + step * rank + (32 if stacked else 5)
        patches += _row_patches(row, scale, y, most_days)
        strokes += _cut_marks(row, scale, y, most_days)
        if stacked:  # not through the text above the bars
            strokes.append(Stroke(down(scale.at(0), y - 2, y + 20), "rl", name="today"))
        name_css = "b halo" if row.is_late else "halo"
        text_css = "r halo" if row.is_late else "halo"
        if stacked:
            labels.append(
                Label(4, y - 19, shorten_to_width(row.label, width - 8, bold=row.is_late), name_css)
            )
            labels.append(
                Label(
                    4,
                    y - 5,
                    shorten_to_width(_describe_runway(row), width - 8, bold=row.is_late),
                    text_css,
                )
            )
        else:
            end = max(
                scale.at(min(value or 0, most_days)) for value in (row.left_days, row.need_days, 0)
            )
            labels.append(
                Label(
                    end + 8,
                    y + 13,
                    shorten_to_width(_describe_runway(row), width - end - 8, bold=True),
                    text_css,
                )
            )
            labels.append(
                Label(
                    left - 8,
                    y + 13,
                    shorten_to_width(row.label, left - 10, bold=row.is_late),
                    name_css,
                    "end",
                )
            )
    bottom = top + step * len(shown_rows) + 4
    if not stacked:
        strokes.insert(0, Stroke(down(scale.at(0), top - 4, bottom), "rl", name="today"))
    unit = Unit("days from today", number)
    ticks = [
        clamp_labels(
            Label(scale.at(tick), bottom + 14, unit.on_axis(tick), "s", "middle"), 0, width
        )
        for tick in scale.ticks
    ]
    today = clamp_labels(Label(scale.at(0), 11, "Today", "r", "middle"), 0, width)
    key_patches, key_labels, height = _draw_legend(bottom + 40, width)
    return Picture(
        width=width,
        height=height,
        narrow=narrow,
        title=title or _describe_finding(shown_rows),
        desc="Days left above, days of the migration below. Red: negative runway.",
        grid=tuple(
            Stroke(down(scale.at(tick), top, bottom), "g", name="tick") for tick in scale.ticks
        ),
        patches=(*patches, *key_patches),
        strokes=tuple(strokes),
        labels=(
            *labels,
            today,
            *drop_overlapping(ticks),
            Label(scale.end, bottom + 29, unit.word, "s", "end"),
            *key_labels,
        ),
    )


def _row_patches(row: Runway, scale: Linear, y: float, most_days: int) -> list[Patch]:
    """Return the rectangles of an application: days left, days of the migration, and the missing
    days in red."""
    patches = []

    def at(value: int) -> float:
        return scale.at(min(max(value, -most_days), most_days))

    if row.left_days is not None:
        begin, end = sorted((at(0), at(row.left_days)))
        is_late = row.left_days < 0
        tip = f"{row.label}: {_describe_days_left(row)}"
        patches.append(
            Patch(
                box(begin, y, end - begin, 9),
                "wash" if is_late else "pap",
                "red" if is_late else "diag",
                "rl" if is_late else "l",
                tip,
                f"{row.label} left",
            )
        )
    if row.need_days is None:
        return patches
    covered_days = (
        min(row.need_days, max(row.left_days, 0)) if row.left_days is not None else row.need_days
    )
    tip = f"{row.label}: {_describe_effort(row)}"
    if covered_days:
        look = ("ink", "", "") if row.tested else ("pap", "", "l")
        patches.append(
            Patch(box(at(0), y + 11, at(covered_days) - at(0), 7), *look, tip, f"{row.label} need")
        )
    if row.need_days > covered_days:
        missing_box = box(at(covered_days), y + 11, at(row.need_days) - at(covered_days), 7)
        patches.append(
            Patch(missing_box, "red" if row.tested else "wash", "", "rl", tip, f"{row.label} short")
        )
    return patches


def _cut_marks(row: Runway, scale: Linear, y: float, most_days: int) -> list[Stroke]:
    """Draw two slanted cuts through the end of a bar that is longer than the drawing shows."""
    cuts = []
    for value, height, offset in ((row.left_days, 9, 0), (row.need_days, 7, 11)):
        if value is not None and abs(value) > most_days:
            x = scale.at(most_days if value > 0 else -most_days) + (-12 if value > 0 else 6)
            path = f"M{x:g} {y + offset + height + 1:g}l4 -{height + 2}m3 0l-4 {height + 2}"
            cuts += [Stroke(path, "under"), Stroke(path, "l", name="cut")]
    return cuts


def _describe_effort(row: Runway) -> str:
    if row.need_days is None:
        return "effort unknown"
    return (
        "migration {days} (exit test)" if row.tested else "migration {days} (exit plan)"
    ).format(days=days(row.need_days))


def _describe_days_left(row: Runway) -> str:
    if row.left_days is None:
        return "no retirement date"
    if row.left_days < 0:
        return f"retired {days(-row.left_days)} ago"
    return f"{'≥ ' if row.at_least else ''}{days(row.left_days)} left"


def _describe_runway(row: Runway) -> str:
    placeholders = {
        "left": _describe_days_left(row),
        "needs": _describe_effort(row),
        "short": days(row.short_days),
    }
    if row.short_days and (row.left_days or 0) >= 0:
        return "{left}, {needs}: {short} short".format(**placeholders)
    return "{left}, {needs}".format(**placeholders)


def _draw_legend(top: float, width: float) -> tuple[list[Patch], list[Label], float]:
    """Return the marks and labels of the legend, and the y coordinate below it."""
    entries = [
        (("pap", "diag", "l"), "days left"),
        (("ink", "", ""), "migration (exit test)"),
        (("pap", "", "l"), "migration (exit plan)"),
        (("red", "", "rl"), "negative runway"),
    ]
    patches, labels = [], []
    x, y = 0.0, top
    for look, text in entries:
        entry_width = 28 + text_width(text)
        if x and x + entry_width > width:
            x, y = 0.0, y + 17
        patches.append(Patch(box(x + 0.5, y, 22, 9), *look, name="key"))
        labels.append(Label(x + 28, y + 9, text))
        x = round(x + entry_width + 16, 1)
    return patches, labels, round(y + 16, 1)


def _describe_finding(rows: Sequence[Runway]) -> str:
    """Describe the runways as text, for screen readers: how many are negative, and the worst
    one."""
    late_rows = [row for row in rows if row.is_late]
    if not late_rows:
        n_untested = sum(row.need_days is None for row in rows)
        sentence = pluralize(
            len(rows) - n_untested,
            "{n} has time to migrate.",
            "{n} have time to migrate.",
        )
        text = sentence.format(n=number(len(rows) - n_untested))
        if n_untested:
            untested_sentence = pluralize(
                n_untested,
                f"{number(n_untested)} has unknown effort.",
                f"{number(n_untested)} have unknown effort.",
            )
            text = f"{text} {untested_sentence}" if len(rows) > n_untested else untested_sentence
        return text
    worst = max(late_rows, key=lambda row: (row.short_days, -(row.left_days or 0)))
    sentence = pluralize(
        len(rows),
        "{n} of {all} cannot be migrated in time: {name}, {words}.",
        "{n} of {all} cannot be migrated in time. Latest: {name}, {words}.",
    )
    return sentence.format(
        n=number(len(late_rows)),
        all=number(len(rows)),
        name=worst.label,
        words=_describe_runway(worst),
    )
