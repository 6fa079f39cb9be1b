"""xAI's `GET /v1/models`: context window, prices and aliases. A price for image tokens proves image
input, one for cached tokens caching; their absence proves nothing."""

from collections.abc import Iterator
from decimal import Decimal
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

HOST = "xai"
_PRICES = (("prompt_image_token_price", "vision"), ("cached_prompt_text_token_price", "caching"))


def parse(body: bytes) -> ParsedFeed:
    """Parse the list. Raises InvalidPayloadError if the body is not one."""
    collector = ParsedRows.empty()
    models = list_models(load_json(body), "data", "models")
    return build_feed(HOST, _read_models(models, collector), collector)


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
    stated.add("context_window", raw.get("context_length"))
    for key, field in _PRICES:
        price = raw.get(key)
        if isinstance(price, int | Decimal) and not isinstance(price, bool) and price > 0:
            stated.add_flag(field, True)
    return stated.values
