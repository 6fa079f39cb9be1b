"""Whether a price change is worth a mail: by how much a price moved, and what that means a month.
Numbers in, numbers out."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class PriceMove:
    """`percent` is the largest move of one unit's price, signed; None where a price began or ended.
    `monthly` is what it changes a month in USD, None where what is used is not recorded. `counts`:
    one of the lines is reached."""

    percent: Decimal | None
    monthly: Decimal | None
    counts: bool

    def as_details(self) -> dict[str, str]:
        """As `Alert.details` keeps it."""
        found = {}
        if self.percent is not None:
            found["percent"] = str(round(self.percent, 1))
        if self.monthly is not None:
            found["monthly_usd"] = str(round(self.monthly, 2))
        return found


def measure_price_move(
    old: Any,
    new: Any,
    used: Mapping[str, int],
    *,
    at_least_percent: Decimal,
    at_least_monthly: Decimal,
) -> PriceMove:
    """`old` and `new` are {unit: decimal text in USD per million}, `used` is {unit: used in a
    month}.

    A price that begins, ends or cannot be read counts whatever the lines say.
    """
    before, after = _amounts(old), _amounts(new)
    units = {*before, *after}
    moves = [
        (after[unit] - before[unit]) / before[unit] * 100
        for unit in units & before.keys() & after.keys()
        if before[unit]
    ]
    # from nothing, to nothing, or to free
    breaks = [
        unit
        for unit in units
        if unit not in before or unit not in after or (not before[unit] and after[unit])
    ]
    known = [unit for unit in units if unit in used and unit not in breaks]
    monthly = (
        sum(((after[unit] - before[unit]) * used[unit] / _MILLION for unit in known), Decimal(0))
        if known
        else None
    )
    percent = max(moves, key=abs) if moves else None
    counts = (
        not units
        or bool(breaks)
        or (percent is not None and abs(percent) >= at_least_percent)
        or (monthly is not None and abs(monthly) >= at_least_monthly)
    )
    return PriceMove(percent, monthly, counts)


def _amounts(prices: Any) -> dict[str, Decimal]:
    """{unit: amount}; what is no number is left out."""
    found = {}
    for unit, text in prices.items() if isinstance(prices, dict) else ():
        try:
            amount = Decimal(str(text))
        except InvalidOperation:
            continue
        if amount.is_finite():
            found[unit] = amount
    return found
