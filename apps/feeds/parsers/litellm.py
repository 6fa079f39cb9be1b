"""LiteLLM price map parser, `model_prices_and_context_window.json`: prices, retirement dates,
replacements.

The document is one object from row name to row. A row name is what LiteLLM routes by: often a
provider prefix, sometimes a region, a commitment or an image size, then the ID that the host itself
uses."""

import logging
import re
from collections import Counter
from typing import Any

from apps.catalog.claims.feed_rows import (
    FIRM,
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
    RejectedRow,
)
from apps.feeds.parsers import litellm_prices
from apps.feeds.parsers.dates import UnclearDateError, read_iso_day
from apps.feeds.parsers.litellm_capabilities import read_capabilities
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

log = logging.getLogger(__name__)

URL = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"

# The row that documents the format, and routing rules that are not rows.
_NOT_ROWS = frozenset({"sample_spec", "fallback_generalizations"})
# Tools and rules of a platform: not models that an application depends on.
_TOOL_MODES = frozenset({"search", "vector_store", "guardrail"})
_TOOLS = frozenset(
    {"openai/container"}
    | {f"deepgram/streaming/{part}" for part in ("redact", "keyterm", "detect_entities", "diarize")}
)
# Default prices by parameter count; no host serves a model of that name.
_BRACKET = re.compile(
    r"(?:together-ai|fireworks-ai)-(?:embedding-|moe-)?(?:default|up-to|above|[\d.]+[bm]-)[\w.-]*"
)

# Segments about the call by LiteLLM, not about the model: (provider stem, segment).
_ROUTES = frozenset(
    {
        ("bedrock", "bedrock"),
        ("bedrock", "invoke"),
        ("bedrock", "converse"),
        ("bedrock", "converse_like"),
        ("azure", "speech"),
        ("azure", "doc-intelligence"),
        ("nvidia", "ranking"),
    }
)
_AWS_REGION = re.compile(r"[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d")
_AZURE_ZONES = frozenset(
    {"us", "eu", "us-gov", "apac", "global", "uk", "au", "jp", "ca", "in", "kr", "cn", "de", "fr"}
)
_SIZE = re.compile(r"(?<!\d)(?:\d+|max)-x-(?:\d+|max)")
_QUALITY = frozenset({"low", "medium", "high", "standard", "hd", "auto", "xhigh", "max"})
_TERMS = re.compile(
    r"(?<!\d)(?:(?:\d+|max)-steps|\d+-month-commitment)|global-standard|data-zone-standard|streaming"
)

# Providers that the host table combines although they are separate endpoints with different prices
# or dates: the endpoint becomes the tier, so that two rows of one ID stay two offerings.
_ENDPOINTS = {
    "bedrock_mantle": "mantle",
    "chatgpt": "chatgpt",
    "qwencloud": "qwencloud",
    "qwen_ai_platform": "qwen-ai-platform",
    "bigmodel": "bigmodel",
    "codestral": "codestral",
    "text-completion-codestral": "codestral",
}
_CLAUDE_PLATFORM = "claude_platform"

_EXCERPT_FIELDS = (
    "litellm_provider",
    "mode",
    "deprecation_date",
    "deprecation_source",
    "successor_model",
    "alias_of",
)


def parse(body: bytes) -> ParsedFeed:
    """Parse the price map into rows. Every row has both topics; one is None if its value is not
    plausible.

    A row that only refers to another row has `alias_of` and no topic. Documentation, tools and
    price brackets are ignored. Raises InvalidPayloadError if the body is not such a map."""
    document = load_json(body)
    if not isinstance(document, dict) or not document:
        raise InvalidPayloadError(
            "The LiteLLM price map must be one JSON object with one row per model. Check the URL."
        )
    collector = ParsedRows.empty()
    duplicates = duplicate_keys(document)
    unmapped: Counter[str] = Counter()
    for name, raw in document.items():
        if _is_ignored(name, raw):
            collector.ignored += 1
            continue
        if name in duplicates:
            collector.rejects.append(
                rejected_row(name, "The feed contains the row twice with different content.", raw)
            )
            continue
        row = _parse_row(name, raw, document, collector.rejects, unmapped)
        if row is not None:
            collector.rows.append(row)
            collector.host_names.setdefault(row.host, host_of(row.group)[1])
    if unmapped:
        log.debug("price fields in an unknown unit", extra={"fields": dict(unmapped)})
    return collector.done()


def _is_ignored(name: str, raw: object) -> bool:
    if name in _NOT_ROWS or name in _TOOLS or _BRACKET.fullmatch(name):
        return True
    return isinstance(raw, dict) and text_of(raw.get("mode"), 40) in _TOOL_MODES


