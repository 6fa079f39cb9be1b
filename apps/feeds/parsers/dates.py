"""Date parsing for feeds: ISO dates, spelled-out dates, "not sooner than", dates valid in some
regions only."""

import re
from dataclasses import dataclass
from datetime import date

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.feeds.parsers.payload import MAX_REGION_LENGTH, quote

# No model of the registry retired before 2018; several feeds use days from 2090 on for "never".
_FIRST_YEAR = 2018
_PLACEHOLDER_YEAR = 2090

_EMPTY_VALUES = frozenset(
    {"", "n/a", "na", "none", "null", "unknown", "<unknown>", "tbd", "tba", "-", "--", "—", "–"}
)
_NOT_BEFORE = re.compile(
    r"^(?:not?\s+(?:sooner|earlier|before)(?:\s+than)?|not\s+before|earliest|on\s+or\s+after|after)\b[:\s]*",
    re.IGNORECASE,
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:T[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})", re.ASCII)
_REGION = re.compile(r"\b[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d\b")
_WORDS_BESIDE_REGIONS = frozenset({"only", "in", "and", "or", "regions", "region", "the"})
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}


class UnclearDateError(Exception):
    """A text about a date that is not a single valid day; `str()` is the reason."""


@dataclass(frozen=True, slots=True)
class PublishedDay:
    """A published date. `kind` is firm or not_before. `region` is "" if it applies everywhere."""

    on: date
    kind: str = FIRM
    region: str = ""


def read_day(value: object) -> PublishedDay | None:
    """Parse the date in a feed's field; None if the field is empty or means "no date".

    Raises UnclearDateError for a placeholder (2090 and later), an impossible or ambiguous date,
    more than one date, a note in brackets that is not about regions, or no date at all."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnclearDateError(f"The date {quote(value)} is not text.")
    text = " ".join(value.split()).strip(" *†‡")
    if text.lower() in _EMPTY_VALUES:
        return None
    remainder, kind = text, FIRM
    if not_before := _NOT_BEFORE.match(remainder):
        remainder, kind = remainder[not_before.end() :], NOT_BEFORE
    end, on = _parse_leading_day(remainder, text)
    return PublishedDay(on, kind, _parse_regions(remainder[end:].strip(" .;*†‡"), text))


def read_iso_day(value: object) -> date | None:
    """Parse a field that is always YYYY-MM-DD; None if absent or empty, UnclearDateError for
    anything else."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise UnclearDateError(f"The date {quote(value)} is not in the form 2026-11-24.")
    return _build_day(int(value[:4]), int(value[5:7]), int(value[8:]), value)


def _parse_leading_day(remainder: str, text: str) -> tuple[int, date]:
    """Return (end position of the date in `remainder`, the date). Raises UnclearDateError, quoting
    the whole `text`, if it does not begin with a valid date."""
    if match := _ISO.match(remainder):
        year, month, day = (int(number) for number in match.groups()[:3])
    elif match := _MONTH_FIRST.match(remainder):
        month, day, year = _parse_month(match[1], text), int(match[2]), int(match[3])
    elif match := _DAY_FIRST.match(remainder):
        day, month, year = int(match[1]), _parse_month(match[2], text), int(match[3])
    else:
        raise UnclearDateError(f"The date {quote(text)} contains no readable date.")
    return match.end(), _build_day(year, month, day, text)


def _parse_month(name: str, text: str) -> int:
    month = _MONTHS.get(name.lower())
    if month is None:
        raise UnclearDateError(f"The date {quote(text)} contains no readable date.")
    return month


def _build_day(year: int, month: int, day: int, text: str) -> date:
    if year >= _PLACEHOLDER_YEAR:
        raise UnclearDateError(f"The date {quote(text)} is a placeholder, not a date.")
    if year < _FIRST_YEAR:
        raise UnclearDateError(f"The date {quote(text)} is earlier than any model of this feed.")
    try:
        return date(year, month, day)
    except ValueError:
        raise UnclearDateError(f"The date {quote(text)} does not exist.") from None


def _parse_regions(note: str, text: str) -> str:
    """Return the regions named by `note`, the remainder after the date: "" for no note or all
    regions, otherwise "a, b", or a count of them if the list is too long to store.

    Raises UnclearDateError, quoting the whole `text`, if the note is anything but regions in
    brackets."""
    if not note:
        return ""
    in_brackets = len(note) > 1 and note.startswith("(") and note.endswith(")")
    note_text = (note[1:-1] if in_brackets else note).strip().lower()
    if note_text in {"all regions", "all region"}:
        return ""
    regions = sorted(set(_REGION.findall(note_text)))
    note_words = set(re.findall(r"[a-z]+", _REGION.sub(" ", note_text)))
    if not in_brackets or not regions or not note_words <= _WORDS_BESIDE_REGIONS:
        raise UnclearDateError(f"The date {quote(text)} has a note that cannot be read.")
    regions_text = ", ".join(regions)
    return (
        regions_text
        if len(regions_text) <= MAX_REGION_LENGTH
        else f"{regions[0]} and {len(regions) - 1} other regions"
    )
