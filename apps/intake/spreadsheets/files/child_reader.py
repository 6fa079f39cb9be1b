"""Spreadsheets read in a child process if a web process requests it
(apps/common/processes/child_process.py)."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.common.processes.child_process import Limits, child_function, has_server
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping, guess_mapping
from apps.intake.spreadsheets.columns.rows import ParsedRow, read_rows
from apps.intake.spreadsheets.columns.values import SheetConventions
from apps.intake.spreadsheets.files.detection import open_book
from apps.intake.spreadsheets.files.tables import UnreadableError

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


@child_function(
    classes=(ParsedRow,), errors=(UnreadableError,), refusal=UnreadableError, limits=_LIMITS
)
def _read_all_rows(content: bytes, file_name: str, mapping: BookMapping) -> list[ParsedRow]:
    return list(read_rows(open_book(content, file_name), mapping))


def rows_of_sheet(content: bytes, file_name: str, mapping: BookMapping) -> Iterable[ParsedRow]:
    """Return every row below the headers. A worker, which reads up to a million of them, gets them
    one by one.

    Raises UnreadableError; in a web process also ResultTooLargeError if a child process has more
    rows than it can return."""
    if has_server():
        return _read_all_rows(content, file_name, mapping)
    return read_rows(open_book(content, file_name), mapping)
