"""OpenAI's `GET /v1/models`: IDs and days of creation, without capabilities."""

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.feeds.model_lists.records import ListedModel, build_feed, list_models, objects_of
from apps.feeds.parsers.payload import ParsedRows, load_json, text_of

HOST = "openai"


def parse(body: bytes) -> ParsedFeed:
    """Parse the list. Raises InvalidPayloadError if the body is not one."""
    collector = ParsedRows.empty()
    models = list_models(load_json(body), "data")
    listed = (ListedModel(text_of(raw.get("id"), 400), {}) for raw in objects_of(models, collector))
    return build_feed(HOST, listed, collector)
