"""Dates of lifecycle pages: every form seen, several dates in a cell, words for "none" and "not
before"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.feeds.pages.cells import one_line
from apps.feeds.pages.definition import DateRules
from apps.feeds.parsers.dates import UnclearDateError
from apps.feeds.parsers.payload import quote

# No model of the registry retired before 2018; pages use years from 2090 on for "never".
_FIRST_YEAR = 2018
_PLACEHOLDER_YEAR = 2090
# Longer cells hold no date that a reader could tell from the others.
_MAX_LENGTH = 2000

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
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_ISO = re.compile(
    r"(?<![\w./-])(?P<year>\d{4})(?P<joint>[-./\u2013])(?P<number>\d{1,2})(?P=joint)(?P<day>\d{1,2})"
    r"(?![\d/]|[-.]\w)",
    re.IGNORECASE | re.ASCII,
)
_CHINESE = re.compile(
    r"(?P<year>\d{4}) ?\u5e74 ?(?P<number>\d{1,2}) ?\u6708(?: ?(?P<day>\d{1,2}) ?[\u65e5\u53f7])?"
)
_MONTH_FIRST = re.compile(
    rf"(?<![\w-]){_MONTH},? {{1,3}}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?"
    r"(?: ?, ?| {1,2})(?P<year>\d{4})(?!\d)",
    re.IGNORECASE | re.ASCII,
)
_DAY_FIRST = re.compile(
    r"(?<![\w./-])(?P<day>\d{1,2})(?:st|nd|rd|th)?(?: of)?[ -]{1,2}"
    rf"{_MONTH},?[ -]{{1,2}}(?P<year>\d{{4}})(?!\d)",
    re.IGNORECASE | re.ASCII,
)
_NUMERIC = re.compile(
    r"(?<![\w./-])(?P<first>\d{1,2})(?P<joint>[-./])(?P<second>\d{1,2})(?P=joint)"
    r"(?P<year>\d{4}|\d{2})(?![\d/]|[-.]\w)",
    re.IGNORECASE | re.ASCII,
)
_MONTH_ONLY = re.compile(
    rf"(?<!\w){_MONTH},?(?: of)? {{1,3}}(?P<year>\d{{4}})(?!\d)", re.IGNORECASE | re.ASCII
)
_YEAR_AND_MONTH = re.compile(
    r"(?<![\w./-])(?P<year>20\d\d)[-./](?P<number>\d{1,2})(?![\w./-])", re.IGNORECASE | re.ASCII
)
_NO_YEAR = re.compile(
    rf"(?<![\w-])(?:{_MONTH},? {{1,3}}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:]))",
    re.IGNORECASE | re.ASCII,
)
_FORMS = (_ISO, _CHINESE, _MONTH_FIRST, _DAY_FIRST, _NUMERIC, _MONTH_ONLY, _YEAR_AND_MONTH)
_LOOKS_DATED = re.compile(r"(?<!\d)20[1-9]\d(?!\d)|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}", re.ASCII)

_NOT_BEFORE_AHEAD = re.compile(
    r"\b(?:not?\s(?:sooner|earlier|before)|not\suntil|until\sat\sleast|at\sleast|at\sthe\searliest"
    r"|earliest|on\sor\safter|after|from|sooner\sthan)\b|\u4e0d\u65e9\u4e8e|>=|\u2265",
    re.IGNORECASE,
)
_NOT_BEFORE_BEHIND = re.compile(
    r"^[^\n;]{0,60}?(?:\bor\s(?:later|after)|\bat\s(?:the\s)?earliest|\bearliest\b|\band\slater|\bor\sbeyond"
    r"|\u4e4b\u540e|\bonwards?)\b",
    re.IGNORECASE,
)
_END_LABEL = re.compile(
    r"retire|shut ?-?down|sunset|end[ -]of[ -]life|\beol\b|discontinu|remov|turned off|decommission"
    r"|offline|end of (?:service|support)|deployment|inference",
    re.IGNORECASE,
)
_OTHER_LABEL = re.compile(
    r"deprecat|legacy|announc|notif|released?\b|launch|auto[ -]?upd|auto[ -]?upgrad|extended"
    r"|new (?:customers?|users?|deployments)|training|was\b|previous|originally",
    re.IGNORECASE,
)
# A sign between an earlier date and the one that replaced it.
_MOVED = re.compile(r"\u2192|->|=>|\u27a1|\bto\b|moved|now\b")
_VERSION_AHEAD = re.compile(r"\bversions?\s?:?\s?`?$", re.IGNORECASE)
_REGION = re.compile(r"\b[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]{4,12}-\d\b")
_ONLY_IN = re.compile(r"\(only (?:in|for) ([^()\n]{1,60})\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CellDate:
    """A date in a text. `on` is an ISO day or month (`YYYY-MM`); `kind` is firm or not_before.
    `label` is the text ahead of it, `regions` the codes that follow it."""

    on: str
    kind: str = FIRM
    label: str = ""
    regions: tuple[str, ...] = ()
    start: int = 0
    end: int = 0

    @property
    def is_month(self) -> bool:
        return len(self.on) == 7


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    year: int
    month: int
    day: int | None


def read_dates(text: str, rules: DateRules) -> list[CellDate]:
    """Return all dates of a text, in order, without those that are versions of models.

    UnclearDateError if a date cannot be read in one way, is impossible or has no year."""
    text = text[:_MAX_LENGTH].replace("\u2013", "-")
    found = _without_overlaps(_iter_found(text, rules))
    dates = []
    position = 0
    for number, match in enumerate(found):
        next_start = found[number + 1].start if number + 1 < len(found) else len(text)
        label = text[position : match.start].rsplit("\n", 1)[-1]
        behind = text[match.end : next_start]
        if not _VERSION_AHEAD.search(label[-20:]):
            on = _as_text(match, text)
            kind = NOT_BEFORE if _is_not_before(label, behind, rules) else FIRM
            dates.append(
                CellDate(
                    on, kind, label.strip(" `,;(-"), _regions_of(behind), match.start, match.end
                )
            )
        position = match.end
    return dates


def read_ends(text: str, rules: DateRules) -> list[CellDate]:
    """Return the retirement dates of a cell: none, one, or one for each group of regions.

    UnclearDateError, with a sentence, if the cell states a date that cannot be read."""
    if is_none(text, rules):
        return []
    dates = read_dates(text, rules)
    if not dates:
        if _NO_YEAR.search(text):
            raise UnclearDateError(f"The date {quote(one_line(text))} states no year.")
        if _LOOKS_DATED.search(_without_ids(text)):
            raise UnclearDateError(f"The date {quote(one_line(text))} contains no readable date.")
        return []
    ends = [found for found in dates if _END_LABEL.search(found.label)]
    if not ends:
        ends = [found for found in dates if not _OTHER_LABEL.search(found.label)] or dates[:1]
    if len(ends) > 1 and all(found.regions for found in ends):
        return ends
    if len(ends) > 1 and _MOVED.search(text[ends[-2].end : ends[-1].start]):
        return ends[-1:]
    return ends[:1]


def read_one(text: str, rules: DateRules) -> CellDate | None:
    """Return the first date of a cell about another stage than the end; None without one that can
    be read."""
    if is_none(text, rules):
        return None
    try:
        dates = read_dates(text, rules)
    except UnclearDateError:
        return None
    return dates[0] if dates else None


def read_labelled(text: str, rules: DateRules, label: "re.Pattern[str]") -> CellDate | None:
    """Return the first date whose label contains the words of `label`, in a cell that holds
    several."""
    try:
        dates = read_dates(text, rules)
    except UnclearDateError:
        return None
    if len(dates) < 2:
        return None
    return next((found for found in dates if label.search(found.label)), None)


# Single words for "no date". Longer ones, such as "not announced", need no list: a cell without a
# date states none.
_NONE = frozenset(
    {
        "",
        "n/a",
        "n.a.",
        "na",
        "none",
        "null",
        "nil",
        "unknown",
        "tbd",
        "tba",
        "-",
        "--",
        "---",
        "\u2013",
        "\u2014",
        "\u2014\u2014",
        "/",
        ".",
        "\u65e0",
        "\u6682\u65e0",
    }
)


def is_none(text: str, rules: DateRules) -> bool:
    """Return whether the cell says that there is no date."""
    plain = one_line(text).strip(" *\u2020\u2021()").casefold()
    return plain in _NONE or any(plain == word.casefold().strip() for word in rules.none)


def infer_order(texts: list[str]) -> str:
    """Return the order of numeric dates that the texts prove, "" if they prove none or both."""
    month_first = day_first = False
    for text in texts:
        for match in _NUMERIC.finditer(text[:_MAX_LENGTH]):
            first, second = int(match["first"]), int(match["second"])
            month_first |= first <= 12 < second <= 31
            day_first |= second <= 12 < first <= 31
    if month_first == day_first:
        return ""
    return "month_first" if month_first else "day_first"


def has_numeric_date(text: str) -> bool:
    return _NUMERIC.search(text[:_MAX_LENGTH]) is not None


def region_codes(text: str) -> tuple[str, ...]:
    """Return the region codes of a text, in order and once each."""
    return tuple(dict.fromkeys(_REGION.findall(text.lower())))


def _without_ids(text: str) -> str:
    return " ".join(
        word for word in one_line(text).split() if "-" not in word.strip("-") or word[:2] == "20"
    )


def _iter_found(text: str, rules: DateRules) -> Iterator[_Found]:
    for form in _FORMS:
        for match in form.finditer(text):
            yield _found_of(match, form, text, rules)


def _found_of(
    match: "re.Match[str]", form: "re.Pattern[str]", text: str, rules: DateRules
) -> _Found:
    if form is _NUMERIC:
        month, day = _order_numbers(match, text, rules.order)
        year = int(match["year"])
        return _Found(match.start(), match.end(), year + 2000 if year < 100 else year, month, day)
    groups = match.groupdict()
    number = groups.get("number")
    month = int(number) if number else _MONTHS[match["month"].lower().strip(".")]
    day_text = groups.get("day")
    return _Found(
        match.start(), match.end(), int(match["year"]), month, int(day_text) if day_text else None
    )


def _order_numbers(match: "re.Match[str]", text: str, order: str) -> tuple[int, int]:
    first, second = int(match["first"]), int(match["second"])
    if order == "month_first":
        return first, second
    if order == "day_first":
        return second, first
    if first > 12 >= second:
        return second, first
    if second > 12 >= first:
        return first, second
    if first == second:
        return first, second
    raise UnclearDateError(
        f"The date {quote(one_line(text))} can be read in two ways. Set the order of day and month."
    )


def _without_overlaps(found: Iterator[_Found]) -> list[_Found]:
    """Return the matches in order; of overlapping ones the longer."""
    kept: list[_Found] = []
    for match in sorted(found, key=lambda found: (found.start, -found.end)):
        if kept and match.start < kept[-1].end:
            if match.end - match.start > kept[-1].end - kept[-1].start:
                kept[-1] = match
        else:
            kept.append(match)
    return kept


def _as_text(found: _Found, text: str) -> str:
    if found.year >= _PLACEHOLDER_YEAR:
        raise UnclearDateError(f"The date {quote(one_line(text))} is a placeholder, not a date.")
    if found.year < _FIRST_YEAR:
        raise UnclearDateError(
            f"The date {quote(one_line(text))} is earlier than any model of the catalogue."
        )
    try:
        day = date(found.year, found.month, found.day or 1)
    except ValueError:
        raise UnclearDateError(f"The date {quote(one_line(text))} does not exist.") from None
    return day.isoformat() if found.day else day.isoformat()[:7]


def _is_not_before(label: str, behind: str, rules: DateRules) -> bool:
    ahead = label[-120:]
    if _NOT_BEFORE_AHEAD.search(ahead) or _NOT_BEFORE_BEHIND.match(behind[:80]):
        return True
    around = f"{ahead} {behind[:60]}".casefold()
    return any(word.strip("* ").casefold() in around for word in rules.not_before)


def _regions_of(behind: str) -> tuple[str, ...]:
    codes = region_codes(behind)
    if codes:
        return codes
    only = _ONLY_IN.search(behind[:200])
    return (only[1].strip(),) if only else ()
