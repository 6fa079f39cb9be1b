"""Column mapping: the header row of each table, the field that each column holds, and the missing
fields.

Users see the mapping and can change it; it is saved for spreadsheets with the same column
headers."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from typing import Any

from apps.intake.spreadsheets.columns.fields import FIELDS, READ_ONLY_COLUMN, SheetField
from apps.intake.spreadsheets.columns.headers import codes_of_header, currency_of, factor_of
from apps.intake.spreadsheets.columns.values import (
    SheetConventions,
    fold_name,
    fold_word,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Book, Cell, Table, TableRow
from apps.intake.spreadsheets.limits import MAX_HEADER_LENGTH, MAX_ROWS_ABOVE_HEADER

# text in brackets after a header, as in "Monthly cost (EUR)"
_BRACKETS = re.compile(r"[(\[][^()\[\]]*+[)\]]")
SAMPLE_ROWS = 3
# a table with fewer known columns, and without models, is not the register if another table is
_MIN_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """Mapping of one table. `columns` maps the position of a column, from 0, to the code of a
    field."""

    name: str
    head_row: int  # 0: the table has no headers and is not read
    heads: tuple[str, ...]
    columns: Mapping[int, str]
    read: bool = True
    samples: tuple[tuple[str, ...], ...] = ()

    @property
    def has_uses(self) -> bool:
        return "use.model" in self.columns.values()

    def currency(self, column: int) -> tuple[str, int]:
        """Return (currency, factor) that the header of a column of amounts states; an empty
        currency: US dollars, unless the cell states another one."""
        head = self.heads[column] if column < len(self.heads) else ""
        return currency_of(head), factor_of(head)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Return the headers of columns that hold no field: they are stored and not imported."""
        return tuple(
            head for place, head in enumerate(self.heads) if head and place not in self.columns
        )

    @property
    def missing(self) -> tuple[SheetField, ...]:
        """Return the required fields that no column holds; without them no row can be imported."""
        codes = set(self.columns.values())
        if codes & {"application.slug", "application.name"}:
            return ()
        return (FIELDS["application.name"],)


