"""Exact distributions of a sum of events that happen or not, in integers.

Losses are multiples of a common unit, probabilities weights over a common total: no fraction is
reduced in between. Equal parts are convolved together (binomial). For attribution a part is removed
from the finished distribution by exact division, instead of convolving all the others again.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from apps.exposure.loss.exact_parts import (
    Chance,
    ExactMeasures,
    ExactPart,
    ExactTail,
    WorkBudget,
    curve_positions,
)

_MAX_TERMS = 20_000_000
_MAX_VALUES = 200_000

type Weights = dict[int, int]  # loss in units -> weight


@dataclass(frozen=True, slots=True)
class _Tail:
    """The worst 1 - level: everything above `var`, and the share `share_at_var` of the weight at
    it."""

    level: Fraction
    var: int
    share_at_var: Fraction


def measure_rational(
    parts: Sequence[ExactPart], levels: Sequence[Fraction], *, attribute: bool
) -> ExactMeasures:
    """Return the measures of a sum of `parts`, which must all have a Chance."""
    unit = math.lcm(*(part.loss.denominator for part in parts))
    n_by_part = Counter((_chance_of(part), int(part.loss * unit)) for part in parts)
    work = WorkBudget(_MAX_TERMS, _MAX_VALUES)
    weights: Weights = {0: 1}
    for (chance, loss), n in sorted(n_by_part.items()):
        weights = _convolve(weights, chance, loss, n, work)
    total = math.prod(chance.denominator**n for (chance, _), n in n_by_part.items())

    values = sorted(weights)
    cumulative = list(accumulate(weights[value] for value in values))
    mean = Fraction(sum(value * weights[value] for value in values), total * unit)
    square = Fraction(sum(value * value * weights[value] for value in values), total * unit * unit)
    tails = [_tail(values, cumulative, weights, total, level) for level in levels]
    attributions = (
        _attribute_tails(parts, n_by_part, unit, weights, values, total, tails, work)
        if attribute
        else None
    )
    return ExactMeasures(
        eal=mean,
        sd=math.sqrt(max(0.0, float(square - mean * mean))),
        exceedance=[
            (Fraction(values[position], unit), Fraction(total - cumulative[position], total))
            for position in curve_positions(len(values))
        ],
        tails=[
            ExactTail(
                tail.level,
                var=Fraction(tail.var, unit),
                tvar=_tvar(tail, weights, total) / unit,
                attribution=dict(attributions[index]) if attributions is not None else None,
            )
            for index, tail in enumerate(tails)
        ],
    )


def _chance_of(part: ExactPart) -> Fraction:
    if not isinstance(part.occurrence, Chance):
        raise TypeError(f"{part.name} has a rate, so its distribution has no exact fractions.")
    return part.occurrence.q


def _convolve(weights: Weights, chance: Fraction, loss: int, n: int, work: WorkBudget) -> Weights:
    """Return the distribution with `n` equal parts added; the total weight grows by denominator **
    n."""
    hit, miss = chance.numerator, chance.denominator - chance.numerator
    binomial = [(k * loss, math.comb(n, k) * hit**k * miss ** (n - k)) for k in range(n + 1)]
    atoms = [(shift, weight) for shift, weight in binomial if weight]
    work.take(len(weights), len(atoms))
    result: Weights = {}
    for value, weight in weights.items():
        for shift, factor in atoms:
            result[value + shift] = result.get(value + shift, 0) + weight * factor
    return result


def _remove_part(weights: Weights, values: Sequence[int], chance: Fraction, loss: int) -> Weights:
    """Return the distribution without one such part, by exact division of generating polynomials.

    all = miss * remaining + hit * (remaining shifted by `loss`), solved from the smallest value on.
    """
    hit, miss = chance.numerator, chance.denominator - chance.numerator
    if not miss:
        return {value - loss: weights[value] // hit for value in values}
    remaining: Weights = {}
    for value in values:
        weight = (weights[value] - hit * remaining.get(value - loss, 0)) // miss
        if weight:
            remaining[value] = weight
    return remaining


def _tail(
    values: Sequence[int], cumulative: Sequence[int], weights: Weights, total: int, level: Fraction
) -> _Tail:
    bound = level * total
    position = next(index for index, weight in enumerate(cumulative) if weight >= bound)
    var = values[position]
    return _Tail(level, var, (cumulative[position] - bound) / weights[var])


def _tvar(tail: _Tail, weights: Weights, total: int) -> Fraction:
    loss_above = sum(value * weight for value, weight in weights.items() if value > tail.var)
    at = tail.share_at_var * tail.var * weights[tail.var]
    return (loss_above + at) / (total * (1 - tail.level))


def _attribute_tails(
    parts: Sequence[ExactPart],
    n_by_part: Counter[tuple[Fraction, int]],
    unit: int,
    weights: Weights,
    values: Sequence[int],
    total: int,
    tails: Sequence[_Tail],
    work: WorkBudget,
) -> list[dict[str, Fraction]]:
    """Return Euler's E[loss of the part | tail] by name, per level: the weight of the tail given
    that the part happens."""
    shares_by_part: dict[tuple[Fraction, int], list[Fraction]] = {}
    for chance, loss in n_by_part:
        if not chance or not loss:
            shares_by_part[chance, loss] = [Fraction(0)] * len(tails)
            continue
        work.take(len(values), 1)
        remaining = _remove_part(weights, values, chance, loss)
        shares_by_part[chance, loss] = [
            loss
            * chance.numerator
            * (
                sum(weight for value, weight in remaining.items() if value + loss > tail.var)
                + tail.share_at_var * remaining.get(tail.var - loss, 0)
            )
            / (total * (1 - tail.level) * unit)
            for tail in tails
        ]
    by_name: list[dict[str, Fraction]] = [{} for _ in tails]
    for part in parts:
        amounts = shares_by_part[_chance_of(part), int(part.loss * unit)]
        for names, amount in zip(by_name, amounts, strict=True):
            names[part.name] = names.get(part.name, Fraction(0)) + amount
    return by_name
