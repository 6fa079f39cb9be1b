"""models.dev parser, `/api.json`: which provider serves which model, at which prices.

`{provider id: {"name", "doc", "models": {model id: {...}}}}`, in no order. Prices are USD per
million tokens. A model may be flagged deprecated; there are no dates."""

import re
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import (
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
    RejectedRow,
)
from apps.catalog.identity.hosts import host_slug
from apps.feeds.parsers.amounts import UnclearPriceError, per_million
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
)

URL = "https://models.dev/api.json"

_STATUSES = {"": "", "alpha": "preview", "beta": "preview", "deprecated": "deprecated"}
_MAX_PROVIDER_LENGTH = 100

# Providers that the host table joins although they are separate doors with their own lists: the
# door becomes the tier, so that two rows of one id stay two offerings.
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
    harvest = ParsedRows.empty()
    doubled = duplicate_keys(document)
    for provider_id, provider in document.items():
        reason = _unreadable(provider_id, provider)
        if provider_id in doubled:
            reason = "The feed contains the provider twice with different content."
        if reason:
            harvest.rejects.append(rejected_row(provider_id, reason, provider))
            continue
        _read_provider(provider_id, provider, harvest)
    return harvest.done()


def _unreadable(provider_id: str, provider: object) -> str:
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


def _read_provider(provider_id: str, provider: dict[str, Any], harvest: ParsedRows) -> None:
    host, host_name = host_of(provider_id)
    region, tier = endpoint_of(provider_id)
    page = safe_url(provider.get("doc"))
    doubled = duplicate_keys(provider["models"])
    for model_id, raw in provider["models"].items():
        external_id = f"{provider_id}/{model_id}"
        reason = "" if isinstance(raw, dict) else "The row is not an object."
        if model_id in doubled:
            reason = "The feed contains the row twice with different content."
        if (
            not is_storable(model_id)
            or len(model_id) > MAX_API_ID_LENGTH
            or len(external_id) > MAX_EXTERNAL_ID_LENGTH
        ):
            reason = "The ID of the model is empty, too long or contains unprintable characters."
        if reason:
            harvest.rejects.append(rejected_row(external_id, reason, raw))
            continue
        harvest.rows.append(
            FeedRow(
                external_id=external_id,
                group=provider_id,
                host=host,
                # The key, not the row's own "id": only the key is sure to be unique.
                api_id=model_id.strip(),
                region=region,
                tier=tier,
                name=text_of(raw.get("name"), 300),
                category=_category(model_id, raw),
                lifecycle=_lifecycle(external_id, raw, harvest.rejects),
                prices=_prices(external_id, raw, harvest.rejects),
                source_url=page,
                excerpt=_excerpt(raw),
            )
        )
        known = host_slug(provider_id) is not None
        harvest.host_names.setdefault(
            host, host_name if known else text_of(provider.get("name"), 100) or host_name
        )


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
    tier = "/".join(part for part in (_ENDPOINTS.get(provider_id, ""), plan) if part)
    return region[:MAX_REGION_LENGTH], tier[:MAX_TIER_LENGTH]


def _category(model_id: str, raw: dict[str, Any]) -> str:
    modalities = raw.get("modalities")
    modalities = modalities if isinstance(modalities, dict) else {}
    takes, gives = modalities.get("input"), modalities.get("output")
    if gives == ["text"]:
        kind = f"{text_of(raw.get('family'), 100)} {model_id}".lower()
        if "embed" in kind:
            return "embedding"
        if "rerank" in kind:
            return "rerank"
        return "audio_transcription" if takes == ["audio"] else "chat"
    if gives == ["image"]:
        return "image_generation"
    if gives == ["video"]:
        return "video_generation"
    return "audio_speech" if gives == ["audio"] else ""


