"""Lineage diagram of versions and foundations: a layered tree, the kind of each edge shown by its
line style and by a label."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from apps.common.text import pluralize
from apps.web.drawings.base.picture import NARROW, WIDE, Patch, Picture, Stroke, across, box, down
from apps.web.drawings.base.scales import number
from apps.web.drawings.base.text_layout import SMALL, Label, shorten_to_width, wrap_lines

# (line, thick or thin, whole or broken), as different in grey as in print
_LINES = {
    "next_generation": "l2",
    "fine_tune": "l",
    "distillation": "l dash",
    "quantisation": "l dot",
    "merge": "l2 dash",
    "adapter": "l2 dot",
    "succession": "g2",
}
_MOST_COLUMNS = 6
_GAP = 86.0  # between columns, for the word of an edge


@dataclass(frozen=True, slots=True)
class LineageVersion:
    """Version or foundation; `own` is the page's, `late` one that needs action, `note` a second
    line."""

    key: str
    label: str
    note: str = ""
    own: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class LineageLink:
    """Edge of the lineage: `child` was made from, or follows, `parent`; `kind` is one of the
    derivations or `succession`."""

    parent: str
    child: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Tree:
    """Lineage tree: `depth` by longest path from a root; `parent` has the edges of the tree,
    `further` all others."""

    depth: dict[str, int]
    parent: dict[str, LineageLink]
    children: dict[str, list[str]]
    further: tuple[LineageLink, ...]
    roots: tuple[str, ...]


def edge_names() -> dict[str, str]:
    return {
        "next_generation": "next",
        "fine_tune": "fine-tune",
        "distillation": "distilled",
        "quantisation": "quantised",
        "merge": "merged",
        "adapter": "adapter",
        "succession": "successor",
    }


def draw_lineage(
    kin: Sequence[LineageVersion],
    descents: Sequence[LineageLink],
    *,
    most: int = 40,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw the relatives nearest to the page's own, at most `most`; edges to what is not given are
    left out.

    Columns from left to right while there are few generations; otherwise, and on a phone, an
    indented tree."""
    if not kin:
        return None
    shown = _nearest(kin, descents, most)
    by_key = {one.key: one for one in shown}
    edges = [
        one
        for one in descents
        if one.parent in by_key and one.child in by_key and one.parent != one.child
    ]
    tree = _tree(list(by_key), edges)
    width = NARROW if narrow else width
    deep = max(tree.depth.values()) + 1
    n_left = len(kin) - len(shown)
    desc = (
        "Parents before their children; the line and the word say how one was made from the other."
    )
    if n_left:
        more = pluralize(n_left, "{n} further is in the table.", "{n} further are in the table.")
        desc = f"{desc} {more.format(n=number(n_left))}"
    said = title or _finding(kin, descents)
    draw = _indented if narrow or deep > _MOST_COLUMNS or width < 160 * deep else _columns
    return draw(by_key, tree, said, desc, width, narrow=narrow)


def _nearest(
    kin: Sequence[LineageVersion], descents: Sequence[LineageLink], most: int
) -> list[LineageVersion]:
    if len(kin) <= most:
        return list(kin)
    near = defaultdict(list)
    for one in descents:
        near[one.parent].append(one.child)
        near[one.child].append(one.parent)
    order = {one.key: rank for rank, one in enumerate(kin)}
    waiting = deque([one.key for one in kin if one.own] or [kin[0].key])
    found = dict.fromkeys(waiting)
    while waiting:
        for key in sorted(near[waiting.popleft()], key=lambda key: order.get(key, 0)):
            if key in order and key not in found:
                found[key] = None
                waiting.append(key)
    kept = {*list(found)[:most]}
    kept |= set([one.key for one in kin if one.key not in kept][: most - len(kept)])
    return [one for one in kin if one.key in kept]


def _tree(keys: Sequence[str], edges: Sequence[LineageLink]) -> _Tree:
    parents = defaultdict(list)
    for edge in edges:
        parents[edge.child].append(edge)
    depth: dict[str, int] = {}
    waiting = list(keys)
    while waiting:
        # a circle, which the register refuses but a feed may tell, is cut at its first member
        ready = [
            key for key in waiting if all(edge.parent in depth for edge in parents[key])
        ] or waiting[:1]
        for key in ready:
            depth[key] = max(
                (depth[edge.parent] + 1 for edge in parents[key] if edge.parent in depth), default=0
            )
        waiting = [key for key in waiting if key not in depth]
    parent: dict[str, LineageLink] = {}
    children = defaultdict(list)
    for key in keys:
        above = [edge for edge in parents[key] if depth[edge.parent] < depth[key]]
        if above:
            parent[key] = max(above, key=lambda edge: depth[edge.parent])
            children[parent[key].parent].append(key)
    drawn = {id(edge) for edge in parent.values()}
    further = tuple(edge for edge in edges if id(edge) not in drawn)
    return _Tree(depth, parent, children, further, tuple(key for key in keys if key not in parent))


