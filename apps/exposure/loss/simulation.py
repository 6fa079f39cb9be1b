"""Simulation of years from shared shocks. Time grows with events, memory with years: not with
applications.

Every shock has a stream of random numbers of its own, named by its key. So the order of the input
does not matter, to the bit; and what-ifs share the draws of all unchanged shocks, so that
differences have no noise of their own.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from apps.exposure.loss.measures import (
    LEVELS,
    CurvePoint,
    Floats,
    LossChange,
    Measures,
    exceedance_curve,
    measure,
    measure_change,
    tail_weights,
)
from apps.exposure.loss.shocks import (
    IndependentLoss,
    InvalidLossInputError,
    Key,
    Part,
    Shock,
    cumulants,
    merge_classes,
)

MIN_YEARS = 100
MAX_YEARS = 10_000_000

# events in memory at once; the sum of a year is formed batch by batch, so another number moves the
# last digits
_BATCH_SIZE = 1_000_000
# when the independent twin is as good as normal: little skewness, and many events a year
_NEARLY_NORMAL = 0.2
_MANY_EVENTS = 10_000


class _Stream(IntEnum):
    """First word of a stream's name: no two purposes share random numbers. Never change or reuse a
    number."""

    SHOCK = 1
    OWN = 2
    SHOCK_REST = 3
    TWIN = 4
    TWIN_REST = 5


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who carries TVaR: by key of the shocks drawn, the own part, and the shocks that were not
    drawn one by one.

    Euler's allocation E[loss of the part | worst years]; the parts sum to TVaR, but for rounding.
    """

    level: Fraction
    by_shock: dict[Key, float]
    own: float
    rest: float


@dataclass(frozen=True, slots=True)
class SimulationRun:
    """A simulation, with what it takes to repeat it. `losses` is the loss of each year.

    `scheduled` is the mean loss of what is certain (firm dates inside the year); it is in every
    other figure too. `drawn` are the keys drawn one by one, out of `n_parts`.
    """

    seed: int
    keep: float | None
    losses: Floats
    measures: Measures
    scheduled: float
    n_parts: int
    drawn_keys: frozenset[Key]
    attributions: tuple[Attribution, ...] = ()

    @property
    def years(self) -> int:
        return len(self.losses)

    def curve(self, n_points: int = 120) -> list[CurvePoint]:
        return exceedance_curve(self.losses, n_points)

    def attribution(self, level: Fraction) -> Attribution:
        return next(attribution for attribution in self.attributions if attribution.level == level)


def simulate(
    shocks: Iterable[Shock],
    own: Iterable[IndependentLoss] = (),
    *,
    years: int,
    seed: int,
    keep: float | None = None,
    also_draw: frozenset[Key] = frozenset(),
    levels: Sequence[Fraction] = LEVELS,
    attribute: Sequence[Fraction] = LEVELS,
) -> SimulationRun:
    """Loss of `years` years.

    `keep` draws only the fewest shocks that hold this part of the variance of all (and
    `also_draw`), and the rest together from their first moments: the mean stays exact. 0.999 is a
    good value for a page. `attribute` costs a second pass over the same draws.
    """
    parts = _ordered(shocks, "shocks")
    sources = _ordered(own, "own losses")
    _check_run(years, seed, keep)
    single_parts, pooled_parts = _split(parts, keep, also_draw)
    own_losses = np.zeros(years)
    _add_all(own_losses, sources, seed, _Stream.OWN)
    rest_losses = _rest(pooled_parts, years, seed, _Stream.SHOCK_REST)
    losses = np.zeros(years)
    _add_all(losses, single_parts, seed, _Stream.SHOCK)
    losses += own_losses
    losses += rest_losses
    return SimulationRun(
        seed=seed,
        keep=keep,
        losses=losses,
        measures=measure(losses, levels),
        scheduled=_scheduled([*parts, *sources]),
        n_parts=len(parts) + len(sources),
        drawn_keys=frozenset(shock.key for shock in single_parts),
        attributions=_attribute(losses, single_parts, own_losses, rest_losses, seed, attribute),
    )


