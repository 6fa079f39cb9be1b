"""Parsed rows: the values of one row, before they are compared with the inventory.

Plain Python. Every cell without a value has a reason with its column."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from apps.intake.spreadsheets.columns.fields import FIELDS, KINDS
from apps.intake.spreadsheets.columns.headers import currency_of
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping, header_of
from apps.intake.spreadsheets.columns.money import MissingRateError, convert_amount, read_amount
from apps.intake.spreadsheets.columns.notes import is_note, team_of_title, title_of
from apps.intake.spreadsheets.columns.reasons import RowReason
from apps.intake.spreadsheets.columns.values import (
    EMPTY_MARK,
    InvalidCellError,
    fold_name,
    is_empty_text,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Book, Cell
from apps.intake.spreadsheets.values.distinct import ValueKind
from apps.inventory.actions.applications import EDITABLE_APPLICATION_FIELDS
from apps.inventory.actions.dependencies import EDITABLE_DEPENDENCY_FIELDS
from apps.inventory.models import Application, Dependency

# default values of the facts that an import can clear, which are those that are optional in forms
_DEFAULTS: dict[str, Callable[[], Any]] = {
    f"{record}.{column.name}": column.get_default
    for record, model, names in (
        ("application", Application, EDITABLE_APPLICATION_FIELDS),
        ("use", Dependency, EDITABLE_DEPENDENCY_FIELDS - {"via_party"}),
    )
    for column in model._meta.concrete_fields
    if column.name in names and column.blank
} | {"use.fallback_order": lambda: 0, "use.requirements": lambda: ""}


# without these, a row describes no application
_NEEDED = frozenset({"application.slug", "application.name"})


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """Values of one row. `application` and `use` hold facts by name, only those whose cell is not
    empty; `use` is None if no model is named. `reasons` are the cells without a value."""

    position: int  # in the whole file, from 1
    sheet: int
    number: int  # of the row, as a spreadsheet shows it
    cells: list[str] = field(default_factory=list)
    application: dict[str, Any] = field(default_factory=dict)
    use: dict[str, Any] | None = None
    reasons: list[RowReason] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        """Return whether a cell rejects the whole row."""
        return any(reason.refuses for reason in self.reasons)


# rows that are listed as not read
MAX_NOT_READ = 1_000

# cells that users replaced: {(position of the table, row number): {column: text}}
type RowEdits = Mapping[tuple[int, int], Mapping[int, str]]


# position of the table, its mapping, row number, cells
type ContentRow = tuple[int, SheetMapping, int, list[Cell]]


def content_rows(
    book: Book,
    mapping: BookMapping,
    edits: RowEdits | None = None,
    not_read: list[tuple[int, int, str]] | None = None,
) -> Iterator[ContentRow]:
    """Yield (position of the table, its mapping, row number, cells) of every row with content below
    the headers, applications before their dependencies; with the cells that users replaced.

    `not_read` gets (position of the table, row number, text) of notes, titles and sums."""
    for place, sheet in mapping.read_sheets:
        if place >= len(book.tables):
            continue
        team = ""
        for number, cells in book.tables[place].rows():
            if number <= sheet.head_row or _repeats_heads(cells, sheet):
                continue
            replaced = edits.get((place, number), {}) if edits else {}
            if replaced:
                cells = replace_cells(cells, replaced)
            if not any(
                not is_empty_text(cells[column]) for column in sheet.columns if column < len(cells)
            ):
                # notes beside or below the table
                continue
            if is_note(cells, sheet.columns, sheet.title_column):
                title = title_of(cells)
                if not_read is not None and len(not_read) < MAX_NOT_READ:
                    text = "; ".join(text_of(cell) for cell in cells if not is_empty_text(cell))
                    not_read.append((place, number, title[1] if title else text))
                if title is not None and title[0] == sheet.title_column:
                    team = team_of_title(title[1])
                continue
            if sheet.titles_at is not None and team and sheet.titles_at not in replaced:
                cells = replace_cells(cells, {sheet.titles_at: team})
            yield place, sheet, number, cells


def read_rows(
    book: Book, mapping: BookMapping, edits: RowEdits | None = None
) -> Iterator[ParsedRow]:
    """Yield every row with content below the headers."""
    return parse_rows(content_rows(book, mapping, edits), mapping)


def parse_rows(rows: Iterable[ContentRow], mapping: BookMapping) -> Iterator[ParsedRow]:
    """Yield the values of rows in their order."""
    for position, (place, sheet, number, cells) in enumerate(rows, 1):
        yield read_row(cells, sheet, mapping, position=position, place=place, number=number)


def replace_cells(cells: list[Cell], replaced: Mapping[int, str]) -> list[Cell]:
    """Return the cells of a row with those that a user replaced."""
    new_cells = [*cells, *[None] * (max(replaced) + 1 - len(cells))]
    for column, text in replaced.items():
        new_cells[column] = text
    return new_cells


def read_row(
    cells: list[Cell],
    sheet: SheetMapping,
    mapping: BookMapping,
    *,
    position: int,
    place: int,
    number: int,
) -> ParsedRow:
    """Return the values of a row, with a reason for each cell that is invalid or missing."""
    application: dict[str, Any] = {}
    use: dict[str, Any] = {}
    reasons: list[RowReason] = []
    for column, code in sheet.columns.items():
        cell = cells[column] if column < len(cells) else None
        if is_empty_text(cell):
            continue
        record, _, fact = code.partition(".")
        try:
            value = _parse_value(code, cell, sheet, column, mapping)
        except InvalidCellError as error:
            reasons.append(
                RowReason(
                    _header_at(sheet, column),
                    code,
                    str(error),
                    refuses=code in _NEEDED or (mapping.strict and not _is_left_out(error, cell)),
                )
            )
            continue
        if value is not LEFT_EMPTY:
            (application if record == "application" else use)[fact] = value
    if mapping.application and not application.get("slug") and not application.get("name"):
        application["slug"] = mapping.application
    model = use.get("model", "")
    if not application.get("slug") and not application.get("name"):
        column_code = next((code for code in ("name", "slug") if _has(sheet, code)), "name")
        reasons.append(
            RowReason(
                _header_of_field(sheet, f"application.{column_code}"),
                f"application.{column_code}",
                "The row has no application. Enter its name or its ID.",
            )
        )
    if not model and use.keys() - {"host", "role", "reached", "monthly_spend", "since"}:
        reasons.append(
            RowReason(
                _header_of_field(sheet, "use.model"),
                "use.model",
                "The row has no model. Enter the model ID as sent to the host.",
                refuses=mapping.strict,
            )
        )
    if not model and "monthly_spend" in use:
        # an amount without a dependency is that of the application
        application.setdefault("monthly_spend", use["monthly_spend"])
    return ParsedRow(
        position=position,
        sheet=place,
        number=number,
        cells=[text_of(cell) for cell in cells],
        application=application,
        use=use if model else None,
        reasons=reasons,
    )


def _is_left_out(error: InvalidCellError, cell: Cell) -> bool:
    """Return whether a strict import leaves out the amount of a cell: its header states a currency
    without a rate, so that the cell itself is right."""
    return isinstance(error, MissingRateError) and not currency_of(text_of(cell))


def _has(sheet: SheetMapping, fact: str) -> bool:
    return f"application.{fact}" in sheet.columns.values()


# a choice to leave the field empty
LEFT_EMPTY = object()


def _parse_value(
    code: str, cell: Cell, sheet: SheetMapping, column: int, mapping: BookMapping
) -> Any:
    """Return the value of a field: the mapped one, else that of the cell; the default if the cell
    has the mark for an empty value."""
    if isinstance(cell, str) and cell.strip().lower() == EMPTY_MARK:
        if code not in _DEFAULTS:
            raise InvalidCellError(
                "This field cannot be cleared by an import. Leave the cell empty to keep the "
                "recorded value."
            )
        return _DEFAULTS[code]()
    mapped = mapping.values.get(code)
    kind = KINDS[code]
    chosen: Any = None
    if mapped and kind in MAPPED_KINDS:
        key = fold_name(text_of(cell))
        if key in mapped:
            if mapped[key] is None:
                return LEFT_EMPTY
            chosen = fact_from_json(code, mapped[key])
    if mapped and kind is ValueKind.PERSON and (key := fold_name(text_of(cell))) in mapped:
        return (
            LEFT_EMPTY
            if mapped[key] is None
            else FIELDS[code].parse(mapped[key], mapping.conventions)
        )
    if kind is ValueKind.MONEY:
        currency, factor = sheet.currency(column)
        amount, currency = read_amount(
            cell,
            mapping.conventions,
            currency=currency,
            factor=factor,
            n_months=sheet.n_months(column),
            chosen=chosen,
        )
        return convert_amount(amount, currency, mapping.rates)
    return chosen if chosen is not None else FIELDS[code].parse(cell, mapping.conventions)


# values of these kinds are mapped in the cell; names of records are mapped by the planner
MAPPED_KINDS = frozenset(
    {ValueKind.CHOICE, ValueKind.BOOLEAN, ValueKind.DAY, ValueKind.NUMBER, ValueKind.MONEY}
)


def fact_from_json(code: str, value: Any) -> Any:
    """Return a mapped value, which is stored as JSON, as the field holds it."""
    kind = FIELDS[code].kind
    if kind is ValueKind.DAY:
        return date.fromisoformat(str(value))
    if kind is ValueKind.MONEY or code.partition(".")[2] in _DECIMALS:
        return Decimal(str(value))
    return value


def _header_at(sheet: SheetMapping, column: int) -> str:
    return sheet.heads[column] or f"Column {column + 1}"


def _header_of_field(sheet: SheetMapping, code: str) -> str:
    return next(
        (
            _header_at(sheet, column)
            for column, column_code in sheet.columns.items()
            if column_code == code
        ),
        "",
    )


def _repeats_heads(cells: list[Cell], sheet: SheetMapping) -> bool:
    """Return whether a row repeats the headers, as spreadsheets made for printing do on every
    page."""
    heads = sheet.heads[: sheet.titles_at]
    if len(cells) != len(heads):
        return False
    # nearly every row differs in its first cell
    return all(header_of(cell) == head for cell, head in zip(cells, heads, strict=True))


# --- stored form ----------------------------------------------------------------------------------

_DAYS = frozenset({"since", "until", "next_review_on"})
_DECIMALS = frozenset({"traffic_share", "monthly_spend"})


def jsonable(value: Any) -> Any:
    """Return the value as JSON can hold it: dates in ISO format, decimals as text."""
    return (
        value.isoformat()
        if isinstance(value, date)
        else str(value)
        if isinstance(value, Decimal)
        else value
    )


def facts_as_json(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if facts is None else {name: jsonable(value) for name, value in facts.items()}


def facts_from_json(data: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return facts as `facts_as_json` stored them, with dates and decimals."""
    if data is None:
        return None
    return {
        name: date.fromisoformat(value)
        if name in _DAYS and value is not None
        else Decimal(value)
        if name in _DECIMALS and value is not None
        else value
        for name, value in data.items()
    }


def dumps(value: Any) -> str:
    """Return JSON for the database; ten times as fast as the standard library."""
    return orjson.dumps(value).decode()
