"""Significance of a price change, by its percentage and its monthly cost; no queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class PriceMove:
    """The size of a price change. `percent` is the largest change of one unit's price, signed; None
    if a price only began or ended. `monthly` is the change of the monthly cost in USD, None if the
    usage is not recorded. `counts`: at least one threshold is reached."""

    percent: Decimal | None
    monthly: Decimal | None
    counts: bool

    def as_details(self) -> dict[str, str]:
        """Return the values as stored in `Alert.details`."""
        details = {}
        if self.percent is not None:
            details["percent"] = str(round(self.percent, 1))
        if self.monthly is not None:
            details["monthly_usd"] = str(round(self.monthly, 2))
        return details


def measure_price_move(
    old_prices: Any,
    new_prices: Any,
    monthly_usage: Mapping[str, int],
    *,
    at_least_percent: Decimal,
    at_least_monthly: Decimal,
) -> PriceMove:
    """Measure a price change against the thresholds.

    `old_prices` and `new_prices` are {unit: decimal text in USD per million}, `monthly_usage` is
    {unit: amount used per month}. A price that begins, ends or cannot be read always counts."""
    old_amounts, new_amounts = _parse_amounts(old_prices), _parse_amounts(new_prices)
    units = {*old_amounts, *new_amounts}
    percents = [
        (new_amounts[unit] - old_amounts[unit]) / old_amounts[unit] * 100
        for unit in units & old_amounts.keys() & new_amounts.keys()
        if old_amounts[unit]
    ]
    # Prices that began or ended, and prices that were free before.
    unpriced_units = [
        unit
        for unit in units
        if unit not in old_amounts
        or unit not in new_amounts
        or (not old_amounts[unit] and new_amounts[unit])
    ]
    used_units = [unit for unit in units if unit in monthly_usage and unit not in unpriced_units]
    monthly = (
        sum(
            (
                (new_amounts[unit] - old_amounts[unit]) * monthly_usage[unit] / _MILLION
                for unit in used_units
            ),
            Decimal(0),
        )
        if used_units
        else None
    )
    percent = max(percents, key=abs) if percents else None
    counts = (
        not units
        or bool(unpriced_units)
        or (percent is not None and abs(percent) >= at_least_percent)
        or (monthly is not None and abs(monthly) >= at_least_monthly)
    )
    return PriceMove(percent, monthly, counts)


def _parse_amounts(prices: Any) -> dict[str, Decimal]:
    """Return {unit: amount}, without values that are not numbers."""
    amounts = {}
    for unit, text in prices.items() if isinstance(prices, dict) else ():
        try:
            amount = Decimal(str(text))
        except InvalidOperation:
            continue
        if amount.is_finite():
            amounts[unit] = amount
    return amounts