def _walk(tree: _Tree) -> list[str]:
    """Every node before its children, subtree after subtree."""
    out, stack = [], list(reversed(tree.roots))
    while stack:
        key = stack.pop()
        out.append(key)
        stack += reversed(tree.children.get(key, []))
    return out


def _columns(
    by_key: dict[str, LineageVersion],
    tree: _Tree,
    title: str,
    desc: str,
    width: float,
    *,
    narrow: bool,
) -> Picture:
    """A column per generation; a parent stands in the middle of its children, so that lines of the
    tree never cross."""
    n_columns = max(tree.depth.values()) + 1
    broad = round(min((width + _GAP) / n_columns - _GAP, 230.0), 1)
    column = broad + _GAP
    tall, step = 36.0, 46.0
    rows = _rows(tree)
    at = {
        key: (round(column * tree.depth[key], 1), round(4 + step * rows[key], 1)) for key in by_key
    }
    patches, labels, strokes = [], [], []
    for key, one in by_key.items():
        x, y = at[key]
        patches.append(_patch(one, x, y, broad, tall))
        labels += _in_box(one, x + 8, y, broad - 14)
    words = edge_names()
    for key, edge in tree.parent.items():
        (x_from, y_from), (x_to, y_to) = at[edge.parent], at[key]
        turn = round(x_from + broad + 8, 1)
        # what children of several kinds share is thin
        stem = f"M{x_from + broad:g} {y_from + tall / 2:g}H{turn:g}V{y_to + tall / 2:g}"
        strokes.append(Stroke(stem, "g2", name="stem"))
        strokes.append(
            Stroke(across(y_to + tall / 2, turn, x_to), _look(edge), name=f"{edge.parent}>{key}")
        )
        kinds = dict.fromkeys([edge.kind, *(one.kind for one in tree.further if one.child == key)])
        said = ", ".join(words.get(kind, kind.replace("_", " ")) for kind in kinds)
        labels.append(
            Label(
                x_to - 5,
                y_to + tall / 2 - 5,
                shorten_to_width(said, column - broad - 16, size=SMALL),
                "s halo",
                "end",
            )
        )
    strokes += [_curve(edge, at, broad, tall) for edge in tree.further]
    height = max(y for _x, y in at.values()) + tall + 4
    return Picture(
        width=width,
        height=round(height, 1),
        narrow=narrow,
        title=title,
        desc=desc,
        grid=tuple(strokes),
        patches=tuple(patches),
        labels=tuple(labels),
    )


def _in_box(one: LineageVersion, x: float, y: float, room: float) -> list[Label]:
    """Name and note, or the name in two lines where there is no note."""
    css = "r halo" if one.late else "b halo" if one.own else "halo"
    if one.note:
        name = shorten_to_width(one.label, room, bold=one.late or one.own)
        return [
            Label(x, y + 15, name, css),
            Label(x, y + 29, shorten_to_width(one.note, room, size=SMALL), "s halo"),
        ]
    lines = wrap_lines(one.label, room, bold=one.late or one.own)
    return [
        Label(x, y + (22 if len(lines) == 1 else 15 + 14 * rank), text, css)
        for rank, text in enumerate(lines)
    ]


def _look(edge: LineageLink) -> str:
    return _LINES.get(edge.kind, "l")


def _rows(tree: _Tree) -> dict[str, float]:
    rows: dict[str, float] = {}
    n_leaves = 0
    for key in reversed(_walk(tree)):
        below = tree.children.get(key)
        if below:
            rows[key] = (rows[below[0]] + rows[below[-1]]) / 2
        else:
            rows[key] = float(n_leaves)
            n_leaves += 1
    # the walk went from the last leaf to the first
    return {key: n_leaves - 1 - row for key, row in rows.items()}


def _curve(
    edge: LineageLink, at: dict[str, tuple[float, float]], broad: float, tall: float
) -> Stroke:
    """An edge beside the tree, a curve that passes under the boxes."""
    (x_from, y_from), (x_to, y_to) = at[edge.parent], at[edge.child]
    x_from, x_to, y_from, y_to = x_from + broad, x_to, y_from + tall / 2 + 6, y_to + tall / 2 + 6
    half = round((x_from + x_to) / 2, 1)
    path = f"M{x_from:g} {y_from:g}C{half:g} {y_from:g} {half:g} {y_to:g} {x_to:g} {y_to:g}"
    return Stroke(path, _look(edge), name=f"{edge.parent}>{edge.child}")


