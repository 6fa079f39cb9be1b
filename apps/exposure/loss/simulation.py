"""Simulation of years from shared shocks. Time grows with events, memory with years, neither with
applications.

Every shock has its own stream of random numbers, named by its key. So the order of the input does
not matter, to the bit; and scenarios share the draws of all unchanged shocks, so that differences
have no noise of their own.
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

# events in memory together; the sum of a year is computed batch by batch, so another number changes
# the last digits
_BATCH_SIZE = 1_000_000
# below this skewness, and with many events a year, the independent twin is treated as normal
_NEARLY_NORMAL = 0.2
_MANY_EVENTS = 10_000


class _Stream(IntEnum):
    """First number of a stream's name: no two purposes share random numbers. Never change or reuse
    a number."""

    SHOCK = 1
    OWN = 2
    SHOCK_REST = 3
    TWIN = 4
    TWIN_REST = 5


@dataclass(frozen=True, slots=True)
class Attribution:
    """Contributions to TVaR: by key of the shocks drawn, of the own part, and of the pooled shocks.

    Euler's allocation E[loss of the part | worst years]; the parts sum to TVaR, except for
    rounding.
    """

    level: Fraction
    by_shock: dict[Key, float]
    own: float
    rest: float


@dataclass(frozen=True, slots=True)
class SimulationRun:
    """A simulation, with everything needed to repeat it. `losses` is the loss of each year.

    `scheduled` is the mean loss of certain events (announced retirements within the year), which
    every other figure includes too. `drawn_keys` are the keys drawn one by one, out of `n_parts`.
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
    """Simulate the loss of `years` years.

    With `keep`, only the fewest shocks that make up this share of the total variance (and
    `also_draw`) are drawn, and the others together from their first moments: the mean stays exact.
    0.999 is a good value for a page. `attribute` costs a second pass over the same draws.
    """
    parts = _sort_by_key(shocks, "shocks")
    sources = _sort_by_key(own, "own losses")
    _check_run(years, seed, keep)
    single_parts, pooled_parts = _split(parts, keep, also_draw)
    own_losses = np.zeros(years)
    _add_losses(own_losses, sources, seed, _Stream.OWN)
    rest_losses = _draw_pooled_losses(pooled_parts, years, seed, _Stream.SHOCK_REST)
    losses = np.zeros(years)
    _add_losses(losses, single_parts, seed, _Stream.SHOCK)
    losses += own_losses
    losses += rest_losses
    return SimulationRun(
        seed=seed,
        keep=keep,
        losses=losses,
        measures=measure(losses, levels),
        scheduled=_scheduled_loss([*parts, *sources]),
        n_parts=len(parts) + len(sources),
        drawn_keys=frozenset(shock.key for shock in single_parts),
        attributions=_attribute_tails(
            losses, single_parts, own_losses, rest_losses, seed, attribute
        ),
    )


