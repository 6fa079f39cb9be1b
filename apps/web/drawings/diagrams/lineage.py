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
_GAP = 86.0  # between columns, for the label of an edge


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
    versions: Sequence[LineageVersion],
    links: Sequence[LineageLink],
    *,
    max_versions: int = 40,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw the relatives nearest to the page's own, at most `max_versions`; links to others are
    left out.

    Columns from left to right if there are few generations; otherwise, and on a phone, an indented
    tree. `narrow`: in the layout for phones.
    """
    if not versions:
        return None
    shown_versions = _nearest_versions(versions, links, max_versions)
    by_key = {version.key: version for version in shown_versions}
    edges = [
        version
        for version in links
        if version.parent in by_key and version.child in by_key and version.parent != version.child
    ]
    tree = _build_tree(list(by_key), edges)
    width = NARROW if narrow else width
    n_generations = max(tree.depth.values()) + 1
    n_left = len(versions) - len(shown_versions)
    desc = "Parents before their children; the line and its label show the relationship."
    if n_left:
        further_sentence = pluralize(
            n_left, "{n} further is in the table.", "{n} further are in the table."
        )
        desc = f"{desc} {further_sentence.format(n=number(n_left))}"
    heading = title or _describe_finding(versions, links)
    draw = (
        _draw_indented
        if narrow or n_generations > _MOST_COLUMNS or width < 160 * n_generations
        else _draw_columns
    )
    return draw(by_key, tree, heading, desc, width, narrow=narrow)


def _nearest_versions(
    versions: Sequence[LineageVersion], links: Sequence[LineageLink], max_versions: int
) -> list[LineageVersion]:
    """Return at most `max_versions` versions, those fewest links away from the page's own first."""
    if len(versions) <= max_versions:
        return list(versions)
    neighbours = defaultdict(list)
    for version in links:
        neighbours[version.parent].append(version.child)
        neighbours[version.child].append(version.parent)
    order = {version.key: rank for rank, version in enumerate(versions)}
    queue = deque([version.key for version in versions if version.own] or [versions[0].key])
    reached_keys = dict.fromkeys(queue)
    while queue:
        for key in sorted(neighbours[queue.popleft()], key=lambda key: order.get(key, 0)):
            if key in order and key not in reached_keys:
                reached_keys[key] = None
                queue.append(key)
    kept_keys = {*list(reached_keys)[:max_versions]}
    kept_keys |= set(
        [version.key for version in versions if version.key not in kept_keys][
            : max_versions - len(kept_keys)
        ]
    )
    return [version for version in versions if version.key in kept_keys]


def _build_tree(keys: Sequence[str], edges: Sequence[LineageLink]) -> _Tree:
    """Build the tree: of several parents, the deepest one is the parent in the tree."""
    parents = defaultdict(list)
    for edge in edges:
        parents[edge.child].append(edge)
    depth: dict[str, int] = {}
    unplaced_keys = list(keys)
    while unplaced_keys:
        # a circle, which forms reject but a feed may contain, is cut at its first member
        ready_keys = [
            key for key in unplaced_keys if all(edge.parent in depth for edge in parents[key])
        ] or unplaced_keys[:1]
        for key in ready_keys:
            depth[key] = max(
                (depth[edge.parent] + 1 for edge in parents[key] if edge.parent in depth), default=0
            )
        unplaced_keys = [key for key in unplaced_keys if key not in depth]
    parent: dict[str, LineageLink] = {}
    children = defaultdict(list)
    for key in keys:
        candidate_edges = [edge for edge in parents[key] if depth[edge.parent] < depth[key]]
        if candidate_edges:
            parent[key] = max(candidate_edges, key=lambda edge: depth[edge.parent])
            children[parent[key].parent].append(key)
    tree_edge_ids = {id(edge) for edge in parent.values()}
    further = tuple(edge for edge in edges if id(edge) not in tree_edge_ids)
    return _Tree(depth, parent, children, further, tuple(key for key in keys if key not in parent))


def _walk_tree(tree: _Tree) -> list[str]:
    """List every node before its children, subtree after subtree."""
    ordered_keys, stack = [], list(reversed(tree.roots))
    while stack:
        key = stack.pop()
        ordered_keys.append(key)
        stack += reversed(tree.children.get(key, []))
    return ordered_keys


