"""The day of an announcement, from the heading of a table or the sentence above it."""

import re

from apps.feeds.pages.dates import read_dates
from apps.feeds.pages.definition import DateRules, PageMapping
from apps.feeds.pages.tables import PageBlocks, Table
from apps.feeds.parsers.dates import UnclearDateError

_SAYS = re.compile(
    r"\b(?:notif(?:ied|ying)|announc(?:ed|ing)|emailed|e-mailed|informed|told|communicated"
    r"|published)\b",
    re.IGNORECASE,
)
_UPDATED = re.compile(r"\b(?:last )?(?:updated|modified|reviewed)\b", re.IGNORECASE)
# Characters of a sentence around a date in which the verb must stand.
_REACH = 90
_RULES = DateRules()


def announcement_of(table: Table, mapping: PageMapping) -> str:
    """Return the ISO day on which the end was announced, "" if neither states one."""
    for place in mapping.announced_from:
        found = _from_headings(table) if place == "heading" else _from_sentences(table)
        if found:
            return found
    return ""


def _from_headings(table: Table) -> str:
    for title in reversed(table.path):
        if found := _first_day(title[:200]):
            return found
    return ""


def _from_sentences(table: Table) -> str:
    for sentence in table.above:
        text = sentence[:600]
        try:
            dates = read_dates(text, _RULES)
        except UnclearDateError:
            continue
        for found in dates:
            behind = text[found.end : found.end + _REACH]
            if not found.is_month and _SAYS.search(behind):
                return found.on
    return ""


def _first_day(text: str) -> str:
    try:
        dates = read_dates(text, _RULES)
    except UnclearDateError:
        return ""
    # A date within the name of a model is not the day of a notice.
    return next((found.on for found in dates if not found.is_month), "")


def stated_days(blocks: PageBlocks) -> list[str]:
    """Return the ISO days of sentences such as "Last updated 2025-12-02 UTC"."""
    days: list[str] = []
    for _, sentence in blocks.sentences:
        text = sentence[:200]
        if _UPDATED.search(text) and (day := _first_day(text)):
            days.append(day)
    return days
