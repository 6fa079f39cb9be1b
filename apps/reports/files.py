"""Report files: CSV line by line, workbooks with a frozen header row. Protected from CSV injection:
no text is ever run as a formula."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from apps.common.processes.lazy_import import lazy_import
from apps.common.spreadsheet_cells import escape_formula
from apps.reports.tables import NOTE_HEADERS, ReportRow, ReportTable, note_cells

if TYPE_CHECKING:
    import xlsxwriter
else:
    xlsxwriter = lazy_import("xlsxwriter")

# maximum number of lines of a worksheet, including the header row
MAX_SHEET_ROWS = 1_048_576
MAX_COLUMN_WIDTH = 60


def plain_cell(value: Any) -> Any:
    """Return a cell as text that no spreadsheet runs as a formula; lists and objects as JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return escape_formula(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str))
    return escape_formula(
        value
        if value is None or isinstance(value, str | int | float | Decimal | date)
        else str(value)
    )


class _EchoWriter:
    """A file-like object that returns what the CSV writer writes to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Generate the file line by line; with a byte order mark, so that spreadsheets read UTF-8."""
    writer: Any = csv.writer(_EchoWriter())
    yield "\ufeff" + writer.writerow([plain_cell(str(head)) for head in heads])
    for row in rows:
        yield writer.writerow([plain_cell(cell) for cell in row])


def table_headers(table: ReportTable) -> list[str]:
    """Return the table's columns, followed by those for fields that are missing, do not apply or
    were derived."""
    return [*table.heads, *NOTE_HEADERS]


def table_cells(table: ReportTable, rows: Iterable[ReportRow]) -> Iterator[list[Any]]:
    for row in rows:
        yield [*row.values, *note_cells(table, row)]


class Workbook:
    """An .xlsx file written row by row with constant memory. Text is written as text, whatever its
    first character."""

    def __init__(self, target: IO[bytes], *, created: datetime) -> None:
        self._book = xlsxwriter.Workbook(
            target,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "default_date_format": "yyyy-mm-dd",
                "remove_timezone": True,
            },
        )
        self._book.set_properties({"created": created.replace(tzinfo=None)})
        self._head = self._book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
        )
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})

    def sheet(self, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write a sheet with a frozen header row and a filter, and return the number of rows
        written. Rows beyond the maximum are cut, and the last line states that."""
        sheet = self._book.add_worksheet(name[:31])
        sheet.freeze_panes(1, 0)
        for at, head in enumerate(heads):
            sheet.set_column(at, at, max(12, min(len(head) * 0.6 + 4, MAX_COLUMN_WIDTH)))
        for at, head in enumerate(heads):
            sheet.write_string(0, at, head, self._head)
        n = 0
        for row in rows:
            if n >= MAX_SHEET_ROWS - 2:
                sheet.write_string(
                    n + 1, 0, "The worksheet is full. Download the CSV for all rows."
                )
                break
            n += 1
            for at, value in enumerate(row):
                self._write(sheet, n, at, value)
        if n:
            sheet.autofilter(0, 0, n, max(len(heads) - 1, 0))
        return n

    def _write(self, sheet: Any, line: int, at: int, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, bool):
            sheet.write_string(line, at, "yes" if value else "no")
        elif isinstance(value, int | float | Decimal):
            sheet.write_number(line, at, value)
        elif isinstance(value, datetime):
            sheet.write_string(line, at, value.isoformat(timespec="seconds"))
        elif isinstance(value, date) and value.year < 9999:
            sheet.write_datetime(line, at, datetime(value.year, value.month, value.day), self._day)  # noqa: DTZ001
        else:
            sheet.write_string(line, at, str(value)[:32_000])

    def close(self) -> None:
        self._book.close()


def workbook_bytes(write: Any, *, created: datetime) -> bytes:
    """Return the workbook that `write(workbook)` fills."""
    target = io.BytesIO()
    book = Workbook(target, created=created)
    write(book)
    book.close()
    return target.getvalue()
