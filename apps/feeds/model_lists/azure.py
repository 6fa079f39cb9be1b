"""Azure's model lists: that of the resource manager for a region, and that of a resource.

The values of the resource manager are texts (`"true"`, `"128000"`), and an absent one is unknown.
Models of OpenAI are called by name and version; other publishers' versions are counters of the
platform, which are no part of the ID."""

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

HOST = "azure"
_VERSIONED = "OpenAI"
_LIMITS = (("maxContextToken", "context_window"), ("maxOutputToken", "max_output"))
# JSON mode alone (`jsonObjectResponse`) does not hold an answer to a schema.
_SCHEMA = "jsonSchemaResponse"
# What a model does that does nothing else.
_OUTPUTS = (("imageGenerations", "image"), ("embeddings", "embedding"))
_WRITES_TEXT = ("chatCompletion", "completion", "responses")
_MAX_DIGITS = 10


def parse(body: bytes) -> ParsedFeed:
    """Parse either list. Raises InvalidPayloadError if the body is none of them."""
    collector = ParsedRows.empty()
    models = list_models(load_json(body), "value", "data")
    return build_feed(HOST, _read_models(models, collector), collector)


def _read_models(models: list[Any], collector: ParsedRows) -> Iterator[ListedModel]:
    for raw in objects_of(models, collector):
        model = raw.get("model")
        if isinstance(model, dict):
            yield ListedModel(_api_id(model), read_capabilities(model))
        else:
            yield ListedModel(text_of(raw.get("id"), 400), {})


def _api_id(model: dict[str, Any]) -> str:
    name, version = text_of(model.get("name"), 300), text_of(model.get("version"), 80)
    return f"{name}-{version}" if version and model.get("format") == _VERSIONED else name


def read_capabilities(model: dict[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} of one model of the resource manager."""
    stated = StatedCapabilities()
    said = {key: value for key, value in object_of(model.get("capabilities")).items() if value}
    for key, field in _LIMITS:
        if (
            isinstance(said.get(key), str)
            and said[key].isdecimal()
            and len(said[key]) < _MAX_DIGITS
        ):
            stated.add(field, int(said[key]))
    if said.get(_SCHEMA) == "true":
        stated.add_flag("structured_output", True)
    if not any(said.get(key) == "true" for key in _WRITES_TEXT):
        for key, modality in _OUTPUTS:
            if said.get(key) == "true":
                stated.add("output_modalities", [modality])
    return stated.values