def _draw_columns(
    by_key: dict[str, LineageVersion],
    tree: _Tree,
    title: str,
    desc: str,
    width: float,
    *,
    narrow: bool,
) -> Picture:
    """Draw a column per generation; a parent is in the middle of its children, so that lines of the
    tree never cross."""
    n_columns = max(tree.depth.values()) + 1
    box_width = round(min((width + _GAP) / n_columns - _GAP, 230.0), 1)
    column = box_width + _GAP
    box_height, step = 36.0, 46.0
    rows = _row_positions(tree)
    corners = {
        key: (round(column * tree.depth[key], 1), round(4 + step * rows[key], 1)) for key in by_key
    }
    patches, labels, strokes = [], [], []
    for key, version in by_key.items():
        x, y = corners[key]
        patches.append(_version_patch(version, x, y, box_width, box_height))
        labels += _box_labels(version, x + 8, y, box_width - 14)
    kind_names = edge_names()
    for key, edge in tree.parent.items():
        (x_from, y_from), (x_to, y_to) = corners[edge.parent], corners[key]
        turn = round(x_from + box_width + 8, 1)
        # the shared stem of children of several kinds is thin
        middle = box_height / 2
        stem = f"M{x_from + box_width:g} {y_from + middle:g}H{turn:g}V{y_to + middle:g}"
        strokes.append(Stroke(stem, "g2", name="stem"))
        strokes.append(
            Stroke(
                across(y_to + box_height / 2, turn, x_to),
                _edge_css(edge),
                name=f"{edge.parent}>{key}",
            )
        )
        kinds = dict.fromkeys(
            [edge.kind, *(version.kind for version in tree.further if version.child == key)]
        )
        edge_text = ", ".join(kind_names.get(kind, kind.replace("_", " ")) for kind in kinds)
        labels.append(
            Label(
                x_to - 5,
                y_to + box_height / 2 - 5,
                shorten_to_width(edge_text, column - box_width - 16, size=SMALL),
                "s halo",
                "end",
            )
        )
    strokes += [_draw_extra_edge(edge, corners, box_width, box_height) for edge in tree.further]
    height = max(y for _x, y in corners.values()) + box_height + 4
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


def _box_labels(version: LineageVersion, x: float, y: float, room: float) -> list[Label]:
    """Return name and note, or the name in two lines if there is no note."""
    css = "r halo" if version.late else "b halo" if version.own else "halo"
    if version.note:
        name = shorten_to_width(version.label, room, bold=version.late or version.own)
        return [
            Label(x, y + 15, name, css),
            Label(x, y + 29, shorten_to_width(version.note, room, size=SMALL), "s halo"),
        ]
    lines = wrap_lines(version.label, room, bold=version.late or version.own)
    return [
        Label(x, y + (22 if len(lines) == 1 else 15 + 14 * rank), text, css)
        for rank, text in enumerate(lines)
    ]


def _edge_css(edge: LineageLink) -> str:
    return _LINES.get(edge.kind, "l")


def _row_positions(tree: _Tree) -> dict[str, float]:
    rows: dict[str, float] = {}
    n_leaves = 0
    for key in reversed(_walk_tree(tree)):
        below = tree.children.get(key)
        if below:
            rows[key] = (rows[below[0]] + rows[below[-1]]) / 2
        else:
            rows[key] = float(n_leaves)
            n_leaves += 1
    # the walk went from the last leaf to the first
    return {key: n_leaves - 1 - row for key, row in rows.items()}


def _draw_extra_edge(
    edge: LineageLink, corners: dict[str, tuple[float, float]], box_width: float, box_height: float
) -> Stroke:
    """Draw an edge that is not part of the tree, as a curve that passes under the boxes."""
    (x_from, y_from), (x_to, y_to) = corners[edge.parent], corners[edge.child]
    x_from, x_to, y_from, y_to = (
        x_from + box_width,
        x_to,
        y_from + box_height / 2 + 6,
        y_to + box_height / 2 + 6,
    )
    half = round((x_from + x_to) / 2, 1)
    path = f"M{x_from:g} {y_from:g}C{half:g} {y_from:g} {half:g} {y_to:g} {x_to:g} {y_to:g}"
    return Stroke(path, _edge_css(edge), name=f"{edge.parent}>{edge.child}")


