"""Reader of lifecycle pages: from the bytes of a page to rows, by a mapping."""

import re
from dataclasses import dataclass, field, replace
from datetime import date

from apps.catalog.claims.feed_rows import NOT_BEFORE
from apps.feeds.pages.announcements import announcement_of, stated_days
from apps.feeds.pages.cells import one_line
from apps.feeds.pages.date_order import infer_page_order
from apps.feeds.pages.dates import (
    CellDate,
    read_dates,
    read_ends,
    read_labelled,
    read_one,
    region_codes,
)
from apps.feeds.pages.definition import PageMapping, TableRule
from apps.feeds.pages.globs import matches, matches_any
from apps.feeds.pages.headers import normalise_header, normalise_pattern, resolve_columns
from apps.feeds.pages.ids import FoundId, is_strong_id, is_training_only, kind_of, read_ids
from apps.feeds.pages.notices import rows_of_notices
from apps.feeds.pages.records import PageReading, PageRow, SkippedRow, TableReading, pairs_of
from apps.feeds.pages.stages import stage_of_heading, stage_of_words
from apps.feeds.pages.tables import PageBlocks, Table, iter_headings, read_blocks
from apps.feeds.pages.timelines import row_of_timeline
from apps.feeds.parsers.dates import UnclearDateError

MAX_ROWS = 20_000
_MAX_REPLACEMENT_LENGTH = 300
# Parts of the cells of a column: with fewer IDs it has names, with at least that many it has IDs.
_FEW_IDS = 0.2
_MOST_IDS = 0.8

_DEPRECATION = re.compile(r"deprecat|announc", re.IGNORECASE)
_LEGACY = re.compile(r"legacy", re.IGNORECASE)
_FOOTNOTE_STARS = re.compile(r"(?<=\w)[*\u2020\u2021]{1,3}(?!\w)")
_NO_REPLACEMENT = frozenset(
    {"", "-", "--", "---", "\u2014", "\u2013", "n/a", "na", "none", "tbd", "tba", "/", "\u65e0"}
)
_ENDS_IN_HEADING = re.compile(
    r"retire|shut ?down|sunset|discontinu|decommission|offline|removed|\u4e0b\u7ebf", re.IGNORECASE
)
_EARLIEST_HEADER = re.compile(
    r"\bearliest\b|no(?:t)? (?:sooner|earlier|before)|not before", re.IGNORECASE
)
_ALL_REGIONS = re.compile(r"\ball\b.{0,20}\bregions?\b|\bglobal\b", re.IGNORECASE)


def read_page(
    body: bytes, mapping: PageMapping, *, host: str, on: date | None = None
) -> PageReading:
    """Read the rows of a page by `mapping`. `on` is the day on which the page was seen; without it
    the latest day that the page itself has passed stands for it, where dates that have not come
    mean something else than dates that have.

    InvalidPayloadError if the body is no page of Markdown or HTML, or was cut off."""
    blocks = read_blocks(body)
    return read_tables(blocks, mapping, host=host, on=on)


def read_tables(
    blocks: PageBlocks, mapping: PageMapping, *, host: str, on: date | None = None
) -> PageReading:
    """Read the rows of the tables of a page, and of its sentences if the mapping says so."""
    if not mapping.dates.order and (order := infer_page_order(blocks)):
        mapping = replace(mapping, dates=replace(mapping.dates, order=order))
    rows: list[PageRow] = []
    tables: list[TableReading] = []
    refused: list[str] = []
    passed: list[str] = [on.isoformat()] if on else stated_days(blocks)
    unread: list[Table] = []
    for table in blocks.tables:
        rule = rule_of(table, mapping)
        if rule is None:
            continue
        reader = TableReader(table, rule, mapping, host)
        if reader.refusal:
            refused.append(reader.refusal)
            continue
        if not reader.is_readable:
            unread.append(table)
            continue
        reader.read()
        rows += reader.rows
        tables.append(reader.reading)
        if not on:
            passed += reader.passed
        if len(rows) > MAX_ROWS:
            refused.append(f"The page has more than {MAX_ROWS:,} rows. Only these were read.")
            rows = rows[:MAX_ROWS]
            break
    if mapping.dates_from_sentences:
        taken, readings = rows_of_notices(blocks, unread, mapping, host)
        known = {row.model_id.casefold() for row in rows}
        rows += [row for row in taken if row.model_id.casefold() not in known]
        tables += readings
    rows = _complete(rows)
    if mapping.dates.future_is_earliest:
        rows = _mark_future(rows, passed)
    skipped = tuple(row for table in tables for row in table.skipped)
    return PageReading(tuple(rows), tuple(tables), skipped, tuple(refused))


