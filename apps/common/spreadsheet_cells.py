"""Values for cells of files that spreadsheet programs open."""

from datetime import date, datetime
from typing import Any

# some programs convert the full-width characters to plain ones at import
_FORMULA_PREFIXES = frozenset("=+-@\t\r\n＝＋－＠")


def escape_formula(value: Any) -> Any:
    """Return the value so that no spreadsheet runs it as a formula: a text that begins like one
    gets an apostrophe in front."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in _FORMULA_PREFIXES else value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
