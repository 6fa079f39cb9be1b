"""Yearly rates of outages from counted incidents, with their interval, and the spread of their
length. Plain Python.

The number of outages of a month is Poisson around a rate that varies from month to month by a Gamma
factor of mean 1 (negative binomial). The rate and the shape of the factor have a prior from the two
long records; the posterior is summed over a grid, so the result needs no random numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from apps.catalog.providers.outages import OutageCounts, OutageLength, OutageThreshold

PRIOR_SOURCE = (
    "Incidents of the OpenAI API (January 2023 to December 2024) and of the Anthropic API (July "
    "2023 to December 2024), as collected for Chu et al., An Empirical Characterization of Outages "
    "and Incidents in Public Services for Large Language Models, ICPE 2025, arXiv 2501.12469."
)
# The minimum record: with less of both, a rate is the prior.
MIN_MONTHS = 12
MIN_INCIDENTS = 5

# {impact: {hours: incidents of the API a year at OpenAI and at Anthropic}}; see PRIOR_SOURCE
LONG_RECORDS: Mapping[str, Mapping[float, tuple[float, float]]] = {
    "minor": {
        0.0: (95, 74),
        0.5: (75, 53),
        1.0: (56, 42),
        2.0: (32, 27),
        4.0: (17, 14),
        8.0: (5.5, 6.6),
    },
    "major": {
        0.0: (48, 39),
        0.5: (39, 22),
        1.0: (31, 17),
        2.0: (19, 12),
        4.0: (10.5, 3.3),
        8.0: (3.0, 2.0),
    },
    "critical": {
        0.0: (12, 1),
        0.5: (11, 0.7),
        1.0: (7.5, 0),
        2.0: (3.5, 0),
        4.0: (3.0, 0),
        8.0: (1.5, 0),
    },
}
# The prior of the rate is lognormal; this is the standard deviation of its logarithm, a factor of 7
# either way for the 90% interval. Where both records have major incidents at all they differ by a
# factor of up to 3, and other hosts differ by more.
_LOG_RATE_SD = 1.2
# Monthly shapes of major incidents: 4.5 at OpenAI (variance 1.9 times the mean), 1.2 at Anthropic
# (3.7 times). Their logarithms have this mean and standard deviation.
_LOG_SHAPE_MEAN = (math.log(4.5) + math.log(1.2)) / 2
_LOG_SHAPE_SD = (math.log(4.5) - math.log(1.2)) / math.sqrt(2)
# Length in log hours of major incidents: (mean, sd) 0.40, 1.26 at OpenAI and -0.16, 1.30 at
# Anthropic. Their mean weighs as much as 5 incidents and their spread as much as 20, since a spread
# needs more of them to be known.
_PRIOR_LOG_MEAN = (0.40 - 0.16) / 2
_PRIOR_LOG_SD = (1.26 + 1.30) / 2
_MEAN_WEIGHT = 5
_SD_WEIGHT = 20
_MIN_HOURS = 1 / 60
_MAX_STEPS = 200
_CONVERGED = 1e-9

_MONTHS_PER_YEAR = 12
_N_RATES = 160
_N_SHAPES = 15
# the grids reach this many standard deviations either way
_RATE_SDS = 8.0
_SHAPE_SDS = 3.5
_LOW, _HIGH = 0.05, 0.95
_NEGLIGIBLE_SHARE = 1e-12


class RateBasis(StrEnum):
    """What an outage rate is taken from."""

    COUNTED = "counted"
    PRIOR = "prior"


@dataclass(frozen=True, slots=True)
class LengthDistribution:
    """Lognormal distribution of the hours of an outage; `mean` and `sd` are of the log hours."""

    mean: float
    sd: float

    def share_above(self, hours: float) -> float:
        """Return the share of outages that last at least `hours`."""
        return 1.0 if hours <= 0 else _normal_above((math.log(hours) - self.mean) / self.sd)

    def severity_cv(self, hours: float) -> float:
        """Return standard deviation divided by mean of the hours of outages of at least `hours`."""
        if hours <= 0:
            return math.sqrt(math.expm1(self.sd**2))
        z = (math.log(hours) - self.mean) / self.sd
        share = _normal_above(z)
        if share < _NEGLIGIBLE_SHARE:
            return 0.0
        # E[X^r | X >= h] of a lognormal, r = 1 and 2, divided by exp(r * mean)
        first = math.exp(self.sd**2 / 2) * _normal_above(z - self.sd) / share
        second = math.exp(2 * self.sd**2) * _normal_above(z - 2 * self.sd) / share
        return math.sqrt(max(second / first**2 - 1, 0.0))


@dataclass(frozen=True, slots=True)
class OutageRate:
    """Outages per year above a threshold. `low` to `high` is a 90% interval.

    `monthly_shape` is that of the Gamma factor of a month's rate; that of a year's is 12 times as
    large. `n` incidents in `months` months were counted, also if the record is too short and the
    rate is the prior.
    """

    threshold: OutageThreshold
    basis: RateBasis
    rate: float
    low: float
    high: float
    monthly_shape: float
    lengths: LengthDistribution
    n: int
    months: int

    @property
    def yearly_shape(self) -> float:
        """Shape of the Gamma factor of a year: the mean of 12 independent monthly factors."""
        return _MONTHS_PER_YEAR * self.monthly_shape

    @property
    def severity_cv(self) -> float:
        return self.lengths.severity_cv(self.threshold.hours)

    @property
    def dispersion(self) -> float:
        """Variance divided by mean of the number of outages, of a month as of a year; 1 is
        Poisson."""
        return 1 + self.rate / self.yearly_shape


def prior_mean(threshold: OutageThreshold) -> float:
    """Return the outages per year of the prior: the mean of the two long records.

    Raises KeyError for a threshold that they were not counted by.
    """
    openai, anthropic = LONG_RECORDS[threshold.impact][threshold.hours]
    return (openai + anthropic) / 2


def prior_rate(threshold: OutageThreshold) -> OutageRate:
    """Return the rate of a host without a record."""
    return estimate_outage_rate(OutageCounts(threshold, ()))


def estimate_outage_rate(counts: OutageCounts) -> OutageRate:
    """Return the rate of a host from its counted outages: the posterior mean, or the prior if the
    record is shorter than a year and has fewer than five outages."""
    basis = (
        RateBasis.COUNTED
        if len(counts.months) >= MIN_MONTHS or counts.n >= MIN_INCIDENTS
        else RateBasis.PRIOR
    )
    monthly_counts = [count for _, count in counts.months]
    rate, low, high, shape = _estimate_rate(
        monthly_counts if basis is RateBasis.COUNTED else [], prior_mean(counts.threshold)
    )
    return OutageRate(
        threshold=counts.threshold,
        basis=basis,
        rate=rate,
        low=low,
        high=high,
        monthly_shape=shape,
        lengths=fit_lengths(counts.lengths),
        n=counts.n,
        months=len(counts.months),
    )


def _estimate_rate(monthly_counts: Sequence[int], mean: float) -> tuple[float, float, float, float]:
    """Return (posterior mean, 5% and 95% quantile of the yearly rate, monthly shape).

    The shape is the one whose inverse is the mean of the inverse shapes, so that the variance is
    the mean of the variances. `mean` is that of the prior.
    """
    n, n_months = sum(monthly_counts), len(monthly_counts)
    # the centre and width of the grid follow the posterior of a Poisson rate
    centre = math.log((n + 1) / (n_months / _MONTHS_PER_YEAR + 1 / mean))
    sd = math.sqrt(1 / (n + 1) + 2 / (n_months + 1))
    log_rates = [
        centre + sd * _RATE_SDS * (2 * index / (_N_RATES - 1) - 1) for index in range(_N_RATES)
    ]
    # each shape with the logarithm of its prior and of what does not depend on the rate
    shapes = []
    for index in range(_N_SHAPES):
        x = _SHAPE_SDS * (2 * index / (_N_SHAPES - 1) - 1)
        shape = math.exp(_LOG_SHAPE_MEAN + _LOG_SHAPE_SD * x)
        constant = math.fsum(
            math.lgamma(count + shape) - math.lgamma(shape) for count in monthly_counts
        )
        shapes.append((shape, constant + n_months * shape * math.log(shape) - x**2 / 2))
    prior_median = math.log(mean) - _LOG_RATE_SD**2 / 2
    logs = []
    for log_rate in log_rates:
        monthly_rate = math.exp(log_rate) / _MONTHS_PER_YEAR
        of_rate = n * log_rate - (log_rate - prior_median) ** 2 / (2 * _LOG_RATE_SD**2)
        logs.append(
            [
                of_rate + of_shape - (n + n_months * shape) * math.log(shape + monthly_rate)
                for shape, of_shape in shapes
            ]
        )
    highest = max(max(row) for row in logs)
    weights = [[math.exp(value - highest) for value in row] for row in logs]
    row_sums = [math.fsum(row) for row in weights]
    total = math.fsum(row_sums)
    posterior_mean = (
        math.fsum(
            math.exp(log_rate) * weight
            for log_rate, weight in zip(log_rates, row_sums, strict=True)
        )
        / total
    )
    inverse_shape = (
        math.fsum(
            weight / shape
            for row in weights
            for weight, (shape, _) in zip(row, shapes, strict=True)
        )
        / total
    )
    return (
        posterior_mean,
        math.exp(_quantile(log_rates, row_sums, _LOW)),
        math.exp(_quantile(log_rates, row_sums, _HIGH)),
        1 / inverse_shape,
    )


def _quantile(values: Sequence[float], weights: Sequence[float], level: float) -> float:
    """Return the quantile of a density on an even grid: each weight is spread over the cell around
    its value."""
    step = values[1] - values[0]
    wanted = level * math.fsum(weights)
    below = 0.0
    for value, weight in zip(values, weights, strict=True):
        if below + weight >= wanted:
            return value + step * ((wanted - below) / weight - 0.5)
        below += weight
    return values[-1]


def fit_lengths(lengths: Sequence[OutageLength]) -> LengthDistribution:
    """Return the lognormal distribution of the hours, shrunk to that of the two long records.

    Of an open outage only is known that it lasts longer than so far: its log hours are replaced by
    their mean and variance given that, again and again until nothing changes (EM).
    """
    ended = [math.log(max(row.hours, _MIN_HOURS)) for row in lengths if not row.is_open]
    bounds = [math.log(max(row.hours, _MIN_HOURS)) for row in lengths if row.is_open]
    mean, sd = _PRIOR_LOG_MEAN, _PRIOR_LOG_SD
    for _ in range(_MAX_STEPS):
        moments = [(x, 0.0) for x in ended] + [_moments_above(x, mean, sd) for x in bounds]
        new_mean = (_MEAN_WEIGHT * _PRIOR_LOG_MEAN + math.fsum(x for x, _ in moments)) / (
            _MEAN_WEIGHT + len(moments)
        )
        squares = math.fsum(variance + (x - new_mean) ** 2 for x, variance in moments)
        squares += _MEAN_WEIGHT * (_PRIOR_LOG_MEAN - new_mean) ** 2
        new_sd = math.sqrt((_SD_WEIGHT * _PRIOR_LOG_SD**2 + squares) / (_SD_WEIGHT + len(moments)))
        step = abs(new_mean - mean) + abs(new_sd - sd)
        mean, sd = new_mean, new_sd
        if step < _CONVERGED:
            break
    return LengthDistribution(mean, sd)


def _moments_above(bound: float, mean: float, sd: float) -> tuple[float, float]:
    """Return mean and variance of a normal variable above a bound."""
    z = (bound - mean) / sd
    share = _normal_above(z)
    if share < _NEGLIGIBLE_SHARE:
        return bound, 0.0
    # the inverse Mills ratio
    ratio = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) / share
    return mean + sd * ratio, sd**2 * max(1 + z * ratio - ratio**2, 0.0)


def _normal_above(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2
