"""Claims of a lifecycle page: rows for the change detection, with the table and row they stand in.

The rows of one ID become one claim: of several ends the newer counts, and rows of regions are
merged.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from apps.catalog.claims.feed_rows import (
    FIRM,
    NOT_BEFORE,
    STAGES,
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    RegionalEnd,
    StageClaim,
)
from apps.feeds.pages.definition import PageMapping
from apps.feeds.pages.ids import is_fine_tuned_id
from apps.feeds.pages.reader import read_page
from apps.feeds.pages.records import PageReading, PageRow
from apps.feeds.parsers.payload import (
    MAX_API_ID_LENGTH,
    MAX_EXTERNAL_ID_LENGTH,
    MAX_REGION_LENGTH,
    InvalidPayloadError,
    ParsedRows,
    host_of,
    is_storable,
    rejected_row,
    safe_url,
)

FINE_TUNED_TIER = "fine-tuned"
_MAX_TEXT_LENGTH = 400
_NOTE = re.compile(r" \([^()]{0,80} [^()]{0,80}\)$")
_DATED_VERSION = re.compile(r"[\w.-]{0,40}\d{4}[\w.-]{0,40}", re.ASCII)


def parse_page(
    body: bytes, *, mapping: PageMapping, host: str, url: str = "", on: date | None = None
) -> ParsedFeed:
    """Parse a page into rows and rejected rows, as every adapter. `on` is the day on which the page
    was seen. InvalidPayloadError if no conclusion may be drawn from the body."""
    return claims_of(read_page(body, mapping, host=host, on=on), host=host, url=url)


def claims_of(reading: PageReading, *, host: str, url: str = "") -> ParsedFeed:
    """Return the claims of a page that was read. InvalidPayloadError without any row."""
    if not reading.rows and reading.refused:
        raise InvalidPayloadError(reading.refused[0])
    if not reading.rows:
        raise InvalidPayloadError(
            "No table of the page fits the mapping. Compare its headings and headers with the page."
        )
    slug, name = host_of(host)
    collector = ParsedRows.empty()
    collector.host_names[slug] = name
    groups: dict[tuple[str, str], list[PageRow]] = {}
    unread = tuple(row for skipped in reading.skipped for row in skipped.named)
    versions = _versions_by_id((*reading.rows, *unread))
    for row in reading.rows:
        for part in _divide(row):
            groups.setdefault((_api_id(part, versions), part.kind), []).append(part)
    for (api_id, _), rows in groups.items():
        # Of a fine-tuned model, the ID that the page writes, if it has one of its own.
        named = next((row for row in rows if is_fine_tuned_id(row.model_id)), rows[0])
        external_id = _external_id(host, named, versions)
        if (
            len(external_id) > MAX_EXTERNAL_ID_LENGTH
            or len(api_id) > MAX_API_ID_LENGTH
            or not is_storable(external_id)
        ):
            collector.rejects.append(
                rejected_row(external_id, "The ID is too long or cannot be stored.", external_id)
            )
            continue
        collector.rows.append(
            FeedRow(
                external_id=external_id,
                group=host,
                host=slug,
                api_id=api_id,
                tier=FINE_TUNED_TIER if rows[0].kind == "fine_tune" else "",
                name=rows[0].name[:200],
                lifecycle=_merge(rows),
                source_url=safe_url(url),
                excerpt=_excerpt_of(_ruling(rows)),
                kind=rows[0].kind,
            )
        )
    for skipped in reading.skipped:
        if skipped.is_fault:
            # under the ID of a claim, the row is known to be on the page
            names = [_external_id(host, row, versions) for row in skipped.named]
            for name in names or [f"{host}/{skipped.table} row {skipped.row}"]:
                collector.rejects.append(rejected_row(name, skipped.reason, skipped.text))
        else:
            collector.ignored += 1
    for number, sentence in enumerate(reading.refused, start=1):
        collector.rejects.append(rejected_row(f"{host}/table {number} not read", sentence))
    return collector.done()


def _divide(row: PageRow) -> list[PageRow]:
    """Return a row for each parameter of a cell that lists several; other rows as they are."""
    if row.kind != "parameter" or "," not in row.model_id:
        return [row]
    names = [name.strip() for name in row.model_id.split(",")]
    return [replace(row, model_id=name) for name in names if name]


def _versions_by_id(rows: tuple[PageRow, ...]) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for row in rows:
        versions.setdefault(row.model_id.casefold(), set()).add(row.version)
    return versions


def _written_id(row: PageRow, versions: dict[str, set[str]]) -> str:
    """Return the ID with its version: joined as hosts join them where the version is a date, behind
    an @ where only several versions of the page tell what is meant."""
    if not row.version:
        return row.model_id
    if _DATED_VERSION.fullmatch(row.version):
        joined = row.model_id.endswith(f"-{row.version}")
        return row.model_id if joined else f"{row.model_id}-{row.version}"
    if len(versions[row.model_id.casefold()]) > 1:
        return f"{row.model_id}@{row.version}"
    return row.model_id


def _external_id(host: str, row: PageRow, versions: dict[str, set[str]]) -> str:
    written = f"{host}/{_written_id(row, versions)}"
    if row.kind == "fine_tune" and not is_fine_tuned_id(row.model_id):
        return f"{written} ({FINE_TUNED_TIER})"
    return written


def _api_id(row: PageRow, versions: dict[str, set[str]]) -> str:
    """Return the ID without a note in brackets; of a fine-tuned model, that of its base."""
    written = _NOTE.sub("", _written_id(row, versions))
    if row.kind == "fine_tune" and is_fine_tuned_id(written):
        return written[3:]
    return written


def _ruling(rows: list[PageRow]) -> PageRow:
    """Return the row whose end counts: the one announced last, else the one that ends last."""
    usable = [row for row in rows if row.stage != "training_ended"] or rows
    dated = [row for row in usable if row.retires_on]
    if not dated:
        return usable[0]
    if all(row.announced_on for row in dated):
        return max(dated, key=lambda row: (row.announced_on, row.retires_on))
    return max(dated, key=lambda row: row.retires_on)


@dataclass(slots=True)
class _Stages:
    """Stages of a claim, each once."""

    found: dict[str, StageClaim] = field(default_factory=dict)

    def add(self, stage: str, on: str = "", kind: str = FIRM) -> None:
        known = self.found.get(stage)
        if known is not None and known.starts_on is not None:
            return
        day = _day(on)
        self.found[stage] = StageClaim(stage, day, kind if day else "")


def _merge(rows: list[PageRow]) -> LifecycleClaim:
    """Return one claim of the rows of an ID."""
    ruling = _ruling(rows)
    stages = _Stages()
    for row in rows:
        if row.stage == "training_ended":
            stages.add("training_ended", row.retires_on, row.date_kind or FIRM)
        for stage, on in (
            ("legacy", row.legacy_on),
            ("closed_to_new", row.closed_to_new_on),
            ("extended_access", row.extended_access_from),
        ):
            if on:
                stages.add(stage, on)
    if ruling.stage and ruling.stage != "training_ended":
        stages.add(ruling.stage)
    order = list(STAGES)
    is_training_only = ruling.stage == "training_ended"
    retires = "" if is_training_only else ruling.retires_on
    is_month = len(retires) == 7
    return LifecycleClaim(
        announced_on=_day(ruling.announced_on),
        retires_on=_day(retires),
        date_kind=(NOT_BEFORE if is_month else ruling.date_kind) if retires else "",
        status="" if is_training_only else ruling.stage,
        successor=next((row.replacement for row in (ruling, *rows) if row.replacement), ""),
        retires_month=retires if is_month else "",
        stages=tuple(sorted(stages.found.values(), key=lambda claim: order.index(claim.stage))),
        regions=_regions_of(rows),
    )


def _regions_of(rows: list[PageRow]) -> tuple[RegionalEnd, ...]:
    ends: dict[str, RegionalEnd] = {}
    for row in rows:
        day = _day(row.retires_on)
        for region in row.regions:
            code = region[:MAX_REGION_LENGTH]
            known = ends.get(code)
            if known is None or (day and (known.retires_on is None or known.retires_on < day)):
                ends[code] = RegionalEnd(code, day, row.date_kind if day else "")
    return tuple(ends[code] for code in sorted(ends))


def _day(text: str) -> date | None:
    """Return the day of an ISO day, or the first day of a month."""
    if not text:
        return None
    return date.fromisoformat(text if len(text) == 10 else f"{text}-01")


def _excerpt_of(row: PageRow) -> dict[str, Any]:
    return {
        "table": row.table[:_MAX_TEXT_LENGTH],
        "row": row.row,
        "cells": {name or "-": text for name, text in row.cells},
    }
