"""OpenRouter parser, `/api/v1/models`: what the router serves, at which prices, and when it stops.

`{"data": [row, ...], "total_count": 421, "links": {"next": null}}`. A row's `id` is `vendor/model`,
with a variant after a colon (`:free`, `:batch`) or a tilde before it if it is an alias that moves
to newer versions. Prices are decimal strings in USD per token; -1 means "that of the model routed
to".

If a price depends on the time of day, the row's own price is that at the time of the poll and the
times are in `overrides`. Then only the overrides count: whenever the same schedule is polled, the
result is the same."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import (
    FIRM,
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
    RejectedRow,
)
from apps.feeds.parsers.amounts import Per, UnclearPriceError, per_million
from apps.feeds.parsers.dates import UnclearDateError, read_iso_day
from apps.feeds.parsers.openrouter_capabilities import read_capabilities
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    InvalidPayloadError,
    ParsedRows,
    duplicate_keys,
    host_of,
    is_storable,
    load_json,
    quote,
    rejected_row,
    safe_url,
    text_of,
)

URL = "https://openrouter.ai/api/v1/models"

_HOST = "openrouter"
# seconds since 1970 in the year 2100
_MAX_CREATED = 4_102_444_800
_SITE = "https://openrouter.ai/"

# Left out: `image` and `image_output`, which are per image in some rows and per token in others,
# unmarked.
_UNITS: dict[str, tuple[str, Per]] = {
    "prompt": ("input", "token"),
    "completion": ("output", "token"),
    "input_cache_read": ("cache_read", "token"),
    "input_cache_write": ("cache_write", "token"),
    "input_cache_write_1h": ("cache_write_1h", "token"),
    "internal_reasoning": ("reasoning", "token"),
    "audio": ("input_audio", "token"),
    "audio_output": ("output_audio", "token"),
    "input_audio_cache": ("cache_read_audio", "token"),
    "web_search": ("web_search", "unit"),
}
_OFF_PEAK = frozenset({"input", "output", "cache_read", "cache_write"})
_CONDITIONS = frozenset({"min_prompt_tokens", "utc_start", "utc_end"})
_DECIMAL = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,3})?")
_ROUTED = Decimal(-1)
_MAX_REQUEST_TOKENS = 100_000_000
_MAX_OVERRIDES_QUOTED = 12

# Placeholders such as 2098-12-31 and 9999-01-01 for "no retirement": any date from 2090 on.
_FAR_DATE = re.compile(r"(?:209|2[1-9][0-9]|[3-9][0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}")

_CATEGORIES = {
    "text": "chat",
    "image": "image_generation",
    "video": "video_generation",
    "audio": "audio_speech",
    "speech": "audio_speech",
    "embeddings": "embedding",
    "rerank": "rerank",
}

type Key = tuple[str, int]  # unit, size of request above which the price holds


def parse(body: bytes) -> ParsedFeed:
    """Parse the model list into rows, each with both topics; one is None if its value is not
    plausible.

    Raises InvalidPayloadError if the body is not such a list, or only one page of it: rows on
    another page must not be taken for removed."""
    models = _list_models(load_json(body))
    collector = ParsedRows.empty()
    # If the field were renamed, all dates would seem withdrawn. Without the field in any row, the
    # rows make no claims about the lifecycle.
    has_dates = any(isinstance(raw, dict) and "expiration_date" in raw for raw in models)
    for external_id, copies in _index_by_id(models, collector).items():
        parsed_copies = [_parse_row(external_id, raw, has_dates=has_dates) for raw in copies]
        row, rejects = parsed_copies[0]
        if any(other_row != row for other_row, _ in parsed_copies[1:]):
            reason = f"The feed contains the row {len(copies)} times with different content."
            collector.rejects.append(rejected_row(external_id, reason, copies[0]))
            continue
        collector.rows.append(row)
        collector.rejects.extend(rejects)
    collector.host_names[_HOST] = host_of(_HOST)[1]
    return collector.done()


def _list_models(document: Any) -> list[Any]:
    """Return the models of the document. Raises InvalidPayloadError for an error message, or for
    one page of a longer list."""
    models = document.get("data") if isinstance(document, dict) else None
    if not isinstance(models, list) or not models or "data" in duplicate_keys(document):
        error = document.get("error") if isinstance(document, dict) else None
        message = text_of(error.get("message"), 100) if isinstance(error, dict) else ""
        raise InvalidPayloadError(
            f"OpenRouter returned an error: {message}. The next poll tries again."
            if message
            else 'The OpenRouter list must be one JSON object with its models under "data". Check '
            "the URL."
        )
    links = document.get("links")
    if isinstance(links, dict) and links.get("next"):
        raise InvalidPayloadError(
            f"The OpenRouter list is split into pages and this is one of them ({len(models)} "
            "models). Nothing was read, because models of the other pages would seem to be "
            "removed. Update the registry."
        )
    return models


def _index_by_id(models: list[Any], collector: ParsedRows) -> dict[str, list[dict[str, Any]]]:
    """Index rows by `id`; those without are quarantined under their place in the list."""
    rows_by_id: dict[str, list[dict[str, Any]]] = {}
    for index, raw in enumerate(models):
        name = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(name, str) or not is_storable(name) or len(name) > MAX_API_ID_LENGTH:
            reason = (
                "The row has no ID, or an ID that is too long or contains unprintable characters."
            )
            collector.rejects.append(rejected_row(f"row {index}", reason, raw))
        elif duplicate_keys(raw):
            keys = ", ".join(sorted(duplicate_keys(raw)))
            collector.rejects.append(
                rejected_row(name, f"The row contains {keys} twice with different values.", raw)
            )
        else:
            rows_by_id.setdefault(name, []).append(raw)
    return rows_by_id


def _parse_row(
    external_id: str, raw: dict[str, Any], *, has_dates: bool
) -> tuple[FeedRow, list[RejectedRow]]:
    """Parse a row; return it with its quarantined parts. `has_dates`: the feed has its field of
    dates, so that a row without one has no date."""
    rejects: list[RejectedRow] = []
    excerpt: dict[str, Any] = {
        key: text_of(raw[key], 300)
        for key in ("expiration_date", "hugging_face_id")
        if text_of(raw.get(key), 300)
    }
    name = text_of(raw.get("name"), 300)
    prices = _parse_prices(external_id, raw, rejects, excerpt)
    row = FeedRow(
        external_id=external_id,
        group=group_of(external_id),
        host=_HOST,
        api_id=external_id.strip(),
        # "OpenAI: GPT-5.6 Sol": the ID contains the vendor already.
        name=name.partition(": ")[2] or name,
        category=_derive_category(raw.get("architecture")),
        lifecycle=_parse_lifecycle(external_id, raw, rejects) if has_dates else None,
        prices=prices,
        alias_of=_parse_alias(external_id, raw, rejects, excerpt),
        # For open weights the router states the price of the host that is cheapest at the moment.
        price_is_offer=bool(text_of(raw.get("hugging_face_id"), 300)),
        source_url=safe_url(_SITE + external_id.strip().partition(":")[0]),
        excerpt=excerpt,
        released_on=_parse_created(raw.get("created")),
        capabilities=read_capabilities(raw, prices),
    )
    return row, rejects


def _parse_created(value: object) -> date | None:
    """Return the day on which the router listed the model, from seconds since 1970; None if it
    cannot be parsed."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _MAX_CREATED:
        return None
    return datetime.fromtimestamp(value, tz=UTC).date()


