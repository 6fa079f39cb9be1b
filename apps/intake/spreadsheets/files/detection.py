"""File type detection: the reader that a file needs, by its bytes and not by its name."""

from typing import TYPE_CHECKING

from apps.common.processes.lazy_import import lazy_import
from apps.intake.spreadsheets.files.csv_tables import read_csv
from apps.intake.spreadsheets.files.tables import Book, UnreadableError
from apps.intake.spreadsheets.limits import MAX_BYTES, MIB

if TYPE_CHECKING:
    from apps.intake.spreadsheets.files import xlsx_tables
else:
    xlsx_tables = lazy_import("apps.intake.spreadsheets.files.xlsx_tables")

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_SHEETS = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<?xml", "XML"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"{", "JSON"),
)


def open_book(content: bytes, name: str = "") -> Book:
    """Return the tables of a file. Raise UnreadableError if it is unsupported, empty or too
    large."""
    if len(content) > MAX_BYTES:
        raise UnreadableError(
            f"The file is larger than {MAX_BYTES // MIB} MiB. Split it, or remove pictures from it."
        )
    if not content.strip():
        raise UnreadableError("The file is empty. Check the file.")
    if content.startswith(b"PK\x03\x04"):
        return xlsx_tables.read_xlsx(content)
    if content.startswith(_OLE):
        raise UnreadableError(
            "The file is an old workbook (XLS) or is protected by a password. Save it as XLSX "
            "without a password."
        )
    head = content[:64].lstrip()
    for mark, description in _NO_SHEETS:
        if head.lower().startswith(mark.lower()):
            raise UnreadableError(
                f"The file is {description}, not a spreadsheet. Upload a CSV or XLSX file."
            )
    return read_csv(content, name.rpartition(".")[0][:60] or name[:60])
