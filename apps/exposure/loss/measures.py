"""Measures of simulated years: expected loss, value at risk (VaR) and tail value at risk (TVaR) at
1-in-20 and 1-in-100, exceedance curve, each with its Monte Carlo error.

Conventions. VaR at a: the smallest x with F(x) >= a, the order statistic ceil(a n). TVaR at a: the
mean of the worst 1 - a of the years, the atom at VaR split (Acerbi and Tasche 2002, which makes it
coherent). Exceedance: P(L > x). Levels are Fractions: 0.95 * 100 in floats is not 95.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.exposure.loss.shocks import InvalidLossInputError

type Floats = NDArray[np.float64]

ONE_IN_20 = Fraction(95, 100)
ONE_IN_100 = Fraction(99, 100)
LEVELS = (ONE_IN_20, ONE_IN_100)

_Z95 = 1.96  # normal quantile of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Tail:
    """One level: `var_low` to `var_high` is a 95 % interval (order statistics), `tvar_se` a
    standard error."""

    level: Fraction
    var: float
    var_low: float
    var_high: float
    tvar: float
    tvar_se: float


@dataclass(frozen=True, slots=True)
class Measures:
    """`eal` is the expected loss of a year, `eal_se` its standard error, `sd` the spread between
    years."""

    n_years: int
    eal: float
    eal_se: float
    sd: float
    tails: tuple[Tail, ...]

    def tail(self, level: Fraction) -> Tail:
        return next(tail for tail in self.tails if tail.level == level)


class CurvePoint(NamedTuple):
    """P(loss of a year > `loss`) = `probability`, with the standard error of that estimate."""

    loss: float
    probability: float
    se: float


class TailWeights(NamedTuple):
    """Weight of each of `years` in TVaR; they sum to 1, every other year weighs nothing."""

    years: NDArray[np.int64]
    weights: Floats


def measure(losses: Floats, levels: Sequence[Fraction] = LEVELS) -> Measures:
    """Return the measures of years in any order. O(n log n)."""
    n = _n_years(losses)
    sorted_losses = np.sort(losses)
    sd = float(sorted_losses.std(ddof=1)) if n > 1 else 0.0
    return Measures(
        n_years=n,
        eal=float(sorted_losses.mean()),
        eal_se=sd / math.sqrt(n),
        sd=sd,
        tails=tuple(_tail(sorted_losses, level) for level in levels),
    )


def _tail(sorted_losses: Floats, level: Fraction) -> Tail:
    """Return value at risk and tail value at risk of sorted yearly losses, with a 95 percent
    interval of the former and the standard error of the latter."""
    n = len(sorted_losses)
    rank = _order_rank(level, n)
    var = float(sorted_losses[rank - 1])
    tail_losses = sorted_losses[rank:]
    n_worst = float((1 - level) * n)
    tvar = (float(tail_losses.sum()) + float(rank - level * n) * var) / n_worst
    # rounding can put the mean of equal years slightly below each of them
    tvar = max(tvar, var)
    half_width = _Z95 * math.sqrt(n * float(level * (1 - level)))
    low = max(0, math.floor(rank - half_width) - 1)
    high = min(n, math.ceil(rank + half_width)) - 1
    # Manistre and Hancock 2005: spread inside the tail, and that of its edge
    spread = (float(tail_losses.var()) if len(tail_losses) else 0.0) + float(level) * (
        tvar - var
    ) ** 2
    return Tail(
        level,
        var,
        float(sorted_losses[low]),
        float(sorted_losses[high]),
        tvar,
        math.sqrt(spread / n_worst),
    )


def tail_weights(losses: Floats, level: Fraction) -> TailWeights:
    """Return the weight of each year in TVaR: full above VaR; the years at VaR share the remainder
    of 1 - level."""
    n = _n_years(losses)
    rank = _order_rank(level, n)
    var = np.partition(losses, rank - 1)[rank - 1]
    years_above = np.flatnonzero(losses > var)
    at = np.flatnonzero(losses == var)
    worst = (1 - level) * n
    share_at = float((worst - len(years_above)) / len(at) / worst)
    weights = np.concatenate(
        [np.full(len(years_above), float(1 / worst)), np.full(len(at), share_at)]
    )
    return TailWeights(np.concatenate([years_above, at]), weights)


def exceedance_curve(losses: Floats, n_points: int = 120) -> list[CurvePoint]:
    """Return at most `n_points` points of P(L > x), x ascending, dense in the tail: ranks are
    spaced evenly in the logarithm.

    The first point is the mildest year, the last the worst simulated one, with probability 0.
    """
    n = _n_years(losses)
    if n_points < 2:
        raise InvalidLossInputError(
            f"A curve of {n_points} points cannot be drawn. Request at least 2 points."
        )
    sorted_losses = np.sort(losses)
    from_worst = np.unique(np.rint(np.geomspace(1, n, n_points)).astype(np.int64))
    at = np.unique(sorted_losses[n - from_worst])
    return exceedances(sorted_losses, at)


def exceedances(losses: Floats, at: Sequence[float] | Floats) -> list[CurvePoint]:
    """Return P(L > x) at each x of `at`, for instance at the organisation's tolerance."""
    n = _n_years(losses)
    sorted_losses = np.sort(losses)
    n_above = n - np.searchsorted(sorted_losses, np.asarray(at, dtype=np.float64), side="right")
    points = []
    for loss, count in zip(at, n_above, strict=True):
        p = int(count) / n
        points.append(CurvePoint(float(loss), p, math.sqrt(p * (1 - p) / n)))
    return points


@dataclass(frozen=True, slots=True)
class LossChange:
    """After minus before, year by year on the same random numbers: positive is more expensive.

    The standard errors are of the difference, far smaller than those of the two runs. VaR has none:
    compare the two intervals.
    """

    eal: float
    eal_se: float
    tails: tuple["TailChange", ...]


@dataclass(frozen=True, slots=True)
class TailChange:
    level: Fraction
    var: float
    tvar: float
    tvar_se: float


def measure_change(
    before: Floats, after: Floats, levels: Sequence[Fraction] = LEVELS
) -> LossChange:
    """Measure the effect of a scenario. Both must have the same seed and years, or the errors are
    meaningless."""
    n = _n_years(before)
    if _n_years(after) != n:
        raise InvalidLossInputError(
            f"{n} years cannot be compared with {len(after)}. Run both over the same number "
            "of years."
        )
    difference = after - before
    tails = []
    for level in levels:
        tail_before, tail_after = _tail(np.sort(before), level), _tail(np.sort(after), level)
        # TVaR is VaR + E[(L - VaR)+] / (1 - level), and flat in VaR: so the excesses carry the
        # error
        excess = np.maximum(after - tail_after.var, 0) - np.maximum(before - tail_before.var, 0)
        tails.append(
            TailChange(
                level,
                tail_after.var - tail_before.var,
                tail_after.tvar - tail_before.tvar,
                _standard_error(excess) / float(1 - level),
            )
        )
    return LossChange(float(difference.mean()), _standard_error(difference), tuple(tails))


def _standard_error(values: Floats) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def _order_rank(level: Fraction, n: int) -> int:
    if not 0 < level < 1:
        raise InvalidLossInputError(
            f"The level {level} is not valid. Enter a level between 0 and 1, such as 95/100."
        )
    return math.ceil(level * n)


def _n_years(losses: Floats) -> int:
    if not len(losses):
        raise InvalidLossInputError("No years were simulated, so nothing can be measured.")
    if not np.isfinite(losses).all():
        raise InvalidLossInputError(
            "The loss of a year is not a number, so nothing can be measured."
        )
    return len(losses)