def _indented(
    by_key: dict[str, LineageVersion],
    tree: _Tree,
    title: str,
    desc: str,
    width: float,
    *,
    narrow: bool,
) -> Picture:
    """A line per node below its parent; the word of the edge stands before the note."""
    step, words = 34.0, edge_names()
    deepest = max(tree.depth.values())
    shift = min(18.0, width * 0.36 / max(deepest, 1))
    at: dict[str, tuple[float, float]] = {}
    levels = _levels(tree)
    patches, labels, strokes = [], [], []
    for rank, key in enumerate(_walk(tree)):
        one = by_key[key]
        x, y = round(shift * levels[key], 1), 4 + step * rank
        at[key] = (x, y)
        patches.append(_patch(one, x + 0.5, y + 2, 9, 9))
        room = width - x - 16
        bold = one.late or one.own
        css = "r halo" if one.late else "b halo" if one.own else "halo"
        labels.append(Label(x + 15, y + 11, shorten_to_width(one.label, room, bold=bold), css))
        said = [
            f"{words.get(edge.kind, edge.kind)} from {by_key[edge.parent].label}"
            for edge in tree.further
            if edge.child == key
        ]
        first = (
            [words.get(tree.parent[key].kind, tree.parent[key].kind)] if key in tree.parent else []
        )
        second = shorten_to_width(
            ", ".join(filter(None, [*first, *said, one.note])), room, size=SMALL
        )
        if second:
            labels.append(Label(x + 15, y + 24, second, "s"))
    for key, edge in tree.parent.items():
        (x_from, y_from), (x_to, y_to) = at[edge.parent], at[key]
        strokes.append(Stroke(down(x_from + 5, y_from + 12, y_to + 6.5), "g2", name="stem"))
        strokes.append(
            Stroke(across(y_to + 6.5, x_from + 5, x_to), _look(edge), name=f"{edge.parent}>{key}")
        )
    return Picture(
        width=width,
        height=round(4 + step * len(at), 1),
        narrow=narrow,
        title=title,
        desc=desc,
        grid=tuple(strokes),
        patches=tuple(patches),
        labels=tuple(labels),
    )


def _levels(tree: _Tree) -> dict[str, int]:
    """How far a node is indented: one more than the parent above it."""
    out: dict[str, int] = {}
    for key in _walk(tree):
        out[key] = out[tree.parent[key].parent] + 1 if key in tree.parent else 0
    return out


def _patch(one: LineageVersion, x: float, y: float, width: float, height: float) -> Patch:
    look = (
        ("wash", "red", "rl")
        if one.late
        else ("pap", "diag", "l2")
        if one.own
        else ("pap", "", "l")
    )
    tip = ", ".join(filter(None, [one.label, one.note]))
    return Patch(box(x, y, width, height), *look, tip, one.key)


def _phrases() -> dict[str, str]:
    return {
        "next_generation": "the next generation of {parent}",
        "fine_tune": "a fine-tune of {parent}",
        "distillation": "distilled from {parent}",
        "quantisation": "quantised from {parent}",
        "merge": "merged from {parent}",
        "adapter": "an adapter on {parent}",
        "succession": "the successor of {parent}",
    }


def _finding(kin: Sequence[LineageVersion], descents: Sequence[LineageLink]) -> str:
    labels = {one.key: one.label for one in kin}
    known = [edge for edge in descents if edge.parent in labels and edge.child in labels]
    own = next((one for one in kin if one.own), None)
    if own is None:
        said = pluralize(
            len(kin),
            "{n} relative, {edges} known descents.",
            "{n} relatives, {edges} known descents.",
        )
        return said.format(n=number(len(kin)), edges=number(len(known)))
    phrases = _phrases()
    above = [
        phrases.get(edge.kind, "{parent}").format(parent=labels[edge.parent])
        for edge in known
        if edge.child == own.key
    ]
    n_below = sum(edge.parent == own.key for edge in known)
    came = "{name} is {above}." if above else "{name} has no known parent."
    then = (
        pluralize(
            n_below,
            f"{number(n_below)} was made from it or follows it.",
            f"{number(n_below)} were made from it or follow it.",
        )
        if n_below
        else "Nothing is known to be made from it."
    )
    return f"{came.format(name=own.label, above=', '.join(above))} {then}"
