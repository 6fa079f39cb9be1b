"""XLSX workbooks. Content is never executed: of a formula, the stored value is read.

openpyxl reads the worksheets row by row. Before that, every part of the archive is inflated once
here to count its size, to search it for dangerous XML, and to find the merged cells, which the
row-wise reader does not report."""

import io
import re
import warnings
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException

from apps.intake.spreadsheets.files.tables import (
    Book,
    Cell,
    CellCount,
    Table,
    TableRow,
    UnreadableError,
    trim_row,
)
from apps.intake.spreadsheets.limits import (
    MAX_CELL_LENGTH,
    MAX_COLUMNS,
    MAX_HELD_BYTES,
    MAX_INFLATED_BYTES,
    MAX_MERGED_AREAS,
    MAX_MERGED_CELLS,
    MAX_PARTS,
    MAX_ROWS,
    MAX_SHEETS,
)

_BLOCK = 1024 * 1024
_DANGEROUS = re.compile(
    rb"<!\s*(DOCTYPE|ENTITY)|<\0?!\0?\s*(D\0?O\0?C\0?T|E\0?N\0?T\0?I)", re.IGNORECASE
)
_MERGED_RANGE = re.compile(
    rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"'
)
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]*>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\s[^<>]*>")
_HIDDEN = re.compile(rb'\shidden="(?:1|true)"')
_NUMBER = re.compile(rb'\s(r|min|max)="(\d{1,7})"')
_SHEET_PART = re.compile(r"^/?xl/worksheets/[^/]+\.xml$", re.IGNORECASE)
_DAMAGED = (
    "The file is damaged or does not follow the format. Open it in a spreadsheet program and "
    "save it again as XLSX."
)
# larger merged areas, such as a title over the whole worksheet, are not values of their rows
_MAX_MERGE_WIDTH = 3
_MAX_MERGE_HEIGHT = 10_000
# rows can have formatted empty cells far to the right; a worksheet full of them is rejected
_MAX_WIDE_ROWS = 5_000


class _Area(NamedTuple):
    """Merged cells that all show the value of the first one; rows and columns are numbered from 1,
    with inclusive bounds."""

    top: int
    left: int
    bottom: int
    right: int


type _MergedAreas = list[_Area]  # by their first row


@dataclass(slots=True)
class _Layout:
    """Layout of a worksheet part: its merged areas, and the numbers of hidden rows and columns."""

    areas: _MergedAreas = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)

    def add_hidden(self, window: bytes) -> None:
        """Collect the hidden rows and columns of a block of the part."""
        if _HIDDEN.search(window) is None:
            return
        for match in _ROW.finditer(window):
            if _HIDDEN.search(match.group()):
                numbers = dict(_NUMBER.findall(match.group()))
                self.hidden_rows.add(int(numbers.get(b"r", 0)))
        for match in _COLUMN.finditer(window):
            if _HIDDEN.search(match.group()):
                numbers = dict(_NUMBER.findall(match.group()))
                first, last = int(numbers.get(b"min", 1)), int(numbers.get(b"max", 0))
                self.hidden_columns |= set(range(first - 1, min(last, MAX_COLUMNS)))


_READ_ERRORS = (
    zipfile.BadZipFile,
    InvalidFileException,
    DefusedXmlException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    zlib.error,
)


def read_xlsx(content: bytes) -> Book:
    """Return one table per visible worksheet. Raise UnreadableError if the file is not a workbook
    or is too large."""
    layout_by_part = _check_archive(content)
    with warnings.catch_warnings():
        # openpyxl warns about styles and extensions that it ignores
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(
                io.BytesIO(content), read_only=True, data_only=True, keep_links=False
            )
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        except _READ_ERRORS as error:
            raise UnreadableError(f"The workbook cannot be opened. {_DAMAGED}") from error
    if len(sheets) > MAX_SHEETS:
        raise UnreadableError(
            f"The workbook has more than {MAX_SHEETS} worksheets. Upload only those that you need."
        )
    if not sheets:
        raise UnreadableError(
            "The workbook has no visible worksheet. Show the worksheet to be imported."
        )
    count = CellCount()
    return Book(
        "xlsx",
        tuple(_build_table(sheet, layout_by_part, count) for sheet in sheets),
        about="Excel workbook",
    )


