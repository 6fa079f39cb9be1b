"""One model of a provider's own list, and the rows that it becomes. Plain Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, ParsedFeed
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    InvalidPayloadError,
    ParsedRows,
    duplicate_keys,
    host_of,
    is_storable,
    rejected_row,
    text_of,
)


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model as its provider lists it: `capabilities` is {field: canonical value}, `aliases` are
    further IDs that the provider gives for it."""

    api_id: str
    capabilities: Mapping[str, Any]
    name: str = ""
    category: str = ""
    aliases: tuple[str, ...] = field(default=())


def list_models(document: object, *keys: str) -> list[Any]:
    """Return the elements of a list, which can stand under one of `keys`. Raises
    InvalidPayloadError if there are none."""
    if isinstance(document, list):
        models: object = document
    elif isinstance(document, dict):
        models = next((document[key] for key in keys if key in document), None)
    else:
        models = None
    if not isinstance(models, list) or not models:
        error = document.get("error") if isinstance(document, dict) else None
        message = text_of(error.get("message"), 100) if isinstance(error, dict) else ""
        raise InvalidPayloadError(
            f"The provider returned an error: {message}. Check the URL and the access."
            if message
            else "The body is not a list of models in the form of this provider. Check the URL."
        )
    return models


def objects_of(models: Iterable[object], collector: ParsedRows) -> Iterable[dict[str, Any]]:
    """Yield the readable elements of a list; the others are quarantined under their place."""
    for place, raw in enumerate(models):
        if not isinstance(raw, dict):
            collector.rejects.append(rejected_row(f"row {place}", "The row is not an object.", raw))
        elif duplicates := duplicate_keys(raw):
            keys = ", ".join(sorted(duplicates))
            reason = f"The row contains {keys} twice with different values."
            collector.rejects.append(rejected_row(f"row {place}", reason, raw))
        else:
            yield raw


def build_feed(host: str, models: Iterable[ListedModel], collector: ParsedRows) -> ParsedFeed:
    """Return the rows of `host`: one for each model, and one for each of its aliases that has no
    row of its own. Raises InvalidPayloadError if no model is readable."""
    rows: dict[str, FeedRow] = {}
    aliases: list[tuple[str, ListedModel]] = []
    for model in models:
        if not _is_readable(model.api_id):
            reason = "The row has no ID, or an ID that is too long or cannot be stored."
            collector.rejects.append(rejected_row(model.api_id or "row", reason, model.name))
        elif model.api_id not in rows:
            rows[model.api_id] = _row(host, model.api_id, model)
            aliases.extend((alias, model) for alias in model.aliases)
    for alias, model in aliases:
        if alias not in rows and _is_readable(alias):
            rows[alias] = _row(host, alias, model, alias_of=model.api_id)
    collector.rows.extend(rows.values())
    collector.host_names[host] = host_of(host)[1]
    return collector.done()


def _row(host: str, api_id: str, model: ListedModel, *, alias_of: str = "") -> FeedRow:
    return FeedRow(
        external_id=api_id,
        group=host,
        host=host,
        api_id=api_id,
        name="" if alias_of else model.name,
        category=model.category,
        alias_of=alias_of,
        # as in other feeds, a row that only refers to another one states nothing itself
        capabilities=None if alias_of else model.capabilities,
    )


def _is_readable(api_id: str) -> bool:
    return is_storable(api_id) and len(api_id) <= MAX_API_ID_LENGTH


def object_of(value: object) -> dict[str, Any]:
    """Return `value` if it is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def names_of(value: object) -> tuple[str, ...]:
    """Return the texts of a list; empty if it is none."""
    if not isinstance(value, list):
        return ()
    return tuple(name for name in value if isinstance(name, str))