def simulate_twin(
    classes: Iterable[IndependentLoss],
    *,
    years: int,
    seed: int,
    keep: float | None = None,
    levels: Sequence[Fraction] = LEVELS,
) -> SimulationRun:
    """Simulate the same losses as if nothing were shared: every application has every shock to
    itself.

    `classes` are those of `twin_classes` and the own part. They are drawn class by class (with
    `keep` as in `simulate`); but a sum of very many small losses is nearly normal and is drawn from
    its first three moments.
    """
    parts = merge_classes(_sort_by_key(classes, "classes"))
    _check_run(years, seed, keep)
    single_parts: list[IndependentLoss]
    single_parts, pooled_parts = (
        ([], parts) if _is_nearly_normal(parts) else _split(parts, keep, frozenset())
    )
    losses = _draw_pooled_losses(pooled_parts, years, seed, _Stream.TWIN_REST)
    _add_losses(losses, single_parts, seed, _Stream.TWIN)
    return SimulationRun(
        seed=seed,
        keep=keep,
        losses=losses,
        measures=measure(losses, levels),
        scheduled=_scheduled_loss(parts),
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
    """Simulate both sides of a scenario on the same random numbers; return both runs and their
    difference.

    A shock whose loss changes keeps its events; one whose rate or variation changes is drawn again.
    All shocks that differ, and all that either side would draw individually under `keep`, are drawn
    one by one on both sides.
    """
    shocks_before, shocks_after = _sort_by_key(before, "shocks"), _sort_by_key(after, "shocks")
    own_losses_before, own_losses_after = list(own_before), list(own_after)
    changed_keys = frozenset(shock.key for shock in set(shocks_before) ^ set(shocks_after))
    _check_run(years, seed, keep)
    drawn_keys = changed_keys.union(
        *(
            {shock.key for shock in _split(shocks, keep, changed_keys)[0]}
            for shocks in (shocks_before, shocks_after)
        )
    )
    run_before, run_after = (
        simulate(
            shocks,
            own_losses,
            years=years,
            seed=seed,
            keep=keep,
            also_draw=drawn_keys,
            levels=levels,
            attribute=(),
        )
        for shocks, own_losses in (
            (shocks_before, own_losses_before),
            (shocks_after, own_losses_after),
        )
    )
    return run_before, run_after, measure_change(run_before.losses, run_after.losses, levels)


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


def _sort_by_key[P: (Shock, IndependentLoss)](parts: Iterable[P], label: str) -> list[P]:
    """Return the parts sorted by key; a duplicate key is refused, since its two causes would always
    coincide."""
    sorted_parts = sorted(parts, key=lambda part: part.key)
    for part, next_part in pairwise(sorted_parts):
        if part.key == next_part.key:
            raise InvalidLossInputError(
                f"The key {part.key} occurs twice among the {label}. Combine the two or use "
                "different keys."
            )
    return sorted_parts


def _split[P: (Shock, IndependentLoss)](
    parts: list[P], keep: float | None, also_draw: frozenset[Key]
) -> tuple[list[P], list[P]]:
    """Return (parts to draw one by one, other parts): first the fewest that make up `keep` of the
    variance, and those of `also`."""
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
    is_single = [index in large or part.key in also_draw for index, part in enumerate(parts)]
    return (
        [part for part, is_drawn in zip(parts, is_single, strict=True) if is_drawn],
        [part for part, is_drawn in zip(parts, is_single, strict=True) if not is_drawn],
    )


def _is_nearly_normal(parts: Sequence[Part]) -> bool:
    _, variance, third = cumulants(parts)
    events = math.fsum(part.n * part.rate for part in parts)
    return variance > 0 and abs(third) < _NEARLY_NORMAL * variance**1.5 and events > _MANY_EVENTS


def _scheduled_loss(parts: Iterable[Part]) -> float:
    return math.fsum(part.n * part.loss for part in parts if part.scheduled)


def _generator(seed: int, purpose: _Stream, key: Key) -> np.random.Generator:
    """Return the stream of a name. Philox is counter-based and the same on every machine (Salmon et
    al. 2011)."""
    # two words per number, so that different keys never give the same sequence
    words = [word for number in key for word in (number & 0xFFFFFFFF, number >> 32)]
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence(seed, spawn_key=(purpose.value, *words)))
    )


def _draw_events(
    part: Part, years: int, seed: int, purpose: _Stream
) -> tuple[NDArray[np.int32], Floats]:
    """Return (year, loss) of the part's events; with at least one event a year on average, the sums
    by year."""
    generator = _generator(seed, purpose, part.key)
    events_per_year = part.n * part.rate
    if events_per_year == 0 or part.loss == 0:
        return np.empty(0, np.int32), np.empty(0)
    if events_per_year >= 1:
        return _draw_yearly_sums(part, years, generator)
    if part.once:
        event_years = (_draw_successes(part.n * years, part.rate, generator) // part.n).astype(
            np.int32
        )
    elif part.shape is not None:
        event_years = _draw_clusters(part, part.shape, years, generator)
    else:
        # a Poisson process: the total is Poisson, the positions are uniform
        event_years = generator.integers(
            0, years, generator.poisson(events_per_year * years), dtype=np.int32
        )
    if not part.cv:
        return event_years, np.full(len(event_years), part.loss)
    severity = generator.standard_gamma(1 / part.cv**2, len(event_years))
    severity *= part.cv**2 * part.loss
    return event_years, severity


def _draw_yearly_sums(
    part: Part, years: int, generator: np.random.Generator
) -> tuple[NDArray[np.int32], Floats]:
    """Return at most one entry a year: the sum of k Gammas of one scale is one Gamma, so one draw
    suffices."""
    counts = _draw_counts(part, years, generator)
    event_years = np.flatnonzero(counts).astype(np.int32)
    counts = counts[event_years]
    if not part.cv:
        return event_years, counts.astype(np.float64) * part.loss
    severity: Floats = generator.standard_gamma(counts / part.cv**2)
    severity *= part.cv**2 * part.loss
    return event_years, severity


