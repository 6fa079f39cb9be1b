"""Rows of a spreadsheet of data terms: one statement a row. Plain Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from apps.catalog.capabilities.fields import (
    DATA_TERM_FIELDS,
    FLAG,
    LIMIT,
    SET,
    InvalidValueError,
    StatedField,
    clean_value,
)
from apps.common.invisible_characters import remove_control_characters

MAX_ROWS = 2_000
# empty lines and titles above the header
MAX_ROWS_ABOVE_HEADER = 30
ALL_MODELS = "*"
_SHOWN_LENGTH = 60
_MAX_DIGITS = 12

# {column: its name in the template}; in the order of the template
COLUMNS: Mapping[str, str] = {
    "host": "Host",
    "model_id": "Model ID",
    "region": "Region",
    "tier": "Tier",
    "term": "Term",
    "value": "Value",
    "source_url": "Source address",
    "at": "Day",
    "note": "Note",
}
_OPTIONAL = frozenset({"region", "tier", "source_url", "note"})
_HEADERS: Mapping[str, Sequence[str]] = {
    "host": ("host", "provider", "host or provider"),
    "model_id": ("model id", "model", "api id", "offering", "model ids"),
    "region": ("region", "region scope", "regions"),
    "tier": ("tier", "service tier"),
    "term": ("term", "data term", "field"),
    "value": ("value", "statement"),
    "source_url": ("source address", "source", "source url", "url", "address", "published at"),
    "at": ("day", "date", "read on", "as of", "at"),
    "note": ("note", "notes", "comment", "remark"),
}
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})


class TermTableError(ValueError):
    """A table without the needed columns, or with too many rows; the text is a sentence for
    users."""


@dataclass(frozen=True, slots=True)
class TermRow:
    """One row. `model_id` may be `*` for all offerings of the host; `field` is a key of
    DATA_TERM_FIELDS, `value` canonical."""

    number: int
    host: str
    model_id: str
    region: str
    tier: str
    field: str
    value: Any
    at: date
    source_url: str
    note: str


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one cell: number of the row, key of COLUMNS, and a sentence."""

    number: int
    column: str
    reason: str

    @property
    def place(self) -> str:
        """Return where it is: `Row 3, Value`."""
        return f"Row {self.number}, {COLUMNS[self.column]}"


@dataclass(frozen=True, slots=True)
class TermTable:
    """The rows that can be read, and what is wrong with the others."""

    rows: Sequence[TermRow]
    errors: Sequence[RowError]


def parse_term_rows(rows: Iterable[tuple[int, Sequence[str]]], *, today: date) -> TermTable:
    """Return the statements of (row number, cells), the first rows of which contain the header.

    Raises TermTableError without a header, without rows, or with more than MAX_ROWS of them.
    """
    remaining = iter(rows)
    columns = _find_columns(remaining)
    parsed: list[TermRow] = []
    errors: list[RowError] = []
    n_rows = 0
    for number, cells in remaining:
        texts = {
            name: _clean_text(cells[position]) if position < len(cells) else ""
            for name, position in columns.items()
        }
        if not any(texts.values()):
            continue
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise TermTableError(f"The file has more than {MAX_ROWS:,} rows. Split it.")
        row, row_errors = _parse_row(number, texts, today)
        errors += row_errors
        if row is not None:
            parsed.append(row)
    if not n_rows:
        raise TermTableError("The file has no row below the header. Enter one term in each row.")
    return TermTable(parsed, errors)


def _find_columns(rows: Iterable[tuple[int, Sequence[str]]]) -> dict[str, int]:
    """Return {column: position} of the first row that has the needed headers, and leave the
    iterator behind it."""
    best: dict[str, int] = {}
    for _, (_, cells) in zip(range(MAX_ROWS_ABOVE_HEADER), rows, strict=False):
        found: dict[str, int] = {}
        for position, cell in enumerate(cells):
            column = _COLUMN_BY_HEADER.get(_normalise(cell))
            if column is not None:
                found.setdefault(column, position)
        if not _missing(found):
            return found
        best = max(best, found, key=len)
    missing = _missing(best)
    raise TermTableError(
        f"The file needs {'the column' if len(missing) == 1 else 'the columns'} "
        f"{', '.join(COLUMNS[name] for name in missing)}. Start from the template."
    )


