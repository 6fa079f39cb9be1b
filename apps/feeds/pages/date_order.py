"""The order of day and month in numeric dates, where the page itself proves it."""

from dataclasses import replace

from apps.feeds.pages.dates import has_numeric_date, infer_order, read_dates
from apps.feeds.pages.definition import DateRules
from apps.feeds.pages.tables import PageBlocks
from apps.feeds.parsers.dates import UnclearDateError

_RULES = DateRules()


def infer_page_order(blocks: PageBlocks) -> str:
    """Return the order of numeric dates that the page proves: by a day above 12, or because one
    reading is a date that the page also spells out."""
    cells = [cell for table in blocks.tables for row in table.rows for cell in row]
    numeric = [cell for cell in cells if has_numeric_date(cell)]
    if not numeric:
        return ""
    if order := infer_order(numeric):
        return order
    spelled: set[str] = set()
    titles = [title for table in blocks.tables for title in table.path]
    for text in (*titles, *(text for _, text in blocks.sentences)):
        try:
            spelled |= {found.on for found in read_dates(text[:600], _RULES)}
        except UnclearDateError:
            continue
    agreeing = [
        order
        for order in ("month_first", "day_first")
        if _readings(numeric, replace(_RULES, order=order)) & spelled
    ]
    return agreeing[0] if len(agreeing) == 1 else ""


def _readings(texts: list[str], rules: DateRules) -> set[str]:
    found: set[str] = set()
    for text in texts:
        try:
            found |= {reading.on for reading in read_dates(text, rules)}
        except UnclearDateError:
            continue
    return found
