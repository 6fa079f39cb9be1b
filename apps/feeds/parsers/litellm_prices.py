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
    "input_cost_per_video_token": "input_video",
    "output_cost_per_video_token": "output_video",
    "cache_read_input_audio_token_cost": "cache_read_audio",
    "cache_read_input_image_token_cost": "cache_read_image",
    "cache_creation_input_audio_token_cost": "cache_write_audio",
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
    "search_context_cost_per_query": "web_search",
    "google_maps_grounding_cost_per_query": "map_search",
    "code_interpreter_cost_per_session": "code_session",
}
# Web searches are billed by the context that they add. A request that names no size gets the medium
# one.
_SEARCH_SIZES = {
    "search_context_size_medium": "web_search",
    "search_context_size_low": "web_search_low",
    "search_context_size_high": "web_search_high",
}
# If two fields have the same unit, the earlier one is used; the later one is usually 0.
_RANK = {base: rank for rank, base in enumerate([*_TOKEN_BASES, *_OTHER_BASES])}
_LEVELS = {"_batches": "batch", "_priority": "priority", "_flex": "flex"}
# Units with a price by service level.
_LEVELLED = frozenset({"input", "output", "cache_read", "cache_write"})
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
    """The prices of one row. `published` is {label of the field: its published value as text};
    `unmapped` are price fields without a unit in the catalogue."""

    lines: tuple[PriceLine, ...]
    published: dict[str, str]
    unmapped: tuple[str, ...]


@lru_cache(maxsize=4096)
def field_meaning(field: str) -> FieldMeaning | None:
    """Return the meaning of a field name; None if it is not a price of a supported unit."""
    base, level, above, is_one_hour = field, "", 0, False
    while base not in _RANK:
        suffix = next((suffix for suffix in _LEVELS if base.endswith(suffix)), None)
        if suffix and not level:
            base, level = base.removesuffix(suffix), _LEVELS[suffix]
        elif base.endswith(_HOUR) and not is_one_hour:
            base, is_one_hour = base.removesuffix(_HOUR), True
        elif (match := _ABOVE.search(base)) and match.end() == len(base) and not above:
            base, above = base[: match.start()], int(match[1]) * 1000
        else:
            return None
    unit = _TOKEN_BASES.get(base) or _OTHER_BASES[base]
    if level:
        if unit not in _LEVELLED or is_one_hour:
            return None
        unit = f"{unit}_{level}"
    if is_one_hour:
        if unit != "cache_write":
            return None
        unit = "cache_write_1h"
    return FieldMeaning(unit, above, _RANK[base], base in _TOKEN_BASES)


def read_prices(raw: dict[str, Any]) -> RowPrices:
    """Parse all price lines of a row, sorted; none for a row whose prices are all 0.

    0 means free, unknown or billed otherwise, and the feed does not say which: it is not read as a
    price. Raises UnclearPriceError if any relevant field is not a number, negative, not finite,
    duplicated, or so large or small that the unit must be wrong."""
    ranked_amounts: dict[tuple[str, int], tuple[int, Decimal]] = {}
    published: dict[str, str] = {}
    unmapped: list[str] = []
    is_video = raw.get("mode") == "video_generation"
    duplicates = duplicate_keys(raw)
    for field, value in raw.items():
        meaning = field_meaning(field)
        if meaning is None:
            if _PRICE_FIELD.search(field):
                unmapped.append(field)
            continue
        if value is None:
            continue
        if field in duplicates:
            raise UnclearPriceError(
                f"The row contains the price {field} twice. The prices of the row are not used."
            )
        if meaning.unit == "web_search" and isinstance(value, dict):
            for label, unit, usd in _read_search_sizes(field, value):
                published[label] = str(usd)[:40]
                amount = _normalise_amount(label, usd, meaning)
                _add_price(ranked_amounts, unit, 0, meaning, amount)
            continue
        # A video model is billed per second of generated video.
        unit = "video_second" if is_video and meaning.unit == "second" else meaning.unit
        published[field] = str(value)[:40]
        _add_price(
            ranked_amounts,
            unit,
            meaning.above_tokens,
            meaning,
            _normalise_amount(field, value, meaning),
        )
    for field, value in _read_off_peak_fields(raw).items():
        meaning = field_meaning(field)
        unit = f"{meaning.unit}_off_peak" if meaning else ""
        if meaning is None or unit not in PRICE_UNITS or meaning.above_tokens or value is None:
            continue
        published[f"{field} off peak"] = str(value)[:40]
        _add_price(
            ranked_amounts, unit, 0, meaning, _normalise_amount(f"{field} off peak", value, meaning)
        )
    for start, tier in _read_tiers(raw.get("tiered_pricing")):
        for field, value in tier.items():
            meaning = field_meaning(field)
            if meaning is None or value is None or meaning.above_tokens:
                continue
            published[f"{field} from {start}"] = str(value)[:40]
            # Fields of the row itself take precedence if both contain the base price.
            tier_meaning = FieldMeaning(
                meaning.unit, start, meaning.rank + len(_RANK), meaning.per_token
            )
            _add_price(
                ranked_amounts,
                meaning.unit,
                start,
                tier_meaning,
                _normalise_amount(field, value, meaning),
            )
    lines = sorted(
        PriceLine(unit, amount, above) for (unit, above), (_, amount) in ranked_amounts.items()
    )
    return RowPrices(tuple(lines), published, tuple(unmapped))


def _read_search_sizes(field: str, sizes: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Return (label, unit, USD per search) by size of the context that a search adds; sizes with
    the price of the medium one are left out."""
    medium = sizes.get("search_context_size_medium")
    return [
        (f"{field} {size}", unit, sizes[size])
        for size, unit in _SEARCH_SIZES.items()
        if sizes.get(size) is not None and (unit == "web_search" or sizes[size] != medium)
    ]


def _read_off_peak_fields(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `off_peak_pricing`, the off-peak prices; their hours are not stored."""
    fields = raw.get("off_peak_pricing")
    return fields if isinstance(fields, dict) else {}


def _add_price(
    ranked_amounts: dict[tuple[str, int], tuple[int, Decimal]],
    unit: str,
    above: int,
    meaning: FieldMeaning,
    amount: Decimal,
) -> None:
    current = ranked_amounts.get((unit, above))
    if amount > 0 and (current is None or meaning.rank < current[0]):
        ranked_amounts[unit, above] = meaning.rank, amount


def _normalise_amount(field: str, value: object, meaning: FieldMeaning) -> Decimal:
    return per_million(field, value, per="token" if meaning.per_token else "unit")


def _read_tiers(value: object) -> list[tuple[int, dict[str, Any]]]:
    """Return (request size in tokens above which the tier applies, fields) of each tier of
    `tiered_pricing`; the first tier starts at 0."""
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
