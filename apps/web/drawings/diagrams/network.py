"""Network of paths through layers: small nodes folded, nodes ordered so that few ribbons cross."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

UNRESOLVED = ""
REST = "\0rest"  # no name of a node
_SWEEPS = 6

type NodeId = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Path:
    """Path through the layers: `nodes` has one name per layer, empty if unknown; `weight` is what
    takes this path."""

    nodes: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Ribbon:
    """Ribbon from a node to one of the next layer; `hot` if its paths pass a node over its
    tolerance."""

    source: NodeId
    target: NodeId
    weight: float
    hot: bool


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes of each layer in the order that crosses least, what each carries, and the ribbons
    between layers."""

    layers: tuple[tuple[str, ...], ...]
    weights: dict[NodeId, float]
    n_folded: dict[int, int]
    ribbons: tuple[Ribbon, ...]
    total: float


def layout_network(paths: Sequence[Path], *, over: frozenset[NodeId], max_nodes: int) -> Network:
    """Fold small nodes, sum weights and order nodes; the unresolved and the folded are last in
    every layer."""
    n_layers = len(paths[0].nodes)
    node_weights: dict[NodeId, float] = defaultdict(float)
    for path in paths:
        for layer, name in enumerate(path.nodes):
            node_weights[layer, name] += path.weight
    kept_nodes, n_folded = _choose_kept_nodes(node_weights, n_layers, over, max_nodes)
    weights: dict[NodeId, float] = defaultdict(float)
    ribbons: dict[tuple[NodeId, NodeId, bool], float] = defaultdict(float)
    for path in paths:
        hot = any((layer, name) in over for layer, name in enumerate(path.nodes))
        nodes = [
            (layer, name if (layer, name) in kept_nodes else REST)
            for layer, name in enumerate(path.nodes)
        ]
        for node in nodes:
            weights[node] += path.weight
        for source, target in pairwise(nodes):
            ribbons[source, target, hot] += path.weight
    ribbon_list = tuple(
        Ribbon(source, target, weight, hot) for (source, target, hot), weight in ribbons.items()
    )
    ordered_layers = _order_nodes(weights, ribbon_list, n_layers)
    return Network(
        ordered_layers, dict(weights), n_folded, ribbon_list, sum(path.weight for path in paths)
    )


def _choose_kept_nodes(
    node_weights: Mapping[NodeId, float], n_layers: int, over: frozenset[NodeId], max_nodes: int
) -> tuple[set[NodeId], dict[int, int]]:
    """Return the nodes that are not folded, nodes over tolerance and heavy ones first, and {layer:
    number of folded nodes}."""
    kept_nodes, n_folded = set(), {}
    for layer in range(n_layers):
        named_nodes = [node for node in node_weights if node[0] == layer and node[1] != UNRESOLVED]
        named_nodes.sort(key=lambda node: (node not in over, -node_weights[node], node[1]))
        # folding a single one would save nothing
        n_kept = len(named_nodes) if len(named_nodes) <= max_nodes + 1 else max_nodes
        kept_nodes |= {*named_nodes[:n_kept], (layer, UNRESOLVED)}
        n_folded[layer] = len(named_nodes) - n_kept
    return kept_nodes, n_folded


