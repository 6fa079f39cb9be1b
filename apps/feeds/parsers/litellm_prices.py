"""LiteLLM price fields: some 170 field names composed of a few parts.

A name is a base (`input_cost_per_token`) followed by any number of conditions: a service level
(`_batches`, `_priority`, `_flex`), a request size (`_above_200k_tokens`), a cache duration
(`_above_1hr`). Amounts are USD per one unit. Bases and combinations without a unit in `PRICE_UNITS`
are left out and counted."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeGuard

from apps.catalog.claims.feed_rows import PRICE_UNITS, PriceLine
from apps.feeds.parsers.amounts import UnclearPriceError, per_million
from apps.feeds.parsers.payload import duplicate_keys

__all__ = ["FieldMeaning", "RowPrices", "UnclearPriceError", "field_meaning", "read_prices"]

_MAX_REQUEST_TOKENS = 100_000_000

_TOKEN_BASES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "input_cost_per_token_cache_hit": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_audio_token": "output_audio",
    "input_cost_per_image_token": "input_image",
    "output_cost_per_image_token": "output_image",
}
_OTHER_BASES = {
    "output_cost_per_image": "image",
    "input_cost_per_image": "image",
    "output_cost_per_pixel": "pixel",
    "input_cost_per_pixel": "pixel",
    "cost_per_second": "second",
    "input_cost_per_second": "second",
    "output_cost_per_second": "second",
    "input_cost_per_audio_per_second": "second",
    "output_cost_per_video_per_second": "video_second",
    "input_cost_per_video_per_second": "video_second",
    "input_cost_per_character": "character",
    "output_cost_per_character": "character",
    "ocr_cost_per_page": "page",
    "input_cost_per_query": "query",
    "input_cost_per_request": "request",
}
# Where two names give one unit, the earlier one is the price and the later one mostly 0.
_RANK = {base: rank for rank, base in enumerate([*_TOKEN_BASES, *_OTHER_BASES])}
_LEVELS = {"_batches": "batch", "_priority": "priority", "_flex": "flex"}
_ABOVE = re.compile(r"_above_(\d{1,6})k_tokens")
_HOUR = "_above_1hr"
_PRICE_FIELD = re.compile(r"(?:^|_)cost(?:_|$)")


@dataclass(frozen=True, slots=True)
class FieldMeaning:
    """The meaning of a field name: unit, request size above which it applies, and its rank among
    synonyms."""

    unit: str
    above_tokens: int
    rank: int
    per_token: bool


@dataclass(frozen=True, slots=True)
class RowPrices:
    """The prices of one row. `said` is the fields as published, in text; `unmapped` the price
    fields left out."""

    lines: tuple[PriceLine, ...]
    said: dict[str, str]
    unmapped: tuple[str, ...]


@lru_cache(maxsize=4096)
def field_meaning(field: str) -> FieldMeaning | None:
    """Return the meaning of a field name; None if it is not a price of a supported unit."""
    base, level, above, hour = field, "", 0, False
    while base not in _RANK:
        suffix = next((suffix for suffix in _LEVELS if base.endswith(suffix)), None)
        if suffix and not level:
            base, level = base.removesuffix(suffix), _LEVELS[suffix]
        elif base.endswith(_HOUR) and not hour:
            base, hour = base.removesuffix(_HOUR), True
        elif (sized := _ABOVE.search(base)) and sized.end() == len(base) and not above:
            base, above = base[: sized.start()], int(sized[1]) * 1000
        else:
            return None
    unit = _TOKEN_BASES.get(base) or _OTHER_BASES[base]
    if level:
        if unit not in {"input", "output"} or hour:
            return None
        unit = f"{unit}_{level}"
    if hour:
        if unit != "cache_write":
            return None
        unit = "cache_write_1h"
    return FieldMeaning(unit, above, _RANK[base], base in _TOKEN_BASES)


def read_prices(raw: dict[str, Any]) -> RowPrices:
    """Parse all price lines of a row, sorted; none for a row whose prices are all 0.

    0 means free, unknown or billed otherwise, and the feed does not say which: it is not read as a
    price. Raises UnclearPriceError if any relevant field is not a number, negative, not finite,
    duplicated, or so large or small that the unit must be wrong."""
    found: dict[tuple[str, int], tuple[int, Decimal]] = {}
    said: dict[str, str] = {}
    unmapped: list[str] = []
    films = raw.get("mode") == "video_generation"
    doubled = duplicate_keys(raw)
    for field, value in raw.items():
        known = field_meaning(field)
        if known is None:
            if _PRICE_FIELD.search(field):
                unmapped.append(field)
            continue
        if value is None:
            continue
        if field in doubled:
            raise UnclearPriceError(
                f"The row contains the price {field} twice. The prices of the row are not used."
            )
        # A video model is paid by the second of film it makes.
        unit = "video_second" if films and known.unit == "second" else known.unit
        said[field] = str(value)[:40]
        _add_price(found, unit, known.above_tokens, known, _amount(field, value, known))
    for field, value in _off_peak(raw).items():
        known = field_meaning(field)
        unit = f"{known.unit}_off_peak" if known else ""
        if known is None or unit not in PRICE_UNITS or known.above_tokens or value is None:
            continue
        said[f"{field} off peak"] = str(value)[:40]
        _add_price(found, unit, 0, known, _amount(f"{field} off peak", value, known))
    for start, tier in _tiers(raw.get("tiered_pricing")):
        for field, value in tier.items():
            known = field_meaning(field)
            if known is None or value is None or known.above_tokens:
                continue
            said[f"{field} from {start}"] = str(value)[:40]
            # Fields of the row itself come first where both give the base price.
            ranked = FieldMeaning(known.unit, start, known.rank + len(_RANK), known.per_token)
            _add_price(found, known.unit, start, ranked, _amount(field, value, known))
    lines = sorted(PriceLine(unit, amount, above) for (unit, above), (_, amount) in found.items())
    return RowPrices(tuple(lines), said, tuple(unmapped))


def _off_peak(raw: dict[str, Any]) -> dict[str, Any]:
    """The fields of `off_peak_pricing`: what the cheap hours cost; when those are is not kept."""
    fields = raw.get("off_peak_pricing")
    return fields if isinstance(fields, dict) else {}


def _add_price(
    found: dict[tuple[str, int], tuple[int, Decimal]],
    unit: str,
    above: int,
    known: FieldMeaning,
    amount: Decimal,
) -> None:
    standing = found.get((unit, above))
    if amount > 0 and (standing is None or known.rank < standing[0]):
        found[unit, above] = known.rank, amount


def _amount(field: str, value: object, known: FieldMeaning) -> Decimal:
    return per_million(field, value, per="token" if known.per_token else "unit")


def _tiers(value: object) -> list[tuple[int, dict[str, Any]]]:
    """(first token above which it holds, fields) of `tiered_pricing`; the first tier starts at
    0."""
    if value is None:
        return []
    tiers: list[tuple[int, dict[str, Any]]] = []
    for tier in value if isinstance(value, list) else [value]:
        span = tier.get("range") if isinstance(tier, dict) else None
        start = span[0] if isinstance(span, list) and span else None
        if not isinstance(tier, dict) or not _is_size(start):
            raise UnclearPriceError(
                "The price tiers cannot be read. The prices of the row are not used."
            )
        tiers.append((int(start), tier))
    return tiers


def _is_size(value: object) -> TypeGuard[int | Decimal]:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    return Decimal(value).is_finite() and 0 <= value <= _MAX_REQUEST_TOKENS
