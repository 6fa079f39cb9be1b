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


def layout_network(paths: Sequence[Path], *, over: frozenset[NodeId], most: int) -> Network:
    """Fold small nodes, sum weights and order nodes; the unresolved and the folded are last in
    every layer."""
    n_layers = len(paths[0].nodes)
    carried: dict[NodeId, float] = defaultdict(float)
    for path in paths:
        for layer, name in enumerate(path.nodes):
            carried[layer, name] += path.weight
    kept, n_folded = _kept(carried, n_layers, over, most)
    weights: dict[NodeId, float] = defaultdict(float)
    ribbons: dict[tuple[NodeId, NodeId, bool], float] = defaultdict(float)
    for path in paths:
        hot = any((layer, name) in over for layer, name in enumerate(path.nodes))
        nodes = [
            (layer, name if (layer, name) in kept else REST)
            for layer, name in enumerate(path.nodes)
        ]
        for node in nodes:
            weights[node] += path.weight
        for source, target in pairwise(nodes):
            ribbons[source, target, hot] += path.weight
    found = tuple(
        Ribbon(source, target, weight, hot) for (source, target, hot), weight in ribbons.items()
    )
    ordered = _ordered(weights, found, n_layers)
    return Network(ordered, dict(weights), n_folded, found, sum(path.weight for path in paths))


def _kept(
    carried: Mapping[NodeId, float], n_layers: int, over: frozenset[NodeId], most: int
) -> tuple[set[NodeId], dict[int, int]]:
    kept, n_folded = set(), {}
    for layer in range(n_layers):
        named = [node for node in carried if node[0] == layer and node[1] != UNRESOLVED]
        named.sort(key=lambda node: (node not in over, -carried[node], node[1]))
        # folding a single one would save nothing
        n = len(named) if len(named) <= most + 1 else most
        kept |= {*named[:n], (layer, UNRESOLVED)}
        n_folded[layer] = len(named) - n
    return kept, n_folded


def _ordered(
    weights: Mapping[NodeId, float], ribbons: Sequence[Ribbon], n_layers: int
) -> tuple[tuple[str, ...], ...]:
    """Barycentres, swept to and fro, then neighbours exchanged while that crosses less."""
    order: list[list[NodeId]] = [
        sorted(
            (node for node in weights if node[0] == layer),
            key=lambda node: (_last(node), -weights[node], node[1]),
        )
        for layer in range(n_layers)
    ]
    joined: dict[NodeId, dict[NodeId, float]] = defaultdict(lambda: defaultdict(float))
    for ribbon in ribbons:
        joined[ribbon.source][ribbon.target] += ribbon.weight
        joined[ribbon.target][ribbon.source] += ribbon.weight
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for layer in range(1, n_layers) if forth else range(n_layers - 2, -1, -1):
            beside = layer - 1 if forth else layer + 1
            place = _middles(order[beside], weights)
            middles = {node: _mean(joined[node], place) for node in order[layer]}
            order[layer].sort(key=lambda node: (_last(node), middles[node], node[1]))
    for _round in range(_SWEEPS):
        moved = [_exchanged(order, layer, joined) for layer in range(n_layers)]
        if not any(moved):
            break
    return tuple(tuple(name for _layer, name in nodes) for nodes in order)


def _last(node: NodeId) -> int:
    return {REST: 1, UNRESOLVED: 2}.get(node[1], 0)


def _middles(nodes: Sequence[NodeId], weights: Mapping[NodeId, float]) -> dict[NodeId, float]:
    at, out = 0.0, {}
    for node in nodes:
        out[node] = at + weights[node] / 2
        at += weights[node]
    return out


def _mean(ends: Mapping[NodeId, float], place: Mapping[NodeId, float]) -> float:
    found = [(place[end], weight) for end, weight in ends.items() if end in place]
    return sum(at * weight for at, weight in found) / sum(weight for _at, weight in found)


def _exchanged(
    order: list[list[NodeId]], layer: int, joined: Mapping[NodeId, Mapping[NodeId, float]]
) -> bool:
    """Exchanges neighbours of one layer where their ribbons then cross less."""
    nodes, moved = order[layer], False
    beside = [order[other] for other in (layer - 1, layer + 1) if 0 <= other < len(order)]
    lines = {
        node: [[joined[node].get(end, 0.0) for end in row] for row in beside] for node in nodes
    }
    for i in range(len(nodes) - 1):
        upper, lower = nodes[i], nodes[i + 1]
        if _last(upper) == _last(lower) and _crossed(lines[upper], lines[lower]) > _crossed(
            lines[lower], lines[upper]
        ):
            nodes[i], nodes[i + 1] = lower, upper
            moved = True
    return moved


def _crossed(upper: Sequence[Sequence[float]], lower: Sequence[Sequence[float]]) -> float:
    """How much the ribbons of two neighbours cross: products of their weights, in each layer beside
    them.

    Both have, per layer beside, their weights in its order.
    """
    total = 0.0
    for above, below in zip(upper, lower, strict=True):
        passed = 0.0
        for one, other in zip(above, below, strict=True):
            total += one * passed
            passed += other
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
