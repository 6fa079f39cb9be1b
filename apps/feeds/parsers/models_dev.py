"""models.dev parser, `/api.json`: which provider serves which model, at which prices.

`{provider id: {"name", "doc", "models": {model id: {...}}}}`, in no order. Prices are USD per
million tokens. A model may be flagged deprecated; there are no dates."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import (
    PRICE_UNITS,
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
    RejectedRow,
)
from apps.catalog.identity.hosts import host_slug
from apps.feeds.parsers.amounts import UnclearPriceError, per_million
from apps.feeds.parsers.dates import UnclearDateError, read_iso_day
from apps.feeds.parsers.models_dev_capabilities import read_capabilities
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    MAX_EXTERNAL_ID_LENGTH,
    MAX_REGION_LENGTH,
    MAX_TIER_LENGTH,
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
    without_duplicates,
)

URL = "https://models.dev/api.json"

_STATUSES = {"": "", "alpha": "preview", "beta": "preview", "deprecated": "deprecated"}
_MAX_PROVIDER_LENGTH = 100

# Providers that the host table combines although they are separate endpoints with different lists:
# the endpoint becomes the tier, so that two rows of one ID stay two offerings.
_ENDPOINTS = {
    "azure-cognitive-services": "cognitive-services",
    "google-vertex-anthropic": "anthropic",
    "kimi-for-coding": "kimi-for-coding",
    "stepfun-ai": "step-plan",
    # Zhipu's site in China, as opposed to Z.AI.
    "zhipuai": "bigmodel",
}
_PLAN = re.compile(r"\A(?P<before>.+)-(?P<plan>coding-plan|token-plan)(?:-(?P<region>[a-z]{2,5}))?")
_CHINA = "-cn"

_UNITS = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "reasoning": "reasoning",
    "input_audio": "input_audio",
    "output_audio": "output_audio",
}
_LEVELS = frozenset({"priority", "flex"})
_LEGACY_THRESHOLD = 200_000
_MAX_REQUEST_TOKENS = 100_000_000
_MAX_TIERS_QUOTED = 12

type Key = tuple[str, int]  # unit, size of request above which the price holds


def parse(body: bytes) -> ParsedFeed:
    """Parse the rows of all providers, each with both topics; one is None if its value is not
    plausible.

    A provider that cannot be read is quarantined whole. Raises InvalidPayloadError if the body is
    not such a document."""
    document = load_json(body)
    if not isinstance(document, dict) or not document:
        raise InvalidPayloadError(
            "models.dev must be one JSON object with one entry per provider. Check the URL."
        )
    collector = ParsedRows.empty()
    duplicates = duplicate_keys(document)
    for provider_id, provider in document.items():
        reason = _find_provider_error(provider_id, provider)
        if provider_id in duplicates:
            reason = "The feed contains the provider twice with different content."
        if reason:
            collector.rejects.append(rejected_row(provider_id, reason, provider))
            continue
        _read_provider(provider_id, provider, collector)
    return collector.done()


def _find_provider_error(provider_id: str, provider: object) -> str:
    """Return the reason why a provider of the document cannot be read, as a sentence; "" if it
    can."""
    if (
        not is_storable(provider_id)
        or len(provider_id) > _MAX_PROVIDER_LENGTH
        or not host_of(provider_id)[0]
    ):
        return "The ID of the provider is empty, too long or contains unprintable characters."
    if "/" in provider_id:
        return (
            "The ID of the provider contains a slash, so its rows could be confused with those "
            "of another provider."
        )
    if not isinstance(provider, dict) or not isinstance(provider.get("models"), dict):
        return "The provider has no readable models."
    return (
        "The provider contains its list of models twice with different values."
        if "models" in duplicate_keys(provider)
        else ""
    )


def _read_provider(provider_id: str, provider: dict[str, Any], collector: ParsedRows) -> None:
    """Add the models of a readable provider to `collector`: its rows, or the reason why a row is
    quarantined, and the name of the host."""
    host, host_name = host_of(provider_id)
    region, tier = endpoint_of(provider_id)
    page = safe_url(provider.get("doc"))
    duplicates = duplicate_keys(provider["models"])
    for model_id, raw in provider["models"].items():
        external_id = f"{provider_id}/{model_id}"
        reason = "" if isinstance(raw, dict) else "The row is not an object."
        if model_id in duplicates:
            reason = "The feed contains the row twice with different content."
        if (
            not is_storable(model_id)
            or len(model_id) > MAX_API_ID_LENGTH
            or len(external_id) > MAX_EXTERNAL_ID_LENGTH
        ):
            reason = "The ID of the model is empty, too long or contains unprintable characters."
        if reason:
            collector.rejects.append(rejected_row(external_id, reason, raw))
            continue
        prices = _parse_prices(external_id, raw, collector.rejects)
        collector.rows.append(
            FeedRow(
                external_id=external_id,
                group=provider_id,
                host=host,
                # The key, not the row's own "id": only the key is unique in any case.
                api_id=model_id.strip(),
                region=region,
                tier=tier,
                name=text_of(raw.get("name"), 300),
                category=_derive_category(model_id, raw),
                lifecycle=_parse_lifecycle(external_id, raw, collector.rejects),
                prices=prices,
                source_url=page,
                excerpt=_build_excerpt(raw),
                released_on=_parse_release_day(raw),
                capabilities=read_capabilities(without_duplicates(raw), prices),
            )
        )
        is_known_host = host_slug(provider_id) is not None
        collector.host_names.setdefault(
            host, host_name if is_known_host else text_of(provider.get("name"), 100) or host_name
        )


def _parse_release_day(raw: dict[str, Any]) -> date | None:
    """Return the release day; None if the row states a month or nothing that can be parsed."""
    try:
        return read_iso_day(raw.get("release_date"))
    except UnclearDateError:
        return None


def endpoint_of(provider_id: str) -> tuple[str, str]:
    """Return (region, tier) of a provider ID: (`cn`, `coding-plan`) of `minimax-cn-coding-plan`,
    (``, ``) of most."""
    if host_of(provider_id)[0] == provider_id:
        return "", ""
    region, plan = "", ""
    if match := _PLAN.fullmatch(provider_id):
        provider_id, plan, region = match["before"], match["plan"], match["region"] or ""
    if provider_id.endswith(_CHINA):
        provider_id, region = provider_id.removesuffix(_CHINA), "cn"
    tier = "/".join(name for name in (_ENDPOINTS.get(provider_id, ""), plan) if name)
    return region[:MAX_REGION_LENGTH], tier[:MAX_TIER_LENGTH]


def _derive_category(model_id: str, raw: dict[str, Any]) -> str:
    """Return the category of a model by its input and output modalities and, for text, by its name;
    "" if they are no known combination."""
    modalities = raw.get("modalities")
    modalities = modalities if isinstance(modalities, dict) else {}
    inputs, outputs = modalities.get("input"), modalities.get("output")
    if outputs == ["text"]:
        kind = f"{text_of(raw.get('family'), 100)} {model_id}".lower()
        if "embed" in kind:
            return "embedding"
        if "rerank" in kind:
            return "rerank"
        return "audio_transcription" if inputs == ["audio"] else "chat"
    if outputs == ["image"]:
        return "image_generation"
    if outputs == ["video"]:
        return "video_generation"
    return "audio_speech" if outputs == ["audio"] else ""


def _parse_lifecycle(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> LifecycleClaim | None:
    """Return the lifecycle status of a row; None if it is unknown or ambiguous, which quarantines
    it."""
    raw_status = raw.get("status", "")
    status = _STATUSES.get(raw_status.strip().lower()) if isinstance(raw_status, str) else None
    if raw_status is None:
        status = ""
    if status is None or "status" in duplicate_keys(raw):
        rejects.append(
            rejected_row(
                external_id, f"The status {quote(raw_status)} is unknown or ambiguous.", raw
            )
        )
        return None
    return LifecycleClaim(status=status)


# --- prices ---------------------------------------------------------------------------------------


def _parse_prices(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> tuple[PriceLine, ...] | None:
    """Return the price lines of a row; None if the prices are unreadable, which quarantines
    them."""
    if "cost" in duplicate_keys(raw):
        rejects.append(
            rejected_row(
                external_id,
                "The row contains its prices twice with different values. The prices of the "
                "row are not used.",
                raw,
            )
        )
        return None
    try:
        return price_lines(raw.get("cost"), raw.get("experimental"))
    except UnclearPriceError as error:
        rejects.append(rejected_row(external_id, str(error), raw))
        return None


def price_lines(cost: object, experimental: object = None) -> tuple[PriceLine, ...]:
    """Return the price lines of a row's `cost`, sorted; none for a row whose input and output are
    both 0 or absent.

    0 means a subscription, a free tier or a missing price, and the feed does not say which: it is
    not read as a price. Raises UnclearPriceError if a relevant field is not plausible."""
    if cost is None:
        return ()
    if not isinstance(cost, dict):
        raise UnclearPriceError("The prices cannot be read. The prices of the row are not used.")
    base = _read_amounts(cost, "")
    if "input" not in base and "output" not in base:
        return ()
    amounts: dict[Key, Decimal] = {(unit, 0): amount for unit, amount in base.items()}
    for above, tier in _read_tiers(cost):
        for unit, amount in _read_amounts(tier, f" above {above} tokens").items():
            if amounts.setdefault((unit, above), amount) != amount:
                raise UnclearPriceError(
                    f"The row has two prices of {unit} above {above} tokens. The prices of the "
                    "row are not used."
                )
    for level, fields in _read_levels(experimental):
        for unit, amount in _read_amounts(fields, f" ({level})").items():
            if f"{unit}_{level}" in PRICE_UNITS:
                amounts.setdefault((f"{unit}_{level}", 0), amount)
    return tuple(
        sorted(PriceLine(unit, amount, above) for (unit, above), amount in amounts.items())
    )


def _read_amounts(fields: dict[str, Any], suffix: str) -> dict[str, Decimal]:
    """Return {unit: USD per million} of the fields that are not 0. `suffix` describes their
    condition in messages."""
    amounts = {}
    for field, unit in _UNITS.items():
        value = fields.get(field)
        if value is None:
            continue
        if field in duplicate_keys(fields):
            raise UnclearPriceError(
                f"The row contains the price {field}{suffix} twice. The prices of the row are not "
                "used."
            )
        if amount := per_million(f"{field}{suffix}", value, per="million"):
            amounts[unit] = amount
    return amounts


def _read_tiers(cost: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return (request size in tokens above which it applies, fields) of each tier.

    `context_over_200k` repeats a tier, possibly one with another threshold, so it is used only if
    there are no `tiers`."""
    raw_tiers = cost.get("tiers")
    if not raw_tiers:
        legacy = cost.get("context_over_200k")
        raw_tiers = [] if legacy is None else [legacy]
        if not all(isinstance(fields, dict) for fields in raw_tiers):
            raise UnclearPriceError(
                "The prices above 200000 tokens cannot be read. The prices of the row are not used."
            )
        return [(_LEGACY_THRESHOLD, fields) for fields in raw_tiers]
    tiers = []
    for fields in raw_tiers if isinstance(raw_tiers, list) else [raw_tiers]:
        bounds = fields.get("tier") if isinstance(fields, dict) else None
        if not isinstance(bounds, dict):
            raise UnclearPriceError(
                "The price tiers cannot be read. The prices of the row are not used."
            )
        if bounds.get("type") == "context":
            tiers.append((_read_threshold(bounds.get("size")), fields))
    return tiers


