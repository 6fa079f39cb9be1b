"""Drawn years: true to the exact distribution, the same again from the same seed, whatever the
order of the input."""

import random
from fractions import Fraction

import numpy as np
import pytest

from apps.exposure.loss.exact import OwnLoss, SharedEvent, exact_loss
from apps.exposure.loss.exact_parts import Chance, ExactMeasures, Rate
from apps.exposure.loss.measures import LEVELS, ONE_IN_20, ONE_IN_100, Floats
from apps.exposure.loss.shocks import IndependentLoss, InvalidLossInputError, Shock, cumulants
from apps.exposure.loss.simulation import SimulationRun, simulate, simulate_change, simulate_twin
from tests.exposure.loss.brute import as_own, as_shocks, as_twin, two_hosts

YEARS = 200_000


def one_path() -> tuple[list[SharedEvent], list[OwnLoss]]:
    return [SharedEvent("outage", Chance(Fraction(1, 20)), {"app": Fraction(10)})], []


def recurring() -> tuple[list[SharedEvent], list[OwnLoss]]:
    """Rates below and above one event a year, a certain end, and own trouble."""
    names = [f"app{n}" for n in range(6)]
    return (
        [
            SharedEvent("seldom", Rate(Fraction(1, 10)), dict.fromkeys(names, Fraction(8))),
            SharedEvent("often", Rate(Fraction(5, 2)), dict.fromkeys(names[:3], Fraction(2))),
            SharedEvent("end", Chance(Fraction(1)), {names[0]: Fraction(5)}),
            SharedEvent("likely", Chance(Fraction(7, 10)), dict.fromkeys(names[2:], Fraction(1))),
        ],
        [OwnLoss(name, Rate(Fraction(1, 5)), Fraction(3)) for name in names],
    )


def varying() -> tuple[list[SharedEvent], list[OwnLoss]]:
    """Rates that vary from year to year, below and above one event a year."""
    names = [f"app{n}" for n in range(5)]
    return (
        [
            SharedEvent(
                "seldom", Rate(Fraction(3, 10), Fraction(2)), dict.fromkeys(names, Fraction(8))
            ),
            SharedEvent(
                "often", Rate(Fraction(4), Fraction(3, 2)), dict.fromkeys(names[:3], Fraction(2))
            ),
            SharedEvent("steady", Rate(Fraction(1, 2)), dict.fromkeys(names[1:], Fraction(3))),
        ],
        [OwnLoss(name, Rate(Fraction(1, 5), Fraction(1, 2)), Fraction(3)) for name in names],
    )


def many_shocks(n: int = 60, seed: int = 5) -> list[Shock]:
    generator = random.Random(seed)
    return [
        Shock(
            (generator.choice([2, 5]), number, 1),
            loss=1000 / (number + 1),
            rate=generator.uniform(0, 1) if number % 3 else generator.uniform(0, 4),
            once=bool(number % 3),
            cv=0.0 if number % 3 else 1.5,
        )
        for number in range(n)
    ]


def assert_true_to(run: SimulationRun, exact: ExactMeasures) -> None:
    """Within four standard errors of what is exactly so, and VaR inside its interval of four of
    them."""
    measures = run.measures
    assert abs(measures.eal - float(exact.eal)) <= 4 * measures.eal_se + 1e-9
    assert measures.sd == pytest.approx(exact.sd, rel=0.03)
    for level in LEVELS:
        drawn, true = measures.tail(level), exact.tail(level)
        assert (
            drawn.var == pytest.approx(float(true.var), rel=1e-9)
            or drawn.var_low <= float(true.var) <= drawn.var_high
        )
        assert abs(drawn.tvar - float(true.tvar)) <= 4 * drawn.tvar_se + 1e-9


@pytest.mark.parametrize("portfolio", [one_path, two_hosts, recurring, varying])
def test_drawn_years_are_true_to_the_exact_distribution(portfolio) -> None:
    events, own = portfolio()
    exact = exact_loss(events, own)

    shared = simulate(as_shocks(events), as_own(own), years=YEARS, seed=11)
    twin = simulate_twin(as_twin(events, own), years=YEARS, seed=11)

    assert_true_to(shared, exact.shared)
    assert_true_to(twin, exact.independent)


