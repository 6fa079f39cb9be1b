"""Guesses of dates, numbers and answers in the forms that people write: "Q1 2027", "~ 8k", "Yes,
customers"."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from apps.common.validators import FIRST_YEAR, LAST_YEAR
from apps.intake.spreadsheets.columns.headers import CURRENCY_WORD
from apps.intake.spreadsheets.columns.values import (
    MONTHS,
    NO_WORDS,
    YES_WORDS,
    InvalidCellError,
    SheetConventions,
    parse_day,
    parse_number,
)
from apps.intake.spreadsheets.limits import MAX_GUESSED_LENGTH, MAX_NUMBER_LENGTH
from apps.intake.spreadsheets.values.distinct import Certainty, Guess

# --- days -----------------------------------------------------------------------------------------

_YEAR = r"(?P<year>(?:19|20)\d\d|'?\d\d)"
_MONTH_NUMBER = re.compile(r"(?P<month>0?[1-9]|1[0-2])\s*[./-]\s*(?P<year>(?:19|20)\d\d)")
_YEAR_MONTH = re.compile(r"(?P<year>(?:19|20)\d\d)\s*[./-]\s*(?P<month>0?[1-9]|1[0-2])")
_MONTH_NAME = re.compile(rf"(?P<name>[^\W\d]+)\.?[\s,./-]*{_YEAR}")
_NAME_LAST = re.compile(r"(?P<year>(?:19|20)\d\d)[\s,./-]+(?P<name>[^\W\d]+)\.?")
_QUARTER = r"(?:(?:[qtk]|quarter|quartal|trimestre|trim|kwartaal|qtr)\.?\s*)"
_QUARTERS = (
    re.compile(rf"{_QUARTER}(?P<n>[1-4])[\s./'-]*(?:of|de|del|di|van)?\s*{_YEAR}"),
    re.compile(
        rf"(?P<n>[1-4])(?:\.|st|nd|rd|th|er|ere|eme|e|o|º|°)?\s*{_QUARTER}[\s./'-]*"
        rf"(?:of|de|del|di|van)?\s*{_YEAR}"
    ),
    re.compile(rf"(?P<year>(?:19|20)\d\d)[\s./-]*{_QUARTER}(?P<n>[1-4])"),
)
_HALF = re.compile(
    rf"(?:h(?P<n>[12])|(?P<m>[12])(?:\.|st|nd|er|e|eme|o|º)?\s*(?:h|hj|halbjahr|half|semestre|"
    rf"semester|halfjaar)|(?:s|hj)(?P<s>[12]))[\s./'-]*(?:of|de|del|di|van)?\s*{_YEAR}"
)
_WEEK = re.compile(r"(?:kw|cw|week|wk|w|sem(?:aine)?)\s*(?P<n>\d{1,2})[\s./-]*(?P<year>20\d\d)")
_YEAR_ONLY = re.compile(r"(?P<year>(?:19|20)\d\d)")
_PART_OF_YEAR = re.compile(
    r"(?P<part>early|beginning of|start of|mid|middle of|late|end of|anfang|mitte|ende|debut|"
    r"mi|fin|principios de|mediados de|finales de|inizio|meta|fine|begin|midden|eind)[\s-]*"
    r"(?P<year>(?:19|20)\d\d)"
)
_PARTS = {
    **dict.fromkeys(
        (
            "early",
            "beginning of",
            "start of",
            "anfang",
            "debut",
            "principios de",
            "inizio",
            "begin",
        ),
        1,
    ),
    **dict.fromkeys(("mid", "middle of", "mitte", "mi", "mediados de", "meta", "midden"), 6),
    **dict.fromkeys(("late", "end of", "ende", "fin", "finales de", "fine", "eind"), 10),
}
_DOTTED_SHORT = re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d\d)")
_LEADING = re.compile(
    r"^(?:since|from|as of|ab|seit|depuis|desde|dal|dallo|da|sinds|vanaf|in|planned|geplant|"
    r"prevu|expected|ca|approx|about|~|circa|by|bis|due)\b[.:]?\s*|^[~≈]\s*"
)
_TRAILING = re.compile(r"\s*(?:\?|\((?:planned|tbc|geplant|prevu|plan|est\.?|expected)\)|tbc)$")


def guess_day(text: str, conventions: SheetConventions) -> Guess:
    """Return the first day of a month, quarter or other period; a date that can be two days has no
    guess."""
    folded = _fold(text)
    if len(folded) > MAX_NUMBER_LENGTH:
        return Guess()
    bare = _TRAILING.sub("", _LEADING.sub("", folded)).strip()
    for pattern in (_MONTH_NUMBER, _YEAR_MONTH):
        if match := pattern.fullmatch(bare):
            return _first_of(match["year"], int(match["month"]), "month", Certainty.CERTAIN)
    for pattern in (_MONTH_NAME, _NAME_LAST):
        match = pattern.fullmatch(bare)
        if match and (month := _MONTHS_FOLDED.get(match["name"])):
            return _first_of(match["year"], month, "month", Certainty.CERTAIN)
    for pattern in _QUARTERS:
        if match := pattern.fullmatch(bare):
            return _first_of(match["year"], 3 * int(match["n"]) - 2, "quarter", Certainty.CERTAIN)
    if match := _HALF.fullmatch(bare):
        half = int(match["n"] or match["m"] or match["s"])
        return _first_of(match["year"], 6 * half - 5, "half-year", Certainty.CERTAIN)
    if match := _PART_OF_YEAR.fullmatch(bare):
        return _first_of(match["year"], _PARTS[match["part"]], "month", Certainty.LIKELY)
    if match := _YEAR_ONLY.fullmatch(bare):
        return _first_of(match["year"], 1, "year", Certainty.LIKELY)
    if match := _WEEK.fullmatch(bare):
        try:
            monday = date.fromisocalendar(int(match["year"]), int(match["n"]), 1)
        except ValueError:
            return Guess()
        return _checked(monday, Certainty.CERTAIN, "The Monday of the week.")
    if match := _DOTTED_SHORT.fullmatch(bare):
        try:
            day = date(2000 + int(match["year"]), int(match["month"]), int(match["day"]))
        except ValueError:
            return Guess()
        return _checked(day, Certainty.LIKELY, "The year is taken as one of this century.")
    if bare != text:
        # a date with words around it
        try:
            return _checked(parse_day(bare, conventions), Certainty.LIKELY, "")
        except InvalidCellError:
            pass
    return Guess()


_SHORT_MONTH = re.compile(r"(?P<month>0?[1-9]|1[0-2])[./-](?P<year>\d\d)")
_TWO_NUMBERS = re.compile(r"\d{1,2}[./-]\d{2}")


def guess_short_months(texts: Iterable[str]) -> dict[str, Guess]:
    """Return {text: first day of the month} of a column whose "01/25" are all month and year; empty
    if one of them can only be something else, or is the day of a month."""
    short = [text for text in texts if _TWO_NUMBERS.fullmatch(text.strip())]
    matches = {text: _SHORT_MONTH.fullmatch(text.strip()) for text in short}
    years = {int(match["year"]) for match in matches.values() if match}
    if not short or not all(matches.values()) or min(years) < 15 or max(years) > 40:
        return {}
    return {
        text: _first_of(match["year"], int(match["month"]), "month", Certainty.LIKELY)
        for text, match in matches.items()
        if match
    }


_NUMBERED_DAY = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d\d)")


def day_order_of(text: str) -> str:
    """Return the date order that a date proves by a number above 12, dmy or mdy; empty if none."""
    match = _NUMBERED_DAY.fullmatch(text.strip())
    if match is None:
        return ""
    first, second = int(match[1]), int(match[3])
    if 12 < first <= 31 and 0 < second <= 12:
        return "dmy"
    return "mdy" if 12 < second <= 31 and 0 < first <= 12 else ""


def guess_days_in_order(texts: Iterable[str], day_order: str = "") -> dict[str, Guess]:
    """Return {text: day} of dates such as 03/04/2025 and 3/4/25 in the order that the other dates
    of the column prove, or these among themselves; empty if none proves it, or they prove both."""
    matches = {
        text: match
        for text in texts
        if (match := _NUMBERED_DAY.fullmatch(text.strip())) is not None
    }
    orders = {order for text in matches if (order := day_order_of(text))} | {day_order} - {""}
    if len(orders) != 1:
        return {}
    [order] = orders
    guesses = {}
    for text, match in matches.items():
        first, second = int(match[1]), int(match[3])
        day, month = (first, second) if order == "dmy" else (second, first)
        year = int(match[4]) if len(match[4]) == 4 else 2000 + int(match[4])
        try:
            guess = _checked(date(year, month, day), Certainty.LIKELY, _ORDER_WHY[order])
        except ValueError:
            continue
        guesses[text] = guess
    return guesses


_ORDER_WHY = {
    "dmy": "Day first, as in other dates of the column.",
    "mdy": "Month first, as in other dates of the column.",
}


def _first_of(year: str, month: int, period: str, certainty: Certainty) -> Guess:
    digits = year.lstrip("'")
    number = int(digits) if len(digits) == 4 else 2000 + int(digits)
    return _checked(date(number, month, 1), certainty, f"The first day of the {period}.")


def _checked(day: date, certainty: Certainty, why: str) -> Guess:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return Guess()
    return Guess(day.isoformat(), certainty, why)


def _fold(text: str) -> str:
    composed = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("’", "'"))
    bare = "".join(sign for sign in composed if not unicodedata.combining(sign))
    return " ".join(bare.casefold().split())


_MONTHS_FOLDED = {_fold(name): number for name, number in MONTHS.items()} | {
    "marz": 3,
    "maerz": 3,
    "fev": 2,
    "fevr": 2,
    "janv": 1,
    "sett": 9,
    "avr": 4,
    "ene": 1,
    "abr": 4,
    "ago": 8,
    "dic": 12,
    "gen": 1,
    "mag": 5,
    "giu": 6,
    "lug": 7,
    "set": 9,
    "ott": 10,
    "mei": 5,
    "juil": 7,
    "mrt": 3,
}

# --- numbers --------------------------------------------------------------------------------------

_ABOUT = re.compile(
    r"^(?:~|≈|±|c\.|ca\.?|circa|approx(?:\.|imately)?|about|around|roughly|some|est(?:\.|imated)?|"
    r"etwa|rund|rd\.?|ungefahr|zirka|schatzungsweise|env(?:\.|iron)?|a peu pres|unos|unas|aprox\.?|"
    r"aproximadamente|alrededor de|cerca de|cca\.?|quasi|all'incirca|ongeveer|ong\.?|plm\.?|"
    r"up to|max(?:\.|imal|imum)?|bis zu|jusqu'a|hasta|fino a|tot|at most|hochstens|"
    r"min(?:\.|destens|imum)?|at least|au moins|al menos|almeno|minstens|mehr als|uber|over|"
    r"more than|above|plus de|mas de|piu di|oltre|meer dan|less than|under|below|weniger als|"
    r"unter|moins de|menos de|meno di|minder dan|nearly|almost|fast|knapp|[<>≤≥]=?)\s*"
)
_UNIT = re.compile(
    r"\s*(?:\+|plus|(?:internal |external |active |named |concurrent |end |interne |aktive )?"
    r"(?:users?|people|persons?|employees|staff|fte|seats|licen[cs]es?|agents?|customers?|"
    r"clients?|heads?|advisers?|advisors?|analysts?|developers?|mitarbeite(?:r|nde)(?:innen)?|ma|"
    r"nutzer(?:innen)?|benutzer(?:innen)?|anwender(?:innen)?|personen|kunden|utilisateurs|"
    r"personnes|collaborateurs|clients|usuarios|personas|empleados|utenti|persone|dipendenti|"
    r"gebruikers|medewerkers|personen|agenten|clientes|clienti|klanten|pazienti|pacientes|"
    r"patients?|patienten|passengers?|passagiere|pax|students?|citizens?|members?|mitglieder|"
    r"abonnes|assures|asegurados|polizas|burger|inwoners|alumnos|nutzende|benutzende)|"
    r"(?:approx(?:\.|imately)?|aprox\.?|aproximadamente|circa|ca\.?|env(?:\.|iron)?|ungefahr|"
    r"ongeveer|or so|about|est(?:\.|imated)?)|"
    r"\([^()]*\)|p\.? ?a\.?|/ ?(?:month|monat|mois|mes|mese|mo)|per month|pro monat|par mois|"
    r"al mes|al mese|per maand|x|st(?:k|uck)?\.?)$"
)
_HOURS = re.compile(
    r"(?P<n>[\d.,]+)\s*(?P<unit>h|hrs?|hours?|std|stunden?|heures?|horas?|ore|uur|"
    r"d|days?|tage?|jours?|dias?|giorni|dagen|min(?:utes|uten)?)\.?"
)
_RANGE = re.compile(
    r"(?:between |zwischen |entre |tra |tussen |von |from |de |da |van )?"
    r"(?P<low>[\d.,' ]+?(?: ?(?:k|tsd|m|mio))?)\s*"
    r"(?:-|–|—|\.\.+|to|bis|a|und|and|et|y|e|en|tot|/)\s*"
    r"(?P<high>[\d.,' ]+(?: ?(?:k|tsd|m|mio))?)"
)
_WORDS = {
    "k": "k",
    "thousand": "k",
    "tsd": "k",
    "tausend": "k",
    "mille": "k",
    "mil": "k",
    "mila": "k",
    "duizend": "k",
    "million": "m",
    "millionen": "m",
    "millones": "m",
    "millions": "m",
    "milioni": "m",
    "miljoen": "m",
    "mn": "m",
    "mio": "m",
    "mln": "m",
}
_SCALED = re.compile(r"(?P<n>[\d.,' ]+?)\s*(?P<word>[a-z]+)\.?")


def guess_number(text: str, conventions: SheetConventions, *, is_whole: bool) -> Guess:
    """Return the number that an approximate text states; of a range the middle."""
    bare = _fold(text)
    if len(bare) > MAX_NUMBER_LENGTH:
        return Guess()
    is_about = False
    while (shorter := _UNIT.sub("", _ABOUT.sub("", bare)).strip()) != bare:
        bare, is_about = shorter, True
    if hours := _HOURS.fullmatch(bare):
        return _guess_hours(hours, conventions, is_whole=is_whole)
    if match := _RANGE.fullmatch(bare):
        low = _number(match["low"], conventions, is_whole=is_whole)
        high = _number(match["high"], conventions, is_whole=is_whole)
        if low is None or high is None:
            return Guess()
        if match["low"].strip()[-1:].isdigit() and not match["high"].strip()[-1:].isdigit():
            # "5-10k": the unit counts for both
            suffix = re.sub(r"[\d.,' ]", "", match["high"])
            low = _number(match["low"] + suffix, conventions, is_whole=is_whole) or low
        if low > high:
            return Guess()
        return _as_guess((low + high) / 2, is_whole, "The middle of the range.")
    number = _number(bare, conventions, is_whole=is_whole)
    if number is None:
        return Guess()
    return _as_guess(number, is_whole, "An approximate number." if is_about else "")


def guess_amount(text: str, conventions: SheetConventions) -> Guess:
    """Return the amount that a text states, in the currency as written. A mark before three digits
    groups thousands, since amounts have at most two decimals."""
    bare = re.sub(r"[.,](?:-|–|—)+$", "", _fold(text[:MAX_GUESSED_LENGTH]))
    bare = CURRENCY_WORD.sub(" ", bare).strip(" .-–/")
    if re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", bare):
        digits = re.sub(r"[.,]", "", bare)
        return Guess(digits, Certainty.LIKELY, "The mark before three digits groups thousands.")
    return guess_number(bare, conventions, is_whole=False)


def _guess_hours(match: re.Match[str], conventions: SheetConventions, *, is_whole: bool) -> Guess:
    number = _number(match["n"], conventions, is_whole=False)
    if number is None:
        return Guess()
    if match["unit"].startswith(("d", "tag", "jour", "gior")):
        number *= 24
    elif match["unit"].startswith("min"):
        number /= 60
    return _as_guess(number, is_whole, "In hours.")


def _number(text: str, conventions: SheetConventions, *, is_whole: bool) -> Decimal | None:
    bare = text.strip()
    match = _SCALED.fullmatch(bare)
    if match and match["word"] in _WORDS:
        bare = f"{match['n'].strip()}{_WORDS[match['word']]}"
    try:
        return parse_number(bare, conventions, is_whole=is_whole and bare[-1:].isdigit())
    except InvalidCellError:
        return None


def _as_guess(number: Decimal, is_whole: bool, why: str) -> Guess:
    if is_whole:
        return Guess(int(number.quantize(Decimal(1), ROUND_HALF_UP)), Certainty.LIKELY, why)
    return Guess(f"{number.quantize(Decimal('0.01'), ROUND_HALF_UP):f}", Certainty.LIKELY, why)


# --- yes and no -----------------------------------------------------------------------------------

_PARTLY = re.compile(
    r"^(?:part(?:ly|ial(?:ly)?|iell|iellement)|teil(?:s|weise)|en partie|parcial\w*|parzial\w*|"
    r"deels|gedeeltelijk|some|limited|pseudonym\w*)\b"
)
_BUT = re.compile(r"\b(?:but|aber|mais|pero|ma|maar|except|ausser|sauf|yes|no|ja|nein|oui|non)\b")


def guess_boolean(text: str) -> Guess:
    """Return yes or no by the first word; "partly" is a likely yes."""
    folded = _fold(text[:MAX_GUESSED_LENGTH])
    words = re.findall(r"[^\W\d_]+|[✓✔✗✘]", folded)
    if not words:
        return Guess()
    rest = folded[folded.index(words[0]) + len(words[0]) :]
    if words[0] in _YES:
        return Guess(True, Certainty.LIKELY)
    if words[0] in _NO and not _BUT.search(rest):
        return Guess(False, Certainty.LIKELY)
    if _PARTLY.match(folded):
        return Guess(True, Certainty.LIKELY, "A part counts as yes.")
    return Guess()


_YES = {_fold(word) for word in YES_WORDS} - {"x", "o", "s", "1"}
_NO = {_fold(word) for word in NO_WORDS} - {"0"}
