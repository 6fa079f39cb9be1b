"""What the text of a provider's notice says: its retirement date and its URL. Plain Python."""

import re
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sep", "sept"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ISO = re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])")
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({_MONTH})\.?,?\s+(\d{{4}})\b", re.I)
_MONTH_FIRST = re.compile(rf"\b({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})\b", re.I)
_URL = re.compile(r"https://[^\s<>\"'()\]]+")


def dates_in(text: str) -> list[date]:
    """Return the days that the text names, in calendar order and each once.

    Only forms that cannot be misread are found: 2027-04-08, 8 April 2027, April 8, 2027.
    """
    found = set()
    for year, month, day in _ISO.findall(text):
        found.add(_day(year, int(month), day))
    for day, month, year in _DAY_FIRST.findall(text):
        found.add(_day(year, _MONTHS[month.lower()], day))
    for month, day, year in _MONTH_FIRST.findall(text):
        found.add(_day(year, _MONTHS[month.lower()], day))
    return sorted(day for day in found if day is not None)


def retirement_date_in(text: str, *, after: date) -> date | None:
    """Return the only day of the text later than `after`; None if there is none or several."""
    later = [day for day in dates_in(text) if day > after]
    return later[0] if len(later) == 1 else None


def url_in(text: str) -> str:
    """Return the first https URL of the text, without punctuation after it; empty if none."""
    match = _URL.search(text)
    return match.group(0).rstrip(".,;:!?") if match else ""


def _day(year: str, month: int, day: str) -> date | None:
    try:
        return date(int(year), month, int(day))
    except ValueError:
        return None