def rule_of(table: Table, mapping: PageMapping) -> TableRule | None:
    """Return the first rule of the mapping that the table fits; a rule for all tables if the
    mapping has none."""
    if not mapping.tables:
        return TableRule()
    return next((rule for rule in mapping.tables if _fits(table, rule)), None)


def _fits(table: Table, rule: TableRule) -> bool:
    headings = list(iter_headings(table))
    if rule.heading and not any(matches(rule.heading, heading) for heading in headings):
        return False
    if any(matches_any(rule.exclude, heading) for heading in headings):
        return False
    names = [normalise_header(text) for text in table.header]
    return all(
        any(matches(normalise_pattern(pattern), name) for name in names) for pattern in rule.headers
    )


@dataclass(slots=True)
class _Cells:
    """The cells of a row by column."""

    row: list[str]
    columns: dict[str, int]

    def get(self, column: str) -> str:
        place = self.columns.get(column)
        return self.row[place] if place is not None and place < len(self.row) else ""


@dataclass(slots=True)
class TableReader:
    """Reads one table. `refusal` is a sentence if nothing of it may be read; `is_readable` is
    False if it is no table of ends."""

    table: Table
    rule: TableRule
    mapping: PageMapping
    host: str
    header: list[str] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)
    refusal: str = ""
    rows: list[PageRow] = field(default_factory=list)
    skipped: list[SkippedRow] = field(default_factory=list)
    # Days that had passed when the page was written: releases and announcements.
    passed: list[str] = field(default_factory=list)
    _section: str = ""
    _shared_end: CellDate | None = None

    def __post_init__(self) -> None:
        self.header = self.table.header
        n_header = len(self.rule.header_row)
        if n_header and all(len(row) == n_header for row in self.table.rows):
            self.header = list(self.rule.header_row)
        self.columns = resolve_columns(self.header, self.mapping.columns)
        if "id" not in self.mapping.columns and "retires" in self.columns:
            self._prefer_column_of_ids()
        if "id" not in self.columns and "parameter" not in self.columns and not self._is_timeline:
            return
        for number, row in enumerate(self.table.rows, start=1):
            extra = [cell for cell in row[len(self.header) :] if cell.strip()]
            if extra:
                self.refusal = (
                    f"The table below {_quoted_heading(self.table)} has {len(self.header)} headers "
                    f"but {len(row)} cells in row {number}, so its columns cannot be told apart. "
                    "It was not read."
                )
                return

    def _prefer_column_of_ids(self) -> None:
        """Take the IDs from another column if the chosen one has display names only, or if no
        header names one."""
        place = self.columns.get("id")
        if place is not None and self._share_of_ids(place) > _FEW_IDS:
            return
        taken = {at for name, at in self.columns.items() if name not in ("id", "name")}
        others = [at for at in range(len(self.header)) if at not in taken and at != place]
        best = max(others, key=self._share_of_ids, default=None)
        if best is None or self._share_of_ids(best) < _MOST_IDS:
            return
        self.columns["id"] = best
        if place is not None:
            self.columns["name"] = place

    def _share_of_ids(self, place: int) -> float:
        """Return the part of the cells of a column that hold an ID."""
        cells = [row[place] for row in self.table.rows if place < len(row)]
        named = sum(
            any(is_strong_id(found.id) for found in read_ids(cell, self.mapping)) for cell in cells
        )
        return named / len(cells) if cells else 0.0

    @property
    def _is_timeline(self) -> bool:
        return {"date", "update"} <= set(self.columns) and len(self.header) == 2

    @property
    def is_readable(self) -> bool:
        """Return whether the table has an ID and an end, or is a timeline or about parameters."""
        found = set(self.columns)
        if self._is_timeline and "retires" not in found:
            return True
        if "parameter" in found and ("stage" in found or "retires" in found):
            return True
        return "id" in found and bool({"retires", "training_ends"} & found)

    @property
    def reading(self) -> TableReading:
        return TableReading(
            self.table.heading,
            {name: one_line(self.header[place]) for name, place in self.columns.items()},
            len(self.table.rows),
            tuple(self.skipped),
            tuple(one_line(text) for text in self.header),
        )

    def read(self) -> None:
        if self._is_timeline and "retires" not in self.columns:
            self._read_timeline()
            return
        announced = announcement_of(self.table, self.mapping)
        self._shared_end = self._find_shared_end()
        for number, row in enumerate(self.table.rows, start=1):
            cells = _Cells(row, self.columns)
            if self._is_section(row):
                self._section = stage_of_words(row[0])
                self._skip(
                    number, row, "The row divides the table and names no model.", is_fault=False
                )
                continue
            try:
                self._read_row(number, cells, announced)
            except UnclearDateError as error:
                self._skip(number, row, str(error), named=self._named_by(cells))

    def _named_by(self, cells: _Cells) -> tuple[PageRow, ...]:
        """Return the models that a row names of which nothing else can be read."""
        cell = cells.get("id")
        version = _version_of(cells.get("version"))
        return tuple(
            PageRow(
                self.host,
                found.id,
                version=version or found.version,
                kind=self._kind_of(found.id, cell),
            )
            for found in read_ids(cell, self.mapping)
        )

    def _find_shared_end(self) -> CellDate | None:
        """Return the end of all rows of a table whose heading states it: a page that loses merged
        cells in its Markdown form has the day in the first row of a group only."""
        if "retires" not in self.columns or not self.table.path:
            return None
        if not _ENDS_IN_HEADING.search(self.table.path[-1][:200]):
            return None
        try:
            stated = read_dates(self.table.path[-1][:200], self.mapping.dates)
            ends = [
                end
                for row in self.table.rows
                for end in read_ends(_Cells(row, self.columns).get("retires"), self.mapping.dates)
            ]
        except UnclearDateError:
            return None
        days = {end.on for end in ends}
        is_shared = len(days) == 1 and len(stated) == 1 and {stated[0].on} == days
        return replace(ends[0], regions=()) if is_shared else None

    def _read_timeline(self) -> None:
        found = row_of_timeline(self.table, self.columns, self.mapping, self.host)
        if found is None:
            self._skip(1, [], "The timeline has no row that states an end.", is_fault=False)
        else:
            self.rows.append(found)

    def _is_section(self, row: list[str]) -> bool:
        """Return whether one cell stands for the whole row, such as "Preview models"."""
        filled = [cell for cell in row if cell.strip()]
        if len(self.header) < 2 or not filled:
            return False
        is_alone = len(filled) == 1 and filled[0] == row[0]
        is_spread = len(row) > 1 and len(filled) == len(row) and len(set(filled)) == 1
        return (is_alone or is_spread) and not any(
            is_strong_id(found.id) for found in read_ids(row[0], self.mapping)
        )

    def _skip(
        self,
        number: int,
        row: list[str],
        reason: str,
        *,
        is_fault: bool = True,
        named: tuple[PageRow, ...] = (),
    ) -> None:
        text = " | ".join(one_line(cell)[:80] for cell in row)
        self.skipped.append(
            SkippedRow(self.table.heading, number, reason, text[:300], is_fault, named)
        )

    def _read_row(self, number: int, cells: _Cells, announced: str) -> None:
        is_parameter = "parameter" in self.columns and bool(cells.get("parameter").strip())
        id_cell = cells.get("parameter" if is_parameter else "id")
        found_ids = (
            [FoundId(one_line(id_cell))] if is_parameter else read_ids(id_cell, self.mapping)
        )
        if not found_ids:
            self._skip(number, cells.row, "The row names no model ID.")
            return
        common = self._common_of(number, cells, announced)
        ends = self._ends_of(cells)
        for found in found_ids:
            row = replace(common, model_id=found.id, version=common.version or found.version)
            kind = "parameter" if is_parameter else self._kind_of(found.id, id_cell)
            row = replace(row, kind=kind)
            if kind == "fine_tune" and "training_ends" in self.columns:
                self._add_phases(row, cells, ends)
                continue
            if kind == "fine_tune" and is_training_only(id_cell):
                row = replace(row, stage="training_ended")
            self._add(row, ends)

    def _kind_of(self, name: str, cell: str) -> str:
        nearest = self.table.path[-1] if self.table.path else ""
        default = self.rule.kind or ("fine_tune" if "training_ends" in self.columns else "")
        return kind_of(name, cell, nearest, self.mapping, default)

    def _add(self, row: PageRow, ends: list[CellDate]) -> None:
        if not ends:
            self.rows.append(row)
            return
        for end in ends:
            announced = row.announced_on
            if announced and announced >= end.on and "announced" not in self.columns:
                announced = ""
            self.rows.append(
                replace(
                    row,
                    retires_on=end.on,
                    date_kind=end.kind,
                    announced_on=announced,
                    regions=row.regions or end.regions,
                )
            )

    def _add_phases(self, row: PageRow, cells: _Cells, ends: list[CellDate]) -> None:
        """Add a row for the end of training and one for the end of the fine-tuned models."""
        training = read_ends(cells.get("training_ends"), self.mapping.dates)
        self._add(replace(row, stage="training_ended"), training)
        self._add(row, ends)

    def _ends_of(self, cells: _Cells) -> list[CellDate]:
        if "retires" not in self.columns:
            return []
        ends = read_ends(cells.get("retires"), self.mapping.dates)
        if not cells.get("retires") and self._shared_end is not None:
            ends = [self._shared_end]
        if _EARLIEST_HEADER.search(self.header[self.columns["retires"]][:200]):
            ends = [replace(end, kind=NOT_BEFORE) for end in ends]
        return ends

    def _common_of(self, number: int, cells: _Cells, announced: str) -> PageRow:
        rules = self.mapping.dates
        retires_cell = cells.get("retires")
        days = {}
        for column in ("announced", "legacy", "closed_to_new", "extended_access"):
            found = read_one(cells.get(column), rules)
            days[column] = found.on if found and not found.is_month else ""
        days["announced"] = days["announced"] or _day(
            read_labelled(retires_cell, rules, _DEPRECATION)
        )
        days["legacy"] = days["legacy"] or _day(read_labelled(retires_cell, rules, _LEGACY))
        released = read_one(cells.get("released"), rules)
        self.passed += [day for day in (days["announced"], announced) if day]
        if released:
            # The month of a release has begun: its days count as passed.
            self.passed.append(released.on if not released.is_month else f"{released.on}-31")
        return PageRow(
            host=self.host,
            model_id="",
            version=_version_of(cells.get("version")),
            announced_on=days["announced"] or announced,
            legacy_on=days["legacy"],
            closed_to_new_on=days["closed_to_new"],
            extended_access_from=days["extended_access"],
            replacement=clean_replacement(cells.get("replacement")),
            stage=self._stage_of(cells),
            regions=_regions_of(cells.get("regions")),
            table=self.table.heading,
            row=number,
            name=one_line(cells.get("name"))[:200],
            lab=one_line(cells.get("lab"))[:200],
            cells=pairs_of(self.header, cells.row),
        )

    def _stage_of(self, cells: _Cells) -> str:
        cell = one_line(cells.get("stage"))
        for pattern, stage in self.mapping.stages.items():
            if cell and matches(pattern, cell):
                return stage
        return (
            stage_of_words(cell)
            or self._section
            or self.rule.stage
            or stage_of_heading(self.table.path, self.mapping.stages)
        )