def _draw_counts(part: Part, years: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the number of events of each year, of all sources of the part."""
    if part.once:
        return generator.binomial(part.n, part.rate, years)
    if part.shape is not None:
        # the sum of n sources with a Gamma factor each is that of one with n times the shape
        return generator.negative_binomial(
            part.n * part.shape, part.shape / (part.shape + part.rate), years
        )
    return generator.poisson(part.n * part.rate, years)


def _draw_clusters(
    part: Part, shape: float, years: int, generator: np.random.Generator
) -> NDArray[np.int32]:
    """Return the years of events with a Gamma factor of the rate, at a cost of the events alone.

    A negative binomial number is a Poisson number of clusters with logarithmic sizes; the events of
    a cluster are in one year.
    """
    clusters_per_year = part.n * shape * math.log1p(part.rate / shape)
    n_clusters = generator.poisson(clusters_per_year * years)
    cluster_years = generator.integers(0, years, n_clusters, dtype=np.int32)
    sizes = generator.logseries(part.rate / (shape + part.rate), n_clusters)
    return np.repeat(cluster_years, sizes)


def _draw_successes(
    trials: int, chance: float, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return the positions of successful trials: gaps between successes are geometric, so the cost
    depends on successes, not trials."""
    batches: list[NDArray[np.int64]] = []
    last_position = -1
    while last_position < trials:
        mean = trials * chance
        gaps = generator.geometric(chance, int(mean + 6 * math.sqrt(mean) + 16))
        # for a tiny chance a gap can reach the largest integer; gaps beyond the end need not be
        # distinguished
        positions = last_position + np.cumsum(np.minimum(gaps, trials + 1))
        batches.append(positions)
        last_position = int(positions[-1])
    positions = np.concatenate(batches)
    return positions[positions < trials]


def _draw_batches(
    parts: Sequence[Part], years: int, seed: int, purpose: _Stream
) -> Iterator[tuple[list[int], list[int], NDArray[np.int32], Floats]]:
    """Yield (positions of the parts, start of each part's events, years, losses), for about
    _BATCH_SIZE events or one part at a time.

    One part has at most about `years` entries, so memory does not depend on the number of parts.
    """
    positions: list[int] = []
    starts: list[int] = []
    event_years: list[NDArray[np.int32]] = []
    losses: list[Floats] = []
    n = 0
    for position, part in enumerate(parts):
        part_years, part_losses = _draw_events(part, years, seed, purpose)
        if len(part_years):
            positions.append(position)
            starts.append(n)
            event_years.append(part_years)
            losses.append(part_losses)
            n += len(part_years)
        if n >= _BATCH_SIZE:
            yield positions, starts, np.concatenate(event_years), np.concatenate(losses)
            positions, starts, event_years, losses, n = [], [], [], [], 0
    if n:
        yield positions, starts, np.concatenate(event_years), np.concatenate(losses)


def _add_losses(losses: Floats, parts: Sequence[Part], seed: int, purpose: _Stream) -> None:
    """Add every event of `parts` to the loss of its year."""
    for _, _, event_years, amounts in _draw_batches(parts, len(losses), seed, purpose):
        losses += np.bincount(event_years, amounts, len(losses))


def _draw_pooled_losses(parts: Sequence[Part], years: int, seed: int, purpose: _Stream) -> Floats:
    """Return yearly losses of many small parts as one Gamma with their mean, variance and skewness;
    never below 0.

    It is shifted, so that all three are exact. If the shift would lead below 0, or the skewness is
    not that of a Gamma (near-certain losses), it stays unshifted: mean and variance are exact, the
    tail is slightly too heavy.
    """
    mean, variance, third = cumulants(parts)
    if not parts or variance <= 0:
        return np.full(years, mean)
    shape, scale = mean**2 / variance, variance / mean
    shift_stays_positive = 2 * variance**2 <= mean * third
    # a Gamma falls off faster on this side than the normal distribution, which gets this low once
    # in 10^9 draws
    if third > 0 and (shift_stays_positive or mean > 6 * math.sqrt(variance)):
        shape, scale = 4 * variance**3 / third**2, third / (2 * variance)
    generator = _generator(seed, purpose, ())
    samples = generator.standard_gamma(shape, years) * scale + (mean - shape * scale)
    return np.maximum(samples, 0)


def _attribute_tails(
    losses: Floats,
    shocks: Sequence[Shock],
    own_losses: Floats,
    rest_losses: Floats,
    seed: int,
    levels: Sequence[Fraction],
) -> tuple[Attribution, ...]:
    """Generate the same events again and sum the cost of each shock in the worst years; one pass
    for all levels."""
    if not levels:
        return ()
    tails = {level: tail_weights(losses, level) for level in levels}
    weights = np.zeros((len(levels), len(losses)))
    for row, tail in enumerate(tails.values()):
        weights[row, tail.years] = tail.weights
    loss_by_shock = np.zeros((len(levels), len(shocks)))
    for positions, starts, at, amounts in _draw_batches(shocks, len(losses), seed, _Stream.SHOCK):
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
