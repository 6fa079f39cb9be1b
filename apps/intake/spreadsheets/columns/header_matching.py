"""Columns recognised by their headers: the exact names of fields, usual ones, and similar ones."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from apps.intake.spreadsheets.columns.fields import FIELDS, READ_ONLY_COLUMN, SheetField
from apps.intake.spreadsheets.columns.headers import codes_of_header, months_of
from apps.intake.spreadsheets.columns.values import fold_word

# text in brackets after a header, as in "Monthly cost (EUR)"
_BRACKETS = re.compile(r"[(\[][^()\[\]]*+[)\]]")


def is_exact_header(head: str) -> bool:
    """Return whether a header is one of the names of a field or of its usual headers."""
    folded = fold_word(head)
    return folded in _exact_headers() or folded in _likely_headers()


def match_headers(
    heads: Sequence[str], samples: Sequence[Sequence[str]] = (), *, has_model: bool = False
) -> dict[int, str]:
    """Return {position of the column: code of its field}. Each field is used once; exact matches
    take precedence over usual ones, and those over similar ones. `has_model`: a column without such
    a header holds the model."""
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
    # of two columns of costs, that of a month is taken before that of a year
    for column, head in sorted(enumerate(heads), key=lambda pair: months_of(pair[1])):
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
    if "use.model" not in code_by_column.values() and not has_model:
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