def group_of(name: str) -> str:
    """Return the group of rows that fail together: a variant (":batch"), the aliases ("~"),
    otherwise the vendor."""
    if name.startswith("~"):
        return "~"
    stem, colon, variant = name.partition(":")
    return f":{variant}"[:100] if colon else stem.partition("/")[0][:100]


def _derive_category(architecture: object) -> str:
    """Derive the category from the first output modality: an image model that also writes text
    lists "image" before "text"."""
    outputs = architecture.get("output_modalities") if isinstance(architecture, dict) else None
    first_output = outputs[0] if isinstance(outputs, list) and outputs else None
    return _CATEGORIES.get(first_output, "") if isinstance(first_output, str) else ""


def _parse_lifecycle(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> LifecycleClaim | None:
    expiration = raw.get("expiration_date")
    if isinstance(expiration, str) and _FAR_DATE.fullmatch(expiration):
        return LifecycleClaim()
    try:
        retires_on = read_iso_day(expiration)
    except UnclearDateError as error:
        rejects.append(rejected_row(external_id, str(error), raw))
        return None
    return LifecycleClaim(retires_on=retires_on, date_kind=FIRM if retires_on else "")


def _parse_alias(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow], excerpt: dict[str, Any]
) -> str:
    """Return the ID of the row that this one is an alias of, and add it to `excerpt`; "" if there
    is none or it is invalid, which is quarantined."""
    target = raw.get("alias_target")
    if target is None:
        return ""
    slug = target.get("slug") if isinstance(target, dict) else None
    if (
        not isinstance(slug, str)
        or not is_storable(slug)
        or slug == external_id
        or len(slug) > MAX_API_ID_LENGTH
    ):
        rejects.append(
            rejected_row(
                external_id,
                f"The row is an alias of {quote(slug)}, which is not a row of this feed.",
                raw,
            )
        )
        return ""
    excerpt["alias_target"] = slug
    return slug