def test_attribution_is_that_of_the_exact_distribution_and_sums_to_the_tail() -> None:
    events, own = two_hosts()
    exact = exact_loss(events, own).shared.tail(ONE_IN_100).attribution
    assert exact is not None

    run = simulate(as_shocks(events), as_own(own), years=YEARS, seed=3)

    attribution = run.attribution(ONE_IN_100)
    assert attribution.by_shock[5, 0, 1] == pytest.approx(float(exact["A"]), rel=0.03)
    assert attribution.by_shock[5, 1, 1] == pytest.approx(float(exact["B"]), abs=12)
    assert attribution.own == pytest.approx(float(exact["own"]), rel=0.06)
    for level in LEVELS:
        parts = run.attribution(level)
        total = sum(parts.by_shock.values()) + parts.own + parts.rest
        assert total == pytest.approx(run.measures.tail(level).tvar, rel=1e-12)


def test_attribution_of_recurring_shocks_is_the_tail_given_one_event_more() -> None:
    # for a Poisson number, E[N g(N)] = rate * E[g(N + 1)]: two rates of one loss share the tail by
    # their rates
    shocks = [Shock((1,), 10.0, 0.3, cv=1.5), Shock((2,), 10.0, 0.9, cv=1.5)]

    carried = simulate(shocks, years=YEARS, seed=2).attribution(ONE_IN_20).by_shock

    assert carried[2,] / carried[1,] == pytest.approx(3, rel=0.03)


def test_the_mean_and_spread_of_uneven_events_are_those_of_the_model() -> None:
    parts = [
        Shock((1,), 10.0, 0.2, cv=1.5),
        Shock((2,), 5.0, 3.0, cv=1.5),
        Shock((3,), 8.0, 0.3, once=True, cv=0.5),
        Shock((4,), 2.0, 1.0, once=True, cv=2.0),
    ]
    own = [
        IndependentLoss((1,), 40, 1.0, 0.01, once=True, cv=1.0),
        IndependentLoss((2,), 500, 0.2, 0.1, cv=1.0),
    ]
    mean, variance, _ = cumulants([*parts, *own])

    measures = simulate(parts, own, years=YEARS, seed=8).measures

    assert abs(measures.eal - mean) < 4 * measures.eal_se
    assert measures.sd == pytest.approx(variance**0.5, rel=0.02)


@pytest.mark.parametrize("rate", [0.05, 0.4, 0.999, 1.0, 6.0])
@pytest.mark.parametrize("n", [1, 7])
def test_a_varying_rate_has_the_moments_of_the_model(rate: float, n: int) -> None:
    parts = [IndependentLoss((1,), n, 2.0, rate / n, cv=1.1, shape=1.5)]
    mean, variance, third = cumulants(parts)

    losses = simulate([], parts, years=400_000, seed=6).losses

    assert losses.mean() == pytest.approx(mean, abs=4 * (variance / len(losses)) ** 0.5)
    assert losses.var() == pytest.approx(variance, rel=0.04)
    assert ((losses - losses.mean()) ** 3).mean() == pytest.approx(third, rel=0.15)


def test_a_nearly_steady_rate_is_that_of_poisson() -> None:
    steady, nearly = (
        simulate([Shock((1,), 5.0, 0.8, cv=1.0, shape=shape)], years=200_000, seed=7).measures
        for shape in (None, 1e9)
    )

    assert nearly.eal == pytest.approx(steady.eal, abs=4 * steady.eal_se)
    assert nearly.sd == pytest.approx(steady.sd, rel=0.03)


def test_a_varying_rate_of_next_to_nothing_is_drawn() -> None:
    run = simulate([Shock((1,), 5.0, 1e-18, shape=18.0)], years=1_000, seed=1)

    assert run.losses.max() == 0


def test_a_shock_with_a_varying_rate_leaves_the_draws_of_the_others() -> None:
    steady, varying_rate = (
        simulate(
            [*many_shocks(), Shock((9, 9, 9), 77.0, 0.2, shape=shape)], years=2_000, seed=1
        ).losses
        for shape in (None, 0.5)
    )
    base = simulate(many_shocks(), years=2_000, seed=1).losses

    for losses in (steady, varying_rate):
        times = (losses - base) / 77
        assert times == pytest.approx(np.rint(times), abs=1e-6)
    assert not np.array_equal(steady, varying_rate)


