"""Numbers as the worked portfolios write them: whole numbers, rationals as "p/q", else floats."""

from decimal import Decimal
from fractions import Fraction

type Plain = int | float | str

# Fractions with denominators up to ten thousand lie so far apart that a float this close to one of
# them came from it; what has greater denominators is written as a float, which is less than 1e-9
# off and claims no more.
_MAX_DENOMINATOR = 10_000
_CLOSE = 1e-14
# a declared share is kept with 15 decimal places
_MAX_SHARE_DENOMINATOR = 1_000_000


def format_exact(number: Fraction | Decimal | int) -> int | str:
    exact = Fraction(number)
    return exact.numerator if exact.denominator == 1 else f"{exact.numerator}/{exact.denominator}"


def format_exact_or_none(number: Fraction | Decimal | int | None) -> int | str | None:
    return None if number is None else format_exact(number)


def format_float(number: float) -> Plain:
    """A float of the engine as the rational it was calculated from, where one is near enough; else
    as it is.
    """
    rational = Fraction(number).limit_denominator(_MAX_DENOMINATOR)
    near = abs(number - rational) <= _CLOSE * max(1.0, abs(number))
    return format_exact(rational) if near else number


def format_float_or_none(number: float | None) -> Plain | None:
    return None if number is None else format_float(number)


def rational_share(share: float) -> Fraction:
    """A share of traffic as the rational that was declared."""
    return Fraction(share).limit_denominator(_MAX_SHARE_DENOMINATOR)
