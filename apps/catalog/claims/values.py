"""Canonical values of claims: stored, compared and shown in events. Plain Python."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import LifecycleClaim, PriceLine

type Value = dict[str, Any]


def lifecycle_value(claim: LifecycleClaim) -> Value:
    """Return the claim without its empty fields; days as ISO text."""
    value: Value = {}
    if claim.announced_on:
        value["announced_on"] = claim.announced_on.isoformat()
    if claim.retires_on:
        value["retires_on"] = claim.retires_on.isoformat()
        value["date_kind"] = claim.date_kind
    if claim.status:
        value["status"] = claim.status
    if claim.successor:
        value["successor"] = claim.successor
    return value


def retires_on(value: Mapping[str, Any] | None) -> date | None:
    text = (value or {}).get("retires_on")
    return date.fromisoformat(text) if text else None


def price_key(line: PriceLine) -> str:
    """Return `unit`, `unit>tokens` for a price above a request size, or `unit@day` for a price that
    starts later."""
    size_suffix = f">{line.above_tokens}" if line.above_tokens else ""
    start = f"@{line.starts_on.isoformat()}" if line.starts_on else ""
    return f"{line.unit}{size_suffix}{start}"


def split_price_key(key: str) -> tuple[str, int, date | None]:
    """Return (unit, above_tokens, starts_on) of a key made by `price_key`."""
    key, _, start = key.partition("@")
    unit, _, above_tokens = key.partition(">")
    return unit, int(above_tokens or 0), date.fromisoformat(start) if start else None


def unit_of_key(key: str) -> str:
    """Return `unit[>tokens]` of a price key, without its first day."""
    return key.partition("@")[0]


def next_start(value: Mapping[str, str], after: date) -> date | None:
    """Return the first day after `after` on which a price published in advance begins."""
    starts = (split_price_key(key)[2] for key in value if "@" in key)
    return min((start for start in starts if start is not None and start > after), default=None)


def format_decimal(amount: Decimal) -> str:
    """Format a decimal without exponent and trailing zeros: '2.5', '0.000001', '300'."""
    return format(amount.normalize(), "f") if amount else "0"


def price_value(lines: Iterable[PriceLine]) -> Value:
    """Return {price key: decimal text}, with "currency" only if it is not the US dollar."""
    value: Value = {}
    for line in lines:
        value[price_key(line)] = format_decimal(line.amount)
        if line.currency != "USD":
            value["currency"] = line.currency
    return value


def price_in_force(value: Mapping[str, str], day: date) -> dict[str, str]:
    """Return {unit[>tokens]: amount} on `day`; of several prices of one unit, the latest that has
    begun."""
    latest_starts: dict[str, tuple[date, str]] = {}
    for key, amount in value.items():
        if key == "currency":
            continue
        unit, above_tokens, start = split_price_key(key)
        name = f"{unit}>{above_tokens}" if above_tokens else unit
        since = start or date.min
        if since <= day and (name not in latest_starts or since >= latest_starts[name][0]):
            latest_starts[name] = (since, amount)
    return {name: amount for name, (_, amount) in latest_starts.items()}
