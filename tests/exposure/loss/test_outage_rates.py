"""Outage rates from counts: shrunk to the long records, with an interval of the stated coverage."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.providers.outages import (
    DEFAULT_THRESHOLD,
    IMPACTS,
    THRESHOLD_HOURS,
    OutageCounts,
    OutageLength,
    OutageThreshold,
)
from apps.exposure.loss.outage_rates import (
    LONG_RECORDS,
    MIN_INCIDENTS,
    MIN_MONTHS,
    PRIOR_SOURCE,
    LengthDistribution,
    OutageRate,
    RateBasis,
    estimate_outage_rate,
    fit_lengths,
    prior_mean,
    prior_rate,
)

MAJOR = OutageThreshold("major", 0.0)


def counted(*counts: int, threshold: OutageThreshold = DEFAULT_THRESHOLD) -> OutageCounts:
    months = [date(2023 + index // 12, index % 12 + 1, 1) for index in range(len(counts))]
    return OutageCounts(threshold, tuple(zip(months, counts, strict=True)))


def estimate(*counts: int, threshold: OutageThreshold = DEFAULT_THRESHOLD) -> OutageRate:
    return estimate_outage_rate(counted(*counts, threshold=threshold))


def test_the_long_records_were_counted_by_every_threshold() -> None:
    assert list(LONG_RECORDS) == [impact for impact in IMPACTS if impact != "none"]
    for rates in LONG_RECORDS.values():
        assert tuple(rates) == THRESHOLD_HOURS
        for openai, longer_openai in zip(
            list(rates.values()), list(rates.values())[1:], strict=False
        ):
            assert all(a >= b for a, b in zip(openai, longer_openai, strict=True))
    assert "arXiv 2501.12469" in PRIOR_SOURCE


def test_without_a_record_the_rate_is_the_mean_of_the_two_long_ones_and_wide() -> None:
    rate = prior_rate(DEFAULT_THRESHOLD)

    assert (rate.basis, rate.n, rate.months) == (RateBasis.PRIOR, 0, 0)
    assert rate.rate == pytest.approx(1.5)
    assert (rate.low, rate.high) == (pytest.approx(0.101, abs=0.001), pytest.approx(5.26, abs=0.01))
    # the spread of lengths beyond four hours, of a lognormal with mean 0.12 and sd 1.28
    assert rate.severity_cv == pytest.approx(1.035, abs=0.001)


@pytest.mark.parametrize(
    ("counts", "basis"),
    [
        ([0] * MIN_MONTHS, RateBasis.COUNTED),
        ([0] * (MIN_MONTHS - 1), RateBasis.PRIOR),
        ([1] * (MIN_INCIDENTS - 1), RateBasis.PRIOR),
        ([MIN_INCIDENTS], RateBasis.COUNTED),
    ],
)
def test_a_record_counts_from_a_year_or_five_outages(counts: list[int], basis: RateBasis) -> None:
    rate = estimate(*counts)

    assert rate.basis is basis
    assert (rate.n, rate.months) == (sum(counts), len(counts))
    if basis is RateBasis.PRIOR:
        assert rate.rate == pytest.approx(prior_mean(DEFAULT_THRESHOLD))


def test_two_years_without_an_outage_leave_a_rate_above_zero_and_below_the_prior() -> None:
    one_year, two_years = estimate(*[0] * 12), estimate(*[0] * 24)

    assert 0 < two_years.rate < one_year.rate < 1.5
    assert two_years.low < two_years.rate < two_years.high
    assert two_years.high < 1.2


def test_a_long_record_outweighs_the_prior() -> None:
    rate = estimate(*[4, 2, 9, 1, 0, 6, 3, 8, 2, 1, 5, 7] * 2)

    assert rate.rate == pytest.approx(48, rel=0.12)
    assert rate.low < 48 < rate.high


def test_uneven_months_widen_the_interval_and_the_spread_of_the_simulation() -> None:
    even = estimate(*[4] * 24, threshold=MAJOR)
    uneven = estimate(*[0, 0, 12] * 8, threshold=MAJOR)

    assert even.n == uneven.n
    assert uneven.high / uneven.low > even.high / even.low
    assert uneven.monthly_shape < 1 < 4.5 < even.monthly_shape
    assert uneven.dispersion > 3 > 1.9 > even.dispersion > 1


def test_the_two_long_records_themselves_get_their_own_dispersion_back() -> None:
    # the measured variance divided by mean of a month: 1.9 at OpenAI, 3.7 at Anthropic
    generator = np.random.default_rng(4)
    dispersions = {}
    for name, per_year, shape in (("openai", 48, 4.5), ("anthropic", 39, 1.2)):
        months = generator.poisson(per_year / 12 * generator.gamma(shape, 1 / shape, 24))
        dispersions[name] = estimate(*months.tolist(), threshold=MAJOR).dispersion

    assert dispersions["openai"] == pytest.approx(1.9, abs=0.8)
    assert dispersions["anthropic"] == pytest.approx(3.7, abs=1.6)


def test_a_threshold_that_was_not_counted_elsewhere_has_no_prior() -> None:
    with pytest.raises(KeyError):
        prior_rate(OutageThreshold("major", 3.0))


def _coverage(n_records: int, seed: int) -> float:
    """Return the share of invented records whose rate lies in the estimated interval; rates, shapes
    and months as the prior expects them."""
    generator = np.random.default_rng(seed)
    log_shapes = math.log(4.5), math.log(1.2)
    within = 0
    for _ in range(n_records):
        rate = math.exp(generator.normal(math.log(prior_mean(MAJOR)) - 1.2**2 / 2, 1.2))
        shape = math.exp(
            generator.normal(sum(log_shapes) / 2, (log_shapes[0] - log_shapes[1]) / math.sqrt(2))
        )
        n_months = int(generator.integers(12, 25))
        counts = generator.poisson(rate / 12 * generator.gamma(shape, 1 / shape, n_months))
        estimated = estimate(*counts.tolist(), threshold=MAJOR)
        within += estimated.low <= rate <= estimated.high
    return within / n_records


def test_nine_of_ten_intervals_of_invented_records_hold_their_rate() -> None:
    assert 0.84 <= _coverage(200, seed=1) <= 0.96


@pytest.mark.proof
def test_nine_of_ten_intervals_of_many_invented_records_hold_their_rate() -> None:
    assert 0.88 <= _coverage(4000, seed=2) <= 0.92


@pytest.mark.proof
@pytest.mark.parametrize("shape", [1.2, 4.5])
@pytest.mark.parametrize("per_year", [3.0, 12.0, 48.0, 150.0])
def test_an_interval_holds_single_rates_within_a_factor_of_ten_of_the_prior(
    per_year: float, shape: float
) -> None:
    generator = np.random.default_rng(int(per_year * 10 + shape))
    within = 0
    for _ in range(400):
        months = generator.poisson(per_year / 12 * generator.gamma(shape, 1 / shape, 24))
        estimated = estimate(*months.tolist(), threshold=MAJOR)
        within += estimated.low <= per_year <= estimated.high

    assert within / 400 >= 0.78


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 60), max_size=24),
    st.sampled_from(list(LONG_RECORDS)),
    st.sampled_from(THRESHOLD_HOURS),
)
def test_any_record_has_a_rate_within_its_interval(
    counts: list[int], impact: str, hours: float
) -> None:
    rate = estimate(*counts, threshold=OutageThreshold(impact, hours))

    assert 0 < rate.low < rate.rate < rate.high < math.inf
    assert rate.monthly_shape > 0
    assert rate.dispersion >= 1
    assert 0 < rate.severity_cv < 100


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=12, max_size=23))
def test_one_more_outage_raises_the_rate_and_the_order_of_months_does_not_matter(
    counts: list[int],
) -> None:
    rate = estimate(*counts)

    assert estimate(*reversed(counts)).rate == pytest.approx(rate.rate)
    assert estimate(counts[0] + 1, *counts[1:]).rate > rate.rate


# --- lengths --------------------------------------------------------------------------------------


def test_without_lengths_the_distribution_is_that_of_the_long_records() -> None:
    assert fit_lengths([]) == LengthDistribution(pytest.approx(0.12), pytest.approx(1.28))


def test_many_lengths_give_their_own_distribution() -> None:
    hours = np.random.default_rng(1).lognormal(1.0, 0.7, 2000)

    fitted = fit_lengths([OutageLength(length) for length in hours.tolist()])

    assert fitted.mean == pytest.approx(1.0, abs=0.05)
    assert fitted.sd == pytest.approx(0.7, abs=0.05)


def test_open_outages_lengthen_the_distribution_and_are_not_taken_for_ended() -> None:
    # outages of which those above two hours are still open
    hours = np.random.default_rng(2).lognormal(0.5, 1.2, 1000).tolist()
    censored = [OutageLength(min(length, 2.0), is_open=length > 2) for length in hours]

    fitted = fit_lengths(censored)
    naive = fit_lengths([OutageLength(length.hours) for length in censored])

    assert (fitted.mean, fitted.sd) == (pytest.approx(0.5, abs=0.1), pytest.approx(1.2, abs=0.1))
    assert naive.mean < 0.2


@pytest.mark.parametrize(
    "lengths",
    [
        [OutageLength(0.0)],
        [OutageLength(0.0, is_open=True)],
        [OutageLength(5.0, is_open=True)] * 20,
        [OutageLength(20_000.0, is_open=True)],
        [OutageLength(2.0)] * 500,
    ],
)
def test_odd_lengths_leave_a_usable_distribution(lengths: list[OutageLength]) -> None:
    fitted = fit_lengths(lengths)

    assert math.isfinite(fitted.mean)
    assert 0.1 < fitted.sd < 3
    for hours in THRESHOLD_HOURS:
        assert 0 < fitted.severity_cv(hours) < 100


def test_the_spread_beyond_a_threshold_is_that_of_drawn_lengths() -> None:
    distribution = LengthDistribution(0.40, 1.26)
    drawn = np.random.default_rng(3).lognormal(0.40, 1.26, 2_000_000)
    long = drawn[drawn >= 4]

    assert distribution.share_above(4) == pytest.approx(len(long) / len(drawn), rel=0.01)
    assert distribution.severity_cv(4) == pytest.approx(long.std() / long.mean(), rel=0.02)
    assert distribution.severity_cv(0) == pytest.approx(math.sqrt(math.expm1(1.26**2)))
    assert distribution.share_above(0) == 1


def test_a_threshold_that_nothing_reaches_has_no_spread() -> None:
    assert LengthDistribution(-30.0, 0.5).severity_cv(8) == 0


def test_the_worked_example_of_the_guide() -> None:
    counts = counted(1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0)
    rate = estimate_outage_rate(
        OutageCounts(counts.threshold, counts.months, (OutageLength(6.0),) * 3)
    )

    assert (rate.rate, rate.low, rate.high) == (
        pytest.approx(2.3, abs=0.05),
        pytest.approx(0.66, abs=0.01),
        pytest.approx(5.1, abs=0.05),
    )
    assert rate.severity_cv == pytest.approx(1.25, abs=0.01)
    assert rate.dispersion == pytest.approx(1.11, abs=0.005)
    nothing = estimate(*[0] * 24)
    assert (nothing.rate, nothing.low, nothing.high) == (
        pytest.approx(0.37, abs=0.005),
        pytest.approx(0.06, abs=0.005),
        pytest.approx(1.0, abs=0.02),
    )