def test_the_same_seed_gives_the_same_years_and_another_seed_others() -> None:
    first = simulate(many_shocks(), years=2_000, seed=1)
    again = simulate(many_shocks(), years=2_000, seed=1)
    other = simulate(many_shocks(), years=2_000, seed=2)

    assert np.array_equal(first.losses, again.losses)
    assert first.measures == again.measures
    assert first.attributions == again.attributions
    assert not np.array_equal(first.losses, other.losses)


@pytest.mark.parametrize("keep", [None, 0.99])
def test_the_order_of_the_input_does_not_matter_to_the_bit(keep: float | None) -> None:
    shocks, own = (
        many_shocks(),
        [IndependentLoss((n,), 10 * n, 0.3 * n, 0.1, cv=1.0) for n in range(1, 9)],
    )
    mixed, own_mixed = list(shocks), list(own)
    random.Random(1).shuffle(mixed)
    random.Random(2).shuffle(own_mixed)

    one = simulate(shocks, own, years=2_000, seed=1, keep=keep)
    other = simulate(mixed, own_mixed, years=2_000, seed=1, keep=keep)
    twin = simulate_twin(own, years=2_000, seed=1, keep=keep)
    twin_mixed = simulate_twin(own_mixed, years=2_000, seed=1, keep=keep)

    assert one.losses.tobytes() == other.losses.tobytes()
    assert one.attributions == other.attributions
    assert twin.losses.tobytes() == twin_mixed.losses.tobytes()


def test_results_do_not_depend_on_how_many_events_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_once = simulate(many_shocks(), years=2_000, seed=1)
    monkeypatch.setattr("apps.exposure.loss.simulation._BATCH_SIZE", 50)

    in_batches = simulate(many_shocks(), years=2_000, seed=1)

    assert in_batches.losses == pytest.approx(at_once.losses)
    assert in_batches.attribution(ONE_IN_100).by_shock == pytest.approx(
        at_once.attribution(ONE_IN_100).by_shock
    )


def test_a_shock_more_leaves_the_draws_of_the_others() -> None:
    shocks = many_shocks()
    further = Shock((9, 9, 9), 77.0, 0.2)

    without, having = (
        simulate(each, years=2_000, seed=1).losses for each in (shocks, [*shocks, further])
    )

    times = (having - without) / 77
    assert times == pytest.approx(np.rint(times), abs=1e-6)
    assert 250 < times.sum() < 550


def test_no_two_parts_share_random_numbers() -> None:
    """The same key as a shock and as an own loss, and keys that run into each other when written as
    words."""

    def years_of(shocks: list[Shock], own: list[IndependentLoss]) -> Floats:
        return simulate(shocks, own, years=5_000, seed=1).losses

    draws = [
        years_of([Shock((7,), 1.0, 0.5)], []),
        years_of([], [IndependentLoss((7,), 1, 1.0, 0.5)]),
        years_of([Shock((7, 0), 1.0, 0.5)], []),
        years_of([Shock((0, 7), 1.0, 0.5)], []),
        years_of([Shock((7 * 2**32,), 1.0, 0.5)], []),
        simulate_twin([IndependentLoss((7,), 1, 1.0, 0.5)], years=5_000, seed=1).losses,
    ]

    correlations = np.corrcoef(draws)
    assert np.abs(correlations - np.eye(len(draws))).max() < 0.06


@pytest.mark.proof
@pytest.mark.parametrize("keep", [0.9, 0.99, 0.999])
def test_keeping_part_of_the_variance_keeps_the_mean_and_the_tail(keep: float) -> None:
    shocks = many_shocks(400)
    mean, variance, _ = cumulants(shocks)

    whole = simulate(shocks, years=50_000, seed=4)
    part = simulate(shocks, years=50_000, seed=4, keep=keep)

    assert len(part.drawn_keys) < len(whole.drawn_keys) / 2
    assert abs(part.measures.eal - mean) < 4 * part.measures.eal_se
    assert part.measures.sd == pytest.approx(variance**0.5, rel=0.02)
    for level in LEVELS:
        assert part.measures.tail(level).tvar == pytest.approx(
            whole.measures.tail(level).tvar, rel=0.02
        )
        parts = part.attribution(level)
        assert sum(parts.by_shock.values()) + parts.own + parts.rest == pytest.approx(
            part.measures.tail(level).tvar, rel=1e-12
        )
    assert part.attribution(ONE_IN_20).rest > 0


