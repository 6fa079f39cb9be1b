"""genai-prices parser: list prices by provider and model, with history, tiers and time-of-day
prices.

One `parse` reads the current file (`new_data/v2`), the frozen first version and the data of the
installed package (apps/feeds/polls/package.py). Prices are parsed in genai_tariffs.py."""

import logging
from collections import Counter
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, LifecycleClaim, ParsedFeed, PriceLine
from apps.catalog.identity.hosts import BY_SLUG
from apps.feeds.parsers import genai_tariffs
from apps.feeds.parsers.amounts import UnclearPriceError
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    MAX_EXTERNAL_ID_LENGTH,
    MAX_TIER_LENGTH,
    InvalidPayloadError,
    ParsedRows,
    duplicate_keys,
    host_of,
    is_storable,
    load_json,
    rejected_row,
    safe_url,
    text_of,
)

log = logging.getLogger(__name__)

URL = "https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json"

# The list of Google covers both of its doors; models of others are served at Vertex AI only.
_MADE_BY_GOOGLE = (
    "gemini",
    "gemma",
    "text-embedding",
    "imagen",
    "veo",
    "learnlm",
    "lyria",
    "nano-banana",
    "deep-research",
)
# Providers that are a further door of one host: (host, door). The door becomes the tier, so that
# two prices of one id stay two offerings.
_ENDPOINTS = {"zhipuai": ("zai", "bigmodel"), "openai-decisions": ("openai", "decisions")}
# Hugging Face routes to the inference company behind the underscore, each with its own price.
_ROUTED = "huggingface_"
_MAX_PROVIDER_LENGTH = 100
_MAX_IDS = 50


def parse(body: bytes) -> ParsedFeed:
    """Parse the price list into rows, each with its prices.

    `prices` is empty if the feed has none and None if they are not plausible, with a Reject. The
    lifecycle holds only the flag "deprecated", so that removal of the flag is noticed too.
    InvalidPayloadError if the body is not an array of providers."""
    document = load_json(body)
    if not isinstance(document, list) or not document:
        raise InvalidPayloadError(
            "genai-prices must be a JSON array with one object per provider. Check the URL."
        )
    harvest = ParsedRows.empty()
    unmapped: Counter[str] = Counter()
    for external_id, copies in _by_key(document, harvest).items():
        provider, raw = copies[0]
        if any(copy != raw for _, copy in copies[1:]):
            reason = f"The feed contains the row {len(copies)} times with different content."
            harvest.rejects.append(rejected_row(external_id, reason, raw))
            continue
        row = _row(external_id, provider, raw, harvest, unmapped)
        harvest.rows.append(row)
        harvest.host_names.setdefault(row.host, _host_name(row.host, provider))
    if unmapped:
        log.debug("price fields in an unknown unit", extra={"fields": dict(unmapped)})
    return harvest.done()