def _missing(found: Mapping[str, int]) -> list[str]:
    return [name for name in COLUMNS if name not in found and name not in _OPTIONAL]


def _clean_text(text: str) -> str:
    # the database stores no zero characters
    return remove_control_characters(text).replace("\0", "").strip()


def _normalise(text: str) -> str:
    """Return a header or label in lower case, with single spaces instead of other signs."""
    words = "".join(sign if sign.isalnum() else " " for sign in text[:200].casefold())
    return " ".join(words.split())


def _parse_row(
    number: int, texts: Mapping[str, str], today: date
) -> tuple[TermRow | None, list[RowError]]:
    errors = [
        RowError(number, name, _ABSENT[name])
        for name in COLUMNS
        if name not in _OPTIONAL and not texts[name]
    ]
    field = DATA_TERM_FIELDS.get(_FIELD_BY_LABEL.get(_normalise(texts["term"]), ""))
    if field is None and texts["term"]:
        labels = ", ".join(known.label for known in DATA_TERM_FIELDS.values())
        errors.append(
            RowError(
                number, "term", f"There is no term {_quote(texts['term'])}. Use one of: {labels}."
            )
        )
    value = None
    if field is not None and texts["value"]:
        try:
            value = clean_value(field, _convert_value(field, texts["value"]))
        except InvalidValueError as error:
            errors.append(RowError(number, "value", str(error)))
    at = _parse_day(texts["at"])
    if at is None and texts["at"]:
        errors.append(
            RowError(number, "at", f"{_quote(texts['at'])} is not a day such as 2026-11-24.")
        )
    elif at is not None and at > today:
        errors.append(
            RowError(number, "at", "The day is in the future. Enter today or an earlier day.")
        )
    if errors or field is None or at is None:
        return None, errors
    row = TermRow(
        number=number,
        host=texts["host"],
        model_id=texts["model_id"],
        region=texts.get("region", ""),
        tier=texts.get("tier", ""),
        field=field.key,
        value=value,
        at=at,
        source_url=texts.get("source_url", ""),
        note=texts.get("note", ""),
    )
    return row, errors


def _convert_value(field: StatedField, text: str) -> object:
    """Return the value that a cell holds; the text itself if the field has no such value."""
    if field.form == FLAG:
        word = text.casefold()
        return True if word in _YES else False if word in _NO else text
    if field.form == LIMIT:
        number = text.casefold().removesuffix(field.unit).removesuffix(field.unit[:-1]).strip()
        # workbooks write whole numbers as 30.0
        number = number.removesuffix(".0")
        is_number = number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS
        return int(number) if is_number else text
    if field.form == SET:
        return [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]
    return text


def _parse_day(text: str) -> date | None:
    """Return a day written as 2026-11-24, with or without a time of day, or 24.11.2026. The order
    of day and month is unclear with slashes."""
    if text[10:11] in ("T", " "):
        text = text[:10]
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _quote(text: str) -> str:
    return f"'{text[:_SHOWN_LENGTH]}'"


_ABSENT: Mapping[str, str] = {
    "host": "Enter the name or slug of the host.",
    "model_id": "Enter a model ID, or * for all offerings of the host.",
    "term": "Enter the term.",
    "value": "Enter the value. Leave the row out if it is unknown.",
    "at": "Enter the day on which the source stated it.",
}
_COLUMN_BY_HEADER: Mapping[str, str] = {
    header: column for column, headers in _HEADERS.items() for header in headers
}
_FIELD_BY_LABEL: Mapping[str, str] = {
    label: field.key
    for field in DATA_TERM_FIELDS.values()
    for label in (
        _normalise(field.key),
        _normalise(field.label),
        _normalise(f"{field.label} in {field.unit}"),
    )
}
