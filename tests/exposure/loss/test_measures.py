"""How years are read: the conventions by hand, the errors by repetition."""

from fractions import Fraction

import numpy as np
import pytest

from apps.exposure.loss.measures import (
    LEVELS,
    ONE_IN_20,
    ONE_IN_100,
    exceedance_curve,
    exceedances,
    measure,
    measure_change,
    tail_weights,
)
from apps.exposure.loss.shocks import InvalidLossInputError


def hundred() -> np.ndarray:
    return np.random.default_rng(1).permutation(np.arange(1.0, 101.0))


def test_var_is_the_smallest_loss_that_enough_years_stay_within() -> None:
    measures = measure(hundred())

    # exactly 95 of 100 years lose 95 or less
    assert (measures.tail(ONE_IN_20).var, measures.tail(ONE_IN_100).var) == (95, 99)
    assert measures.eal == pytest.approx(50.5)


def test_tvar_is_the_mean_of_the_worst_years() -> None:
    measures = measure(hundred())

    assert measures.tail(ONE_IN_20).tvar == pytest.approx((96 + 97 + 98 + 99 + 100) / 5)
    assert measures.tail(ONE_IN_100).tvar == 100


def test_years_at_var_count_only_for_what_is_left_of_the_tail() -> None:
    # 10 of 100 years lose 10, so the worst 5 are all among them; with 2 years of 50, 3 more are
    # needed
    losses = np.array([0.0] * 88 + [10.0] * 10 + [50.0] * 2)

    tail = measure(losses).tail(ONE_IN_20)

    assert (tail.var, tail.tvar) == (10, pytest.approx((2 * 50 + 3 * 10) / 5))


def test_a_tail_smaller_than_a_year_is_the_worst_year() -> None:
    assert measure(hundred(), [Fraction(999, 1000)]).tails[0].tvar == 100


def test_levels_are_counted_exactly_and_not_in_floats() -> None:
    # 0.29 * 100 is 28.999999999999996 in floats, 0.57 * 100 is 56.99999999999999
    for per_cent in range(1, 100):
        assert measure(hundred(), [Fraction(per_cent, 100)]).tails[0].var == per_cent


def test_equal_years_have_no_spread_and_no_error() -> None:
    measures = measure(np.full(1_000, 0.1))

    assert (measures.sd, measures.eal_se) == (
        pytest.approx(0, abs=1e-12),
        pytest.approx(0, abs=1e-12),
    )
    for tail in measures.tails:
        assert tail.tvar >= tail.var == 0.1
        assert tail.tvar_se == pytest.approx(0, abs=1e-12)


def test_tail_weights_sum_to_one_and_give_tvar() -> None:
    losses = np.array([0.0] * 88 + [10.0] * 10 + [50.0] * 2)

    for level in LEVELS:
        tail = tail_weights(losses, level)
        assert tail.weights.sum() == pytest.approx(1)
        assert losses[tail.years] @ tail.weights == pytest.approx(measure(losses).tail(level).tvar)


def test_the_curve_falls_from_the_mildest_year_to_nothing() -> None:
    curve = exceedance_curve(np.random.default_rng(1).gamma(0.5, 2.0, 20_000), 40)

    assert 20 < len(curve) <= 40
    assert [point.loss for point in curve] == sorted({point.loss for point in curve})
    chances = [point.probability for point in curve]
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] == 0
    assert chances[0] > 0.999
    # the tail is drawn as finely as the rest
    assert sum(chance < 0.01 for chance in chances) > 12


def test_the_curve_of_few_values_says_each_of_them() -> None:
    curve = exceedance_curve(np.array([0.0] * 90 + [10.0] * 9 + [50.0]))

    assert [(point.loss, point.probability) for point in curve] == [(0, 0.1), (10, 0.01), (50, 0)]
    assert curve[0].se == pytest.approx(0.03)


def test_the_chance_beyond_a_line_of_ones_own() -> None:
    points = exceedances(hundred(), [0, 95, 95.5, 100])

    assert [point.probability for point in points] == [1, 0.05, 0.05, 0]


def test_errors_are_as_large_as_results_really_scatter() -> None:
    generator = np.random.default_rng(3)
    runs = [measure(generator.lognormal(0, 1, 4_000)) for _ in range(300)]

    eals = np.array([run.eal for run in runs])
    assert eals.std() == pytest.approx(np.mean([run.eal_se for run in runs]), rel=0.15)
    for level in LEVELS:
        tails = [run.tail(level) for run in runs]
        assert np.std([tail.tvar for tail in tails]) == pytest.approx(
            np.mean([tail.tvar_se for tail in tails]), rel=0.15
        )
        # the true quantiles of the lognormal: exp of 1.6449 and 2.3263
        true = np.exp(1.6448536 if level == ONE_IN_20 else 2.3263479)
        inside = np.mean([tail.var_low <= true <= tail.var_high for tail in tails])
        assert 0.91 < inside <= 1


def test_the_error_of_a_change_is_that_of_the_difference() -> None:
    generator = np.random.default_rng(5)
    changes = []
    for _ in range(200):
        before = generator.lognormal(0, 1, 4_000)
        changes.append(measure_change(before, before * generator.uniform(0.8, 1.0, 4_000)))

    assert np.std([each.eal for each in changes]) == pytest.approx(
        np.mean([each.eal_se for each in changes]), rel=0.2
    )
    for place in range(len(LEVELS)):
        tails = [each.tails[place] for each in changes]
        assert np.std([tail.tvar for tail in tails]) == pytest.approx(
            np.mean([tail.tvar_se for tail in tails]), rel=0.2
        )


@pytest.mark.parametrize("losses", [np.array([]), np.array([1.0, np.nan]), np.array([np.inf])])
def test_years_without_a_loss_are_refused(losses: np.ndarray) -> None:
    for read in (measure, exceedance_curve, lambda years: tail_weights(years, ONE_IN_20)):
        with pytest.raises(InvalidLossInputError):
            read(losses)


def test_runs_of_different_length_are_not_compared() -> None:
    with pytest.raises(InvalidLossInputError, match="100 years cannot be compared with 50"):
        measure_change(hundred(), hundred()[:50])


@pytest.mark.parametrize("level", [Fraction(0), Fraction(1), Fraction(-1, 2)])
def test_a_level_without_a_tail_is_refused(level: Fraction) -> None:
    with pytest.raises(InvalidLossInputError, match="is not valid"):
        measure(hundred(), [level])
