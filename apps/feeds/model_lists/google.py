"""Google's `GET /v1beta/models`: limits, thinking, and the complete list of methods of a model.

A model that generates content and lacks the method of cached content or of batches has none. The
field `thinking` is true or absent."""

from collections.abc import Iterator
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import ParsedFeed
from apps.feeds.model_lists.records import (
    ListedModel,
    build_feed,
    list_models,
    names_of,
    objects_of,
)
from apps.feeds.parsers.payload import ParsedRows, load_json, text_of

HOST = "google"
_PREFIX = "models/"
_METHODS = (("createCachedContent", "caching"), ("batchGenerateContent", "batch"))


def parse(body: bytes) -> ParsedFeed:
    """Parse the list. Raises InvalidPayloadError if the body is not one."""
    collector = ParsedRows.empty()
    models = list_models(load_json(body), "models")
    return build_feed(HOST, _read_models(models, collector), collector)


def _read_models(models: list[Any], collector: ParsedRows) -> Iterator[ListedModel]:
    for raw in objects_of(models, collector):
        api_id = text_of(raw.get("name"), 400).removeprefix(_PREFIX)
        name = text_of(raw.get("displayName"), 300)
        yield ListedModel(api_id, read_capabilities(raw), name)


def read_capabilities(raw: dict[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} of one model."""
    stated = StatedCapabilities()
    stated.add("context_window", raw.get("inputTokenLimit"))
    stated.add("max_output", raw.get("outputTokenLimit"))
    stated.add_flag("reasoning", raw.get("thinking"))
    methods = names_of(raw.get("supportedGenerationMethods"))
    if "generateContent" in methods:
        for method, field in _METHODS:
            stated.add_flag(field, method in methods)
    return stated.values