def _order_nodes(
    weights: Mapping[NodeId, float], ribbons: Sequence[Ribbon], n_layers: int
) -> tuple[tuple[str, ...], ...]:
    """Order the nodes of each layer by barycentres, swept forwards and backwards, then exchange
    neighbours while that reduces crossings."""
    order: list[list[NodeId]] = [
        sorted(
            (node for node in weights if node[0] == layer),
            key=lambda node: (_fold_rank(node), -weights[node], node[1]),
        )
        for layer in range(n_layers)
    ]
    weights_between: dict[NodeId, dict[NodeId, float]] = defaultdict(lambda: defaultdict(float))
    for ribbon in ribbons:
        weights_between[ribbon.source][ribbon.target] += ribbon.weight
        weights_between[ribbon.target][ribbon.source] += ribbon.weight
    for sweep in range(_SWEEPS):
        is_forwards = sweep % 2 == 0
        for layer in range(1, n_layers) if is_forwards else range(n_layers - 2, -1, -1):
            neighbour_layer = layer - 1 if is_forwards else layer + 1
            place = _node_middles(order[neighbour_layer], weights)
            middles = {node: _weighted_mean(weights_between[node], place) for node in order[layer]}
            order[layer].sort(key=lambda node: (_fold_rank(node), middles[node], node[1]))
    for _round in range(_SWEEPS):
        layers_changed = [
            _exchange_neighbours(order, layer, weights_between) for layer in range(n_layers)
        ]
        if not any(layers_changed):
            break
    return tuple(tuple(name for _layer, name in nodes) for nodes in order)


def _fold_rank(node: NodeId) -> int:
    return {REST: 1, UNRESOLVED: 2}.get(node[1], 0)


def _node_middles(nodes: Sequence[NodeId], weights: Mapping[NodeId, float]) -> dict[NodeId, float]:
    position, middles = 0.0, {}
    for node in nodes:
        middles[node] = position + weights[node] / 2
        position += weights[node]
    return middles


def _weighted_mean(ends: Mapping[NodeId, float], places: Mapping[NodeId, float]) -> float:
    weighted_places = [(places[end], weight) for end, weight in ends.items() if end in places]
    return sum(place_of_end * weight for place_of_end, weight in weighted_places) / sum(
        weight for _at, weight in weighted_places
    )


def _exchange_neighbours(
    order: list[list[NodeId]], layer: int, weights_between: Mapping[NodeId, Mapping[NodeId, float]]
) -> bool:
    """Exchange neighbours of one layer if their ribbons then cross less; return whether any were
    exchanged."""
    nodes, has_exchanged = order[layer], False
    neighbour_rows = [
        order[neighbour_layer]
        for neighbour_layer in (layer - 1, layer + 1)
        if 0 <= neighbour_layer < len(order)
    ]
    weights_of = {
        node: [[weights_between[node].get(end, 0.0) for end in row] for row in neighbour_rows]
        for node in nodes
    }
    for i in range(len(nodes) - 1):
        upper, lower = nodes[i], nodes[i + 1]
        if _fold_rank(upper) == _fold_rank(lower) and _crossing_weight(
            weights_of[upper], weights_of[lower]
        ) > _crossing_weight(weights_of[lower], weights_of[upper]):
            nodes[i], nodes[i + 1] = lower, upper
            has_exchanged = True
    return has_exchanged


def _crossing_weight(upper: Sequence[Sequence[float]], lower: Sequence[Sequence[float]]) -> float:
    """Return how much the ribbons of two neighbours cross: products of their weights, in each
    adjacent layer.

    Both arguments hold, for each adjacent layer, the weights in the order of its nodes."""
    total = 0.0
    for upper_weights, lower_weights in zip(upper, lower, strict=True):
        passed_weight = 0.0
        for upper_weight, lower_weight in zip(upper_weights, lower_weights, strict=True):
            total += upper_weight * passed_weight
            passed_weight += lower_weight
    return total


def crossings(layers: Sequence[Sequence[str]], ribbons: Sequence[Ribbon]) -> float:
    """Return the measure of a network's order: products of the weights of all ribbons that
    cross."""
    rank = {
        (layer, name): place
        for layer, names in enumerate(layers)
        for place, name in enumerate(names)
    }
    ends = [
        (ribbon.source[0], rank[ribbon.source], rank[ribbon.target], ribbon.weight)
        for ribbon in ribbons
    ]
    return sum(
        one[3] * other[3]
        for one in ends
        for other in ends
        if one[0] == other[0] and one[1] < other[1] and one[2] > other[2]
    )
