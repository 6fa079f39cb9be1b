"""Text formatting of alerts: plain text in, one clean line out."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from apps.catalog.claims.feed_rows import PRICE_UNITS

_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


def one_line(text: Any, *, max_length: int = 200) -> str:
    """Return `text` without line breaks, control characters or bidirectional marks, cut to
    `max_length` characters."""
    line = "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in str(text)
        if unicodedata.category(character) not in {"Cf", "Cs"}
    )
    line = " ".join(line.split())
    return line if len(line) <= max_length else line[: max_length - 1].rstrip() + "…"


def web_address(text: str) -> str:
    """Return `text` if it is a URL that an email may link to, otherwise "": feeds contain arbitrary
    text there."""
    return text if _WEB_ADDRESS.fullmatch(text) and len(text) <= 1000 else ""


def counted(n: int, singular: str, plural: str = "") -> str:
    """Format as `1 model`, `1,240 models`."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def with_full_stop(sentence: str) -> str:
    """Return the sentence with one full stop at its end; empty for an empty one."""
    return f"{sentence.rstrip('.')}." if sentence.rstrip(".") else ""


def day(value: date) -> str:
    """Format as `17 Feb 2027`."""
    return f"{value.day} {value:%b %Y}"


def long_day(value: date) -> str:
    """Format as `17 February 2027`."""
    return f"{value.day} {value:%B %Y}"


def as_day(value: Any) -> date | None:
    """Parse a stored ISO date; None for anything else."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def days(n: int) -> str:
    """Format as `85 days`, with a thousands separator."""
    return counted(n, "day")


def listed(names: Sequence[str]) -> str:
    """Join as `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def join_with_more(names: Sequence[str], n_more: int) -> str:
    """Join as `a, b and 3 more`; as `a, b and c` without more."""
    return f"{', '.join(names)} and {n_more:,} more" if n_more > 0 else listed(names)


def share(value: Decimal | float) -> str:
    """Format as `62%`."""
    return f"{round(float(value) * 100)}%"


def price(value: Any) -> str:
    """Format with at least two decimals, further ones only if they are significant: 3.00, 0.075."""
    try:
        amount = Decimal(str(value)).normalize()
    except InvalidOperation:
        return one_line(value, max_length=30)
    if not amount.is_finite():
        return one_line(value, max_length=30)
    return f"{amount:,.{max(2, -int(amount.as_tuple().exponent))}f}"


def price_change(old_value: Any, new_value: Any) -> str:
    """Return a sentence for each unit whose price changes, units in the catalogue's order: `Input
    tokens cost 2.00 instead of 3.00 USD per million. Output tokens ...`"""
    old_prices = old_value if isinstance(old_value, dict) else {}
    new_prices = new_value if isinstance(new_value, dict) else {}
    unit_order = list(PRICE_UNITS)
    units = sorted(
        {*old_prices, *new_prices},
        key=lambda unit: (unit_order.index(unit) if unit in unit_order else len(unit_order), unit),
    )
    sentences = []
    for unit in units:
        name = capitalised(PRICE_UNITS.get(unit, one_line(unit.replace("_", " "), max_length=60)))
        old_price = price(old_prices[unit]) if unit in old_prices else ""
        new_price = price(new_prices[unit]) if unit in new_prices else ""
        if old_price and new_price:
            sentences.append(f"{name} cost {new_price} instead of {old_price} USD per million.")
        elif new_price:
            sentences.append(f"{name} cost {new_price} USD per million, without a price before.")
        else:
            sentences.append(f"{name} have no price any more, {old_price} USD per million before.")
    return " ".join(sentences) or "The price changed."


def monthly_amount(amount: Fraction, currency: str) -> str:
    """Format as `1,240 USD per month`; amounts below 10 keep two decimals."""
    rounded = f"{float(amount):,.2f}" if abs(amount) < 10 else f"{round(amount):,}"
    return f"{rounded} {currency} per month"


def money(value: Any) -> Decimal:
    """Parse a stored decimal text; 0 if it is not a finite number."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)