@dataclass(frozen=True, slots=True)
class BookMapping:
    """Mapping of a whole file.

    `team` is the slug of the team of new applications whose row names none, `application` that of
    the application of rows that name none."""

    sheets: tuple[SheetMapping, ...]
    conventions: SheetConventions = field(default_factory=SheetConventions)
    team: str = ""
    application: str = ""
    # choices of users: {code: {text: value as JSON}}, texts folded by `fold_name`
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # {"text\nhost cell": the chosen model ID {host, api_id, region, tier}; null leaves it open}
    models: Mapping[str, Any] = field(default_factory=dict)
    # rejects rows with an invalid cell, instead of importing the rest of them
    strict: bool = False
    # US dollars for one unit of a currency, as decimal text, at the time of reading
    rates: Mapping[str, str] = field(default_factory=dict)

    @property
    def read_sheets(self) -> list[tuple[int, SheetMapping]]:
        """Return (position in the file, mapping) of the tables to read, applications before their
        dependencies."""
        sheets = [
            (place, sheet)
            for place, sheet in enumerate(self.sheets)
            if sheet.read and sheet.head_row
        ]
        return sorted(sheets, key=lambda pair: (pair[1].has_uses, pair[0]))

    def place_of(self, sheet: int, number: int, column: str = "") -> str:
        """Return the place of a row or cell in words; with the worksheet where several are read."""
        has_several = sum(each.read for each in self.sheets) > 1
        labels = [self.sheets[sheet].name if has_several else "", f"row {number}", column]
        return ", ".join(label for label in labels if label)

    @property
    def digest(self) -> str:
        """Return a digest that is the same for files with the same column headers."""
        heads = [
            [fold_word(head) for head in sheet.heads] for sheet in self.sheets if sheet.head_row
        ]
        return hashlib.sha256(repr(heads).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return the mapping as stored with the import."""
        return {
            "sheets": [
                {
                    "name": sheet.name,
                    "head_row": sheet.head_row,
                    "heads": list(sheet.heads),
                    "columns": {str(place): code for place, code in sheet.columns.items()},
                    "read": sheet.read,
                    "samples": [list(row) for row in sheet.samples],
                }
                for sheet in self.sheets
            ],
            "day_order": self.conventions.day_order,
            "decimal_mark": self.conventions.decimal_mark,
            "team": self.team,
            "application": self.application,
            "values": {code: dict(values) for code, values in self.values.items()},
            "models": dict(self.models),
            "strict": self.strict,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "BookMapping":
        """Return the stored mapping; columns of fields that no longer exist are left out."""
        return cls(
            sheets=tuple(
                SheetMapping(
                    name=sheet["name"],
                    head_row=sheet["head_row"],
                    heads=tuple(sheet["heads"]),
                    columns={
                        int(place): code
                        for place, code in sheet["columns"].items()
                        if code in FIELDS
                    },
                    read=sheet["read"],
                    samples=tuple(tuple(row) for row in sheet.get("samples", ())),
                )
                for sheet in data.get("sheets", ())
            ),
            conventions=SheetConventions(data.get("day_order", ""), data.get("decimal_mark", "")),
            team=data.get("team", ""),
            application=data.get("application", ""),
            values={
                code: dict(values)
                for code, values in data.get("values", {}).items()
                if code in FIELDS
            },
            models=dict(data.get("models", {})),
            strict=bool(data.get("strict", False)),
        )


def model_key(text: str, host: str) -> str:
    """Return the key of a model name and the host cell beside it in `BookMapping.models`."""
    return f"{fold_name(text)}\n{fold_name(host)}"


def guess_mapping(book: Book) -> BookMapping:
    """Return the mapping that the column headers suggest."""
    sheets = tuple(_guess_table(table) for table in book.tables)
    if any(len(sheet.columns) > _MIN_COLUMNS for sheet in sheets if sheet.read):
        sheets = tuple(
            replace(sheet, read=False) if _is_side_table(sheet) else sheet for sheet in sheets
        )
    return BookMapping(sheets)


def _is_side_table(sheet: SheetMapping) -> bool:
    """Return whether a table beside the register is a list of something else, such as vendors."""
    return not sheet.has_uses and len(sheet.columns) < _MIN_COLUMNS


def apply_remembered(guessed: BookMapping, data: Mapping[str, Any]) -> BookMapping:
    """Return the guessed mapping with the columns and settings that were chosen for the same
    headers before. Headers are matched by name, not by position."""
    remembered = BookMapping.from_json(data)
    by_heads = {
        tuple(fold_word(head) for head in sheet.heads): sheet for sheet in remembered.sheets
    }
    sheets = []
    for sheet in guessed.sheets:
        remembered_sheet = by_heads.get(tuple(fold_word(head) for head in sheet.heads))
        sheets.append(
            sheet
            if remembered_sheet is None or not sheet.head_row
            else SheetMapping(
                sheet.name,
                sheet.head_row,
                sheet.heads,
                remembered_sheet.columns,
                remembered_sheet.read,
                sheet.samples,
            )
        )
    return BookMapping(
        tuple(sheets),
        remembered.conventions,
        remembered.team,
        values=remembered.values,
        models=remembered.models,
    )


def _guess_table(table: Table) -> SheetMapping:
    """Return the mapping of a table with the row that has the most known column headers as its
    header row; the widest row if there is hardly any. A table that lacks a required column is not
    read."""
    top: list[TableRow] = list(islice(table.rows(), MAX_ROWS_ABOVE_HEADER + SAMPLE_ROWS))
    best: tuple[int, int, TableRow] | None = None
    for place, (number, cells) in enumerate(top[:MAX_ROWS_ABOVE_HEADER]):
        n_known = len(_match_headers([header_of(cell) for cell in cells]))
        if n_known and (best is None or n_known > best[0]):
            best = (n_known, place, (number, cells))
    if best is None or (best[0] < 2 and len(best[2][1]) > 2):
        best = _widest_row(top) or best
    if best is None:
        return SheetMapping(table.name, 0, (), {}, read=False)
    _, place, (number, cells) = best
    heads = tuple(header_of(cell) for cell in cells)
    samples = tuple(
        tuple(text_of(cell)[:80] for cell in row[: len(heads)])
        for _, row in top[place + 1 : place + 1 + SAMPLE_ROWS]
    )
    columns = _match_headers(heads, samples)
    sheet = SheetMapping(table.name, number, heads, columns, samples=samples)
    return (
        sheet
        if not sheet.missing
        else SheetMapping(table.name, number, heads, columns, read=False, samples=samples)
    )


def header_of(cell: Cell) -> str:
    """Return the cell as a header: one line of at most MAX_HEADER_LENGTH characters, cut before it
    is searched."""
    return " ".join(text_of(cell)[: 2 * MAX_HEADER_LENGTH].split())[:MAX_HEADER_LENGTH]


def _widest_row(top: Sequence[TableRow]) -> tuple[int, int, TableRow] | None:
    """Return the first of the fullest rows as header row, for tables without a known header, so
    that users can select the columns; None if no row has two cells."""
    full = [sum(bool(text_of(cell)) for cell in cells) for _, cells in top[:MAX_ROWS_ABOVE_HEADER]]
    if not full or max(full) < 2:
        return None
    place = full.index(max(full))
    return 0, place, top[place]


def _match_headers(heads: Sequence[str], samples: Sequence[Sequence[str]] = ()) -> dict[int, str]:
    """Return {position of the column: code of its field}. Each field is used once; exact matches
    take precedence over usual ones, and those over similar ones."""
    code_by_column: dict[int, str] = {}
    for names in (_exact_headers(), _likely_headers()):
        for column, head in enumerate(heads):
            if (
                column in code_by_column
                or not head
                or fold_word(head) == fold_word(READ_ONLY_COLUMN)
            ):
                continue
            for header in (fold_word(head), fold_word(_BRACKETS.sub(" ", head))):
                code = names.get(header)
                if code and code not in code_by_column.values():
                    code_by_column[column] = code
                    break
    for column, head in enumerate(heads):
        if column in code_by_column or fold_word(head) == fold_word(READ_ONLY_COLUMN):
            continue
        for code in codes_of_header(head):
            if code not in code_by_column.values():
                code_by_column[column] = code
                break
    code_by_column = {
        column: code
        for column, code in code_by_column.items()
        if not (code == "application.slug" and _is_running_number(heads, samples, column))
    }
    if "use.model" not in code_by_column.values():
        # if the table has no dependencies, these headers are about the application
        for column, code in code_by_column.items():
            code_by_column[column] = _APPLICATION_CODES.get(code, code)
        code_by_column = {
            column: code
            for column, code in code_by_column.items()
            if code.startswith("application.")
        }
    return code_by_column


def _is_running_number(heads: Sequence[str], samples: Sequence[Sequence[str]], column: int) -> bool:
    """Return whether a column of IDs only counts the rows, so that it identifies nothing."""
    if fold_word(heads[column]) in _exact_headers():
        return False
    cells = [row[column] for row in samples if column < len(row) and row[column]]
    return bool(cells) and all(cell.isdigit() and len(cell) < 4 for cell in cells)


_APPLICATION_CODES = {"use.monthly_spend": "application.monthly_spend"}


def _codes_by_header(fields: Iterable[SheetField], *, usual: bool) -> dict[str, str]:
    """Return {folded header: code of the field}: the usual headers, or the exact label, code and
    name."""
    names: dict[str, str] = {}
    for sheet_field in fields:
        for name in (
            sheet_field.heads
            if usual
            else (sheet_field.label, sheet_field.code, sheet_field.fact.replace("_", " "))
        ):
            names.setdefault(fold_word(name), sheet_field.code)
    return names


@cache
def _exact_headers() -> dict[str, str]:
    # without a further word, "name" belongs to the application and "monthly spend" to the
    # dependency
    ambiguous_headers = {
        fold_word("name"): "application.name",
        fold_word("monthly spend"): "use.monthly_spend",
    }
    return _codes_by_header(FIELDS.values(), usual=False) | ambiguous_headers


@cache
def _likely_headers() -> dict[str, str]:
    return _codes_by_header(FIELDS.values(), usual=True)
