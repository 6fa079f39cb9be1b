"""Proposal of a mapping from a lifecycle page itself: which tables, columns and dates it has."""

import re
from dataclasses import dataclass
from typing import Any

from apps.feeds.pages.announcements import announcement_of
from apps.feeds.pages.cells import one_line
from apps.feeds.pages.date_order import infer_page_order
from apps.feeds.pages.dates import has_numeric_date, is_none, read_ends
from apps.feeds.pages.definition import DateRules, PageMapping, TableRule
from apps.feeds.pages.globs import matches
from apps.feeds.pages.headers import COMMON, normalise_header
from apps.feeds.pages.ids import is_strong_id, read_ids
from apps.feeds.pages.reader import TableReader
from apps.feeds.pages.stages import stage_of_words
from apps.feeds.pages.tables import PageBlocks, Table, read_blocks
from apps.feeds.parsers.dates import UnclearDateError
from apps.feeds.parsers.payload import InvalidPayloadError

# The part of the rows that must read as a date or as "no date", and that must name a model.
_DATED_SHARE = 0.6
_NAMED_SHARE = 0.5
_MAX_RULES = 30
_MAX_HEADERS = 20
_MAX_STAGES = 20
_RULES = DateRules()

_EARLIEST = re.compile(
    r"\bearliest\b.{0,40}\bdates?\b|\bdates?\b.{0,80}\b(?:earliest|not? (?:sooner|earlier) than)\b",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\b(?:table|listed|list|below|page|following)\b", re.IGNORECASE)
_LIFECYCLE = re.compile(
    r"deprecat|retire|sunset|shut ?-?down|end[- ]of[- ]life|\beol\b|discontinu|decommission"
    r"|life ?cycle|legacy|removed",
    re.IGNORECASE,
)
# Headers that may be about anything that ends: they count only below words about a lifecycle.
_WEAK_END = re.compile(
    r"expir|end date|effective|until|through|last day|unavailable|terminat|offline", re.IGNORECASE
)
# Headings of stages; a heading with an ID or a day is that of one notice.
_MAX_STAGE_WORDS = 6


@dataclass(slots=True)
class _Candidate:
    """A table that fits: its columns, and the dates of its ends."""

    table: Table
    columns: dict[str, int]
    ends: list[str]

    def header(self, column: str) -> str:
        return one_line(self.table.header[self.columns[column]])[:200]


def propose_mapping(body: bytes, *, host: str) -> dict[str, Any]:
    """Return the stored form of a mapping that reads the tables of the page.

    InvalidPayloadError, with a sentence, if the body is no page or no table fits. `host` is the
    host of the models; the proposal does not depend on what is known about it."""
    blocks = read_blocks(body)
    order = infer_page_order(blocks)
    draft = PageMapping(dates=DateRules(order=order))
    candidates, refusals, timelines = _fitting_tables(blocks, draft)
    if not candidates:
        raise InvalidPayloadError(_explain_no_table(blocks, refusals, order))
    definition: dict[str, Any] = {
        "tables": _rules_of(candidates, timelines),
        "columns": _columns_of(candidates, timelines),
    }
    dates: dict[str, Any] = {}
    if order:
        dates["order"] = order
    if _says_earliest(blocks):
        dates["future_is_earliest"] = True
    if dates:
        definition["dates"] = dates
    stages = _stages_of(candidates)
    if stages:
        definition["stages"] = stages
    places = _announcement_places(candidates)
    if places != ["heading", "sentence"]:
        definition["announced_from"] = places
    return definition


def _fitting_tables(
    blocks: PageBlocks, draft: PageMapping
) -> tuple[list[_Candidate], list[str], list[_Candidate]]:
    """Return (tables that fit, sentences about tables that may not be read, timelines)."""
    candidates: list[_Candidate] = []
    refusals: list[str] = []
    timelines: list[_Candidate] = []
    for table in blocks.tables:
        reader = TableReader(table, TableRule(), draft, "")
        if reader.refusal and "id" in reader.columns:
            refusals.append(reader.refusal)
            continue
        if not reader.is_readable or reader.refusal:
            continue
        if "id" not in reader.columns:
            timelines.append(_Candidate(table, reader.columns, []))
            continue
        candidate = _assess(table, reader.columns, draft)
        if candidate is not None:
            candidates.append(candidate)
    if not any(candidate.ends for candidate in candidates):
        candidates = []
    return candidates, refusals, timelines


def _assess(table: Table, columns: dict[str, int], draft: PageMapping) -> _Candidate | None:
    """Return the table as a candidate if its cells hold what its headers say."""
    end_columns = [name for name in ("retires", "training_ends") if name in columns]
    header = " ".join(table.header[columns[name]] for name in end_columns)
    context = " ".join((*table.path, *table.above[-3:], header))[:3000]
    if _WEAK_END.search(header[:300]) and not _LIFECYCLE.search(context):
        return None
    n_rows = n_dated = n_named = 0
    ends: list[str] = []
    for row in table.rows:
        cell = row[columns["id"]] if columns["id"] < len(row) else ""
        if not cell.strip() or sum(bool(text.strip()) for text in row) == 1:
            continue
        n_rows += 1
        names = read_ids(cell, draft)
        n_named += any(
            is_strong_id(found.id) or "`" in cell or len(found.id.split()) <= 6 for found in names
        )
        is_dated = False
        for name in end_columns:
            text = row[columns[name]] if columns[name] < len(row) else ""
            try:
                found_ends = read_ends(text, draft.dates)
            except UnclearDateError:
                # A quarter, or a day without a year: no date, but a column of dates.
                is_dated = True
                continue
            ends += [found.on for found in found_ends]
            is_dated |= bool(found_ends) or is_none(text, _RULES) or len(text.split()) <= 6
        n_dated += is_dated
    if not n_rows or n_dated < _DATED_SHARE * n_rows or n_named < _NAMED_SHARE * n_rows:
        return None
    return _Candidate(table, columns, ends)


def _rules_of(candidates: list[_Candidate], timelines: list[_Candidate]) -> list[dict[str, Any]]:
    """Return a rule for each pair of headers of an ID and an end."""
    rules: list[dict[str, Any]] = []
    for candidate in candidates:
        end = "retires" if "retires" in candidate.columns else "training_ends"
        rule = {"headers": [candidate.header("id"), candidate.header(end)]}
        if not any(_same_rule(rule, known) for known in rules):
            rules.append(rule)
    for candidate in timelines:
        names = ("parameter",) if "parameter" in candidate.columns else ("date", "update")
        heading = candidate.table.path[-1] if candidate.table.path else ""
        if not _LIFECYCLE.search(" ".join(candidate.table.path)[:1000]) or not heading:
            continue
        rule = {"headers": [candidate.header(name) for name in names]}
        if not any(_same_rule(rule, known) for known in rules):
            rules.append(rule)
    return rules[:_MAX_RULES]


def _same_rule(rule: dict[str, Any], other: dict[str, Any]) -> bool:
    return [normalise_header(text) for text in rule["headers"]] == [
        normalise_header(text) for text in other["headers"]
    ]


def _columns_of(candidates: list[_Candidate], timelines: list[_Candidate]) -> dict[str, list[str]]:
    """Return the headers of each column, those that say more first."""
    found: dict[str, dict[str, str]] = {}
    for candidate in (*candidates, *timelines):
        is_timeline = "id" not in candidate.columns
        for name in candidate.columns:
            if name in ("date", "update") and not is_timeline:
                continue
            header = candidate.header(name).replace("*", "")
            found.setdefault(name, {}).setdefault(normalise_header(header), header)
    return {
        name: [
            header for _, header in sorted(headers.items(), key=lambda item: _rank(name, item[0]))
        ][:_MAX_HEADERS]
        for name, headers in found.items()
    }


def _rank(column: str, header: str) -> int:
    patterns = COMMON.get(column, ())
    return next(
        (place for place, pattern in enumerate(patterns) if matches(pattern, header)),
        len(patterns),
    )


def _stages_of(candidates: list[_Candidate]) -> dict[str, str]:
    """Return {heading: stage} for headings that name a stage, where no column does."""
    stages: dict[str, str] = {}
    for candidate in candidates:
        if "stage" in candidate.columns:
            continue
        for title in candidate.table.path:
            if len(title.split()) > _MAX_STAGE_WORDS or any(sign.isdigit() for sign in title):
                continue
            stage = stage_of_words(title)
            if stage and title not in stages and len(stages) < _MAX_STAGES:
                stages[title.replace("*", "")] = stage
    # A title of the whole page is no stage of its rows.
    shared = {title for title in stages if all(title in c.table.path for c in candidates)}
    return {title: stage for title, stage in stages.items() if title not in shared}


def _announcement_places(candidates: list[_Candidate]) -> list[str]:
    """Return the places of announcements: a day in a heading is none if ends are not after it."""
    mapping = PageMapping(announced_from=("heading",))
    n_headings = n_before = 0
    for candidate in candidates:
        day = announcement_of(candidate.table, mapping)
        if not day or not candidate.ends:
            continue
        n_headings += 1
        n_before += all(day < end for end in candidate.ends)
    if n_headings and n_before * 2 <= n_headings:
        return ["sentence"]
    return ["heading", "sentence"]


def _says_earliest(blocks: PageBlocks) -> bool:
    """Return whether a sentence says that the listed dates are the earliest possible ones."""
    return any(
        _EARLIEST.search(text[:1500]) and _LISTED.search(text[:1500])
        for _, text in blocks.sentences
    )


def _explain_no_table(blocks: PageBlocks, refusals: list[str], order: str) -> str:
    if refusals:
        return refusals[0]
    if not blocks.tables:
        return (
            "The page has no table, so no table fits. Only tables with a model ID and a "
            "retirement date in each row can be read."
        )
    cells = [cell for table in blocks.tables for row in table.rows for cell in row]
    if not order and any(has_numeric_date(cell) for cell in cells):
        return (
            "No table fits: the page writes dates in numbers that can be read in two ways. Enter "
            "the order of day and month in the mapping."
        )
    return (
        f"No table fits: none of the {len(blocks.tables)} tables of the page has both a column of "
        "model IDs and a column of retirement dates. Enter the address of the lifecycle page."
    )
