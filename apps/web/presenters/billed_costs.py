"""Words and amounts of costs as billed."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from apps.intake.billed_costs import BilledOffering, CostComparison
from apps.inventory.cost_differences import DifferencePart
from apps.web.wording import number, share

_UNITS = {
    "input": "input",
    "output": "output",
    "cache_read": "cached",
    "cache_write": "written to the cache",
    "other": "tokens of unstated kind",
}


def format_billed(amount: Fraction | Decimal, currency: str) -> str:
    """Format an amount as `1,234.50 USD`, with four decimals below one cent."""
    value = _to_decimal(amount)
    places = 2 if not value or abs(value) >= Decimal("0.01") else 4
    return f"{value:,.{places}f} {currency}".replace("-", "−")


def format_signed(amount: Fraction, currency: str) -> str:
    """Format a difference with its sign: `+1.20 USD`, `−0.40 USD`, `0.00 USD`."""
    sign = "+" if amount > 0 else ""
    return f"{sign}{format_billed(amount, currency)}"


def describe_difference(comparison: CostComparison) -> str:
    """Return the difference in words: `3.20 USD (15%) less than at list prices`."""
    difference = comparison.difference
    if not comparison.recorded:
        return "without a known cost at list prices"
    if not difference:
        return "the same as at list prices"
    return (
        f"{format_billed(abs(difference), comparison.currency)} "
        f"({share(abs(difference) / comparison.recorded)}) "
        f"{'more' if difference > 0 else 'less'} than at list prices"
    )


def describe_comparison(comparison: CostComparison, month: date) -> str:
    billed = format_billed(comparison.billed, comparison.currency)
    return f"{billed} was billed for {month:%B %Y}, {describe_difference(comparison)}."


def explain_parts(parts: Sequence[DifferencePart], currency: str) -> str:
    """Return the parts as one text: `Negotiated prices −3.00 USD; …`; `No difference.` without
    any."""
    if not parts:
        return "No difference."
    texts = [f"{part.sentence} {format_signed(part.amount, currency)}" for part in parts]
    return f"{'; '.join(texts)}."


def describe_tokens(row: BilledOffering) -> str:
    """Return the billed tokens in words, or what the bill counts instead."""
    if row.tokens:
        return ", ".join(
            f"{number(round(amount))} {_UNITS[unit]}" for unit, amount in row.tokens.items()
        )
    if row.requests is not None:
        return f"{number(round(row.requests))} requests; tokens are not stated"
    return "Tokens are not stated"


def decimal_of(amount: Fraction | None) -> Decimal | None:
    """Return the amount for a file, to ten places; None for an unknown one."""
    return None if amount is None else round(_to_decimal(amount), 10).normalize() + 0


def _to_decimal(amount: Fraction | Decimal) -> Decimal:
    if isinstance(amount, Decimal):
        return amount
    return Decimal(amount.numerator) / Decimal(amount.denominator)
