"""Distributions of sums with Poisson counts, in floats.

Values that differ only in their last digits (1/3 + 1/3 and 2/3) stay distinct, as they result from
adding the parts in the given order. That affects only which values the curve includes.
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
_MAX_COUNTS = 10_000
# probabilities below this are left out
_NEGLIGIBLE = 1e-17
# rounding can leave a cumulated probability this far below its level
_ROUNDING = 1e-15


def measure_floating(
    parts: Sequence[tuple[Occurrence, float]], levels: Sequence[Fraction]
) -> ExactMeasures:
    """Return the measures of a sum of parts (occurrence, loss of one event). Attribution is not
    computed.

    The probabilities of the curve are relative to about 1e-12, however small.
    """
    work = WorkBudget(_MAX_TERMS, _MAX_VALUES)
    values, chances = np.zeros(1), np.ones(1)
    for occurrence, loss in parts:
        counts = _count_chances(occurrence)
        work.take(len(values), len(counts))
        values, chances = _convolve(values, chances, counts, loss)
    mean = float(values @ chances)
    # summed from the smallest on, so that far tails are precise
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


def _count_chances(occurrence: Occurrence) -> list[tuple[int, float]]:
    """Return (number of events, its probability) without negligible ones."""
    if isinstance(occurrence, Chance):
        both_counts = [(0, float(1 - occurrence.q)), (1, float(occurrence.q))]
        return [(n, chance) for n, chance in both_counts if chance]
    rate = float(occurrence.per_year)
    if rate > _MAX_RATE:
        raise LossTooLargeError(
            f"{rate:g} events per year are too many for the exact loss. Simulate the "
            "portfolio instead."
        )
    if occurrence.shape is not None:
        return _negative_binomial_chances(rate, float(occurrence.shape))
    counts: list[tuple[int, float]] = []
    n, chance = 0, math.exp(-rate)
    # probabilities rise up to the mean, even from a negligible start
    while n < 3 or n < rate or chance > _NEGLIGIBLE:
        if chance:
            counts.append((n, chance))
        n += 1
        chance *= rate / n
    return counts


def _negative_binomial_chances(rate: float, shape: float) -> list[tuple[int, float]]:
    """Return (number of events, its probability) of a Poisson number whose rate varies by a Gamma
    factor, without negligible ones."""
    counts: list[tuple[int, float]] = []
    n, chance = 0, math.exp(-shape * math.log1p(rate / shape))
    while n < 3 or n < rate or chance > _NEGLIGIBLE:
        if chance:
            counts.append((n, chance))
        chance *= (n + shape) / (n + 1) * rate / (rate + shape)
        n += 1
        if n > _MAX_COUNTS:
            raise LossTooLargeError(
                f"{rate:g} events per year that vary this much are too many for the exact loss. "
                "Simulate the portfolio instead."
            )
    return counts


def _convolve(
    values: Floats, chances: Floats, counts: Sequence[tuple[int, float]], loss: float
) -> tuple[Floats, Floats]:
    """Return the values, ascending, and chances of the sum with `counts` events of `loss`.

    Each shifted copy is already sorted, which a stable (merging) sort exploits. A few copies are
    merged at a time, so that memory depends on the number of values and not of copies.
    """
    if not loss:
        return values, chances * math.fsum(chance for _, chance in counts)
    sums, weights = np.empty(0), np.empty(0)
    for batch in batched(counts, max(1, _BATCH_SIZE // len(values))):
        sums = np.concatenate([sums, *(values + n * loss for n, _ in batch)])
        weights = np.concatenate([weights, *(chances * chance for _, chance in batch)])
        order = np.argsort(sums, kind="stable")
        sums = sums[order]
        first_positions = np.flatnonzero(np.append(True, sums[1:] != sums[:-1]))
        sums, weights = sums[first_positions], np.add.reduceat(weights[order], first_positions)
    return sums, weights


def _tail(values: Floats, chances: Floats, cumulative: Floats, level: Fraction) -> ExactTail:
    alpha = float(level)
    position = min(int(np.searchsorted(cumulative, alpha - _ROUNDING)), len(values) - 1)
    tail_slice = slice(position + 1, None)
    # the part of the probability at VaR that belongs to the worst 1 - level
    at = float(cumulative[position]) - alpha
    tvar = (float(values[tail_slice] @ chances[tail_slice]) + at * float(values[position])) / float(
        1 - level
    )
    return ExactTail(level, var=float(values[position]), tvar=tvar)
