"""Feed adapters: how the body of each kind of source is parsed.

A further feed is a module with a `parse` function and one entry in `ADAPTERS`. A source whose
parsing depends on its own settings (a mapping, a namespace) becomes an adapter whose `parse` is
made from those settings, for instance with functools.partial."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.catalog.ingestion.change_detection.records import Absence
from apps.feeds.incidents.records import ReportedStatus
from apps.feeds.parsers import (
    deprecations_info,
    genai_prices,
    litellm,
    modeldeprecations,
    models_dev,
    openrouter,
)
from apps.feeds.parsers.notices import ParsedNotices
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.sources.page_form import PagePayload

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Adapter:
    """The adapter of one kind of source.

    `parse` takes the inflated body and raises InvalidPayloadError if no conclusion may be drawn
    from it. `topics` are those of the catalogue ("lifecycle", "price", "capability") that its rows
    can make claims about. `cap_bytes` is the maximum size of a body, inflated: several times
    today's size. `absence` is the meaning of a row that disappears permanently (see
    catalog.ingestion.change_detection.records). `lists_served` is true if the source is the host's
    own list of what it serves: a row that is still listed contradicts its retirement.
    `read_notices` is set if a source has no rows but notices for users to read; `read_incidents` if
    it is a status page; `read_page` if it is a lifecycle page, whose form is compared with that of
    the last good reading; it takes the day on which the page was seen. `read_terms` is set if it is
    a page of terms, of which only the text counts. `accept` is the header of
    the request, if not that of a feed."""

    kind: str
    name: str
    parse: Callable[[bytes], ParsedFeed]
    default_url: str
    topics: frozenset[str]
    cap_bytes: int
    licence_note: str = ""
    read_notices: Callable[[bytes], ParsedNotices] | None = None
    read_incidents: Callable[[bytes], ReportedStatus] | None = None
    absence: Absence = "news"
    lists_served: bool = False
    read_page: Callable[[bytes, date], PagePayload] | None = None
    accept: str = ""
    read_terms: Callable[[bytes], str] | None = None


ADAPTERS: dict[str, Adapter] = {
    adapter.kind: adapter
    for adapter in (
        Adapter(
            kind="litellm",
            name="LiteLLM price map",
            parse=litellm.parse,
            default_url=litellm.URL,
            topics=frozenset({"lifecycle", "price", "capability"}),
            # 3.5 MB in late 2026, twice that of three months before.
            cap_bytes=32 * MEBIBYTE,
            licence_note="MIT",
        ),
        Adapter(
            kind="deprecations-info",
            name="deprecations.info",
            parse=deprecations_info.parse,
            default_url=deprecations_info.URL,
            topics=frozenset({"lifecycle"}),
            cap_bytes=8 * MEBIBYTE,
            licence_note="MIT",
            absence="notices",
        ),
        Adapter(
            kind="modeldeprecations",
            name="modeldeprecations.dev",
            parse=modeldeprecations.parse,
            default_url=modeldeprecations.URL,
            topics=frozenset({"lifecycle"}),
            cap_bytes=8 * MEBIBYTE,
            licence_note="MIT",
            absence="notices",
        ),
        Adapter(
            kind="openrouter",
            name="OpenRouter models",
            parse=openrouter.parse,
            default_url=openrouter.URL,
            topics=frozenset({"lifecycle", "price", "capability"}),
            cap_bytes=16 * MEBIBYTE,
            licence_note="No licence published; terms of the public API apply",
            lists_served=True,
        ),
        Adapter(
            kind="genai-prices",
            name="genai-prices",
            parse=genai_prices.parse,
            default_url=genai_prices.URL,
            topics=frozenset({"lifecycle", "price", "capability"}),
            cap_bytes=8 * MEBIBYTE,
            licence_note="MIT",
            absence="nothing",
        ),
        Adapter(
            kind="models-dev",
            name="models.dev",
            parse=models_dev.parse,
            default_url=models_dev.URL,
            topics=frozenset({"lifecycle", "price", "capability"}),
            cap_bytes=32 * MEBIBYTE,
            licence_note="MIT",
            absence="nothing",
        ),
    )
}

__all__ = ["ADAPTERS", "Adapter", "InvalidPayloadError"]
