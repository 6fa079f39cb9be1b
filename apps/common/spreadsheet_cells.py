"""Values as cells of a file that a spreadsheet opens."""

from datetime import date, datetime
from typing import Any

# the full-width ones are turned into plain ones by some imports
_FORMULA_PREFIXES = frozenset("=+-@\t\r\n＝＋－＠")


def escape_formula(value: Any) -> Any:
    """A cell no spreadsheet runs as a formula: text that begins like one gets an apostrophe in
    front."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in _FORMULA_PREFIXES else value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
