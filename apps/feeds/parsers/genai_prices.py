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
from apps.feeds.parsers.genai_capabilities import read_capabilities
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

# The list of Google covers both of its endpoints; models of other developers are served at Vertex
# AI only.
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
# Providers that are a further endpoint of one host: (host, endpoint). The endpoint becomes the
# tier, so that two prices of one ID stay two offerings.
_ENDPOINTS = {"zhipuai": ("zai", "bigmodel"), "openai-decisions": ("openai", "decisions")}
# Hugging Face routes to the inference company behind the underscore, each with its own price.
_ROUTED = "huggingface_"
_MAX_PROVIDER_LENGTH = 100
_MAX_IDS = 50


def parse(body: bytes) -> ParsedFeed:
    """Parse the price list into rows, each with its prices.

    `prices` is empty if the feed has none, and None with a RejectedRow if they are not plausible.
    The lifecycle has only the flag "deprecated", so that removal of the flag is noticed too.
    InvalidPayloadError if the body is not an array of providers."""
    document = load_json(body)
    if not isinstance(document, list) or not document:
        raise InvalidPayloadError(
            "genai-prices must be a JSON array with one object per provider. Check the URL."
        )
    collector = ParsedRows.empty()
    unmapped: Counter[str] = Counter()
    for external_id, copies in _index_by_key(document, collector).items():
        provider, raw = copies[0]
        if any(copy != raw for _, copy in copies[1:]):
            reason = f"The feed contains the row {len(copies)} times with different content."
            collector.rejects.append(rejected_row(external_id, reason, raw))
            continue
        row = _parse_row(external_id, provider, raw, collector, unmapped)
        collector.rows.append(row)
        collector.host_names.setdefault(row.host, _find_host_name(row.host, provider))
    if unmapped:
        log.debug("price fields in an unknown unit", extra={"fields": dict(unmapped)})
    return collector.done()


def _index_by_key(
    document: list[Any], collector: ParsedRows
) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Index (provider, model) by `provider id/model id`; other elements are quarantined under their
    place."""
    rows_by_key: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for provider_index, provider in enumerate(document):
        reason = _find_provider_error(provider)
        if reason:
            collector.rejects.append(rejected_row(f"provider {provider_index}", reason, provider))
            continue
        for index, raw in enumerate(provider["models"]):
            model_id = raw.get("id") if isinstance(raw, dict) else None
            if not isinstance(model_id, str) or not is_storable(model_id):
                row_label = f"{provider['id']}: row {index}"
                collector.rejects.append(rejected_row(row_label, "The row has no model.", raw))
                continue
            external_id = f"{provider['id']}/{model_id}"
            if len(external_id) > MAX_EXTERNAL_ID_LENGTH or len(model_id) > MAX_API_ID_LENGTH:
                collector.rejects.append(
                    rejected_row(external_id, "The key of the row is too long for an ID.", raw)
                )
            elif duplicates := duplicate_keys(raw):
                keys = ", ".join(sorted(duplicates))
                collector.rejects.append(
                    rejected_row(
                        external_id, f"The row contains {keys} twice with different values.", raw
                    )
                )
            else:
                rows_by_key.setdefault(external_id, []).append((provider, raw))
    return rows_by_key


def _find_provider_error(provider: Any) -> str:
    """Return the reason why an element of the array is not a provider with models, as a sentence;
    "" if it is one."""
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
    host, tier = _find_endpoint(identifier, "")
    if not host or len(tier) > MAX_TIER_LENGTH:
        return "The ID of the provider does not identify a host."
    return ""


def _find_endpoint(provider: str, model_id: str) -> tuple[str, str]:
    """Return (host, tier) of a row; the tier is the endpoint of the host if it has several."""
    if provider in _ENDPOINTS:
        return _ENDPOINTS[provider]
    if provider.startswith(_ROUTED):
        return "huggingface", provider.removeprefix(_ROUTED)
    host = host_of(provider)[0]
    if host == "google" and model_id and not model_id.lower().startswith(_MADE_BY_GOOGLE):
        return "google-vertex", ""
    return host, ""


def _find_host_name(host: str, provider: dict[str, Any]) -> str:
    if host in BY_SLUG:
        return BY_SLUG[host].name
    return text_of(provider.get("name"), 100) or host_of(provider["id"])[1]


def _parse_row(
    external_id: str,
    provider: dict[str, Any],
    raw: dict[str, Any],
    collector: ParsedRows,
    unmapped: Counter[str],
) -> FeedRow:
    """Return the row of a model. Unreadable prices are quarantined in `collector`; fields of prices
    that have no unit here are counted in `unmapped`."""
    host, tier = _find_endpoint(provider["id"], raw["id"])
    ids = exact_ids(raw.get("match") or raw.get("matches"))
    excerpt: dict[str, Any] = {"match": ids} if ids else {}
    if raw.get("deprecated") is True:
        excerpt["deprecated"] = True
    prices = _parse_prices(external_id, raw, collector, excerpt, unmapped)
    return FeedRow(
        external_id=external_id,
        group=provider["id"],
        host=host,
        api_id=raw["id"].strip(),
        tier=tier,
        name=text_of(raw.get("name"), 300),
        lifecycle=LifecycleClaim(status="deprecated" if raw.get("deprecated") is True else ""),
        prices=prices,
        source_url=_find_pricing_url(provider.get("pricing_urls")),
        excerpt=excerpt,
        capabilities=read_capabilities(raw, prices),
    )


def _parse_prices(
    external_id: str,
    raw: dict[str, Any],
    collector: ParsedRows,
    excerpt: dict[str, Any],
    unmapped: Counter[str],
) -> tuple[PriceLine, ...] | None:
    """Return the price lines of a row and add the published amounts to its `excerpt`; None if the
    prices are unreadable, which quarantines them."""
    try:
        prices = genai_tariffs.read_prices(raw)
    except UnclearPriceError as error:
        collector.rejects.append(rejected_row(external_id, str(error), raw))
        return None
    if prices.published:
        excerpt["prices"] = prices.published
    unmapped.update(prices.unmapped)
    return prices.lines


def _find_pricing_url(urls: object) -> str:
    addresses = [safe_url(url) for url in urls] if isinstance(urls, list) else []
    return next((address for address in addresses if address), "")


def exact_ids(rule: object) -> list[str]:
    """Return the model IDs that a matching rule names in full ("equals"), in its order, at most
    _MAX_IDS. Alternatives ("or") are searched at any depth; prefixes, parts and patterns name no
    ID."""
    ids: dict[str, None] = {}
    pending_rules = [rule]
    while pending_rules and len(ids) < _MAX_IDS:
        subrule = pending_rules.pop()
        if not isinstance(subrule, dict):
            continue
        equal_id, alternatives = subrule.get("equals"), subrule.get("or")
        if (
            isinstance(equal_id, str)
            and is_storable(equal_id)
            and len(equal_id) <= MAX_API_ID_LENGTH
        ):
            ids[equal_id] = None
        if isinstance(alternatives, list):
            pending_rules.extend(reversed(alternatives))
    return list(ids)