def _parse_row(
    name: str,
    raw: object,
    document: dict[str, Any],
    rejects: list[RejectedRow],
    unmapped: Counter[str],
) -> FeedRow | None:
    """Parse one row; None if it is quarantined whole, with its reason in `rejects`."""
    if not is_storable(name) or len(name) > MAX_EXTERNAL_ID_LENGTH:
        rejects.append(
            rejected_row(
                name,
                "The name of the row is empty, too long or contains unprintable characters.",
                raw,
            )
        )
        return None
    if not isinstance(raw, dict):
        rejects.append(rejected_row(name, "The row is not an object.", raw))
        return None
    alias_of = raw.get("alias_of", "")
    if alias_of and (
        not isinstance(alias_of, str) or alias_of == name or not is_storable(alias_of)
    ):
        rejects.append(
            rejected_row(
                name,
                f"The row is an alias of {quote(alias_of)}, which is not a row of this feed.",
                raw,
            )
        )
        return None
    provider = _find_provider(name, raw, document)
    host = host_of(provider)[0] if provider else ""
    if not host or len(provider) > 100:
        rejects.append(rejected_row(name, "The row does not state its provider.", raw))
        return None
    api_id, region, tier = split_name(name, provider)
    if (
        not api_id
        or len(api_id) > MAX_API_ID_LENGTH
        or len(region) > MAX_REGION_LENGTH
        or len(tier) > MAX_TIER_LENGTH
    ):
        rejects.append(
            rejected_row(
                name,
                "The name of the row has no model ID after its prefixes, or an ID that is "
                "too long.",
                raw,
            )
        )
        return None
    excerpt = {
        key: text_of(raw[key], 300) for key in _EXCERPT_FIELDS if isinstance(raw.get(key), str)
    }
    if alias_of:
        return FeedRow(
            name,
            provider,
            host,
            api_id,
            region,
            tier,
            alias_of=alias_of[:MAX_EXTERNAL_ID_LENGTH],
            excerpt=excerpt,
        )
    prices = _parse_prices(name, raw, rejects, excerpt, unmapped)
    return FeedRow(
        external_id=name,
        group=provider,
        host=host,
        api_id=api_id,
        region=region,
        tier=tier,
        category=text_of(raw.get("mode"), 40),
        lifecycle=_parse_lifecycle(name, raw, rejects),
        prices=prices,
        source_url=safe_url(raw.get("deprecation_source")) or safe_url(raw.get("source")),
        excerpt=excerpt,
        capabilities=read_capabilities(without_duplicates(raw), prices),
    )


def _find_provider(name: str, raw: dict[str, Any], document: dict[str, Any]) -> str:
    """Return the provider of a row: `litellm_provider`, or for an alias without one the provider of
    its target, otherwise the prefix of its name."""
    stated_provider = text_of(raw.get("litellm_provider"), 200)
    if stated_provider or "alias_of" not in raw:
        return stated_provider
    target = document.get(str(raw["alias_of"]))
    inherited = text_of(target.get("litellm_provider"), 200) if isinstance(target, dict) else ""
    return inherited or (name.split("/", 1)[0] if "/" in name else "")


def split_name(name: str, provider: str) -> tuple[str, str, str]:
    """Split a row name into (api_id, region, tier).

    `azure/eu/gpt-4o` is (`gpt-4o`, `eu`, ``); `bedrock/*/6-month-commitment/x` is (`x`, ``,
    `6-month-commitment`); `low/1024-x-1024/gpt-image-1.5` has the tier `low/1024-x-1024`. A
    geographic inference profile such as `us.anthropic.…` is part of the ID."""
    segments = name.split("/")
    provider_key = _normalise_name(provider)
    stem = provider_key.split("-", 1)[0]
    if len(segments) > 1 and (provider_key + "-").startswith(_normalise_name(segments[0]) + "-"):
        segments = segments[1:]
    region = ""
    tiers: list[str] = [_ENDPOINTS[provider]] if provider in _ENDPOINTS else []
    while len(segments) > 1:
        head, following = segments[0], segments[1]
        if stem == "bedrock" and (head == "*" or _AWS_REGION.fullmatch(head)):
            region = region or head.strip("*")
        elif stem == "bedrock" and head == _CLAUDE_PLATFORM:
            tiers.append("claude-platform")
        elif stem == "azure" and head in _AZURE_ZONES:
            region = region or head
        elif (
            _TERMS.fullmatch(head)
            or _SIZE.fullmatch(head)
            or (head in _QUALITY and _SIZE.fullmatch(following))
        ):
            tiers.append(head)
        elif (stem, head) not in _ROUTES:
            break
        segments = segments[1:]
    return "/".join(segments), region, "/".join(tiers)


def _normalise_name(text: str) -> str:
    return text.lower().replace("_", "-")


def _parse_lifecycle(
    name: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> LifecycleClaim | None:
    """Parse the retirement date, which counts as announced: the feed does not mark dates that are
    "not sooner than"."""
    if duplicate_keys(raw) & {"deprecation_date", "successor_model"}:
        rejects.append(
            rejected_row(name, "The row contains the retirement date or the successor twice.", raw)
        )
        return None
    try:
        retires_on = read_iso_day(raw.get("deprecation_date"))
    except UnclearDateError as error:
        rejects.append(rejected_row(name, str(error), raw))
        return None
    return LifecycleClaim(
        retires_on=retires_on,
        date_kind=FIRM if retires_on else "",
        successor=text_of(raw.get("successor_model"), 300),
    )


def _parse_prices(
    name: str,
    raw: dict[str, Any],
    rejects: list[RejectedRow],
    excerpt: dict[str, Any],
    unmapped: Counter[str],
) -> tuple[PriceLine, ...] | None:
    """Return the price lines of a row and add the published amounts to its `excerpt`; None if the
    prices are unreadable, which quarantines them."""
    try:
        prices = litellm_prices.read_prices(raw)
    except litellm_prices.UnclearPriceError as error:
        rejects.append(rejected_row(name, str(error), raw))
        return None
    excerpt.update(prices.published)
    unmapped.update(prices.unmapped)
    return prices.lines
