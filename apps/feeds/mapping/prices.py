"""Prices of a row that is read by a mapping."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import PriceLine
from apps.feeds.mapping.definition import Mapping, PriceField, is_currency
from apps.feeds.mapping.paths import MISSING, Path, RowContext, as_text
from apps.feeds.parsers.amounts import UnclearPriceError, per_million
from apps.feeds.parsers.payload import quote

_DECIMAL = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,3})?")
_MAX_REQUEST_TOKENS = 100_000_000


def price_lines(mapping: Mapping, place: RowContext) -> tuple[PriceLine, ...]:
    """Return the price lines of a row, sorted; none if it has no price. UnclearPriceError if one is
    not plausible."""
    currency = _read_currency(mapping, place)
    amounts: dict[tuple[str, int], Decimal] = {}
    for price in mapping.prices:
        for amount, above in _read_amounts(mapping, price, place, currency):
            if amounts.setdefault((price.unit, above), amount) != amount:
                size = f" above {above} tokens" if above else ""
                raise UnclearPriceError(
                    f"The row has two prices of {price.unit}{size}. The prices of the row are "
                    "not used."
                )
    base_amounts = {amounts.get(("input", 0)), amounts.get(("output", 0))}
    is_free = mapping.zero == "free" and base_amounts == {Decimal(0)}
    return tuple(
        sorted(
            PriceLine(unit, amount, above, currency=currency)
            for (unit, above), amount in amounts.items()
            if amount or (is_free and unit in {"input", "output"} and not above)
        )
    )


def _read_currency(mapping: Mapping, place: RowContext) -> str:
    expression = mapping.fields.get("currency")
    if expression is None:
        return "USD"
    text = (as_text(expression.value(place)) or "").strip().upper()
    if not is_currency(text):
        raise UnclearPriceError(
            f"The currency {quote(text)} is not a code of three letters. The prices of the row "
            "are not used."
        )
    return text


def _read_amounts(
    mapping: Mapping, price: PriceField, place: RowContext, currency: str
) -> Iterator[tuple[Decimal, int]]:
    """Yield (amount, request size above which it applies) for one price of the row."""
    contexts = [place]
    if price.each is not None:
        contexts = [
            RowContext(value, place.keys, place.around, place.count)
            for value in price.each.values(place)
        ]
    for context in contexts:
        value = price.path.first(context)
        if value is MISSING or value in (None, "") or _means_no_price(mapping, value):
            continue
        above = (
            price.above if isinstance(price.above, int) else _read_threshold(price.above, context)
        )
        # A price without a size applies under a condition that the mapping does not cover.
        if above is not None:
            yield (
                per_million(
                    price.where, _parse_number(value), per=price.counted, currency=currency
                ),
                above,
            )


def _means_no_price(mapping: Mapping, value: Any) -> bool:
    if not mapping.no_price:
        return False
    if as_text(value) in mapping.no_price:
        return True
    amount = _parse_number(value)
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        return False
    return any(_DECIMAL.fullmatch(text) and Decimal(text) == amount for text in mapping.no_price)


def _read_threshold(path: Path, place: RowContext) -> int | None:
    """Return the number of request tokens above which a price applies; None if the row has none.
    Raises UnclearPriceError for anything but a number within bounds."""
    value = path.first(place)
    if value is MISSING or value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12:
        value = int(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not 0 <= value <= _MAX_REQUEST_TOKENS
    ):
        raise UnclearPriceError(
            f"The price threshold {quote(value)} is not a number of tokens. The prices of the "
            "row are not used."
        )
    return value


def _parse_number(value: Any) -> Any:
    """Parse a number written as text; any other value is returned unchanged."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return Decimal(value.strip())
    return value
