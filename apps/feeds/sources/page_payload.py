"""A lifecycle page as polls take it: its rows, and the form in which it states them."""

from datetime import date
from typing import Any

from apps.catalog.claims.feed_rows import (
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    RegionalEnd,
    RejectedRow,
    StageClaim,
)
from apps.common.processes.child_process import child_function
from apps.common.time import day_of, now
from apps.feeds.mapping.definition import InvalidMappingError
from apps.feeds.pages.claims import claims_of
from apps.feeds.pages.proposal import propose_mapping
from apps.feeds.pages.reader import read_page
from apps.feeds.pages.records import PageRow, SkippedRow, TableReading
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.sources.page_form import PagePayload, TableForm, build_form
from apps.feeds.sources.page_settings import PageSettings, read_page_settings


def read_page_payload(
    body: bytes, on: date, *, settings: PageSettings, url: str = ""
) -> PagePayload:
    """Read a page as it was seen `on` a day; `url` is its address for people. InvalidPayloadError
    if no row can be read."""
    reading = read_page(body, settings.mapping, host=settings.host, on=on)
    feed = claims_of(reading, host=settings.host, url=url)
    return PagePayload(feed, build_form(reading.tables, feed.rows), reading.tables)


def read_page_sample(body: bytes, definition: Any, *, url: str) -> PagePayload | None:
    """Read a sample by settings in their stored form; None for an empty sample, of which only the
    settings are checked. InvalidMappingError or InvalidPayloadError as a sentence."""
    if not body:
        read_page_settings(definition)
        return None
    return _read_sample(body, definition, url, day_of(now()))


@child_function(
    classes=(
        FeedRow,
        LifecycleClaim,
        PagePayload,
        PageRow,
        ParsedFeed,
        RegionalEnd,
        RejectedRow,
        SkippedRow,
        StageClaim,
        TableForm,
        TableReading,
    ),
    errors=(InvalidMappingError, InvalidPayloadError),
    refusal=InvalidPayloadError,
)
def _read_sample(body: bytes, definition: Any, url: str, on: date) -> PagePayload:
    return read_page_payload(body, on, settings=read_page_settings(definition), url=url)


@child_function(classes=(), errors=(InvalidPayloadError,), refusal=InvalidPayloadError)
def propose_page_mapping(body: bytes) -> dict[str, Any]:
    """Propose the mapping of a page, without its host. InvalidPayloadError, as a sentence, if no
    table fits."""
    return propose_mapping(body, host="")
