"""Values as cells of a file that a spreadsheet opens."""

from datetime import date, datetime
from typing import Any

# the full-width ones are turned into plain ones by some imports
_BEGINS_A_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")


def harmless(value: Any) -> Any:
    """A cell no spreadsheet runs as a formula: text that begins like one gets an apostrophe in front."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in _BEGINS_A_FORMULA else value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
