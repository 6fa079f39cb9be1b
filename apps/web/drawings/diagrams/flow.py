"""Flow diagram (Sankey): ribbons from groups of applications through the layers below, as wide as
what they carry."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from apps.web.drawings.base.picture import NARROW, WIDE, Patch, Picture, Stroke, box
from apps.web.drawings.base.scales import Unit, number
from apps.web.drawings.base.text_layout import Label, shorten_to_width, text_width
from apps.web.drawings.diagrams.network import (
    REST,
    UNRESOLVED,
    Network,
    NodeId,
    Path,
    Ribbon,
    layout_network,
)
from apps.web.drawings.diagrams.stack_section import Box

__all__ = ["Path", "draw_flow"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def draw_flow(
    paths: Iterable[Path],
    *,
    layers: Sequence[str],
    unit: Unit,
    over: frozenset[tuple[str, str]] = frozenset(),
    max_nodes: int = 12,
    title: str = "",
    width: float = WIDE,
    narrow: bool = False,
) -> Picture | None:
    """Draw the flow; `layers` names the columns; `over` is {(layer, node)} beyond tolerance.

    A layer shows `max_nodes` nodes, half on a phone, the heaviest first; the others are folded into
    one. `narrow`: in the layout for phones.
    """
    weighted_paths = [path for path in paths if path.weight > 0]
    if not weighted_paths:
        return None
    over_nodes = frozenset((layers.index(layer), name) for layer, name in over if layer in layers)
    network = layout_network(
        weighted_paths, over=over_nodes, max_nodes=max(max_nodes // 2, 3) if narrow else max_nodes
    )
    heading = title or _describe_finding(network, layers, unit, over_nodes)
    draw = _draw_vertical if narrow else _draw_horizontal
    return draw(network, layers, unit, over_nodes, heading, NARROW if narrow else width)


@dataclass(frozen=True, slots=True)
class _Place:
    """Start of a node along its layer, and its length there."""

    begin: float
    length: float

    @property
    def middle(self) -> float:
        return self.begin + self.length / 2


def _draw_horizontal(
    network: Network,
    layers: Sequence[str],
    unit: Unit,
    over: frozenset[NodeId],
    title: str,
    width: float,
) -> Picture:
    """Draw the layers as columns from left to right."""
    top, gap, slot = 30.0, 7.0, 15.0
    per_weight = min(380.0, 26.0 * network.total) / network.total
    columns = [
        [max(network.weights[layer, name] * per_weight, 2.0) for name in names]
        for layer, names in enumerate(network.layers)
    ]
    depth = max(sum(max(length, slot) + gap for length in column) for column in columns)
    side_width = round(width * 0.17, 1)
    xs = [
        round(side_width + (width - 2 * side_width - 12) * rank / max(len(layers) - 1, 1), 1)
        for rank in range(len(layers))
    ]
    places: dict[NodeId, _Place] = {}
    for layer, (names, lengths) in enumerate(zip(network.layers, columns, strict=True)):
        used_depth = sum(max(length, slot) for length in lengths)
        space = min((depth - used_depth) / max(len(names), 1), 40.0)
        node_start = top + (depth - used_depth - space * len(names)) / 2
        for name, length in zip(names, lengths, strict=True):
            room = max(length, slot)
            places[layer, name] = _Place(
                round(node_start + (room - length) / 2, 2), round(length, 2)
            )
            node_start += room + space
    areas = _draw_ribbons(
        network,
        places,
        per_weight,
        unit,
        lambda layer: (xs[layer] + 12, xs[layer + 1]),
        upright=False,
    )
    patches, labels = [], []
    for node, place in places.items():
        patches.append(
            _node_patch(node, network, unit, over, box(xs[node[0]], place.begin, 12, place.length))
        )
        labels.append(_node_label(node, place, xs, network, unit, over, side_width, width))
    heads = [
        Label(side_width - 6 if rank == 0 else x, 12, layers[rank], "s", "start" if rank else "end")
        for rank, x in enumerate(xs)
    ]
    return Picture(
        width=width,
        height=round(top + depth + 6, 1),
        narrow=False,
        title=title,
        desc=_describe_reading(layers, unit),
        areas=areas,
        patches=tuple(patches),
        labels=(*heads, *labels),
    )


def _node_label(
    node: NodeId,
    place: _Place,
    xs: Sequence[float],
    network: Network,
    unit: Unit,
    over: frozenset[NodeId],
    side_width: float,
    width: float,
) -> Label:
    """Return the label of a node, to the left of the first layer and to the right of the others,
    shortened to the space."""
    layer = node[0]
    css = "r halo" if node in over else "halo"
    is_first_layer = layer == 0
    next_x = xs[layer + 1] if layer + 1 < len(xs) else width + 6
    room = side_width - 8 if is_first_layer else next_x - xs[layer] - 24
    value = unit.write(network.weights[node])
    bold = node in over
    name = shorten_to_width(
        _node_name(node, network), room - text_width(f": {value}", bold=bold), bold=bold
    )
    x, anchor = (xs[0] - 6, "end") if is_first_layer else (xs[layer] + 18, "start")
    return Label(
        round(x, 1), round(place.middle + 4, 1), f"{name}: {value}" if name else value, css, anchor
    )


def _draw_vertical(
    network: Network,
    layers: Sequence[str],
    unit: Unit,
    over: frozenset[NodeId],
    title: str,
    width: float,
) -> Picture:
    """Draw the layers from top to bottom with letters in their nodes, and a key below."""
    gap, thick, between, top = 4.0, 16.0, 58.0, 18.0
    n_most = max(len(names) for names in network.layers)
    per_weight = (width - gap * n_most - 3.0 * n_most) / network.total
    ys = [round(top + (thick + between) * rank, 1) for rank in range(len(layers))]
    places: dict[NodeId, _Place] = {}
    patches, labels, letters = [], [], {}
    for layer, names in enumerate(network.layers):
        node_start = 0.5
        labels.append(Label(0, ys[layer] - 5, layers[layer], "s halo"))
        for rank, name in enumerate(names):
            node = (layer, name)
            length = max(network.weights[node] * per_weight, 3.0)
            places[node] = place = _Place(round(node_start, 2), round(length, 2))
            letters[node] = _LETTERS[rank]
            patches.append(
                _node_patch(node, network, unit, over, box(node_start, ys[layer], length, thick))
            )
            if length > 13:
                css = "r halo" if node in over else "b halo"
                labels.append(
                    Label(round(place.middle, 1), ys[layer] + 12, letters[node], css, "middle")
                )
            node_start += length + gap
    areas = _draw_ribbons(
        network,
        places,
        per_weight,
        unit,
        lambda layer: (ys[layer] + thick, ys[layer + 1]),
        upright=True,
    )
    y = ys[-1] + thick + 22
    for layer, names in enumerate(network.layers):
        labels.append(Label(0, y, layers[layer], "s"))
        for name in names:
            y += 15
            node = (layer, name)
            css = "r" if node in over else ""
            value = Label(width, y, unit.write(network.weights[node]), css, "end")
            text = shorten_to_width(
                _node_name(node, network), width - value.width - 26, bold=node in over
            )
            labels += [Label(0, y, letters[node], "b"), Label(16, y, text, css), value]
        y += 21
    return Picture(
        width=width,
        height=round(y - 10, 1),
        narrow=True,
        title=title,
        desc=_describe_reading(layers, unit),
        areas=areas,
        patches=tuple(patches),
        labels=tuple(labels),
    )


def _draw_ribbons(
    network: Network,
    places: dict[NodeId, _Place],
    per_weight: float,
    unit: Unit,
    edges: Callable[[int], tuple[float, float]],
    *,
    upright: bool,
) -> tuple[Stroke, ...]:
    """Draw the area of every ribbon; at its node it lies in the order of the nodes at its other
    end, so that none twists."""
    rank = {
        (layer, name): i
        for layer, names in enumerate(network.layers)
        for i, name in enumerate(names)
    }
    outgoing_at = {node: place.begin for node, place in places.items()}
    incoming_at = dict(outgoing_at)
    starts: dict[Ribbon, float] = {}
    ends: dict[Ribbon, float] = {}
    for ribbon in sorted(network.ribbons, key=lambda ribbon: (rank[ribbon.target], not ribbon.hot)):
        starts[ribbon] = outgoing_at[ribbon.source]
        outgoing_at[ribbon.source] += ribbon.weight * per_weight
    for ribbon in sorted(network.ribbons, key=lambda ribbon: (rank[ribbon.source], not ribbon.hot)):
        ends[ribbon] = incoming_at[ribbon.target]
        incoming_at[ribbon.target] += ribbon.weight * per_weight
    strokes = []
    for ribbon in sorted(
        network.ribbons, key=lambda ribbon: (ribbon.hot, ribbon.source, ribbon.target)
    ):
        near, far = edges(ribbon.source[0])
        thick = ribbon.weight * per_weight
        path = _ribbon_path(near, starts[ribbon], far, ends[ribbon], thick, upright=upright)
        tip = (
            f"{_node_name(ribbon.source, network)} → {_node_name(ribbon.target, network)}: "
            f"{unit.write(ribbon.weight)}"
        )
        strokes.append(
            Stroke(path, "flow hot" if ribbon.hot else "flow", tip, f"{ribbon.weight:g}")
        )
    return tuple(strokes)


def _ribbon_path(
    near: float, start: float, far: float, end: float, thick: float, *, upright: bool
) -> str:
    """Return the SVG path of a ribbon between two nodes. `upright`: layers are rows, so x and y are
    exchanged."""
    half = (near + far) / 2
    corners = [
        (near, start),
        (half, start),
        (half, end),
        (far, end),
        (far, end + thick),
        (half, end + thick),
        (half, start + thick),
        (near, start + thick),
    ]
    a, b, c, d, e, f, g, h = (
        f"{y:.2f} {x:.2f}" if upright else f"{x:.2f} {y:.2f}" for x, y in corners
    )
    return f"M{a}C{b} {c} {d}L{e}C{f} {g} {h}Z"


def _node_patch(
    node: NodeId, network: Network, unit: Unit, over: frozenset[NodeId], node_box: Box
) -> Patch:
    hatch = "red" if node in over else "" if node[1] == UNRESOLVED else "diag"
    edge = "rl" if node in over else "l dot" if node[1] == UNRESOLVED else "l"
    tip = f"{_node_name(node, network)}: {unit.write(network.weights[node])}"
    return Patch(
        node_box, "wash" if node in over else "pap", hatch, edge, tip, _node_name(node, network)
    )


def _node_name(node: NodeId, network: Network) -> str:
    layer, name = node
    if name == REST:
        return f"{number(network.n_folded[layer])} others"
    return name or "unresolved"


def _describe_reading(layers: Sequence[str], unit: Unit) -> str:
    return (
        f"From {layers[0]} to {layers[-1]}; the width of a ribbon is its share, {unit.word}. "
        "Red: over tolerance."
    )


def _describe_finding(
    network: Network, layers: Sequence[str], unit: Unit, over: frozenset[NodeId]
) -> str:
    """Describe the flow as text, for screen readers: the nodes above tolerance, or else the
    heaviest one."""
    lower_nodes = [
        node for node in network.weights if node[0] > 0 and node[1] not in {REST, UNRESOLVED}
    ]
    lower_nodes = lower_nodes or [
        node for node in network.weights if node[1] not in {REST, UNRESOLVED}
    ]
    drawn_over_nodes = [node for node in network.weights if node in over]
    placeholders = {"all": unit.write(network.total), "unit": unit.word}
    if drawn_over_nodes:
        heaviest_nodes = sorted(drawn_over_nodes, key=lambda node: -network.weights[node])
        nodes_text = ", ".join(
            f"{node[1]} ({layers[node[0]].lower()}) has {unit.write(network.weights[node])}"
            for node in heaviest_nodes[:3]
        )
        return "Over tolerance: {nodes} of {all} {unit}.".format(**placeholders, nodes=nodes_text)
    if not lower_nodes:
        return "Unresolved: {all} {unit}.".format(**placeholders)
    top = max(lower_nodes, key=lambda node: (network.weights[node], node[0]))
    return "{name} ({layer}) has the largest share: {n} of {all} {unit}.".format(
        **placeholders,
        name=top[1],
        layer=layers[top[0]].lower(),
        n=unit.write(network.weights[top]),
    )
