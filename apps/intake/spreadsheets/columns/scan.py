"""Distinct values of a file: which texts its columns hold, and how often. Plain Python, one pass.

Of dates, numbers and amounts only the texts count that are in no exact form; the others need no
mapping. Rows are kept beside, so that a workbook is not unpacked twice."""

import pickle
import re
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping
from apps.intake.spreadsheets.columns.money import read_amount
from apps.intake.spreadsheets.columns.rows import ContentRow, RowEdits, content_rows
from apps.intake.spreadsheets.columns.values import (
    EMPTY_MARK,
    InvalidCellError,
    SheetConventions,
    fold_name,
    is_empty_text,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Book, Cell
from apps.intake.spreadsheets.limits import MAX_GUESSED_LENGTH
from apps.intake.spreadsheets.values.distinct import ValueKind
from apps.intake.spreadsheets.values.form_guesses import day_order_of

MODEL = "use.model"
MAX_DISTINCT = 5_000  # of one field; the rest is read cell by cell
_MAX_APPLICATIONS = 3
_ROWS_PER_BLOCK = 500
_MEMORY_BYTES = 16 * 1024 * 1024  # of the kept rows; further ones go to a temporary file
_EXACT_ONLY = frozenset({ValueKind.DAY, ValueKind.NUMBER, ValueKind.MONEY})
_MAX_CHECKED = 100_000
# forms that need no parser to be recognised; a day that does not exist is rejected when it is read
_MAX_DIGITS = 10
_ISO_DAY = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


@dataclass(slots=True)
class RawValue:
    """One text of a field. `context` is the host cell beside a model; `applications` are the names
    of the first ones with it."""

    code: str
    text: str
    context: str
    header: str
    n_rows: int
    first_row: int
    applications: tuple[str, ...] = ()
    # of dates: dmy or mdy, where another date of the field has a number above 12
    day_order: str = ""


def scan_book(
    book: Book, mapping: BookMapping, edits: RowEdits | None = None, *, keeps_files: bool
) -> tuple["KeptRows", list[RawValue], list[tuple[int, int, str]]]:
    """Return (the rows with content, the distinct values of the tables that are read, the rows that
    are no record). `keeps_files`: many rows are kept in a temporary file."""
    kept = KeptRows(mapping, keeps_files=keeps_files)
    counter = _Counter(mapping.conventions)
    columns: dict[int, _Columns] = {}
    not_read: list[tuple[int, int, str]] = []
    for place, sheet, number, cells in content_rows(book, mapping, edits, not_read):
        of_table = columns.get(place)
        if of_table is None:
            of_table = columns[place] = counter.columns_of(sheet)
        counter.add(of_table, number, cells)
        kept.add(place, number, cells)
    return kept, counter.values(), not_read


class KeptRows:
    """Rows of a file, kept in memory or in a temporary file, to be read once more."""

    def __init__(self, mapping: BookMapping, *, keeps_files: bool) -> None:
        self._sheets = mapping.sheets
        self._block: list[tuple[int, int, list[Cell]]] = []
        self._file: IO[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - lives as long as the rows
            max_size=_MEMORY_BYTES if keeps_files else 0
        )
        weakref.finalize(self, self._file.close)

    def add(self, place: int, number: int, cells: list[Cell]) -> None:
        """Keep a row."""
        self._block.append((place, number, cells))
        if len(self._block) == _ROWS_PER_BLOCK:
            pickle.dump(self._block, self._file, pickle.HIGHEST_PROTOCOL)
            self._block = []

    def __iter__(self) -> Iterator[ContentRow]:
        self._file.seek(0)
        while True:
            try:
                # written by this process just before
                block = pickle.load(self._file)  # noqa: S301
            except EOFError:
                break
            for place, number, cells in block:
                yield place, self._sheets[place], number, cells
        for place, number, cells in self._block:
            yield place, self._sheets[place], number, cells


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of a table that are counted, with the places of model, host and application."""

    counted: tuple[tuple[int, str, ValueKind, str], ...]
    sheet: SheetMapping
    model: int | None
    host: int | None
    application: int | None


class _Counter:
    """Counts of distinct values over the rows of a file."""

    def __init__(self, conventions: SheetConventions) -> None:
        self._conventions = conventions
        self._values: dict[str, dict[tuple[str, str], RawValue]] = {}
        self._as_written: dict[tuple[str, str, str], RawValue] = {}
        self._exact: dict[tuple[str, str, str], bool] = {}
        self._day_orders: dict[str, set[str]] = {}

    def columns_of(self, sheet: SheetMapping) -> _Columns:
        place_of = {code: column for column, code in sheet.columns.items()}
        counted = tuple(
            (column, code, kind, sheet.heads[column] or f"Column {column + 1}")
            for column, code in sheet.columns.items()
            if (kind := FIELDS[code].kind) is not None
        )
        return _Columns(
            counted,
            sheet,
            place_of.get(MODEL),
            place_of.get("use.host"),
            place_of.get("application.name", place_of.get("application.slug")),
        )

    def add(self, columns: _Columns, number: int, cells: list[Cell]) -> None:
        n_cells = len(cells)
        for column, code, kind, header in columns.counted:
            cell = cells[column] if column < n_cells else None
            if cell is None or (kind in _EXACT_ONLY and not isinstance(cell, str)):
                continue
            if is_empty_text(cell):
                continue
            text = text_of(cell)
            if kind in _EXACT_ONLY and self._is_exact(code, text, columns.sheet, column):
                continue
            self._count(code, text, "", header, number)
        if columns.model is not None and columns.model < n_cells:
            self._add_model(columns, number, cells)

    def _add_model(self, columns: _Columns, number: int, cells: list[Cell]) -> None:
        cell = cells[columns.model or 0]
        if is_empty_text(cell):
            return
        host = (
            cells[columns.host] if columns.host is not None and columns.host < len(cells) else None
        )
        host_text = "" if is_empty_text(host) else text_of(host)
        header = columns.sheet.heads[columns.model or 0]
        raw = self._count(MODEL, text_of(cell), host_text, header, number)
        place = columns.application
        if place is not None and place < len(cells) and len(raw.applications) < _MAX_APPLICATIONS:
            name = text_of(cells[place])[:200]
            if name not in raw.applications:
                raw.applications = (*raw.applications, name)

    def _is_exact(self, code: str, text: str, sheet: SheetMapping, column: int) -> bool:
        if FIELDS[code].kind is not ValueKind.DAY:
            if text.isdigit() and len(text) < _MAX_DIGITS:
                return True
        elif _ISO_DAY.fullmatch(text):
            return True
        currency, _factor = sheet.currency(column)
        key = (code, text, currency)
        known = self._exact.get(key)
        if known is None:
            known = parses(code, text, self._conventions, currency)
            if FIELDS[code].kind is ValueKind.DAY and (order := day_order_of(text)):
                self._day_orders.setdefault(code, set()).add(order)
            if len(self._exact) < _MAX_CHECKED:
                self._exact[key] = known
        return known

    def _count(self, code: str, text: str, context: str, header: str, number: int) -> RawValue:
        # most texts repeat to the letter, so that they need not be folded
        as_written = (code, text, context)
        raw = self._as_written.get(as_written)
        if raw is not None:
            raw.n_rows += 1
            return raw
        of_field = self._values.setdefault(code, {})
        key = (fold_name(text), fold_name(context) if context else "")
        raw = of_field.get(key)
        if raw is None:
            raw = RawValue(
                code, text[:MAX_GUESSED_LENGTH], context[:MAX_GUESSED_LENGTH], header, 0, number
            )
            if len(of_field) < MAX_DISTINCT and text.strip().lower() != EMPTY_MARK:
                of_field[key] = raw
        if len(self._as_written) < _MAX_CHECKED and key in of_field:
            self._as_written[as_written] = raw
        raw.n_rows += 1
        return raw

    def values(self) -> list[RawValue]:
        """Return the values by field, the most frequent first."""
        for code, orders in self._day_orders.items():
            # dates in both orders prove neither
            if len(orders) == 1:
                [order] = orders
                for raw in self._values.get(code, {}).values():
                    raw.day_order = order
        return [
            raw
            for of_field in self._values.values()
            for raw in sorted(of_field.values(), key=lambda raw: (-raw.n_rows, raw.text))
        ]


def parses(code: str, text: str, conventions: SheetConventions, currency: str = "") -> bool:
    """Return whether the text is in an exact form of the field."""
    try:
        if FIELDS[code].kind is ValueKind.MONEY:
            read_amount(text, conventions, currency=currency, factor=1)
        else:
            FIELDS[code].parse(text, conventions)
    except InvalidCellError:
        return False
    return True
