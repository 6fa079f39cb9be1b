"""Sheets read in a child process where a web process asks for it
(apps/common/processes/child_process.py)."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.common.processes.child_process import Limits, child_function, has_server
from apps.intake.sheets.mapping import BookMapping, SheetMapping, guess
from apps.intake.sheets.opening import open_book
from apps.intake.sheets.parsing import Said, read_rows
from apps.intake.sheets.tables import Unreadable
from apps.intake.sheets.values import Manners

# a workbook of 64 MiB is unpacked whole before its first rows are looked at
_LIMITS = Limits(cpu_seconds=30, memory_mib=1024, wall_seconds=60)


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file is, and what its columns seem to hold."""

    format: str
    about: str
    mapping: BookMapping


@child_function(
    classes=(Examined, BookMapping, SheetMapping, Manners),
    errors=(Unreadable,),
    refusal=Unreadable,
    limits=_LIMITS,
)
def examine_sheet(content: bytes, file_name: str) -> Examined:
    """Unreadable where nothing can be made of it."""
    book = open_book(content, file_name)
    return Examined(book.format, book.about, guess(book))


@child_function(classes=(Said,), errors=(Unreadable,), refusal=Unreadable, limits=_LIMITS)
def _all_rows(content: bytes, file_name: str, mapping: BookMapping) -> list[Said]:
    return list(read_rows(open_book(content, file_name), mapping))


def rows_of_sheet(content: bytes, file_name: str, mapping: BookMapping) -> Iterable[Said]:
    """Every row below the headers. A worker, who reads a million of them, has them one by one.

    Unreadable; in a web process ResultTooLargeError where they are too many to be taken from a
    child.
    """
    if has_server():
        return _all_rows(content, file_name, mapping)
    return read_rows(open_book(content, file_name), mapping)
