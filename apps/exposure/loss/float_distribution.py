"""Distributions of sums with Poisson counts, in floats.

Values that differ in their last digits only (1/3 + 1/3 and 2/3) stay apart, as they come out when
the parts are added in the order given. That moves nothing but which values the curve tells.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import batched

import numpy as np
from numpy.typing import NDArray

from apps.exposure.loss.exact_parts import (
    Chance,
    ExactMeasures,
    ExactTail,
    LossTooLargeError,
    Occurrence,
    WorkBudget,
    curve_positions,
)

type Floats = NDArray[np.float64]

_MAX_TERMS = 200_000_000
_MAX_VALUES = 1_000_000
_BATCH_SIZE = 2_000_000
_MAX_RATE = 500
# a count rarer than this is left out
_NEGLIGIBLE = 1e-17
# what rounding may keep a cumulated probability below the level that it reaches
_ROUNDING = 1e-15


def measure_floating(
    parts: Sequence[tuple[Occurrence, float]], levels: Sequence[Fraction]
) -> ExactMeasures:
    """`parts` are (occurrence, loss of one event). Attribution is not computed.

    The probabilities of the curve are relative to about 1e-12, however small.
    """
    work = WorkBudget(_MAX_TERMS, _MAX_VALUES)
    values, chances = np.zeros(1), np.ones(1)
    for occurrence, loss in parts:
        counts = _counts(occurrence)
        work.take(len(values), len(counts))
        values, chances = _convolve(values, chances, counts, loss)
    mean = float(values @ chances)
    # summed from the smallest on, so that far tails keep their digits
    chances_above = np.append(np.cumsum(chances[::-1])[::-1][1:], 0.0)
    cumulative = np.cumsum(chances)
    return ExactMeasures(
        eal=mean,
        sd=math.sqrt(float((values - mean) ** 2 @ chances)),
        exceedance=[
            (float(values[position]), float(chances_above[position]))
            for position in curve_positions(len(values))
        ],
        tails=[_tail(values, chances, cumulative, level) for level in levels],
    )


def _counts(occurrence: Occurrence) -> list[tuple[int, float]]:
    """(number of events, its probability), those that cannot be left out."""
    if isinstance(occurrence, Chance):
        both_counts = [(0, float(1 - occurrence.q)), (1, float(occurrence.q))]
        return [(n, chance) for n, chance in both_counts if chance]
    rate = float(occurrence.per_year)
    if rate > _MAX_RATE:
        raise LossTooLargeError(
            f"{rate:g} events per year are too many for the exact loss. Simulate the "
            "portfolio instead."
        )
    counts: list[tuple[int, float]] = []
    n, chance = 0, math.exp(-rate)
    # up to the mean the probabilities rise, however small they begin
    while n < 3 or n < rate or chance > _NEGLIGIBLE:
        if chance:
            counts.append((n, chance))
        n += 1
        chance *= rate / n
    return counts


def _convolve(
    values: Floats, chances: Floats, counts: Sequence[tuple[int, float]], loss: float
) -> tuple[Floats, Floats]:
    """Values rise. Each shifted copy is sorted already, which a stable (merging) sort makes use of.

    A few copies at a time, so that memory follows the number of values and not that of copies.
    """
    if not loss:
        return values, chances * math.fsum(chance for _, chance in counts)
    sums, weights = np.empty(0), np.empty(0)
    for batch in batched(counts, max(1, _BATCH_SIZE // len(values))):
        sums = np.concatenate([sums, *(values + n * loss for n, _ in batch)])
        weights = np.concatenate([weights, *(chances * chance for _, chance in batch)])
        order = np.argsort(sums, kind="stable")
        sums = sums[order]
        first = np.flatnonzero(np.append(True, sums[1:] != sums[:-1]))
        sums, weights = sums[first], np.add.reduceat(weights[order], first)
    return sums, weights


def _tail(values: Floats, chances: Floats, cumulative: Floats, level: Fraction) -> ExactTail:
    alpha = float(level)
    position = min(int(np.searchsorted(cumulative, alpha - _ROUNDING)), len(values) - 1)
    tail_slice = slice(position + 1, None)
    # of the probability at VaR, what belongs to the worst 1 - level
    at = float(cumulative[position]) - alpha
    tvar = (float(values[tail_slice] @ chances[tail_slice]) + at * float(values[position])) / float(
        1 - level
    )
    return ExactTail(level, var=float(values[position]), tvar=tvar)