def _day(found: CellDate | None) -> str:
    return found.on if found and not found.is_month else ""


def _version_of(cell: str) -> str:
    version = one_line(cell)
    return "" if version.casefold() in _NO_REPLACEMENT else version[:80]


def _regions_of(cell: str) -> tuple[str, ...]:
    """Return the codes of a region column, or its words where the host uses names."""
    plain = one_line(cell.replace("\n", ", "))
    if plain.casefold() in _NO_REPLACEMENT or _ALL_REGIONS.search(plain[:100]):
        return ()
    codes = region_codes(plain)
    if codes:
        return codes
    names = [name.strip()[:60] for name in plain.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def clean_replacement(cell: str) -> str:
    """Return a replacement as written, without code marks and footnote stars; "" for a dash."""
    text = one_line(_FOOTNOTE_STARS.sub("", cell.replace("\n", ", ").replace("`", "")))
    return "" if text.casefold().strip(" .") in _NO_REPLACEMENT else text[:_MAX_REPLACEMENT_LENGTH]


def _quoted_heading(table: Table) -> str:
    return f'"{table.path[-1][:100]}"' if table.path else "the start of the page"


def _complete(rows: list[PageRow]) -> list[PageRow]:
    """Fill in what another row of the page states about the same end: a table of all models has
    no replacements where each notice has them."""
    known: dict[tuple[str, str, str, str], PageRow] = {}
    for row in rows:
        key = _end_of(row)
        other = known.get(key)
        known[key] = row if other is None else _filled(other, row)
    return [_filled(row, known[_end_of(row)]) if row.retires_on else row for row in rows]


def _end_of(row: PageRow) -> tuple[str, str, str, str]:
    return row.kind, row.model_id.casefold(), row.version.casefold(), row.retires_on


def _filled(row: PageRow, other: PageRow) -> PageRow:
    return replace(
        row,
        replacement=row.replacement or other.replacement,
        announced_on=row.announced_on or other.announced_on,
        stage=row.stage or other.stage,
    )


def _mark_future(rows: list[PageRow], passed: list[str]) -> list[PageRow]:
    """Mark each end after the latest passed day as an earliest one."""
    latest = max(passed, default="")
    if not latest:
        return rows
    return [
        replace(row, date_kind=NOT_BEFORE)
        if row.retires_on and row.retires_on > latest[: len(row.retires_on)]
        else row
        for row in rows
    ]


__all__ = ["clean_replacement", "read_page", "read_tables", "rule_of"]
