"""Concentration of a distribution over buckets, as functions of plain numbers.

Shares are parts of the covered weight. The unknown is one bucket by default; at best every
unresolved offering is a node of its own (it cannot be split, and a new node is always the least
concentrated); at worst all of it belongs to the largest known node. N2 = 1/HHI and N1 =
exp(entropy) are Hill numbers (M. O. Hill, Ecology 54, 1973).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Indices:
    """`shares` by node, largest first. All indices are None if the total weight is 0. `squares` is
    the sum of the squared masses of known nodes and of the unknown as one bucket."""

    total_weight: float
    none_weight: float
    covered_weight: float
    unknown: float | None = None
    shares: Mapping[int, float] = field(default_factory=dict)
    cr1: float | None = None
    cr3: float | None = None
    hhi: float | None = None
    hhi_best: float | None = None
    hhi_worst: float | None = None
    n1: float | None = None
    n2: float | None = None
    squares: float = 0.0


def indices(
    mass_by_node: Mapping[int, float], unresolved: Sequence[float], none_weight: float
) -> Indices:
    """Compute the indices of a layer.

    `mass_by_node` is the mass of each node, `unresolved` that of each unresolved offering,
    `none_weight` the mass to which the layer does not apply.
    """
    covered_weight = math.fsum([*mass_by_node.values(), *unresolved])
    if covered_weight <= 0:
        return Indices(
            total_weight=covered_weight + none_weight,
            none_weight=none_weight,
            covered_weight=covered_weight,
        )
    shares = dict(
        sorted(
            ((node, mass / covered_weight) for node, mass in mass_by_node.items()),
            key=lambda pair: (-pair[1], pair[0]),
        )
    )
    unresolved_shares = [mass / covered_weight for mass in unresolved]
    unknown_mass = math.fsum(unresolved_shares)
    largest = list(shares.values())[:3]
    squares = math.fsum(share * share for share in shares.values())
    top = largest[0] if largest else 0.0
    hhi = squares + unknown_mass * unknown_mass
    entropy = -math.fsum(
        share * math.log(share) for share in [*shares.values(), unknown_mass] if share > 0
    )
    return Indices(
        total_weight=covered_weight + none_weight,
        none_weight=none_weight,
        covered_weight=covered_weight,
        unknown=unknown_mass,
        shares=shares,
        cr1=top,
        cr3=math.fsum(largest),
        hhi=hhi,
        hhi_best=squares + math.fsum(share * share for share in unresolved_shares),
        hhi_worst=squares - top * top + (top + unknown_mass) ** 2,
        n1=math.exp(entropy),
        n2=1 / hhi,
        squares=hhi * covered_weight * covered_weight,
    )


def marginal(
    *,
    hhi: float,
    squares: float,
    covered_weight: float,
    cross: float,
    own_squares: float,
    weight: float,
) -> float | None:
    """Return HHI minus HHI without one application; None if it is the only one.

    For masses m of the application and M of all: `cross` = sum of m M, `own_squares` = sum of m
    squared, `weight` = sum of m, `covered_weight` = sum of M.
    """
    remaining_weight = covered_weight - weight
    if remaining_weight <= covered_weight * 1e-12:
        return None
    return hhi - (squares - (2 * cross - own_squares)) / (remaining_weight * remaining_weight)