def _draw_indented(
    by_key: dict[str, LineageVersion],
    tree: _Tree,
    title: str,
    desc: str,
    width: float,
    *,
    narrow: bool,
) -> Picture:
    """Draw a line per node below its parent; the kind of the edge is before the note."""
    step, kind_names = 34.0, edge_names()
    deepest = max(tree.depth.values())
    shift = min(18.0, width * 0.36 / max(deepest, 1))
    corners: dict[str, tuple[float, float]] = {}
    levels = _indent_levels(tree)
    patches, labels, strokes = [], [], []
    for rank, key in enumerate(_walk_tree(tree)):
        version = by_key[key]
        x, y = round(shift * levels[key], 1), 4 + step * rank
        corners[key] = (x, y)
        patches.append(_version_patch(version, x + 0.5, y + 2, 9, 9))
        room = width - x - 16
        bold = version.late or version.own
        css = "r halo" if version.late else "b halo" if version.own else "halo"
        labels.append(Label(x + 15, y + 11, shorten_to_width(version.label, room, bold=bold), css))
        further_texts = [
            f"{kind_names.get(edge.kind, edge.kind)} from {by_key[edge.parent].label}"
            for edge in tree.further
            if edge.child == key
        ]
        edge_texts = (
            [kind_names.get(tree.parent[key].kind, tree.parent[key].kind)]
            if key in tree.parent
            else []
        )
        note_text = shorten_to_width(
            ", ".join(filter(None, [*edge_texts, *further_texts, version.note])), room, size=SMALL
        )
        if note_text:
            labels.append(Label(x + 15, y + 24, note_text, "s"))
    for key, edge in tree.parent.items():
        (x_from, y_from), (x_to, y_to) = corners[edge.parent], corners[key]
        strokes.append(Stroke(down(x_from + 5, y_from + 12, y_to + 6.5), "g2", name="stem"))
        strokes.append(
            Stroke(
                across(y_to + 6.5, x_from + 5, x_to), _edge_css(edge), name=f"{edge.parent}>{key}"
            )
        )
    return Picture(
        width=width,
        height=round(4 + step * len(corners), 1),
        narrow=narrow,
        title=title,
        desc=desc,
        grid=tuple(strokes),
        patches=tuple(patches),
        labels=tuple(labels),
    )


def _indent_levels(tree: _Tree) -> dict[str, int]:
    """Return {key: level of indentation}: one more than that of the parent."""
    levels: dict[str, int] = {}
    for key in _walk_tree(tree):
        levels[key] = levels[tree.parent[key].parent] + 1 if key in tree.parent else 0
    return levels


def _version_patch(
    version: LineageVersion, x: float, y: float, width: float, height: float
) -> Patch:
    look = (
        ("wash", "red", "rl")
        if version.late
        else ("pap", "diag", "l2")
        if version.own
        else ("pap", "", "l")
    )
    tip = ", ".join(filter(None, [version.label, version.note]))
    return Patch(box(x, y, width, height), *look, tip, version.key)


def _relation_phrases() -> dict[str, str]:
    return {
        "next_generation": "the next generation of {parent}",
        "fine_tune": "a fine-tune of {parent}",
        "distillation": "distilled from {parent}",
        "quantisation": "quantised from {parent}",
        "merge": "merged from {parent}",
        "adapter": "an adapter on {parent}",
        "succession": "the successor of {parent}",
    }


def _describe_finding(versions: Sequence[LineageVersion], links: Sequence[LineageLink]) -> str:
    """Describe the lineage as text, for screen readers: the parents and the number of descendants
    of the own version."""
    labels = {version.key: version.label for version in versions}
    known_links = [edge for edge in links if edge.parent in labels and edge.child in labels]
    own_version = next((version for version in versions if version.own), None)
    if own_version is None:
        relatives_template = pluralize(
            len(versions),
            "{n} relative, {edges} known relationships.",
            "{n} relatives, {edges} known relationships.",
        )
        return relatives_template.format(n=number(len(versions)), edges=number(len(known_links)))
    phrases = _relation_phrases()
    parent_phrases = [
        phrases.get(edge.kind, "{parent}").format(parent=labels[edge.parent])
        for edge in known_links
        if edge.child == own_version.key
    ]
    n_below = sum(edge.parent == own_version.key for edge in known_links)
    parents_template = "{name} is {above}." if parent_phrases else "{name} has no known parent."
    descendants_sentence = (
        pluralize(
            n_below,
            f"{number(n_below)} was made from it or follows it.",
            f"{number(n_below)} were made from it or follow it.",
        )
        if n_below
        else "No descendants known."
    )
    parents_sentence = parents_template.format(
        name=own_version.label, above=", ".join(parent_phrases)
    )
    return f"{parents_sentence} {descendants_sentence}"
