"""A lifecycle page as polls take it: its rows, and the form in which it states them."""

from datetime import date
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, LifecycleClaim, ParsedFeed, RejectedRow
from apps.feeds.pages.reader import read_page
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.sources.page_form import PagePayload, build_form
from apps.feeds.sources.page_settings import PageSettings, read_page_settings


def read_page_payload(body: bytes, *, settings: PageSettings, url: str) -> PagePayload:
    """Read a page. InvalidPayloadError if no row can be read."""
    reading = read_page(body, settings.mapping, host=settings.host)
    rows: dict[str, FeedRow] = {}
    for row in reading.rows:
        external_id = f"{settings.host}/{row.model_id}"
        day = date.fromisoformat(row.retires_on) if len(row.retires_on) == 10 else None
        rows[external_id] = FeedRow(
            external_id=external_id,
            group=settings.host,
            host=settings.host,
            api_id=row.model_id,
            lifecycle=LifecycleClaim(
                announced_on=date.fromisoformat(row.announced_on) if row.announced_on else None,
                retires_on=day,
                date_kind=row.date_kind if day else "",
                status=row.stage,
                successor=row.replacement,
            ),
            source_url=url,
            excerpt={"page": url, "table": row.table, "row": row.row, "cells": list(row.cells)},
            kind=row.kind,
        )
    if not rows:
        raise InvalidPayloadError("No table of the page fits the mapping. Check the mapping.")
    feed = ParsedFeed(
        tuple(rows.values()),
        tuple(
            RejectedRow(f"{skipped.table} row {skipped.row}", skipped.reason, skipped.text)
            for skipped in reading.skipped
        ),
        host_names={settings.host: settings.host_name},
    )
    return PagePayload(feed, build_form(reading.tables, feed.rows), reading.tables)


def read_page_sample(body: bytes, definition: Any, *, url: str) -> PagePayload | None:
    """Read a sample by settings in their stored form; None for an empty sample, of which only the
    settings are checked. InvalidMappingError or InvalidPayloadError as a sentence."""
    settings = read_page_settings(definition)
    return read_page_payload(body, settings=settings, url=url) if body else None


def propose_page_mapping(body: bytes) -> dict[str, Any]:
    """Propose the mapping of a page, without its host; empty if no table fits."""
    return {}
