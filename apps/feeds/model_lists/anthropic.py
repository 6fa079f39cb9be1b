"""Anthropic's `GET /v1/models`: limits, and an object of capabilities that is complete.

Only answers since 2026 have the object; earlier ones list IDs and nothing else."""

from collections.abc import Iterator
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import ParsedFeed
from apps.feeds.model_lists.records import (
    ListedModel,
    build_feed,
    list_models,
    object_of,
    objects_of,
)
from apps.feeds.parsers.payload import ParsedRows, load_json, text_of

HOST = "anthropic"
_FLAGS = (
    ("image_input", "vision"),
    ("pdf_input", "pdf"),
    ("structured_outputs", "structured_output"),
    ("thinking", "reasoning"),
    ("batch", "batch"),
)


def parse(body: bytes) -> ParsedFeed:
    """Parse the list. Raises InvalidPayloadError if the body is not one."""
    collector = ParsedRows.empty()
    return build_feed(
        HOST, _read_models(list_models(load_json(body), "data"), collector), collector
    )


def _read_models(models: list[Any], collector: ParsedRows) -> Iterator[ListedModel]:
    for raw in objects_of(models, collector):
        name = text_of(raw.get("display_name"), 300)
        yield ListedModel(text_of(raw.get("id"), 400), read_capabilities(raw), name)


def read_capabilities(raw: dict[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} of one model."""
    stated = StatedCapabilities()
    supported = {
        key: object_of(value).get("supported")
        for key, value in object_of(raw.get("capabilities")).items()
    }
    for key, field in _FLAGS:
        stated.add_flag(field, supported.get(key))
    if isinstance(supported.get("image_input"), bool):
        modalities = ["text"]
        modalities += ["image"] if supported["image_input"] else []
        modalities += ["pdf"] if supported.get("pdf_input") is True else []
        stated.add("input_modalities", modalities)
    stated.add("context_window", raw.get("max_input_tokens"))
    stated.add("max_output", raw.get("max_tokens"))
    return stated.values