def test_the_fewest_shocks_that_hold_the_variance_are_drawn() -> None:
    shocks = [Shock((n,), loss, 1.0) for n, loss in enumerate([1.0, 10.0, 100.0])]

    assert simulate(shocks, years=100, seed=1, keep=0.98).drawn_keys == {(2,)}
    assert simulate(shocks, years=100, seed=1, keep=0.9999).drawn_keys == {(1,), (2,)}
    assert simulate(shocks, years=100, seed=1, keep=1).drawn_keys == {(0,), (1,), (2,)}


def test_what_is_not_drawn_one_by_one_never_becomes_negative_and_keeps_its_mean() -> None:
    # a shock a century: three moments alone would shift it below 0
    alone = Shock((1,), 10_000.0, 0.001)
    shocks = [alone, *(Shock((2, n), 1.0, 0.0001) for n in range(100))]

    run = simulate(shocks, years=100_000, seed=1, keep=0.5)

    assert run.drawn_keys == {alone.key}
    assert run.losses.min() >= 0
    assert run.losses[run.losses < 5_000].mean() == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize(
    "small",
    [
        [Shock((2, n), 1.0, 0.5) for n in range(200)],
        # a few large among many small ones: skewed, and far from normal
        [*(Shock((2, n), 1.0, 0.5) for n in range(20)), Shock((3,), 20.0, 0.05, cv=1.0)],
    ],
)
def test_what_is_taken_together_keeps_its_skewness(small: list[Shock]) -> None:
    mean, variance, third = cumulants(small)
    alone = Shock((1,), 10_000.0, 0.001)

    run = simulate([alone, *small], years=100_000, seed=1, keep=0.5)

    assert run.drawn_keys == {alone.key}
    rest = run.losses[run.losses < 5_000]
    assert rest.mean() == pytest.approx(mean, rel=0.01)
    assert ((rest - rest.mean()) ** 3).mean() == pytest.approx(third, rel=0.2)
    assert rest.std() == pytest.approx(variance**0.5, rel=0.02)


@pytest.mark.parametrize("chance", [0.9, 0.999])
def test_near_certain_losses_keep_their_mean_when_taken_together(chance: float) -> None:
    shocks = [
        Shock((1,), 1000.0, 0.5, once=True),
        *(Shock((2, n), 1.0, chance, once=True) for n in range(200)),
    ]
    mean = cumulants(shocks)[0]

    run = simulate(shocks, years=50_000, seed=1, keep=0.5)

    assert run.drawn_keys == {(1,)}
    assert abs(run.measures.eal - mean) < 4 * run.measures.eal_se


def test_firm_dates_are_in_every_year_and_told_apart() -> None:
    shocks = [Shock((1,), 40.0, 1.0, once=True), Shock((2,), 7.0, 0.3, once=True)]

    run = simulate(shocks, [IndependentLoss((1,), 3, 2.0, 1.0, once=True)], years=1_000, seed=1)

    assert run.scheduled == 46
    assert run.losses.min() == 46
    assert run.attribution(ONE_IN_20).by_shock[1,] == pytest.approx(40)
    assert run.attribution(ONE_IN_20).own == pytest.approx(6)


def test_nothing_at_all_is_no_loss() -> None:
    run = simulate([], years=100, seed=1, keep=0.9)

    assert run.losses.tolist() == [0.0] * 100
    assert (run.measures.eal, run.scheduled) == (0, 0)
    assert run.curve() == [(0, 0, 0)]


def test_a_shock_that_cannot_happen_or_costs_nothing_changes_nothing() -> None:
    shocks = many_shocks()
    idle = [Shock((99, 1), 5.0, 0.0), Shock((99, 2), 5.0, 0.0, once=True), Shock((99, 3), 0.0, 2.0)]

    assert np.array_equal(
        simulate(shocks, years=1_000, seed=1).losses,
        simulate([*shocks, *idle], years=1_000, seed=1).losses,
    )