def _check_archive(content: bytes) -> dict[str, _Layout]:
    """Inflate every part within the limits, and return {worksheet part: its layout}."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
    except _READ_ERRORS as error:
        raise UnreadableError(
            "The file is not an XLSX workbook. Save the spreadsheet as CSV or XLSX and upload it."
        ) from error
    if len(parts) > MAX_PARTS:
        raise UnreadableError(
            "The workbook has too many parts. Save only the worksheets that you need in a new "
            "workbook."
        )
    names = {part.filename for part in parts}
    if len(names) != len(parts):
        raise UnreadableError(
            "The workbook has two parts with the same name. Save it again as XLSX."
        )
    if "EncryptedPackage" in names or any(part.flag_bits & 1 for part in parts):
        raise UnreadableError(
            "The workbook is protected by a password. Save it without a password."
        )
    layout_by_part: dict[str, _Layout] = {}
    n_inflated = n_held = 0
    for part in parts:
        is_sheet = bool(_SHEET_PART.match(part.filename))
        tail = b""
        ranges: dict[str, None] = {}
        layout = _Layout()
        try:
            with archive.open(part) as stream:
                while block := stream.read(_BLOCK):
                    n_inflated += len(block)
                    n_held += 0 if is_sheet else len(block)
                    if n_inflated > MAX_INFLATED_BYTES or n_held > MAX_HELD_BYTES:
                        raise UnreadableError(
                            "The workbook is too large when unpacked. Remove pictures and "
                            "worksheets that are not needed."
                        )
                    # the end of the previous block is searched again, since a match can extend
                    # across two blocks
                    window = tail + block
                    if part.filename.lower().endswith((".xml", ".rels")) and _DANGEROUS.search(
                        window
                    ):
                        raise UnreadableError(
                            "The workbook declares XML entities, which are not read for security "
                            "reasons. Save it again."
                        )
                    if is_sheet:
                        layout.add_hidden(window)
                        ranges |= dict.fromkeys(
                            match.group(1).decode() for match in _MERGED_RANGE.finditer(window)
                        )
                    if len(ranges) > MAX_MERGED_AREAS:
                        raise UnreadableError(
                            f"A worksheet ({part.filename}) has more than {MAX_MERGED_AREAS:,} "
                            "merged areas. Unmerge"
                            " those that are not needed."
                        )
                    tail = block[-200:]
        except _READ_ERRORS as error:
            raise UnreadableError(
                f"The workbook is damaged at {part.filename}. Save it again as XLSX."
            ) from error
        if is_sheet:
            layout.areas = _parse_merged_areas(ranges, part.filename)
            layout_by_part[part.filename.lstrip("/")] = layout
    return layout_by_part


def _parse_merged_areas(ranges: Iterable[str], part: str) -> _MergedAreas:
    """Return the areas merged over several rows, whose value applies to all of them, by their first
    row."""
    areas: _MergedAreas = []
    n_covered = 0
    for text in ranges:
        left, top, right, bottom = (int(bound or 0) for bound in range_boundaries(text))
        if right - left >= _MAX_MERGE_WIDTH or not 0 < bottom - top <= _MAX_MERGE_HEIGHT:
            continue
        areas.append(_Area(top, left, bottom, right))
        n_covered += (bottom - top + 1) * (right - left + 1)
        if n_covered > MAX_MERGED_CELLS:
            raise UnreadableError(
                f"The merged areas of a worksheet ({part}) cover more than {MAX_MERGED_CELLS:,} "
                "cells. Unmerge those"
                " that are not needed."
            )
    return sorted(areas)


def _build_table(sheet: Any, layout_by_part: dict[str, _Layout], count: CellCount) -> Table:
    worksheet_path = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    layout = layout_by_part.get(worksheet_path) or _Layout()
    return Table(
        str(sheet.title),
        lambda: _read_rows(sheet, layout.areas, count),
        len(layout.hidden_rows),
        tuple(sorted(layout.hidden_columns)),
    )


class _MergedValues:
    """Values that merged areas show in the current row; rows must come in order."""

    def __init__(self, areas: _MergedAreas) -> None:
        self._pending = deque(areas)
        self._open: list[tuple[_Area, Cell]] = []

    def fill(self, row_number: int, cells: list[Cell]) -> None:
        """Write the values of areas that began in earlier rows into `cells`, and record the areas
        that begin in this row."""
        # an area whose first cell is missing shows no value
        original_cells = list(cells)
        has_content = any(cell not in (None, "") for cell in cells)
        self._open = [(area, value) for area, value in self._open if area.bottom >= row_number]
        if has_content:
            for area, value in self._open:
                for column in range(area.left, min(area.right, MAX_COLUMNS) + 1):
                    cells += [None] * (column - len(cells))
                    cells[column - 1] = value
        while self._pending and self._pending[0].top <= row_number:
            area = self._pending.popleft()
            is_here = area.top == row_number and area.left <= len(original_cells)
            self._open.append((area, original_cells[area.left - 1] if is_here else None))


def _read_rows(sheet: Any, areas: _MergedAreas, count: CellCount) -> Iterator[TableRow]:
    """Yield (row number, cells) of the rows that are not empty, with merged cells filled. Raises
    UnreadableError for a damaged sheet or one beyond the limits; `count` sums the cells of all
    sheets."""
    # the declared size can be wrong, so the actual rows are counted
    sheet.reset_dimensions()
    merged_values = _MergedValues(areas)
    n_wide = 0
    try:
        for row_number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if row_number > MAX_ROWS:
                raise UnreadableError(
                    f"'{sheet.title}' has more than {MAX_ROWS:,} rows. Split the worksheet."
                )
            if not values:
                continue
            count.add(len(values))
            cells = [_convert_cell(value, row_number) for value in values[:MAX_COLUMNS]]
            n_wide += len(values) > MAX_COLUMNS
            if len(values) > MAX_COLUMNS and (
                n_wide > _MAX_WIDE_ROWS
                or any(value not in (None, "") for value in values[MAX_COLUMNS:])
            ):
                raise UnreadableError(
                    f"Row {row_number} of '{sheet.title}' has more than {MAX_COLUMNS} columns. "
                    "Remove the columns that are not needed."
                )
            merged_values.fill(row_number, cells)
            cells = trim_row(cells)
            if any(
                cell is not None and not (isinstance(cell, str) and not cell.strip())
                for cell in cells
            ):
                yield row_number, cells
    except _READ_ERRORS as error:
        raise UnreadableError(f"'{sheet.title}' cannot be read. {_DAMAGED}") from error


def _convert_cell(value: Any, row_number: int) -> Cell:
    """Return the value of a cell as text, number, truth value, date or None; a midnight is a date.
    Raises UnreadableError if a text is too long."""
    if isinstance(value, str):
        if len(value) > MAX_CELL_LENGTH:
            raise UnreadableError(
                f"A cell of row {row_number} is longer than {MAX_CELL_LENGTH:,} characters. "
                "Shorten it."
            )
        # the format escapes characters that XML cannot contain as _xHHHH_
        return unescape(value) if "_x" in value else value
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value
    if value is None or isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, time | timedelta):
        return str(value)
    return str(value)[:MAX_CELL_LENGTH]