def simulate_twin(
    classes: Iterable[IndependentLoss],
    *,
    years: int,
    seed: int,
    keep: float | None = None,
    levels: Sequence[Fraction] = LEVELS,
) -> SimulationRun:
    """The same losses as if nothing were shared: every application has every shock to itself.

    `classes` are those of `twin_classes` and the own part. Drawn class by class (with `keep` as in
    `simulate`); but where very many small losses add up, from the first three moments of the sum,
    which is then nearly normal.
    """
    parts = merge_classes(_ordered(classes, "classes"))
    _check_run(years, seed, keep)
    single_parts: list[IndependentLoss]
    single_parts, pooled_parts = (
        ([], parts) if _nearly_normal(parts) else _split(parts, keep, frozenset())
    )
    losses = _rest(pooled_parts, years, seed, _Stream.TWIN_REST)
    _add_all(losses, single_parts, seed, _Stream.TWIN)
    return SimulationRun(
        seed=seed,
        keep=keep,
        losses=losses,
        measures=measure(losses, levels),
        scheduled=_scheduled(parts),
        n_parts=len(parts),
        drawn_keys=frozenset(part.key for part in single_parts),
    )


def simulate_change(
    before: Iterable[Shock],
    after: Iterable[Shock],
    own_before: Iterable[IndependentLoss] = (),
    own_after: Iterable[IndependentLoss] = (),
    *,
    years: int,
    seed: int,
    keep: float | None = None,
    levels: Sequence[Fraction] = LEVELS,
) -> tuple[SimulationRun, SimulationRun, LossChange]:
    """Simulate both sides of a what-if on the same random numbers, and their difference.

    A shock whose loss changes keeps its events; one whose rate or variation changes is drawn again.
    All that differs, and all that either side would draw individually under `keep`, is drawn one by
    one on both sides.
    """
    old, new = _ordered(before, "shocks"), _ordered(after, "shocks")
    own_old, own_new = list(own_before), list(own_after)
    changed_keys = frozenset(shock.key for shock in set(old) ^ set(new))
    _check_run(years, seed, keep)
    draw = changed_keys.union(
        *({shock.key for shock in _split(shocks, keep, changed_keys)[0]} for shocks in (old, new))
    )
    first, second = (
        simulate(
            shocks,
            own_losses,
            years=years,
            seed=seed,
            keep=keep,
            also_draw=draw,
            levels=levels,
            attribute=(),
        )
        for shocks, own_losses in ((old, own_old), (new, own_new))
    )
    return first, second, measure_change(first.losses, second.losses, levels)


def _check_run(years: int, seed: int, keep: float | None) -> None:
    if not MIN_YEARS <= years <= MAX_YEARS:
        raise InvalidLossInputError(
            f"{years} years cannot be simulated. Enter {MIN_YEARS} to {MAX_YEARS:,} years."
        )
    if not 0 <= seed < 2**63:
        raise InvalidLossInputError(
            f"The seed {seed} cannot be used. Enter a whole number from 0 to 2^63 - 1."
        )
    if keep is not None and not 0 < keep <= 1:
        raise InvalidLossInputError(
            f"The share of the variance to simulate is {keep}. Enter a number above 0 and up to 1."
        )


def _ordered[P: (Shock, IndependentLoss)](parts: Iterable[P], label: str) -> list[P]:
    """Sort by key, whatever order they came in; a key that comes twice would make two causes strike
    as one."""
    ordered = sorted(parts, key=lambda part: part.key)
    for part, next_part in pairwise(ordered):
        if part.key == next_part.key:
            raise InvalidLossInputError(
                f"The key {part.key} occurs twice among the {label}. Combine the two or use "
                "different keys."
            )
    return ordered


