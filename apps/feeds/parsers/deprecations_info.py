"""deprecations.info parser, `/v1/deprecations.json`: deprecation notices scraped from providers'
pages.

An array of rows keyed by (provider, model_id). The scrapers break in ways that look like data:
names of services or sentences instead of IDs, several IDs in one row, the announcement date instead
of the shutdown date. Rows that look like that are quarantined with their reason.

If a date applies in some regions only, the row is about the offering there and `Row.region` names
them ("us-west-2", "us-east-1, us-west-2"); the key of the row stays the same, so that a later text
without the regions is the same claim about a wider offering, not a new one."""

import re
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, LifecycleClaim, ParsedFeed, RejectedRow
from apps.feeds.parsers.dates import PublishedDay, UnclearDateError, read_day
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    MAX_EXTERNAL_ID_LENGTH,
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

URL = "https://deprecations.info/v1/deprecations.json"

_EMPTY_VALUES = frozenset({"", "n/a", "none", "null", "unknown", "<unknown>", "google model"})
# Hosts whose IDs have no spaces: a space there means prose or the display name of something else.
_IDS_WITHOUT_SPACES = frozenset({"openai", "anthropic", "google", "cohere", "xai", "mistral"})
# Words that occur in sentences and names of services, not in names of models.
_PROSE = frozenset(
    {
        "api",
        "apis",
        "endpoint",
        "endpoints",
        "module",
        "sdk",
        "service",
        "model",
        "models",
        "update",
        "updates",
        "updated",
        "legacy",
        "deprecated",
        "tuning",
        "fine-tuning",
        "fine-tunes",
        "training",
        "various",
        "all",
        "in",
        "on",
        "of",
        "the",
        "with",
        "for",
        "to",
    }
)
_FAMILIES = frozenset(
    {
        "gpt",
        "chatgpt",
        "embedding",
        "embeddings",
        "codex",
        "claude",
        "gemini",
        "imagen",
        "command",
        "rerank",
    }
)
# "command" and "rerank" are ids at Cohere.
_FAMILIES_THAT_ARE_IDS = frozenset({("cohere", "command"), ("cohere", "rerank")})
# An ID such as vendor.model-v1:0, matched word by word so that no word is scanned twice.
_WORD = re.compile(r"([\w.-]+)(:(?=\d))?")
_VENDOR = re.compile(r"[a-z0-9]\.[a-z0-9]")
_VENDOR_AND_NAME = re.compile(r"[a-z0-9]\.[a-z]+-")
_VERSION = re.compile(r"-v\d")
_JOINED = re.compile(r",\s|;\s|\s(?:or|and)\s", re.IGNORECASE)
# "gpt-5orgpt-4.1": the scraper loses the spaces around a word between two marked-up ids.
_GLUED = re.compile(
    r"(?<=[a-z0-9])(or|and)(?=(?:chatgpt|gpt|claude|gemini|imagen|veo|gemma|text|omni|codex|dall|tts|whisper|sora|"
    r"command|embed|rerank|llama|mistral|grok|davinci|babbage|o\d)-)"
)
_FOOTNOTES = re.compile(r"[*†‡]+")
_EXCERPT_FIELDS = (
    "provider",
    "model_id",
    "model_name",
    "announcement_date",
    "shutdown_date",
    "replacement_model",
    "url",
)


def parse(body: bytes) -> ParsedFeed:
    """Parse the notices into rows, each with its lifecycle; the feed has no prices.

    `lifecycle` is None if the dates are not plausible; a RejectedRow has the reason.
    InvalidPayloadError if the body is not an array of notices."""
    collector = ParsedRows.empty()
    for external_id, copies in _index_by_key(_list_notices(load_json(body)), collector).items():
        if len(copies) > 1 and any(
            _build_excerpt(copy) != _build_excerpt(copies[0]) for copy in copies[1:]
        ):
            collector.rejects.append(
                rejected_row(
                    external_id,
                    f"The feed contains the row {len(copies)} times with different content.",
                    copies[0],
                )
            )
            continue
        row = _parse_row(external_id, copies[0], collector.rejects)
        if row is not None:
            collector.rows.append(row)
            collector.host_names.setdefault(row.host, host_of(copies[0]["provider"])[1])
    return collector.done()


def _list_notices(document: Any) -> list[Any]:
    """Return the rows of a document; the JSON Feed and RSS of the same notices would be further
    branches here.

    They are worse sources: their IDs collide or change with the date."""
    if isinstance(document, dict) and "items" in document:
        raise InvalidPayloadError(
            "This URL is the JSON Feed of deprecations.info, whose IDs are not unique. Use "
            f"{URL} instead."
        )
    if not isinstance(document, list) or not document:
        raise InvalidPayloadError(
            "deprecations.info must be a JSON array with one notice per model. Check the URL."
        )
    return document


def _index_by_key(notices: list[Any], collector: ParsedRows) -> dict[str, list[dict[str, Any]]]:
    """Index notices by `provider/model_id`; those without a key are quarantined under their place
    in the array."""
    notices_by_key: dict[str, list[dict[str, Any]]] = {}
    for index, raw in enumerate(notices):
        provider = raw.get("provider") if isinstance(raw, dict) else None
        model_id = raw.get("model_id") if isinstance(raw, dict) else None
        if (
            not isinstance(provider, str)
            or not isinstance(model_id, str)
            or not host_of(provider)[0]
        ):
            collector.rejects.append(
                rejected_row(f"row {index}", "The row has no provider and model.", raw)
            )
        elif duplicate_keys(raw):
            keys = ", ".join(sorted(duplicate_keys(raw)))
            collector.rejects.append(
                rejected_row(
                    f"{provider}/{model_id}",
                    f"The row contains {keys} twice with different values.",
                    raw,
                )
            )
        else:
            notices_by_key.setdefault(f"{provider}/{model_id}", []).append(raw)
    return notices_by_key


