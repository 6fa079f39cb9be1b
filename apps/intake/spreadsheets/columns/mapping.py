"""Column mapping: the header row of each table, the field that each column holds, and the missing
fields.

Users see the mapping and can change it; it is saved for spreadsheets with the same column
headers."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from apps.intake.spreadsheets.columns.fields import FIELDS, SheetField
from apps.intake.spreadsheets.columns.headers import currency_of, factor_of, months_of
from apps.intake.spreadsheets.columns.values import (
    SheetConventions,
    fold_name,
    fold_word,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Cell
from apps.intake.spreadsheets.limits import MAX_HEADER_LENGTH


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
    # columns recognised by their content, not by their header
    by_content: tuple[int, ...] = ()
    # what the text around the table says about classes: {code: {key: words}}
    legends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # column of the titles between the rows, and the place of the column that is added for them
    title_column: int | None = None
    n_hidden_rows: int = 0  # of the worksheet; they are read
    hidden_columns: tuple[int, ...] = ()
    titles_at: int | None = None

    @property
    def has_uses(self) -> bool:
        return "use.model" in self.columns.values()

    def currency(self, column: int) -> tuple[str, int]:
        """Return (currency, factor) that the header of a column of amounts states; an empty
        currency: US dollars, unless the cell states another one."""
        head = self.heads[column] if column < len(self.heads) else ""
        return currency_of(head), factor_of(head)

    def n_months(self, column: int) -> int:
        """Return the number of months that an amount of the column is for: 12 for a year."""
        return months_of(self.heads[column]) if column < len(self.heads) else 1

    def with_choices(self, columns: Mapping[int, str], *, read: bool) -> "SheetMapping":
        """Return the mapping with chosen columns; a changed one is no longer a guess."""
        by_content = tuple(
            column for column in self.by_content if columns.get(column) == self.columns.get(column)
        )
        return replace(self, columns=columns, read=read, by_content=by_content)

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

    def legend_of(self, code: str) -> dict[str, str]:
        """Return {key: words} of the legend of a field, of all tables that are read."""
        return {
            key: words
            for _, sheet in self.read_sheets
            for key, words in sheet.legends.get(code, {}).items()
        }

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
                    "by_content": list(sheet.by_content),
                    "legends": {code: dict(keys) for code, keys in sheet.legends.items()},
                    "title_column": sheet.title_column,
                    "titles_at": sheet.titles_at,
                    "n_hidden_rows": sheet.n_hidden_rows,
                    "hidden_columns": list(sheet.hidden_columns),
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
                    by_content=tuple(sheet.get("by_content", ())),
                    legends=sheet.get("legends", {}),
                    title_column=sheet.get("title_column"),
                    titles_at=sheet.get("titles_at"),
                    n_hidden_rows=sheet.get("n_hidden_rows", 0),
                    hidden_columns=tuple(sheet.get("hidden_columns", ())),
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
            else sheet.with_choices(remembered_sheet.columns, read=remembered_sheet.read)
        )
    return BookMapping(
        tuple(sheets),
        remembered.conventions,
        remembered.team,
        values=remembered.values,
        models=remembered.models,
    )


def header_of(cell: Cell) -> str:
    """Return the cell as a header: one line of at most MAX_HEADER_LENGTH characters, cut before it
    is searched."""
    return " ".join(text_of(cell)[: 2 * MAX_HEADER_LENGTH].split())[:MAX_HEADER_LENGTH]