def _split[P: (Shock, IndependentLoss)](
    parts: list[P], keep: float | None, also: frozenset[Key]
) -> tuple[list[P], list[P]]:
    """(to draw one by one, the rest): the fewest parts that hold `keep` of the variance, and those
    of `also`."""
    if keep is None:
        return parts, []
    variances = np.array([cumulants([part])[1] for part in parts])
    order = np.argsort(-variances, kind="stable")
    cumulative_variance = np.cumsum(variances[order])
    n = (
        int(np.searchsorted(cumulative_variance, keep * cumulative_variance[-1])) + 1
        if len(parts) and cumulative_variance[-1] > 0
        else 0
    )
    large = set(order[:n].tolist())
    is_single = [index in large or part.key in also for index, part in enumerate(parts)]
    return (
        [part for part, is_drawn in zip(parts, is_single, strict=True) if is_drawn],
        [part for part, is_drawn in zip(parts, is_single, strict=True) if not is_drawn],
    )


def _nearly_normal(parts: Sequence[Part]) -> bool:
    _, variance, third = cumulants(parts)
    events = math.fsum(part.n * part.rate for part in parts)
    return variance > 0 and abs(third) < _NEARLY_NORMAL * variance**1.5 and events > _MANY_EVENTS


def _scheduled(parts: Iterable[Part]) -> float:
    return math.fsum(part.n * part.loss for part in parts if part.scheduled)


def _generator(seed: int, purpose: _Stream, key: Key) -> np.random.Generator:
    """The stream of a name. Philox is counter-based and the same on every machine (Salmon and
    others 2011)."""
    # two words a number, so that no two keys run together whatever the size of their parts
    words = [word for number in key for word in (number & 0xFFFFFFFF, number >> 32)]
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence(seed, spawn_key=(purpose.value, *words)))
    )


