"""Mistral's `GET /v1/models`: the context window, and an object of capabilities that is complete
for tools and image input. Audio is said of input only."""

from collections.abc import Iterator
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import ParsedFeed
from apps.feeds.model_lists.records import (
    ListedModel,
    build_feed,
    list_models,
    names_of,
    object_of,
    objects_of,
)
from apps.feeds.parsers.payload import ParsedRows, load_json, text_of

HOST = "mistral"
_FLAGS = (
    ("function_calling", "tool_calling"),
    ("vision", "vision"),
    ("audio", "audio_input"),
)


def parse(body: bytes) -> ParsedFeed:
    """Parse the list. Raises InvalidPayloadError if the body is not one."""
    collector = ParsedRows.empty()
    return build_feed(
        HOST, _read_models(list_models(load_json(body), "data"), collector), collector
    )


def _read_models(models: list[Any], collector: ParsedRows) -> Iterator[ListedModel]:
    for raw in objects_of(models, collector):
        yield ListedModel(
            text_of(raw.get("id"), 400),
            read_capabilities(raw),
            aliases=names_of(raw.get("aliases")),
        )


def read_capabilities(raw: dict[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} of one model."""
    stated = StatedCapabilities()
    capabilities = object_of(raw.get("capabilities"))
    for key, field in _FLAGS:
        stated.add_flag(field, capabilities.get(key))
    stated.add("context_window", raw.get("max_context_length"))
    return stated.values
