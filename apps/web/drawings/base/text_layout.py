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

    def __missing__(self, character: str) -> float:
        self[character] = em = _character_width(character)
        return em


_EMS = _Ems()


def text_width(text: str, *, size: float = SIZE, bold: bool = False) -> float:
    """Return the units that `text` needs at most, in bold if `bold`: measured on DejaVu Sans, the
    widest fallback font."""
    return round(sum(map(_EMS.__getitem__, text)) * size * (1.12 if bold else 1.0), 1)


def _character_width(character: str) -> float:
    if character in _SLIM:
        return 0.34
    if character in _SPARE:
        return 0.42
    if character in _BROAD:
        return 0.92
    if character.isdigit():
        return 0.64
    return 1.0 if ord(character) >= 0x1100 else 0.74 if character.isupper() else 0.62


def shorten_to_width(text: str, room: float, *, size: float = SIZE, bold: bool = False) -> str:
    """Shorten `text` to `room`: names with a number keep it, others their beginning; empty if not
    three letters fit."""
    has_number = any(character.isdigit() for character in text)
    n_letters, shortened = len(text), text
    while shortened and text_width(shortened, size=size, bold=bold) > room:
        n_letters -= 1
        shortened = cut_section(text, n_letters) if has_number else _cut_end(text, n_letters)
    return shortened


def _cut_end(text: str, n_letters: int) -> str:
    return f"{text[: n_letters - 1].rstrip(' -.,')}…" if n_letters > 3 else ""


def wrap_lines(text: str, room: float, *, bold: bool = False, max_lines: int = 2) -> list[str]:
    """Break `text` at spaces into at most `max_lines` lines of `room`; what does not fit is cut."""
    lines: list[str] = []
    for word in text.split():
        extended_line = f"{lines[-1]} {word}" if lines else word
        if lines and (text_width(extended_line, bold=bold) <= room or len(lines) == max_lines):
            lines[-1] = extended_line
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
        css_classes = self.css.split()
        return text_width(
            self.text,
            size=SMALL if "s" in css_classes else SIZE,
            bold="b" in css_classes or "r" in css_classes,
        )

    @property
    def box(self) -> Box:
        """Return the box of the letters, from the height of capitals to a little below the
        baseline."""
        left = self.x - {"end": self.width, "middle": self.width / 2}.get(self.anchor, 0.0)
        return Box(round(left, 1), round(self.y - 9, 1), self.width, 11.0)


def overlap(box: Box, other_box: Box) -> bool:
    return (
        box.x < other_box.x + other_box.width
        and other_box.x < box.x + box.width
        and box.y < other_box.y + other_box.height
        and other_box.y < box.y + box.height
    )


def drop_overlapping(
    labels: Iterable[Label], *, obstacles: Sequence[Box] = ()
) -> tuple[Label, ...]:
    """Return labels in their order of importance without those that would overlap an earlier one or
    one of the `obstacles`."""
    kept_labels: list[Label] = []
    occupied_boxes = list(obstacles)
    for label in labels:
        if not any(overlap(label.box, box) for box in occupied_boxes):
            kept_labels.append(label)
            occupied_boxes.append(label.box)
    return tuple(kept_labels)


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
        block_sum, n_in_block = places[i] - gap * rank, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > block_sum / n_in_block:
            block_total, n_members = blocks.pop()
            block_sum, n_in_block = block_sum + block_total, n_in_block + n_members
        blocks.append((block_sum, n_in_block))
    positions: list[float] = [0.0] * len(places)
    rank = 0
    room = high - gap * (len(places) - 1)
    for block_sum, n_in_block in blocks:
        block_start = min(max(block_sum / n_in_block, low), max(room, low))
        for _ in range(n_in_block):
            positions[order[rank]] = round(block_start + gap * rank, 2)
            rank += 1
    return positions