def _read_threshold(value: object) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not 0 < value <= _MAX_REQUEST_TOKENS
    ):
        raise UnclearPriceError(
            f"The price threshold {quote(value)} is not a number of tokens. The prices of the "
            "row are not used."
        )
    return value


def _read_levels(experimental: object) -> list[tuple[str, dict[str, Any]]]:
    """Return (service level, fields) of the modes that are sold as a service level.

    A "fast" mode is OpenAI's priority processing if the request selects that level. Elsewhere it is
    a separate mode without a unit in the catalogue."""
    modes = experimental.get("modes") if isinstance(experimental, dict) else None
    levels = []
    for mode in modes.values() if isinstance(modes, dict) else ():
        provider = mode.get("provider") if isinstance(mode, dict) else None
        call = provider.get("body") if isinstance(provider, dict) else None
        level = call.get("service_tier") if isinstance(call, dict) else None
        if isinstance(level, str) and level in _LEVELS and isinstance(mode.get("cost"), dict):
            levels.append((level, mode["cost"]))
    return levels


def _build_excerpt(raw: dict[str, Any]) -> dict[str, Any]:
    """Return status and prices as published, as text."""
    excerpt: dict[str, Any] = (
        {"status": text_of(raw["status"], 40)} if text_of(raw.get("status"), 40) else {}
    )
    cost = raw.get("cost")
    if isinstance(cost, dict):
        excerpt["cost"] = _quote_prices(cost)
        tiers, legacy = cost.get("tiers"), cost.get("context_over_200k")
        if isinstance(tiers, list) and tiers:
            excerpt["cost"]["tiers"] = [
                {**_quote_prices(fields), "above": _format_value(fields["tier"].get("size"))}
                for fields in tiers[:_MAX_TIERS_QUOTED]
                if isinstance(fields, dict) and isinstance(fields.get("tier"), dict)
            ]
        elif isinstance(legacy, dict):
            excerpt["cost"]["context_over_200k"] = _quote_prices(legacy)
        for level, fields in _read_levels(raw.get("experimental")):
            excerpt["cost"].setdefault(level, _quote_prices(fields))
    return excerpt


def _quote_prices(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        field: _format_value(fields[field]) for field in _UNITS if fields.get(field) is not None
    }


def _format_value(value: object) -> str:
    return text_of(str(value), 40)
