"""Price amounts, shared by all adapters: normalised per million units, checked for plausibility,
without floating-point noise."""

from decimal import Decimal
from typing import Literal

from apps.feeds.parsers.payload import quote

MILLION = Decimal(1_000_000)
# No model costs more per million tokens (the highest price ever was 600); a higher amount has the
# wrong unit.
MAX_USD_PER_MTOK = Decimal(1000)
# No priced model costs less (the lowest price ever was 0.001); a lower amount is a price per token,
# step or image in the place of one per million tokens.
MIN_USD_PER_MTOK = Decimal("0.0005")
# A hundred thousand dollars for one image, second or query: higher than any price, and the maximum
# that the price column can store.
MAX_USD_PER_UNIT = Decimal(100_000)
_STEP = Decimal("0.00000001")

# Generous bounds of exchange rates, only for checking plausibility.
_MAX_UNITS_PER_USD = Decimal(100_000)
_MIN_UNITS_PER_USD = Decimal(5)

type Per = Literal["token", "thousand_tokens", "million", "unit", "thousand", "million_units"]

# Factors from published numbers to prices per million, and the names of their units in messages.
_TIMES = {
    "token": MILLION,
    "thousand_tokens": Decimal(1000),
    "million": Decimal(1),
    "unit": MILLION,
    "thousand": Decimal(1000),
    "million_units": Decimal(1),
}
_COUNTED = {
    "token": "token",
    "thousand_tokens": "thousand tokens",
    "million": "million tokens",
    "unit": "unit",
    "thousand": "thousand",
    "million_units": "million",
}
_OF_TOKENS = frozenset({"token", "thousand_tokens", "million"})


class UnclearPriceError(Exception):
    """Prices of a row that are not plausible; `str()` is the reason."""


def per_million(field: str, usd: object, *, per: Per, currency: str = "USD") -> Decimal:
    """Return USD per million units, to the eighth decimal; 0 stays 0, and its meaning depends on
    the feed.

    `usd` is a whole number or Decimal as the feed publishes it: per one, thousand or million
    tokens, or of anything else. In another `currency` the plausible bounds are wider and the result
    is in that currency. Raises UnclearPriceError if it is not a number, not finite, negative, or so
    large or small that the unit must be wrong."""
    if isinstance(usd, bool) or not isinstance(usd, int | Decimal):
        raise UnclearPriceError(
            f"The price {field} is {quote(usd)}, which is not a number. The prices of the row "
            "are not used."
        )
    published = Decimal(usd)
    if not published.is_finite():
        raise UnclearPriceError(
            f"The price {field} is {published}. The prices of the row are not used."
        )
    if published < 0:
        raise UnclearPriceError(
            f"The price {field} is negative. The prices of the row are not used."
        )
    of_tokens = per in _OF_TOKENS
    highest = MAX_USD_PER_MTOK if of_tokens else MAX_USD_PER_UNIT * MILLION
    lowest = MIN_USD_PER_MTOK if of_tokens else _STEP
    if currency != "USD":
        highest, lowest = (
            min(highest * _MAX_UNITS_PER_USD, MAX_USD_PER_UNIT * MILLION),
            lowest / _MIN_UNITS_PER_USD,
        )
    # Compared before it is multiplied: 1e999999 times a million is no Decimal.
    if published > highest / _TIMES[per] or 0 < published < lowest / _TIMES[per]:
        raise UnclearPriceError(
            f"The price {field} is {published:.6g} {currency} per {_COUNTED[per]}, so its unit "
            "is probably wrong. The prices of the row are not used."
        )
    amount = (published * _TIMES[per]).quantize(_STEP).normalize()
    # normalize() turns 100 into 1E+2, which users would see.
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount
