"""Exposure states after a failure: one stacked bar per row, a hatch per state, counts in the
segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.common.text import pluralize
from apps.web.drawings.base.picture import NARROW, WIDE, Patch, Picture, Stroke, box, down
from apps.web.drawings.base.scales import Linear, linear, number
from apps.web.drawings.base.text_layout import (
    Label,
    clamp_labels,
    drop_overlapping,
    shorten_to_width,
    text_width,
)

# the gravest first, as a reader looks for them; (fill, hatch, edge) also differ in grey
LOOKS = {
    "exposed": ("wash", "red", "rl"),
    "cushioned": ("pap", "cross", "l"),
    "portable": ("pap", "diag", "l"),
    "partial": ("pap", "dash", "l"),
    "may_stand": ("pap", "", "l dot"),
}


@dataclass(frozen=True, slots=True)
class StateBar:
    """Bar of exposure states: `counts` is {state: number of applications}; states without any may
    be left out."""

    label: str
    counts: Mapping[str, int]

    @property
    def n(self) -> int:
        return sum(self.counts.get(state, 0) for state in LOOKS)


def state_names() -> dict[str, str]:
    return {
        "exposed": "exposed",
        "cushioned": "cushioned",
        "portable": "portable",
        "partial": "partial",
        "may_stand": "might depend on it",
    }


def draw_states(
    rows: Sequence[StateBar], *, title: str = "", width: float = WIDE, narrow: bool = False
) -> Picture | None:
    """Draw a bar per row on one scale from zero; the segments of a bar add up to its applications.

    `narrow`: in the layout for phones.
    """
    shown_rows = [row for row in rows if row.n]
    if not shown_rows:
        return None
    width = NARROW if narrow else width
    stacked = narrow or width < 600
    has_names = any(row.label for row in shown_rows)
    left = (
        1.0
        if stacked or not has_names
        else min(max(text_width(row.label) for row in shown_rows) + 12, width * 0.3)
    )
    n_most = max(row.n for row in shown_rows)
    scale = linear(
        [n_most],
        start=left,
        end=width - text_width(number(n_most), bold=True) - 14,
        n_ticks=5,
        integers_only=True,
        tight=True,
    )
    step = 44.0 if stacked and has_names else 34.0
    top, thick = 6.0, 20.0
    patches, labels = [], []
    for rank, row in enumerate(shown_rows):
        y = top + step * rank + (step - thick - 6)
        patches += _row_patches(row, scale, y, thick)
        labels += _row_labels(row, scale, y, thick)
        end = scale.at(row.n)
        labels.append(Label(end + 8, y + 14, number(row.n), "b halo"))
        if has_names and stacked:
            labels.append(Label(4, y - 5, shorten_to_width(row.label, width - 8), "halo"))
        elif has_names:
            labels.append(
                Label(left - 8, y + 14, shorten_to_width(row.label, left - 10), "", "end")
            )
    bottom = top + step * len(shown_rows) + 4
    grid = [
        Stroke(down(scale.at(tick), top, bottom), "l" if tick == 0 else "g", name="tick")
        for tick in scale.ticks
    ]
    ticks = [
        clamp_labels(Label(scale.at(tick), bottom + 14, number(tick), "s", "middle"), 0, width)
        for tick in scale.ticks
    ]
    labels += [*drop_overlapping(ticks), Label(scale.end, bottom + 29, "applications", "s", "end")]
    key_patches, key_labels, bottom = _draw_legend(shown_rows, bottom + 42, width)
    return Picture(
        width=width,
        height=round(bottom, 1),
        narrow=narrow,
        title=title or _describe_finding(shown_rows),
        desc="Applications per state, from zero; each state has its own hatch, exposed is red.",
        grid=tuple(grid),
        patches=(*patches, *key_patches),
        labels=(*labels, *key_labels),
    )


def _row_patches(row: StateBar, scale: Linear, y: float, thick: float) -> list[Patch]:
    patches, n_before, names = [], 0, state_names()
    for state, (fill, hatch, edge) in LOOKS.items():
        n = row.counts.get(state, 0)
        if n:
            x_from, x_to = scale.at(n_before), scale.at(n_before + n)
            tip = ": ".join(filter(None, [row.label, f"{number(n)} {names[state]}"]))
            patches.append(
                Patch(box(x_from, y, x_to - x_from, thick), fill, hatch, edge, tip, state)
            )
            n_before += n
    return patches


def _row_labels(row: StateBar, scale: Linear, y: float, thick: float) -> list[Label]:
    """Return the number of each segment, where it fits into the segment."""
    labels, n_before = [], 0
    for state in LOOKS:
        n = row.counts.get(state, 0)
        middle = (scale.at(n_before) + scale.at(n_before + n)) / 2
        label = Label(
            round(middle, 1),
            y + thick - 6,
            number(n),
            "r halo" if state == "exposed" else "b halo",
            "middle",
        )
        if n and label.width + 6 <= scale.at(n_before + n) - scale.at(n_before):
            labels.append(label)
        n_before += n
    return labels


def _draw_legend(
    rows: Sequence[StateBar], top: float, width: float
) -> tuple[list[Patch], list[Label], float]:
    """Draw a swatch and the total of each state that occurs, in as many lines as the width needs;
    also return where they end."""
    patches, labels = [], []
    x, y = 0.0, top
    for state, name in state_names().items():
        n = sum(row.counts.get(state, 0) for row in rows)
        if not n:
            continue
        text = f"{name} {number(n)}" if len(rows) == 1 else name
        room = 28 + text_width(text) + 16
        if x and x + room - 16 > width:
            x, y = 0.0, y + 18
        fill, hatch, edge = LOOKS[state]
        patches.append(Patch(box(x + 0.5, y, 22, 11), fill, hatch, edge, name="key"))
        labels.append(Label(x + 28, y + 10, text))
        x = round(x + room, 1)
    return patches, labels, y + 18


def _describe_finding(rows: Sequence[StateBar]) -> str:
    names = state_names()
    totals = {state: sum(row.counts.get(state, 0) for row in rows) for state in LOOKS}
    n = sum(totals.values())
    totals_text = ", ".join(
        f"{number(count)} {names[state]}" for state, count in totals.items() if count
    )
    if len(rows) == 1:
        template = pluralize(n, "Of {n} application: {states}.", "Of {n} applications: {states}.")
        return template.format(n=number(n), states=totals_text)
    worst = max(rows, key=lambda row: row.counts.get("exposed", 0))
    n_exposed = number(worst.counts.get("exposed", 0))
    return f"Most are exposed with {worst.label}: {n_exposed}. In total {totals_text}."