# --- prices ---------------------------------------------------------------------------------------


def _parse_prices(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow], excerpt: dict[str, Any]
) -> tuple[PriceLine, ...] | None:
    pricing = raw.get("pricing")
    if not isinstance(pricing, dict):
        rejects.append(rejected_row(external_id, "The row has no price list.", raw))
        return None
    try:
        lines = price_lines(pricing, free=external_id.endswith(":free"))
    except UnclearPriceError as error:
        rejects.append(rejected_row(external_id, str(error), pricing))
        return None
    excerpt["pricing"] = _quote_pricing(pricing)
    return lines


def price_lines(pricing: dict[str, Any], *, free: bool = False) -> tuple[PriceLine, ...]:
    """Return the price lines of a row's `pricing`, sorted.

    A 0 means "free" for prompt and completion if both are 0 or the row is a `free` variant; any
    other 0 is not a price. Raises UnclearPriceError if a relevant field or override is not
    plausible."""
    base = dict(_read_amounts(pricing, ""))
    free = free or (base.get("input") == 0 and base.get("output") == 0)
    tiers, hours = _read_overrides(pricing.get("overrides"))
    amount_by_key: dict[Key, Decimal] = {
        (unit, 0): amount
        for unit, amount in base.items()
        if amount or (free and unit in {"input", "output"})
    }
    amount_by_key |= tiers
    for (unit, above), amounts in hours.items():
        # The row's own price is ignored: it depends on the hour of the poll, so the same schedule
        # would result in different prices at different hours.
        amount_by_key[unit, above] = max(amounts)
        if min(amounts) < max(amounts) and unit in _OFF_PEAK:
            amount_by_key[f"{unit}_off_peak", above] = min(amounts)
    return tuple(
        sorted(PriceLine(unit, amount, above) for (unit, above), amount in amount_by_key.items())
    )


def _read_amounts(fields: dict[str, Any], suffix: str) -> Iterator[tuple[str, Decimal]]:
    """Yield (unit, USD per million) of the supported fields, without prices that are those of the
    routed model. `suffix` describes their condition in messages."""
    for field, (unit, per) in _UNITS.items():
        value = fields.get(field)
        if value is None:
            continue
        if field in duplicate_keys(fields):
            raise UnclearPriceError(
                f"The row contains the price {field}{suffix} twice. The prices of the row are not "
                "used."
            )
        usd = Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value
        if usd != _ROUTED:
            yield unit, per_million(f"{field}{suffix}", usd, per=per)


def _read_overrides(value: object) -> tuple[dict[Key, Decimal], dict[Key, set[Decimal]]]:
    """Return ({(unit, size): price above that request size}, {(unit, size): prices at the hours of
    the day}); a price of 0 is left out.

    An override under an unknown condition is left out."""
    tiers: dict[Key, Decimal] = {}
    hours: dict[Key, set[Decimal]] = {}
    for override in _check_overrides(value):
        by_hour = "utc_start" in override or "utc_end" in override
        if not by_hour and (
            "min_prompt_tokens" not in override or _has_unknown_condition(override)
        ):
            continue
        above = (
            _read_threshold(override["min_prompt_tokens"]) if "min_prompt_tokens" in override else 0
        )
        suffix = f" above {above} tokens" if above else " of some hours"
        for unit, amount in _read_amounts(override, suffix):
            if by_hour and amount:
                hours.setdefault((unit, above), set()).add(amount)
            elif amount and tiers.setdefault((unit, above), amount) != amount:
                raise UnclearPriceError(
                    f"The row has two prices of {unit}{suffix}. The prices of the row are not used."
                )
    return tiers, hours


def _check_overrides(value: object) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(override, dict) for override in value):
        raise UnclearPriceError(
            "The price overrides cannot be read. The prices of the row are not used."
        )
    return value


def _has_unknown_condition(override: dict[str, Any]) -> bool:
    # Prices are text; any other value is a condition of the override.
    return any(
        key not in _CONDITIONS and not isinstance(value, str) for key, value in override.items()
    )


def _read_threshold(value: object) -> int:
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


def _quote_pricing(pricing: dict[str, Any]) -> dict[str, Any]:
    """Return the price list as published, as text."""
    quoted: dict[str, Any] = {
        field: _format_value(pricing[field]) for field in _UNITS if pricing.get(field) is not None
    }
    if overrides := _check_overrides(pricing.get("overrides"))[:_MAX_OVERRIDES_QUOTED]:
        fields = (*_UNITS, *sorted(_CONDITIONS))
        quoted["overrides"] = [
            {field: _format_value(override[field]) for field in fields if field in override}
            for override in overrides
        ]
    return quoted


def _format_value(value: object) -> str:
    return text_of(str(value), 40)