def _by_key(
    document: list[Any], harvest: ParsedRows
) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Index (provider, model) by `provider id/model id`; other elements are quarantined under their
    place."""
    found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for place, provider in enumerate(document):
        reason = _provider_error(provider)
        if reason:
            harvest.rejects.append(rejected_row(f"provider {place}", reason, provider))
            continue
        for position, raw in enumerate(provider["models"]):
            model_id = raw.get("id") if isinstance(raw, dict) else None
            if not isinstance(model_id, str) or not is_storable(model_id):
                where = f"{provider['id']}: row {position}"
                harvest.rejects.append(rejected_row(where, "The row has no model.", raw))
                continue
            external_id = f"{provider['id']}/{model_id}"
            if len(external_id) > MAX_EXTERNAL_ID_LENGTH or len(model_id) > MAX_API_ID_LENGTH:
                harvest.rejects.append(
                    rejected_row(external_id, "The key of the row is too long for an ID.", raw)
                )
            elif doubled := duplicate_keys(raw):
                keys = ", ".join(sorted(doubled))
                harvest.rejects.append(
                    rejected_row(
                        external_id, f"The row contains {keys} twice with different values.", raw
                    )
                )
            else:
                found.setdefault(external_id, []).append((provider, raw))
    return found


def _provider_error(provider: Any) -> str:
    """Return why an element of the array is not a provider with models, as a sentence; "" if it is
    one."""
    if not isinstance(provider, dict) or not isinstance(provider.get("models"), list):
        return "The element is not a provider with a list of models."
    if duplicate_keys(provider) & {"id", "models"}:
        return "The provider contains its ID or its list of models twice with different values."
    identifier = provider.get("id")
    if (
        not isinstance(identifier, str)
        or not is_storable(identifier)
        or len(identifier) > _MAX_PROVIDER_LENGTH
    ):
        return "The provider has no ID, or an ID that cannot be stored."
    host, tier = _served_at(identifier, "")
    if not host or len(tier) > MAX_TIER_LENGTH:
        return "The ID of the provider does not identify a host."
    return ""


def _served_at(provider: str, model_id: str) -> tuple[str, str]:
    """Return (host, tier) of a row; the tier is the endpoint of the host if it has several."""
    if provider in _ENDPOINTS:
        return _ENDPOINTS[provider]
    if provider.startswith(_ROUTED):
        return "huggingface", provider.removeprefix(_ROUTED)
    host = host_of(provider)[0]
    if host == "google" and model_id and not model_id.lower().startswith(_MADE_BY_GOOGLE):
        return "google-vertex", ""
    return host, ""


def _host_name(host: str, provider: dict[str, Any]) -> str:
    if host in BY_SLUG:
        return BY_SLUG[host].name
    return text_of(provider.get("name"), 100) or host_of(provider["id"])[1]


def _row(
    external_id: str,
    provider: dict[str, Any],
    raw: dict[str, Any],
    harvest: ParsedRows,
    unmapped: Counter[str],
) -> FeedRow:
    host, tier = _served_at(provider["id"], raw["id"])
    ids = exact_ids(raw.get("match") or raw.get("matches"))
    excerpt: dict[str, Any] = {"match": ids} if ids else {}
    if raw.get("deprecated") is True:
        excerpt["deprecated"] = True
    return FeedRow(
        external_id=external_id,
        group=provider["id"],
        host=host,
        api_id=raw["id"].strip(),
        tier=tier,
        name=text_of(raw.get("name"), 300),
        lifecycle=LifecycleClaim(status="deprecated" if raw.get("deprecated") is True else ""),
        prices=_prices(external_id, raw, harvest, excerpt, unmapped),
        source_url=_pricing_url(provider.get("pricing_urls")),
        excerpt=excerpt,
    )


def _prices(
    external_id: str,
    raw: dict[str, Any],
    harvest: ParsedRows,
    excerpt: dict[str, Any],
    unmapped: Counter[str],
) -> tuple[PriceLine, ...] | None:
    try:
        read = genai_tariffs.read_prices(raw)
    except UnclearPriceError as unclear:
        harvest.rejects.append(rejected_row(external_id, str(unclear), raw))
        return None
    if read.said:
        excerpt["prices"] = read.said
    unmapped.update(read.unmapped)
    return read.lines


def _pricing_url(urls: object) -> str:
    addresses = [safe_url(url) for url in urls] if isinstance(urls, list) else []
    return next((address for address in addresses if address), "")


def exact_ids(rule: object) -> list[str]:
    """Return the IDs that a matching rule names in full, in its order; prefixes, parts and patterns
    name none."""
    found: dict[str, None] = {}
    waiting = [rule]
    while waiting and len(found) < _MAX_IDS:
        part = waiting.pop()
        if not isinstance(part, dict):
            continue
        same, either = part.get("equals"), part.get("or")
        if isinstance(same, str) and is_storable(same) and len(same) <= MAX_API_ID_LENGTH:
            found[same] = None
        if isinstance(either, list):
            waiting.extend(reversed(either))
    return list(found)