def _events(
    part: Part, years: int, seed: int, purpose: _Stream
) -> tuple[NDArray[np.int32], Floats]:
    """(year, loss) of the part's events in all years; where several a year are the rule, each
    year's sum as one."""
    generator = _generator(seed, purpose, part.key)
    a_year = part.n * part.rate
    if a_year == 0 or part.loss == 0:
        return np.empty(0, np.int32), np.empty(0)
    if a_year >= 1:
        return _yearly_sums(part, years, generator)
    if part.once:
        at = (_successes(part.n * years, part.rate, generator) // part.n).astype(np.int32)
    else:
        # a Poisson process: the total is Poisson, the places are uniform
        at = generator.integers(0, years, generator.poisson(a_year * years), dtype=np.int32)
    if not part.cv:
        return at, np.full(len(at), part.loss)
    severity = generator.standard_gamma(1 / part.cv**2, len(at))
    severity *= part.cv**2 * part.loss
    return at, severity


def _yearly_sums(
    part: Part, years: int, generator: np.random.Generator
) -> tuple[NDArray[np.int32], Floats]:
    """Return at most one entry a year: the sum of k Gammas of one scale is one Gamma, so one draw
    serves any number."""
    n, rate = part.n, part.rate
    counts = generator.binomial(n, rate, years) if part.once else generator.poisson(n * rate, years)
    at = np.flatnonzero(counts).astype(np.int32)
    counts = counts[at]
    if not part.cv:
        return at, counts.astype(np.float64) * part.loss
    severity: Floats = generator.standard_gamma(counts / part.cv**2)
    severity *= part.cv**2 * part.loss
    return at, severity


def _successes(trials: int, chance: float, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return which of the trials succeed: gaps between successes are geometric, so the cost is
    successes, not trials."""
    batches: list[NDArray[np.int64]] = []
    last = -1
    while last < trials:
        mean = trials * chance
        gaps = generator.geometric(chance, int(mean + 6 * math.sqrt(mean) + 16))
        # of a tiny chance a gap is as long as integers go; what lies beyond the end need not be
        # told apart
        positions = last + np.cumsum(np.minimum(gaps, trials + 1))
        batches.append(positions)
        last = int(positions[-1])
    positions = np.concatenate(batches)
    return positions[positions < trials]


def _batches(
    parts: Sequence[Part], years: int, seed: int, purpose: _Stream
) -> Iterator[tuple[list[int], list[int], NDArray[np.int32], Floats]]:
    """(places of the parts, where the events of each begin, years, losses), about _BATCH_SIZE
    events or one part at a time.

    One part has at most about `years` entries, so memory does not depend on how many parts there
    are.
    """
    positions: list[int] = []
    starts: list[int] = []
    at: list[NDArray[np.int32]] = []
    losses: list[Floats] = []
    n = 0
    for position, part in enumerate(parts):
        part_at, part_losses = _events(part, years, seed, purpose)
        if len(part_at):
            positions.append(position)
            starts.append(n)
            at.append(part_at)
            losses.append(part_losses)
            n += len(part_at)
        if n >= _BATCH_SIZE:
            yield positions, starts, np.concatenate(at), np.concatenate(losses)
            positions, starts, at, losses, n = [], [], [], [], 0
    if n:
        yield positions, starts, np.concatenate(at), np.concatenate(losses)


def _add_all(losses: Floats, parts: Sequence[Part], seed: int, purpose: _Stream) -> None:
    """Add every event of `parts` to its year."""
    for _, _, at, amounts in _batches(parts, len(losses), seed, purpose):
        losses += np.bincount(at, amounts, len(losses))


def _rest(parts: Sequence[Part], years: int, seed: int, purpose: _Stream) -> Floats:
    """Many small parts as one Gamma with their mean, variance and skewness; never below 0.

    Shifted, so that all three are exact. Where the shift would lead below 0, or the skewness is not
    that of a Gamma (near-certain losses), it stays unshifted: mean and variance are exact, the tail
    is rather too heavy.
    """
    mean, variance, third = cumulants(parts)
    if not parts or variance <= 0:
        return np.full(years, mean)
    shape, scale = mean**2 / variance, variance / mean
    shift_stays_positive = 2 * variance**2 <= mean * third
    # a Gamma falls off faster on this side than the normal distribution, which is that low once in
    # 10^9 draws
    if third > 0 and (shift_stays_positive or mean > 6 * math.sqrt(variance)):
        shape, scale = 4 * variance**3 / third**2, third / (2 * variance)
    generator = _generator(seed, purpose, ())
    samples = generator.standard_gamma(shape, years) * scale + (mean - shape * scale)
    return np.maximum(samples, 0)


def _attribute(
    losses: Floats,
    shocks: Sequence[Shock],
    own_losses: Floats,
    rest_losses: Floats,
    seed: int,
    levels: Sequence[Fraction],
) -> tuple[Attribution, ...]:
    """Regenerates the same events and adds up what each shock costs in the worst years; one pass
    for all levels."""
    if not levels:
        return ()
    tails = {level: tail_weights(losses, level) for level in levels}
    weights = np.zeros((len(levels), len(losses)))
    for row, tail in enumerate(tails.values()):
        weights[row, tail.years] = tail.weights
    loss_by_shock = np.zeros((len(levels), len(shocks)))
    for positions, starts, at, amounts in _batches(shocks, len(losses), seed, _Stream.SHOCK):
        for row in range(len(levels)):
            loss_by_shock[row, positions] = np.add.reduceat(amounts * weights[row][at], starts)
    keys = [shock.key for shock in shocks]
    return tuple(
        Attribution(
            level,
            by_shock=dict(zip(keys, loss_by_shock[row].tolist(), strict=True)),
            own=float((own_losses[tail.years] * tail.weights).sum()),
            rest=float((rest_losses[tail.years] * tail.weights).sum()),
        )
        for row, (level, tail) in enumerate(tails.items())
    )