def _lifecycle(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> LifecycleClaim | None:
    said = raw.get("status", "")
    status = _STATUSES.get(said.strip().lower()) if isinstance(said, str) else None
    if said is None:
        status = ""
    if status is None or "status" in duplicate_keys(raw):
        rejects.append(
            rejected_row(external_id, f"The status {quote(said)} is unknown or ambiguous.", raw)
        )
        return None
    return LifecycleClaim(status=status)


# --- prices ---------------------------------------------------------------------------------------


def _prices(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> tuple[PriceLine, ...] | None:
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
    except UnclearPriceError as unclear:
        rejects.append(rejected_row(external_id, str(unclear), raw))
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
    base = _amounts(cost, "")
    if "input" not in base and "output" not in base:
        return ()
    found: dict[Key, Decimal] = {(unit, 0): amount for unit, amount in base.items()}
    for above, tier in _tiers(cost):
        for unit, amount in _amounts(tier, f" above {above} tokens").items():
            if found.setdefault((unit, above), amount) != amount:
                raise UnclearPriceError(
                    f"The row has two prices of {unit} above {above} tokens. The prices of the "
                    "row are not used."
                )
    for level, fields in _levels(experimental):
        for unit, amount in _amounts(fields, f" ({level})").items():
            if unit in {"input", "output"}:
                found.setdefault((f"{unit}_{level}", 0), amount)
    return tuple(sorted(PriceLine(unit, amount, above) for (unit, above), amount in found.items()))


def _amounts(fields: dict[str, Any], where: str) -> dict[str, Decimal]:
    """{unit: USD per million} of the fields that are not 0."""
    found = {}
    for field, unit in _UNITS.items():
        value = fields.get(field)
        if value is None:
            continue
        if field in duplicate_keys(fields):
            raise UnclearPriceError(
                f"The row contains the price {field}{where} twice. The prices of the row are not "
                "used."
            )
        if amount := per_million(f"{field}{where}", value, per="million"):
            found[unit] = amount
    return found


def _tiers(cost: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """(size of request above which it holds, fields) of each tier by size.

    `context_over_200k` repeats a tier whose threshold may be another one, so that it counts only
    alone.
    """
    listed = cost.get("tiers")
    if not listed:
        legacy = cost.get("context_over_200k")
        listed = [] if legacy is None else [legacy]
        if not all(isinstance(fields, dict) for fields in listed):
            raise UnclearPriceError(
                "The prices above 200000 tokens cannot be read. The prices of the row are not used."
            )
        return [(_LEGACY_THRESHOLD, fields) for fields in listed]
    tiers = []
    for fields in listed if isinstance(listed, list) else [listed]:
        bounds = fields.get("tier") if isinstance(fields, dict) else None
        if not isinstance(bounds, dict):
            raise UnclearPriceError(
                "The price tiers cannot be read. The prices of the row are not used."
            )
        if bounds.get("type") == "context":
            tiers.append((_size(bounds.get("size")), fields))
    return tiers


def _size(value: object) -> int:
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


def _levels(experimental: object) -> list[tuple[str, dict[str, Any]]]:
    """(service level, fields) of the modes that are sold as one.

    A "fast" mode is OpenAI's priority processing where the call asks for that level. Elsewhere it
    is a mode of its own, which the catalogue has no word for.
    """
    modes = experimental.get("modes") if isinstance(experimental, dict) else None
    found = []
    for mode in modes.values() if isinstance(modes, dict) else ():
        provider = mode.get("provider") if isinstance(mode, dict) else None
        call = provider.get("body") if isinstance(provider, dict) else None
        level = call.get("service_tier") if isinstance(call, dict) else None
        if isinstance(level, str) and level in _LEVELS and isinstance(mode.get("cost"), dict):
            found.append((level, mode["cost"]))
    return found


def _excerpt(raw: dict[str, Any]) -> dict[str, Any]:
    """Status and prices as published, in text."""
    excerpt: dict[str, Any] = (
        {"status": text_of(raw["status"], 40)} if text_of(raw.get("status"), 40) else {}
    )
    cost = raw.get("cost")
    if isinstance(cost, dict):
        excerpt["cost"] = _quoted(cost)
        tiers, legacy = cost.get("tiers"), cost.get("context_over_200k")
        if isinstance(tiers, list) and tiers:
            excerpt["cost"]["tiers"] = [
                {**_quoted(fields), "above": _text(fields["tier"].get("size"))}
                for fields in tiers[:_MAX_TIERS_QUOTED]
                if isinstance(fields, dict) and isinstance(fields.get("tier"), dict)
            ]
        elif isinstance(legacy, dict):
            excerpt["cost"]["context_over_200k"] = _quoted(legacy)
        for level, fields in _levels(raw.get("experimental")):
            excerpt["cost"].setdefault(level, _quoted(fields))
    return excerpt


def _quoted(fields: dict[str, Any]) -> dict[str, Any]:
    return {field: _text(fields[field]) for field in _UNITS if fields.get(field) is not None}


def _text(value: object) -> str:
    return text_of(str(value), 40)
