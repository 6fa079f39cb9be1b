"""Amazon Bedrock's `ListFoundationModels`, and its digest over all regions by model ID.

The lists of modalities are complete, but cannot name PDF: documents are said of the request, not of
the model."""

from collections.abc import Iterator
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import ParsedFeed
from apps.feeds.model_lists.records import ListedModel, build_feed, list_models, objects_of
from apps.feeds.parsers.payload import ParsedRows, load_json, text_of

HOST = "amazon-bedrock"
_SUMMARIES = "modelSummaries"
# `regions` tells a model of the digest from another object.
_DIGEST_KEY = "regions"


def parse(body: bytes) -> ParsedFeed:
    """Parse the list, or the digest. Raises InvalidPayloadError if the body is none of them."""
    collector = ParsedRows.empty()
    document = load_json(body)
    if isinstance(document, dict) and _SUMMARIES not in document:
        summaries = [
            {**raw, "modelId": api_id}
            for api_id, raw in document.items()
            if isinstance(raw, dict) and _DIGEST_KEY in raw
        ]
        document = {_SUMMARIES: summaries, **document}
    models = list_models(document, _SUMMARIES)
    return build_feed(HOST, _read_models(models, collector), collector)


def _read_models(models: list[Any], collector: ParsedRows) -> Iterator[ListedModel]:
    for raw in objects_of(models, collector):
        name = text_of(raw.get("modelName"), 300)
        yield ListedModel(text_of(raw.get("modelId"), 400), read_capabilities(raw), name)


def read_capabilities(raw: dict[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} of one model."""
    stated = StatedCapabilities()
    stated.add_modalities(raw.get("inputModalities"), raw.get("outputModalities"))
    return stated.values
