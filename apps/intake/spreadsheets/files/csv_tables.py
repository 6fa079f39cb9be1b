"""CSV files: any delimiter, four encodings, titles above the column headers and ragged rows."""

import codecs
import csv
import io
import re
from collections.abc import Iterator

from apps.intake.spreadsheets.files.tables import (
    Book,
    Cell,
    CellCount,
    Table,
    TableRow,
    UnreadableError,
    trim_row,
)
from apps.intake.spreadsheets.limits import MAX_CELL_LENGTH, MAX_COLUMNS, MAX_ROWS

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 60
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(content: bytes, name: str = "") -> Book:
    """Return a book of one table.

    Raise UnreadableError if the bytes are not text. The limits of rows and cells are checked when
    the rows are read."""
    text, encoding = _decode(content)
    delimiter, body = _find_delimiter(text)
    count = CellCount()
    table = Table(name or "Sheet", lambda: _read_rows(body, delimiter, count))
    return Book("csv", (table,), about=f"{encoding}, separated by {_DELIMITER_NAMES[delimiter]}")


def _decode(content: bytes) -> tuple[str, str]:
    """Return (text, name of its encoding); UnreadableError if it has none of the supported
    encodings."""
    for mark, codec, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            try:
                return content.decode(codec), encoding
            except UnicodeDecodeError as error:
                raise UnreadableError(
                    f"The file starts as {encoding} but is damaged at byte {error.start:,}. Save "
                    "it again and upload it."
                ) from None
    utf_16_codec = _guess_utf_16_codec(content)
    if utf_16_codec:
        try:
            return content.decode(utf_16_codec), "UTF-16"
        except UnicodeDecodeError:
            pass
    if b"\0" in content:
        raise UnreadableError(
            "The file is not text: it contains zero bytes. Save the spreadsheet as CSV or XLSX "
            "and upload it."
        )
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        # five bytes are undefined in Windows-1252; Latin-1 would accept any bytes
        raise UnreadableError(
            "The encoding of the file is not UTF-8, UTF-16 or Windows-1252. Save it as 'CSV UTF-8'."
        ) from None


def _guess_utf_16_codec(content: bytes) -> str:
    """Return the codec if the bytes look like UTF-16 of Western text without a byte order mark, in
    which every other byte is zero; else empty."""
    head = content[:400]
    if len(head) < 4 or len(content) % 2:
        return ""
    if head[1::2].count(0) > 0.7 * len(head[1::2]) and 0 not in head[::2]:
        return "utf-16-le"
    if head[::2].count(0) > 0.7 * len(head[::2]) and 0 not in head[1::2]:
        return "utf-16-be"
    return ""


def _find_delimiter(text: str) -> tuple[str, str]:
    """Return the delimiter that splits the first lines into the most even rows, and the text
    without Excel's `sep=` line."""
    first_line, _, remaining_text = text.partition("\n")
    declared = first_line.strip().lower()
    if declared.startswith("sep=") and len(declared) <= 5:
        stated_delimiter = first_line.strip()[4:] or "\t"
        if stated_delimiter in _DELIMITERS:
            # an empty line preserves the row numbers that a spreadsheet shows
            return stated_delimiter, "\n" + remaining_text
    sample = io.StringIO(text[:200_000], newline="")
    lines = "".join(line for _, line in zip(range(_SAMPLE_LINES), sample, strict=False))
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [
                len(row)
                for row in csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter)
                if any(row)
            ]
        except csv.Error:
            continue
        divided_widths = [width for width in widths if width > 1]
        if not divided_widths:
            continue
        common_width = max(
            set(divided_widths), key=lambda width: (divided_widths.count(width), width)
        )
        score = divided_widths.count(common_width) / len(widths) * 10 + min(common_width, 50) / 10
        if score > best_score:
            best, best_score = delimiter, score
    return best, text


def _read_rows(text: str, delimiter: str, count: CellCount) -> Iterator[TableRow]:
    """Yield rows numbered by record, as a spreadsheet numbers them. An unclosed quotation mark
    extends to the end of the file."""
    csv.field_size_limit(MAX_CELL_LENGTH * 4)
    # matched line by line: a StringIO would hold a second copy with four bytes per character
    reader = csv.reader((match.group() for match in _LINE.finditer(text)), delimiter=delimiter)
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableError(
                f"Row {number + 1} cannot be read ({error}). Check for a quotation mark that is "
                "not closed."
            ) from None
        number += 1
        count.add(len(cells))
        if number > MAX_ROWS:
            raise UnreadableError(f"The file has more than {MAX_ROWS:,} rows. Split it.")
        if len(cells) > MAX_COLUMNS:
            if any(cell.strip() for cell in cells[MAX_COLUMNS:]):
                raise UnreadableError(
                    f"Row {number} has more than {MAX_COLUMNS} columns. Remove the columns that "
                    "are not needed."
                )
            cells = cells[:MAX_COLUMNS]
        for cell in cells:
            if len(cell) > MAX_CELL_LENGTH:
                raise UnreadableError(
                    f"A cell of row {number} is longer than {MAX_CELL_LENGTH:,} characters. "
                    "Check for a quotation mark that is not closed, or shorten the cell."
                )
        trimmed: list[Cell] = trim_row(list(cells))
        if any(isinstance(cell, str) and cell.strip() for cell in trimmed):
            yield number, trimmed
