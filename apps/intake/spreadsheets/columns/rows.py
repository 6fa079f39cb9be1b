"""Parsed rows: the values of one row, before they are compared with the inventory.

Plain Python. A row that cannot be imported has a sentence with the reason, and the column of the
problem."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping, header_of
from apps.intake.spreadsheets.columns.values import (
    EMPTY_MARK,
    InvalidCellError,
    SheetConventions,
    is_empty_text,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Book, Cell
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
} | {"use.fallback_order": lambda: 0}


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """Values of one row. `application` and `use` hold facts by name, only those whose cell is not
    empty; `use` is None if no model is named."""

    position: int  # in the whole file, from 1
    sheet: int
    number: int  # of the row, as a spreadsheet shows it
    cells: list[str] = field(default_factory=list)
    application: dict[str, Any] = field(default_factory=dict)
    use: dict[str, Any] | None = None
    refusal: str = ""
    column: str = ""


def read_rows(book: Book, mapping: BookMapping) -> Iterator[ParsedRow]:
    """Yield every row with content below the headers, page by page, applications before their
    dependencies."""
    position = 0
    for place, sheet in mapping.read_sheets:
        if place >= len(book.tables):
            continue
        for number, cells in book.tables[place].rows():
            if number <= sheet.head_row or _repeats_heads(cells, sheet):
                continue
            if not any(
                not is_empty_text(cells[column]) for column in sheet.columns if column < len(cells)
            ):
                # notes beside or below the table
                continue
            position += 1
            yield read_row(cells, sheet, mapping, position=position, place=place, number=number)


def read_row(
    cells: list[Cell],
    sheet: SheetMapping,
    mapping: BookMapping,
    *,
    position: int,
    place: int,
    number: int,
) -> ParsedRow:
    """Return the values of a row, with a refusal if a cell is invalid or the application or model
    is missing."""
    application: dict[str, Any] = {}
    use: dict[str, Any] = {}
    refusal, refused_column = "", ""
    for column, code in sheet.columns.items():
        cell = cells[column] if column < len(cells) else None
        if is_empty_text(cell):
            continue
        record, _, fact = code.partition(".")
        try:
            value = _parse_value(code, cell, mapping.conventions)
        except InvalidCellError as error:
            refusal, refused_column = (
                refusal or str(error),
                refused_column or _header_at(sheet, column),
            )
            continue
        (application if record == "application" else use)[fact] = value
    if mapping.application and not application.get("slug") and not application.get("name"):
        application["slug"] = mapping.application
    model = use.get("model", "")
    if not refusal and not application.get("slug") and not application.get("name"):
        refusal = "The row has no application. Enter its name or its ID."
        refused_column = _header_of_field(sheet, "application.name") or _header_of_field(
            sheet, "application.slug"
        )
    if not refusal and not model and use.keys() - {"host", "role", "reached"}:
        refusal = "The row has no model. Enter the model ID as sent to the host."
        refused_column = _header_of_field(sheet, "use.model")
    return ParsedRow(
        position=position,
        sheet=place,
        number=number,
        cells=[text_of(cell) for cell in cells],
        application=application,
        use=use if model else None,
        refusal=refusal,
        column=refused_column,
    )


def _parse_value(code: str, cell: Cell, conventions: SheetConventions) -> Any:
    """Return the value of a field; the default if the cell has the mark for an empty value."""
    if not isinstance(cell, str) or cell.strip().lower() != EMPTY_MARK:
        return FIELDS[code].parse(cell, conventions)
    if code not in _DEFAULTS:
        raise InvalidCellError(
            "This field cannot be cleared by an import. Leave the cell empty to keep the "
            "recorded value."
        )
    return _DEFAULTS[code]()


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
    return tuple(header_of(cell) for cell in cells) == sheet.heads


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
