"""Spreadsheets read in a child process if a web process requests it
(apps/common/processes/child_process.py)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from apps.common.processes.child_process import Limits, child_function, has_server
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping
from apps.intake.spreadsheets.columns.reasons import RowReason
from apps.intake.spreadsheets.columns.recognition import guess_mapping
from apps.intake.spreadsheets.columns.rows import ParsedRow, RowEdits, parse_rows, read_rows
from apps.intake.spreadsheets.columns.scan import RawValue, scan_book
from apps.intake.spreadsheets.columns.values import SheetConventions
from apps.intake.spreadsheets.files.detection import open_book
from apps.intake.spreadsheets.files.tables import Cell, UnreadableError
from apps.intake.spreadsheets.values.distinct import Certainty, DistinctValue, Guess
from apps.intake.spreadsheets.values.guesses import complete_mapping, guess_values

# of a small table: columns and characters of a cell that are read, and characters of all cells
_MAX_TABLE_COLUMNS, _MAX_TABLE_CELL, _MAX_TABLE_TEXT = 40, 2_000, 4_000_000
# a workbook of 64 MiB is unpacked completely before its first rows are read
_LIMITS = Limits(cpu_seconds=30, memory_mib=1024, wall_seconds=60)


@dataclass(frozen=True, slots=True)
class SheetSummary:
    """Summary of a file: its format, and the guessed mapping of its columns."""

    format: str
    about: str
    mapping: BookMapping


@child_function(
    classes=(SheetSummary, BookMapping, SheetMapping, SheetConventions),
    errors=(UnreadableError,),
    refusal=UnreadableError,
    limits=_LIMITS,
)
def examine_sheet(content: bytes, file_name: str) -> SheetSummary:
    """Return a summary of the file; UnreadableError if it is not a readable spreadsheet."""
    book = open_book(content, file_name)
    return SheetSummary(book.format, book.about, guess_mapping(book))


@child_function(errors=(UnreadableError,), refusal=UnreadableError, limits=_LIMITS)
def read_small_table(content: bytes, file_name: str, max_rows: int) -> list[tuple[int, list[str]]]:
    """Return (row number, cells as texts) of the first table with content: days as 2026-11-24, true
    and false as yes and no. Raises UnreadableError, also beyond `max_rows`."""
    for table in open_book(content, file_name).tables:
        rows: list[tuple[int, list[str]]] = []
        n_signs = 0
        for number, cells in table.rows():
            if len(rows) == max_rows:
                raise UnreadableError(f"The file has more than {max_rows:,} rows. Split it.")
            texts = [_write_cell(cell)[:_MAX_TABLE_CELL] for cell in cells[:_MAX_TABLE_COLUMNS]]
            n_signs += sum(map(len, texts))
            if n_signs > _MAX_TABLE_TEXT:
                raise UnreadableError("The file has too much text. Split it, or shorten its notes.")
            rows.append((number, texts))
        if rows:
            return rows
    raise UnreadableError("The file has no rows. Check the file.")


def _write_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return cell.isoformat() if isinstance(cell, date) else str(cell)


@dataclass(frozen=True, slots=True)
class SheetContent:
    """Rows of a file, with its distinct values and their guesses. `not_read`: (position of the
    table, row number, text) of notes, titles and sums."""

    rows: Iterable[ParsedRow]
    raw_values: list[RawValue]
    values: list[DistinctValue]
    not_read: list[tuple[int, int, str]] = field(default_factory=list)


@child_function(
    classes=(
        SheetContent,
        ParsedRow,
        RowReason,
        RawValue,
        DistinctValue,
        Guess,
        Certainty,
    ),
    errors=(UnreadableError,),
    refusal=UnreadableError,
    limits=_LIMITS,
)
def _read_whole_sheet(
    content: bytes,
    file_name: str,
    mapping: BookMapping,
    edits: Mapping[tuple[int, int], Mapping[int, str]],
) -> SheetContent:
    sheet = _read_sheet(content, file_name, mapping, edits, keeps_files=False)
    return SheetContent(list(sheet.rows), sheet.raw_values, sheet.values, sheet.not_read)


def read_sheet(
    content: bytes, file_name: str, mapping: BookMapping, edits: RowEdits | None = None
) -> SheetContent:
    """Return every row below the headers, and the distinct values of the file. A worker, which
    reads up to a million rows, gets them one by one.

    Raises UnreadableError; in a web process also ResultTooLargeError if a child process has more
    rows than it can return."""
    if has_server():
        return _read_whole_sheet(content, file_name, mapping, edits or {})
    return _read_sheet(content, file_name, mapping, edits, keeps_files=True)


def _read_sheet(
    content: bytes,
    file_name: str,
    mapping: BookMapping,
    edits: RowEdits | None,
    *,
    keeps_files: bool,
) -> SheetContent:
    book = open_book(content, file_name)
    if mapping.strict:
        # only exact values count, so none are collected
        return SheetContent(read_rows(book, mapping, edits), [], [])
    kept, raw_values, not_read = scan_book(book, mapping, edits, keeps_files=keeps_files)
    values = guess_values(raw_values, mapping)
    rows = parse_rows(kept, complete_mapping(mapping, values))
    return SheetContent(rows, raw_values, values, not_read)
