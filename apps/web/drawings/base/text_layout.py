"""Text layout of drawings: text width, truncation, and labels that do not overlap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from apps.web.drawings.diagrams.stack_section import Box, cut_section

SIZE, SMALL = 12.0, 11.5  # px of `.draw text` and of `.draw text.s`
_SLIM, _SPARE, _BROAD = (
    frozenset("ijlI'|.,:;! "),
    frozenset('ftrJ()[]-/·"’'),
    frozenset("mwMW@%—…&→≥≤+−="),
)


class _Ems(dict[str, float]):
    """Widths of characters, computed once: a page measures some ten thousand of them."""

    def __missing__(self, sign: str) -> float:
        self[sign] = em = _em(sign)
        return em


_EMS = _Ems()


def text_width(text: str, *, size: float = SIZE, bold: bool = False) -> float:
    """Return the units that `text` needs at most: measured on DejaVu Sans, the widest fallback font
    of the pages."""
    return round(sum(map(_EMS.__getitem__, text)) * size * (1.12 if bold else 1.0), 1)


def _em(sign: str) -> float:
    if sign in _SLIM:
        return 0.34
    if sign in _SPARE:
        return 0.42
    if sign in _BROAD:
        return 0.92
    if sign.isdigit():
        return 0.64
    return 1.0 if ord(sign) >= 0x1100 else 0.74 if sign.isupper() else 0.62


def shorten_to_width(text: str, room: float, *, size: float = SIZE, bold: bool = False) -> str:
    """Shorten `text` to `room`: names with a number keep it, others their beginning; empty if not
    three letters fit."""
    numbered = any(sign.isdigit() for sign in text)
    letters, shown = len(text), text
    while shown and text_width(shown, size=size, bold=bold) > room:
        letters -= 1
        shown = cut_section(text, letters) if numbered else _headed(text, letters)
    return shown


def _headed(text: str, letters: int) -> str:
    return f"{text[: letters - 1].rstrip(' -.,')}…" if letters > 3 else ""


def wrap_lines(text: str, room: float, *, bold: bool = False, most: int = 2) -> list[str]:
    """Break `text` at spaces into at most `most` lines of `room`; what does not fit is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (text_width(longer, bold=bold) <= room or len(lines) == most):
            lines[-1] = longer
        else:
            lines.append(word)
    return [shorten_to_width(line, room, bold=bold) for line in lines]


@dataclass(frozen=True, slots=True)
class Label:
    """Text with its baseline at `y`. `anchor` is start, middle or end; `css` any of `s b r halo` of
    the stylesheet."""

    x: float
    y: float
    text: str
    css: str = ""
    anchor: str = "start"

    @property
    def classes(self) -> str:
        return " ".join(filter(None, [self.css, {"end": "e", "middle": "m"}.get(self.anchor, "")]))

    @property
    def width(self) -> float:
        words = self.css.split()
        return text_width(
            self.text, size=SMALL if "s" in words else SIZE, bold="b" in words or "r" in words
        )

    @property
    def box(self) -> Box:
        """Return the box of the letters, from the height of capitals to a little below the
        baseline."""
        left = self.x - {"end": self.width, "middle": self.width / 2}.get(self.anchor, 0.0)
        return Box(round(left, 1), round(self.y - 9, 1), self.width, 11.0)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def drop_overlapping(labels: Iterable[Label], *, around: Sequence[Box] = ()) -> tuple[Label, ...]:
    """Return labels in their order of importance without those that would overlap an earlier one or
    a box of `around`."""
    kept: list[Label] = []
    taken = list(around)
    for label in labels:
        if not any(overlap(label.box, box) for box in taken):
            kept.append(label)
            taken.append(label.box)
    return tuple(kept)


def clamp_labels(label: Label, low: float, high: float) -> Label:
    """Move a label sideways so that it begins after `low` and ends before `high`."""
    box = label.box
    shift = max(low - box.x, 0.0) or min(high - box.x - box.width, 0.0)
    return replace(label, x=round(label.x + shift, 1))


def spread(places: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move the positions as little as possible so that neighbours are `gap` apart, all between
    `low` and `high`.

    Order is preserved. If there is no room for all, they share it evenly, closer than `gap`."""
    if not places:
        return []
    gap = min(gap, (high - low) / max(len(places) - 1, 1))
    order = sorted(range(len(places)), key=lambda i: places[i])
    # least squares with a floor on distances: pool neighbours that are too close into blocks that
    # move as one
    blocks: list[
        tuple[float, int]
    ] = []  # (sum of where its first member would like to be, number of members)
    for rank, i in enumerate(order):
        total, count = places[i] - gap * rank, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            earlier, members = blocks.pop()
            total, count = total + earlier, count + members
        blocks.append((total, count))
    moved: list[float] = [0.0] * len(places)
    rank = 0
    room = high - gap * (len(places) - 1)
    for total, count in blocks:
        first = min(max(total / count, low), max(room, low))
        for _ in range(count):
            moved[order[rank]] = round(first + gap * rank, 2)
            rank += 1
    return moved
