"""Amounts of money: read in the currency of the cell or of the column, recorded in US dollars at a
recorded rate. Nothing is converted without one."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from apps.intake.spreadsheets.columns.headers import CURRENCY_WORD, currency_of, months_of
from apps.intake.spreadsheets.columns.values import (
    InvalidCellError,
    SheetConventions,
    parse_amount,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Cell

_DIGITS, _PLACES = 14, 2
_MAXIMUM = Decimal(10) ** (_DIGITS - _PLACES)


class MissingRateError(InvalidCellError):
    """Error: the amount is in a currency without a recorded rate, so it is not recorded."""


def read_amount(
    cell: Cell,
    conventions: SheetConventions,
    *,
    currency: str,
    factor: int,
    n_months: int = 1,
    chosen: Decimal | None = None,
) -> tuple[Decimal, str]:
    """Return (amount a month, its currency); `currency`, `factor` and `n_months` are those of the
    column, `chosen` the amount that a guess or a user reads in the cell."""
    text = text_of(cell) if isinstance(cell, str) else ""
    n_months = max(n_months, months_of(text) if text else 1)
    stated = currency_of(text) if text else ""
    currency = stated or currency or "USD"
    if chosen is not None:
        return chosen * factor / n_months, currency
    bare: Cell = cell
    if text and currency != "USD":
        # the parser of dollars accepts no other mark
        bare = _without_currency(text)
    amount = parse_amount(bare, conventions, digits=_DIGITS, places=_PLACES, is_money=True)
    return amount * factor / n_months, currency


def convert_amount(amount: Decimal, currency: str, rates: Mapping[str, str]) -> Decimal:
    """Return the amount in US dollars; MissingRateError without a rate."""
    if currency == "USD" or not amount:
        dollars = amount
    elif currency in rates:
        dollars = amount * Decimal(rates[currency])
    else:
        raise MissingRateError(
            f"The amount {amount.normalize():f} {currency} is not recorded: no exchange rate of "
            f"{currency} is known. Record one with its day and source, and import the file again."
        )
    dollars = dollars.quantize(Decimal(1).scaleb(-_PLACES), rounding=ROUND_HALF_EVEN)
    if dollars >= _MAXIMUM:
        raise InvalidCellError(f"{dollars} is too large. Enter a smaller number.")
    return dollars


def _without_currency(text: str) -> str:
    return CURRENCY_WORD.sub(" ", text.casefold()).strip()
