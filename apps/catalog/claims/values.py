"""Canonical values of claims: stored, compared and shown in events. Plain Python."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import (
    FIRM,
    NOT_BEFORE,
    STAGES,
    LifecycleClaim,
    PriceLine,
    StageClaim,
)

type Value = dict[str, Any]

_STAGE_ORDER = {stage: place for place, stage in enumerate(STAGES)}


def lifecycle_value(claim: LifecycleClaim) -> Value:
    """Return the claim without its empty fields; days as ISO text.

    `stages` is [[stage, day or None, date kind], ...] in the order of `STAGES`, `regions` is
    {region: [day or None, date kind]}. If regions have days of their own, `retires_on` is the day
    on which the last of them ends, so that nothing is retired too early.
    """
    value: Value = {}
    if claim.announced_on:
        value["announced_on"] = claim.announced_on.isoformat()
    end, date_kind = last_end(claim)
    if end:
        value["retires_on"] = end.isoformat()
        value["date_kind"] = date_kind
        if claim.retires_month and end == claim.retires_on:
            value["retires_month"] = claim.retires_month
    if claim.status:
        value["status"] = claim.status
    if claim.successor:
        value["successor"] = claim.successor
    if claim.stages:
        value["stages"] = stage_lines(claim.stages)
    if claim.regions:
        value["regions"] = {
            end.region: [_iso(end.retires_on), end.date_kind if end.retires_on else ""]
            for end in sorted(claim.regions, key=lambda end: end.region)
        }
    return value


def last_end(claim: LifecycleClaim) -> tuple[date | None, str]:
    """Return the day on which the last region of the claim ends, and its kind: `not_before` if any
    region has no more than an earliest day. A region without a day has that of the whole claim."""
    ends = [
        (end.retires_on, end.date_kind) if end.retires_on else (claim.retires_on, claim.date_kind)
        for end in claim.regions
    ]
    if claim.retires_on:
        ends.append((claim.retires_on, claim.date_kind))
    days = [day for day, _ in ends if day is not None]
    if not days or len(days) < len(ends):
        return claim.retires_on, claim.date_kind if claim.retires_on else ""
    return max(days), NOT_BEFORE if any(kind == NOT_BEFORE for _, kind in ends) else FIRM


def stage_lines(stages: Iterable[StageClaim]) -> list[list[Any]]:
    """Return the stages as [stage, ISO day or None, date kind], each stage once: with a day rather
    than without, and of several days the first."""
    by_stage: dict[str, StageClaim] = {}
    for line in sorted(stages, key=lambda line: (line.starts_on is None, line.starts_on or 0)):
        by_stage.setdefault(line.stage, line)
    return [
        [line.stage, _iso(line.starts_on), line.date_kind if line.starts_on else ""]
        for line in sorted(by_stage.values(), key=lambda line: _STAGE_ORDER[line.stage])
    ]


def value_in_region(value: Value, region: str) -> Value:
    """Return the value as it holds in `region`: with the day of that region where the source states
    one, and without those of other regions."""
    day, date_kind = value.get("regions", {}).get(region, (None, ""))
    regional = {key: part for key, part in value.items() if key != "regions"}
    if day is None:
        return regional
    regional.pop("retires_month", None)
    return regional | {"retires_on": day, "date_kind": date_kind}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


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