def test_a_chance_of_next_to_nothing_is_drawn_without_overflow() -> None:
    run = simulate(
        [Shock((1,), 5.0, 1e-18, once=True)],
        [IndependentLoss((1,), 10**9, 5.0, 1e-17, once=True)],
        years=1_000,
        seed=1,
    )

    assert run.losses.max() == 0


def test_many_small_own_losses_are_taken_as_nearly_normal() -> None:
    classes = [IndependentLoss((n,), 1_000, 1.0 + n / 100, 0.2, cv=1.0) for n in range(100)]
    mean, variance, _ = cumulants(classes)

    run = simulate_twin(classes, years=20_000, seed=1)

    assert run.drawn_keys == frozenset()
    assert abs(run.measures.eal - mean) < 4 * run.measures.eal_se
    assert run.measures.sd == pytest.approx(variance**0.5, rel=0.03)


def test_few_classes_of_the_twin_are_drawn_class_by_class() -> None:
    classes = [
        IndependentLoss((1,), 5, 10.0, 0.1),
        IndependentLoss((2,), 7, 10.0, 0.1),
        IndependentLoss((3,), 5, 1.0, 0.1),
    ]

    run = simulate_twin(classes, years=1_000, seed=1)

    # equal ones are one class, under the smaller key
    assert run.drawn_keys == {(1,), (3,)}


def test_a_what_if_changes_only_what_it_changes() -> None:
    before = many_shocks()
    after = [
        Shock(each.key, each.loss / 2, each.rate, each.once, each.cv) if n == 0 else each
        for n, each in enumerate(before)
    ]

    old, new, change = simulate_change(before, after, years=20_000, seed=1)

    saved = before[0].loss / 2 * before[0].rate
    assert change.eal == pytest.approx(-saved, rel=0.03)
    assert change.eal == pytest.approx(new.measures.eal - old.measures.eal)
    assert (new.losses <= old.losses + 1e-6).all()
    for tail in change.tails:
        assert tail.tvar < 0
        assert tail.tvar_se < old.measures.tail(tail.level).tvar_se


def test_a_what_if_that_changes_nothing_changes_nothing() -> None:
    _, _, change = simulate_change(many_shocks(), many_shocks(), years=1_000, seed=1, keep=0.9)

    assert (change.eal, change.eal_se) == (0, 0)
    assert [(tail.var, tail.tvar, tail.tvar_se) for tail in change.tails] == [(0, 0, 0), (0, 0, 0)]


def test_both_sides_of_a_what_if_draw_the_same_shocks() -> None:
    before = many_shocks()
    large = Shock((9, 9), 50_000.0, 0.5)

    old, new, change = simulate_change(before, [*before, large], years=5_000, seed=1, keep=0.9)

    assert new.drawn_keys == old.drawn_keys | {large.key}
    hits = (new.losses - old.losses) / 50_000
    assert hits == pytest.approx(np.rint(hits), abs=1e-6)
    assert change.eal == pytest.approx(25_000, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"years": 0}, r"0 years cannot be simulated\. Enter 100"),
        ({"years": -5}, "-5 years"),
        ({"years": 10**9}, "1000000000 years"),
        ({"seed": -1}, "seed -1"),
        ({"keep": 0.0}, "variance to simulate is 0.0"),
        ({"keep": 1.5}, "variance to simulate is 1.5"),
        ({"keep": float("nan")}, "variance to simulate is nan"),
        ({"levels": (Fraction(1),)}, "level 1 is not valid"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_a_sentence(arguments: dict, says: str) -> None:
    with pytest.raises(InvalidLossInputError, match=says):
        simulate(many_shocks(3), **{"years": 100, "seed": 1, **arguments})


def test_a_key_that_comes_twice_is_refused() -> None:
    with pytest.raises(InvalidLossInputError, match=r"key \(1,\) occurs twice among the shocks"):
        simulate([Shock((1,), 1.0, 1.0), Shock((1,), 2.0, 1.0)], years=100, seed=1)
