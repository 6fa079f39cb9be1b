"""Dates as people write them beside a model's name, and the dates in the names of snapshots."""

import re
from dataclasses import dataclass
from datetime import date

from apps.catalog.identity.names.phrases import word_pattern
from apps.catalog.identity.resolver.tokens import CODE, Tokens

_MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janner janvier janv enero ene gennaio gen styczen stycznia",
            "february feb februar fevrier fevr febrero febbraio luty lutego",
            "march mar marz mrz mars marzo marzec marca",
            "april apr avril avr abril abr aprile kwiecien kwietnia",
            "may mai mayo maggio mag maj maja",
            "june jun juni juin junio giugno giu czerwiec czerwca",
            "july jul juli juillet juil julio luglio lug lipiec lipca",
            "august aug aout agosto ago sierpien sierpnia",
            "september sep sept septembre septiembre settembre set wrzesien wrzesnia",
            "october oct oktober okt octobre octubre ottobre ott pazdziernik pazdziernika",
            "november nov novembre noviembre listopad listopada",
            "december dec dezember dez decembre diciembre dic dicembre grudzien grudnia",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_FORMS = tuple(
    re.compile(rf"(?<![a-z0-9./-])(?:{form})(?![a-z0-9]|[.-]\d)")
    for form in (
        r"(?P<y>20\d\d)[-./](?P<m>\d\d?)[-./](?P<d>\d\d?)",
        r"(?P<a>\d\d?)(?P<mark>[./-])(?P<b>\d\d?)(?P=mark)(?P<y>20\d\d)",
        r"(?P<a>\d\d)(?P<mark>[./-])(?P<b>\d\d)(?P=mark)'?(?P<yy>2[2-9])",
        rf"(?P<d>\d\d?)\.?[ /-]?(?P<month>{_MONTH})\.?[ /-]?'?(?P<yy>2[2-9])",
        rf"(?P<month>{_MONTH})\.?[ -]?'(?P<yy>2[2-9])",
        rf"(?P<d>\d\d?)(?:st|nd|rd|th|\.)? ?(?:of |de |di )?(?P<month>{_MONTH})\.?(?:,? (?:de |"
        rf"del |di )?(?P<y>20\d\d))?",
        rf"(?P<month>{_MONTH})\.? (?P<d>\d\d?)(?:st|nd|rd|th)?(?:,? (?P<y>20\d\d))?",
        rf"(?P<month>{_MONTH})\.?[ /-]?(?:of |de |del |di )?(?P<y>20\d\d)",
        r"(?P<m>0[1-9]|1[0-2])/(?P<yy>2[2-9])",
        r"(?P<m>\d\d?)[./](?P<y>20\d\d)",
        r"(?P<y>20\d\d)[./-](?P<m>0[1-9]|1[0-2])",
        r"(?P<d>\d\d?)\.(?P<m>\d\d?)\.",
    )
)
_SHORT_YEARS = range(22, 30)  # a year in two digits, when models as of today were released
# The date says something about the application, not about the model.
_OTHER_DATE = re.compile(
    word_pattern(
        r"in|im|ab|en|nel|since|seit|depuis|desde|dal|od|until|till|bis|jusqu\w*|hasta|fino a[l]?|"
        r"live|go ?live|golive|started?|start",
        r"(?:in )?(?:use|production|betrieb|einsatz)|launch\w*|rollout|introduced|eingefuhrt|"
        r"deployed|signed|contract",
        r"vertrag|review\w*|retir\w+|end of life|eol|expires?|sunset|deprecated|abgeschaltet|due|"
        r"planned|geplant|reviewed",
        r"updated|checked|stand|status|as of|per|last|contrat|went live|produktiv|migrat\w+|ends?|"
        r"freigabe|approved|tested",
        r"mise en service|en production|en produccion|in produzione|vigente",
    )
)
_OTHER_DATE_AFTER = re.compile(
    word_pattern(r"live|go ?live|golive|in use|in production|rollout|start|im einsatz|produktiv")
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date whose parts may be missing: of a snapshot, or as a person wrote it."""

    month: int
    year: int | None = None
    day: int | None = None

    def fits(self, other: "Stamp") -> bool:
        """Return whether no part that both have differs."""
        return self.month == other.month and all(
            mine is None or theirs is None or mine == theirs
            for mine, theirs in ((self.year, other.year), (self.day, other.day))
        )


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date in a text: its readings (6 August or 8 June), and whether it is about something
    else than the model, such as a start of use."""

    start: int
    end: int
    readings: tuple[Stamp, ...]
    is_other: bool


def find_dates(folded: str) -> list[WrittenDate]:
    """Return the dates in the text, in their order; none overlap."""
    found: list[WrittenDate] = []
    if not any(letter.isdigit() for letter in folded):
        return found
    for form in _FORMS:
        for match in form.finditer(folded):
            if any(match.start() < each.end and each.start < match.end() for each in found):
                continue
            readings = _read(match)
            if readings:
                before = folded[max(0, match.start() - 28) : match.start()]
                after = folded[match.end() : match.end() + 14]
                is_other = bool(
                    _is_about_use(before) or _OTHER_DATE_AFTER.match(after.strip(" ,:-"))
                )
                found.append(WrittenDate(match.start(), match.end(), readings, is_other))
    return sorted(found, key=lambda each: each.start)


def _is_about_use(before: str) -> bool:
    """Return whether a word such as "since" stands before a date, with nothing but small words
    between."""
    matches = list(_OTHER_DATE.finditer(before))
    if not matches:
        return False
    between = before[matches[-1].end() :]
    return len(re.findall(r"[a-z0-9]{3,}", between)) == 0 and "(" not in between


def _read(match: re.Match[str]) -> tuple[Stamp, ...]:
    parts = match.groupdict()
    year = int(parts["y"]) if parts.get("y") else None
    if parts.get("yy"):
        year = 2000 + int(parts["yy"])
    if parts.get("a"):
        first, second = int(parts["a"]), int(parts["b"])
        pairs = [(first, second)] if parts["mark"] == "." else [(first, second), (second, first)]
        stamps = [Stamp(month, year, day) for day, month in pairs if _is_day(day, month)]
        return tuple(dict.fromkeys(stamps))
    month = _MONTHS[parts["month"]] if parts.get("month") else int(parts["m"])
    day = int(parts["d"]) if parts.get("d") else None
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
        return ()
    is_after = bool(parts.get("month") and parts.get("d")) and match.start("d") > match.start(
        "month"
    )
    if year is None and day is not None and day in _SHORT_YEARS and is_after:
        return (Stamp(month, None, day), Stamp(month, 2000 + day))  # `Nov 24`
    return (Stamp(month, year, day),)


def _is_day(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def stamp_of(tokens: Tokens, developer: str, released: date | None) -> Stamp | None:
    """Return the date in the tokens of an ID; None if it has none. Four digits are year and month
    at some developers, and month and day at others."""
    for token in tokens:
        if token[0] == "=":
            digits = token[1:]
            day = int(digits[6:8]) if len(digits) == 8 else None
            return Stamp(int(digits[4:6]), int(digits[:4]), day)
    for token in tokens:
        if CODE.fullmatch(token):
            return stamp_of_code(token, developer, released)
    return None


def stamp_of_code(code: str, developer: str, released: date | None = None) -> Stamp | None:
    """Return the date that four digits mean at the developer; None if they are no date."""
    first, second = int(code[:2]), int(code[2:])
    if developer in ("mistral", "alibaba", "stepfun", "zhipuai") and 23 <= first <= 29:
        return Stamp(second, 2000 + first) if 1 <= second <= 12 else None
    if not _is_day(second, first):
        return None
    year = released.year if released and (released.month, released.day) == (first, second) else None
    return Stamp(first, year, second)
