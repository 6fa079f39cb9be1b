"""The parts and results of exact distributions."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.exposure.loss.shocks import InvalidLossInputError

type Number = Fraction | float

# the number of points of the curve if the loss can take more values
N_CURVE_POINTS = 12


class LossTooLargeError(Exception):
    """The exact distribution would take too long; the message suggests a simulation."""


@dataclass(frozen=True, slots=True)
class Chance:
    """At most one event a year, with probability `q`."""

    q: Fraction

    def __post_init__(self) -> None:
        if not 0 <= self.q <= 1:
            raise InvalidLossInputError(f"The probability {self.q} must be between 0 and 1.")


@dataclass(frozen=True, slots=True)
class Rate:
    """A Poisson number of events, `per_year` on average; with `shape`, its rate varies by a Gamma
    factor of mean 1 and this shape (negative binomial)."""

    per_year: Fraction
    shape: Fraction | None = None

    def __post_init__(self) -> None:
        if self.per_year < 0:
            raise InvalidLossInputError(f"The rate {self.per_year} must be 0 or more.")
        if self.shape is not None and self.shape <= 0:
            raise InvalidLossInputError(f"The shape {self.shape} must be above 0.")


type Occurrence = Chance | Rate


@dataclass(frozen=True, slots=True)
class ExactPart:
    """One independent source: every event costs `loss`. Attribution sums parts of the same name."""

    name: str
    occurrence: Occurrence
    loss: Fraction


@dataclass(frozen=True, slots=True)
class ExactTail:
    """Tail of an exact distribution. `attribution` is by name of the parts and sums to `tvar`; None
    unless requested."""

    level: Fraction
    var: Number
    tvar: Number
    attribution: dict[str, Number] | None = None


@dataclass(frozen=True, slots=True)
class ExactMeasures:
    """Measures of an exact distribution; `exceedance` holds pairs (x, P(L > x)): every possible
    value, or twelve evenly by rank."""

    eal: Number
    sd: float
    exceedance: list[tuple[Number, Number]]
    tails: list[ExactTail]

    def tail(self, level: Fraction) -> ExactTail:
        return next(tail for tail in self.tails if tail.level == level)


class WorkBudget:
    """Counts the terms of a convolution and stops it before it takes minutes or all memory."""

    def __init__(self, max_terms: int, max_values: int) -> None:
        self._max_values = max_values
        self._terms_left = max_terms

    def take(self, n_values: int, n_atoms: int) -> None:
        self._terms_left -= n_values * n_atoms
        if self._terms_left < 0 or n_values > self._max_values:
            raise LossTooLargeError(
                "The exact loss of this portfolio has too many different values. Simulate it "
                "instead."
            )


def curve_positions(n_values: int) -> Sequence[int]:
    """Return the positions of the sorted values that the curve includes."""
    last_position, steps = n_values - 1, N_CURVE_POINTS - 1
    return (
        range(n_values)
        if n_values <= N_CURVE_POINTS
        else [index * last_position // steps for index in range(N_CURVE_POINTS)]
    )