def _build_excerpt(raw: dict[str, Any]) -> dict[str, str]:
    return {key: text_of(raw[key], 300) for key in _EXCERPT_FIELDS if isinstance(raw.get(key), str)}


def _parse_row(external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]) -> FeedRow | None:
    """Return the row; None if the whole row is quarantined, because it is not a model, a test of
    the publisher or its key is too long."""
    model_id: str = raw["model_id"]
    host = host_of(raw["provider"])[0]
    reason = not_a_model(model_id, host)
    if host == "test" or model_id.strip().lower() == "test-model":
        reason = "The row is a test of the publisher."
    if len(external_id) > MAX_EXTERNAL_ID_LENGTH or len(model_id) > MAX_API_ID_LENGTH:
        reason = "The key of the row is too long for an ID."
    if reason:
        rejects.append(rejected_row(external_id, reason, raw))
        return None
    lifecycle, region = _parse_lifecycle(external_id, raw, rejects)
    name = text_of(raw.get("model_name"), 300)
    return FeedRow(
        external_id=external_id,
        # The provider's spelling changes over the years; the host it means does not.
        group=host,
        host=host,
        api_id=model_id.strip(),
        region=region,
        name="" if name.lower() in _EMPTY_VALUES else name,
        lifecycle=lifecycle,
        source_url=safe_url(raw.get("url")),
        excerpt=_build_excerpt(raw),
    )


def not_a_model(model_id: str, host: str) -> str:
    """Return the reason why a `model_id` does not name a single model, as a sentence; "" if it may
    name one.

    A display name ("Claude Opus 4" at AWS) is accepted: the resolver decides what it means."""
    if not is_storable(model_id) or model_id.strip().lower() in _EMPTY_VALUES:
        return "The model of the row has no name."
    lower_id = model_id.strip().lower()
    id_words = re.findall(r"[^\s,;()]+", lower_id)
    has_id = any(_looks_like_id(token, colon) for token, colon in _WORD.findall(lower_id))
    if _JOINED.search(lower_id) and (has_id or not _PROSE & set(id_words)):
        return "The row combines several models, so its date cannot be assigned to one of them."
    if len(id_words) > 1 and has_id:
        return "The model of the row is an ID with other words around it."
    if (
        _PROSE & set(id_words)
        or (len(id_words) > 1 and host in _IDS_WITHOUT_SPACES)
        or len(id_words) > 8
    ):
        return "The row is about a service or a group of models, not about one model."
    if lower_id in _FAMILIES and (host, lower_id) not in _FAMILIES_THAT_ARE_IDS:
        return "The row is about a model family, not about one model."
    return ""


def _looks_like_id(token: str, colon: str) -> bool:
    """Return whether a token of a model ID looks like a complete ID such as vendor.model-v1:0.
    `colon` is ":" if a colon and a digit follow the token, otherwise ""."""
    if colon and _VENDOR.search(token):
        return True
    start = _VENDOR_AND_NAME.search(token)
    return start is not None and _VERSION.search(token, start.end()) is not None


def _parse_lifecycle(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> tuple[LifecycleClaim | None, str]:
    """Return the row's lifecycle, and the regions in which it applies ("" for all)."""
    try:
        shutdown = read_day(raw.get("shutdown_date"))
    except UnclearDateError as error:
        rejects.append(rejected_row(external_id, f"Shutdown: {error}", raw))
        return None, ""
    announcement = _parse_announcement(external_id, raw, rejects)
    if shutdown and announcement and shutdown.kind == "firm" and shutdown.on <= announcement.on:
        reason = (
            f"The shutdown date {shutdown.on} equals its announcement date, which is a known "
            "error of this source."
            if shutdown.on == announcement.on
            else f"The shutdown date {shutdown.on} is before its announcement date "
            f"{announcement.on}, which is a known error of this source."
        )
        rejects.append(rejected_row(external_id, reason, raw))
        return None, shutdown.region
    claim = LifecycleClaim(
        announced_on=announcement.on if announcement else None,
        retires_on=shutdown.on if shutdown else None,
        date_kind=shutdown.kind if shutdown else "",
        successor=successor_text(raw.get("replacement_model"), raw["model_id"]),
    )
    return claim, shutdown.region if shutdown else ""


def _parse_announcement(
    external_id: str, raw: dict[str, Any], rejects: list[RejectedRow]
) -> PublishedDay | None:
    """Return the announcement date. A date that cannot be parsed is left out and does not
    quarantine the more important shutdown date."""
    try:
        return read_day(raw.get("announcement_date"))
    except UnclearDateError as error:
        rejects.append(rejected_row(external_id, f"Announcement: {error}", raw))
        return None


def successor_text(value: object, model_id: str) -> str:
    """Clean `replacement_model` up for readers: one line, no footnote signs, "or" with its spaces;
    "" if there is none."""
    text = " ".join(_FOOTNOTES.sub("", text_of(value, 2000)).split())
    text = _GLUED.sub(r" \1 ", text)
    if text.lower() in _EMPTY_VALUES or text.lower() == model_id.lower():
        return ""
    return text[:300]
