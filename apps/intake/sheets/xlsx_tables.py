"""Workbooks. What is in them is read and never run: of a formula, the value stored beside it.

openpyxl reads the sheets row by row. Before it sees the file, every part of the archive is inflated once here, counted,
and looked through for what makes XML dangerous; on the way the merged cells are found, which the row-wise reader does
not tell.
"""

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException

from apps.intake.sheets.limits import (
    MOST_CHARACTERS,
    MOST_COLUMNS,
    MOST_HELD_BYTES,
    MOST_INFLATED_BYTES,
    MOST_PARTS,
    MOST_ROWS,
    MOST_SHEETS,
)
from apps.intake.sheets.tables import Book, Cell, Row, Table, Unreadable, trimmed

_BLOCK = 1024 * 1024
_DANGEROUS = re.compile(rb"<!\s*(DOCTYPE|ENTITY)|<\0?!\0?\s*(D\0?O\0?C\0?T|E\0?N\0?T\0?I)", re.IGNORECASE)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_MOST_MERGED = 20_000
_SHEET_PART = re.compile(r"^/?xl/worksheets/[^/]+\.xml$", re.IGNORECASE)
# a merged title over the whole sheet is no content of its rows
_WIDEST_MERGE = 3
# rows may be formatted far to the right; a whole sheet of such rows only costs time
_MOST_WIDE_ROWS = 5_000

type _Merged = dict[int, dict[int, tuple[int, int]]]  # row -> column -> (row, column) whose value it shows, from 1

_BROKEN = (
    zipfile.BadZipFile, InvalidFileException, DefusedXmlException, ParseError, KeyError, ValueError, TypeError,
    IndexError, AttributeError, OverflowError, EOFError, NotImplementedError, RuntimeError, OSError, zlib.error,
)  # fmt: skip


def read_xlsx(content: bytes) -> Book:
    """A table a visible worksheet; Unreadable with a sentence where it is none, or too much."""
    merged = _checked(content)
    with warnings.catch_warnings():
        # the library speaks of styles and extensions it leaves out
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        except _BROKEN as error:
            raise Unreadable(f"The workbook cannot be opened ({_short(error)}). Save it again as XLSX.") from error
    if len(sheets) > MOST_SHEETS:
        raise Unreadable(f"There are more than {MOST_SHEETS} worksheets. Upload only those that matter.")
    if not sheets:
        raise Unreadable("The workbook has no visible worksheet.")
    return Book("xlsx", tuple(_table(sheet, merged) for sheet in sheets), about="Excel workbook")


def _checked(content: bytes) -> dict[str, _Merged]:
    """Inflate every part within the limits; {worksheet part: its merged cells}."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
    except _BROKEN as error:
        raise Unreadable("This is no XLSX workbook. Save the sheet as CSV or XLSX and upload that.") from error
    if len(parts) > MOST_PARTS:
        raise Unreadable("The workbook has too many parts. Save only the sheets that matter in a new one.")
    names = {part.filename for part in parts}
    if len(names) != len(parts):
        raise Unreadable("The workbook holds two parts of one name. Save it again as XLSX.")
    if "EncryptedPackage" in names or any(part.flag_bits & 1 for part in parts):
        raise Unreadable("The workbook is protected by a password. Save it without one.")
    merged: dict[str, _Merged] = {}
    n_inflated = n_held = 0
    for part in parts:
        is_sheet = bool(_SHEET_PART.match(part.filename))
        tail = b""
        ranges: list[str] = []
        try:
            with archive.open(part) as stream:
                while block := stream.read(_BLOCK):
                    n_inflated += len(block)
                    n_held += 0 if is_sheet else len(block)
                    if n_inflated > MOST_INFLATED_BYTES or n_held > MOST_HELD_BYTES:
                        raise Unreadable(
                            "The workbook becomes too large when unpacked. Remove pictures and sheets not needed."
                        )
                    # what lies across two blocks is seen with the end of the first; half a match is matched once
                    seen = tail + block
                    if part.filename.lower().endswith((".xml", ".rels")) and _DANGEROUS.search(seen):
                        raise Unreadable("The workbook declares XML entities, as no spreadsheet does. Save it again.")
                    if is_sheet and len(ranges) < _MOST_MERGED:
                        ranges += [match.group(1).decode() for match in _MERGED.finditer(seen)]
                    tail = block[-200:]
        except _BROKEN as error:
            raise Unreadable(f"The workbook is damaged at {part.filename}. Save it again as XLSX.") from error
        if ranges:
            merged[part.filename.lstrip("/")] = _merged(ranges[:_MOST_MERGED])
    return merged


def _merged(ranges: list[str]) -> _Merged:
    """Only what is merged downwards: a name that stands for several rows."""
    found: _Merged = {}
    for text in dict.fromkeys(ranges):
        left, top, right, bottom = (int(bound or 0) for bound in range_boundaries(text))
        if right - left >= _WIDEST_MERGE or bottom - top > 10_000:
            continue
        for row in range(top + 1, bottom + 1):
            for column in range(left, right + 1):
                found.setdefault(row, {})[column] = (top, left)
    return found


def _table(sheet: Any, merged: dict[str, _Merged]) -> Table:
    part = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    return Table(str(sheet.title), lambda: _rows(sheet, merged.get(part, {})))


def _rows(sheet: Any, merged: _Merged) -> Iterator[Row]:
    # the declared size may be wrong, on purpose or not: what is there counts
    sheet.reset_dimensions()
    shown: dict[tuple[int, int], Cell] = {}
    wanted = {origin for columns in merged.values() for origin in columns.values()}
    rows_with_origins = {row for row, _ in wanted}
    n_wide = 0
    try:
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > MOST_ROWS:
                raise Unreadable(f"There are more than {MOST_ROWS:,} rows in '{sheet.title}'. Split the sheet.")
            if not values and number not in merged:
                continue
            cells = [_cell(value, number) for value in values[:MOST_COLUMNS]]
            n_wide += len(values) > MOST_COLUMNS
            if len(values) > MOST_COLUMNS and (
                n_wide > _MOST_WIDE_ROWS or any(value not in (None, "") for value in values[MOST_COLUMNS:])
            ):
                raise Unreadable(
                    f"Row {number} of '{sheet.title}' has more than {MOST_COLUMNS} columns. Remove those not needed."
                )
            has_content = any(cell not in (None, "") for cell in cells)
            if number in rows_with_origins:
                shown.update(
                    ((number, column), cells[column - 1])
                    for row, column in wanted
                    if row == number and column <= len(cells)
                )
            if has_content and number in merged:
                for column, origin in merged[number].items():
                    if column <= MOST_COLUMNS:
                        cells += [None] * (column - len(cells))
                        cells[column - 1] = shown.get(origin)
            cells = trimmed(cells)
            if any(cell is not None and not (isinstance(cell, str) and not cell.strip()) for cell in cells):
                yield number, cells
    except _BROKEN as error:
        raise Unreadable(f"'{sheet.title}' cannot be read ({_short(error)}). Save it again as XLSX.") from error


def _cell(value: Any, number: int) -> Cell:
    if isinstance(value, str):
        if len(value) > MOST_CHARACTERS:
            raise Unreadable(f"A cell of row {number} is longer than {MOST_CHARACTERS:,} characters. Shorten it.")
        # how the format writes what XML cannot hold
        return unescape(value) if "_x" in value else value
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value
    if value is None or isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, time | timedelta):
        return str(value)
    return str(value)[:MOST_CHARACTERS]


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:120]
