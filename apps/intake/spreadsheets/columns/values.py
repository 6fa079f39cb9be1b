"""Cell parsing: numbers, dates and choices as users write them. Ambiguous values are rejected.

Plain Python. Each parser returns a value or raises InvalidCellError with a sentence that says what
to write instead."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache

from apps.common.invisible_characters import remove_control_characters
from apps.common.validators import FIRST_YEAR, LAST_YEAR
from apps.intake.spreadsheets.files.tables import Cell
from apps.intake.spreadsheets.limits import MAX_NUMBER_LENGTH


class InvalidCellError(Exception):
    """Error: the cell cannot be imported as it is; the text is a sentence for the editor of the
    spreadsheet."""


@dataclass(frozen=True, slots=True)
class SheetConventions:
    """Conventions of the spreadsheet for ambiguous values; empty: not stated, and then such values
    are rejected."""

    day_order: str = ""  # dmy or mdy
    decimal_mark: str = ""  # "," or "."


# the apostrophe that a CSV export puts in front of text that would run as a formula
_GUARDED = re.compile(r"'(?=['=+\-@\t\r＝＋－＠])")
_NO_WIDTH = re.compile(r"[\x00\u200b\u2060\ufeff]")
_EMPTY_WORDS = frozenset(
    {"n/a", "n.a.", "na", "#n/a", "tbd", "?", "-", "–", "—", "unknown", "none", "null", "nil"}
    | {"tbc", "tba", "t.b.d.", "???", "??", "--", "---", "...", "…", "not applicable", "not known"}
    | {
        "k.a.",
        "k. a.",
        "n.b.",
        "n. b.",
        "keine angabe",
        "unbekannt",
        "nicht zutreffend",
        "entfällt",
        "offen",
    }
    | {"non applicable", "inconnu", "à définir", "n.c.", "non renseigné", "sans objet"}
    | {"no aplica", "desconocido", "por definir", "n/d", "nd", "non applicabile", "da definire"}
    | {"sconosciuto", "n.v.t.", "nvt", "onbekend", "niet van toepassing", "n.n.b.", "ntb"}
)
_SPACES = re.compile(r"\s+")
EMPTY_MARK = "(none)"  # in a cell: clears the recorded value


def normalise_text(text: str) -> str:
    """Normalise text for storage: composed letters, one kind of line end, no control or direction
    marks, no outer spaces."""
    if text.isascii() and text.isprintable():
        return text.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = _NO_WIDTH.sub(
            "", remove_control_characters(text.replace("\r\n", "\n").replace("\r", "\n"))
        )
    return text.strip()


def text_of(cell: Cell) -> str:
    """Return the cell as text, without the apostrophe that spreadsheets put before formulas."""
    if isinstance(cell, str):
        bare = normalise_text(cell)
        return bare[1:] if bare[:1] == "'" and _GUARDED.match(bare) else bare
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell)


def guard_formula(text: str) -> str:
    """Escape text for writing, so that no spreadsheet runs it as a formula (CSV injection);
    `text_of` removes the apostrophe again."""
    starts = text[:1] in frozenset("=+-@\t\r\n＝＋－＠")
    return f"'{text}" if starts or _GUARDED.match(text) else text


@lru_cache(maxsize=16_384)
def fold_name(text: str) -> str:
    """Fold a name for comparison: case and the number of spaces do not count."""
    return _SPACES.sub(" ", normalise_text(text)).casefold()


# --- numbers --------------------------------------------------------------------------------------

_FACTORS = {
    "k": 10**3,
    "tsd": 10**3,
    "m": 10**6,
    "mn": 10**6,
    "mio": 10**6,
    "bn": 10**9,
    "mrd": 10**9,
}
_NUMBER = re.compile(r"([-+−]?)\s*+([\d.,'’\s]*+)(%|[A-Za-z]{1,4}\.?)?")
_GROUPED_BY_SPACES = re.compile(r"\d{1,3}([\s'’]\d{3})+([.,]\d+)?")
_GROUPED_BY = {mark: re.compile(rf"[1-9]\d{{0,2}}(\{mark}\d{{3}})+") for mark in ".,"}
# by decimal mark; the other mark groups digits
_WITH_DECIMALS = {
    ".": re.compile(r"(?<![\d,])\d{1,3}(,\d{3})+\.\d+"),
    ",": re.compile(r"(?<![\d.])\d{1,3}(\.\d{3})+,\d+"),
}
_CURRENCY = re.compile(r"(us\$|\$|usd)", re.IGNORECASE)
_OTHER_CURRENCY = re.compile(r"€|£|¥|\b(eur|gbp|chf|jpy|cny|inr|sek|nok|dkk|pln)\b", re.IGNORECASE)


def parse_number(
    cell: Cell,
    conventions: SheetConventions,
    *,
    is_whole: bool = False,
    is_money: bool = False,
    is_share: bool = False,
) -> Decimal:
    """Parse a number that is not negative. `is_whole`: a separator can only group digits;
    `is_money`: US dollars; `is_share`: 62 % is 0.62."""
    if isinstance(cell, bool | date):
        raise InvalidCellError(
            f"'{text_of(cell)}' is not a number. Use digits only, such as 1250 or 1250.50."
        )
    if isinstance(cell, int | float | Decimal):
        value = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
    else:
        value = _parse_written_number(
            text_of(cell), conventions, is_whole=is_whole, is_money=is_money, is_share=is_share
        )
    if not value.is_finite():
        raise InvalidCellError(
            f"'{text_of(cell)}' is not a number. Use digits only, such as 1250 or 1250.50."
        )
    if value < 0:
        raise InvalidCellError(
            f"{value} is negative. Enter a number from 0, or leave the cell empty."
        )
    if is_whole and value != value.to_integral_value():
        raise InvalidCellError(f"{value} is not a whole number. Enter a number without decimals.")
    return value


def _parse_written_number(
    text: str, conventions: SheetConventions, *, is_whole: bool, is_money: bool, is_share: bool
) -> Decimal:
    """Parse the text of a number with separators, currency, percent sign or unit, such as `1.2
    mio`.

    `is_whole`: a single separator can group digits. `is_money`: US dollars can be stated; other
    currencies are rejected. `is_share`: 40% is 0.4, and other units are rejected."""
    if len(text) > MAX_NUMBER_LENGTH:
        raise InvalidCellError(
            f"'{text[:20]}…' has {len(text):,} characters; a number has at most "
            f"{MAX_NUMBER_LENGTH}. Shorten it."
        )
    bare = text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2009", " ")
    if is_money:
        if _OTHER_CURRENCY.search(bare):
            raise InvalidCellError(
                f"'{text}' is in another currency. The registry records US dollars and does not "
                "convert currencies."
            )
        bare = _CURRENCY.sub("", bare)
    match = _NUMBER.fullmatch(bare.strip())
    if match is None or not any(sign.isdigit() for sign in match[2]):
        raise InvalidCellError(
            f"'{text}' is not a number. Use digits only, such as 1250 or 1250.50."
        )
    sign, digits, unit = match[1], match[2].strip(), match[3]
    factor = Decimal(1)
    if unit == "%":
        if not is_share:
            raise InvalidCellError(f"'{text}' is a percentage. Enter a plain number.")
        factor = Decimal("0.01")
    elif unit:
        unit_name = unit.rstrip(".").lower()
        if unit_name not in _FACTORS or is_share:
            raise InvalidCellError(f"'{text}' has the unknown unit '{unit}'. Use digits only.")
        factor = Decimal(_FACTORS[unit_name])
    can_be_grouped = is_whole and factor == 1
    value = Decimal(_normalise_digits(digits, text, conventions, is_whole=can_be_grouped)) * factor
    return -value if sign in {"-", "−"} and value else value


def _normalise_digits(
    digits: str, text: str, conventions: SheetConventions, *, is_whole: bool
) -> str:
    """Return the digits without grouping and with a point as decimal mark. Raise InvalidCellError
    if a separator could be either; in a number that `is_whole` it groups. `text` is the whole cell
    for the message."""
    bare = re.sub(r"[\s'’]", "", digits)
    if re.search(r"[\s'’]", digits) and not _GROUPED_BY_SPACES.fullmatch(digits):
        raise InvalidCellError(
            f"'{text}' is not a number: its digits are not grouped by three. Use digits only."
        )
    points, commas = bare.count("."), bare.count(",")
    if points and commas:
        mark = "." if bare.rindex(".") > bare.rindex(",") else ","
        group = "," if mark == "." else "."
        if bare.count(mark) > 1 or not _WITH_DECIMALS[mark].fullmatch(bare):
            raise InvalidCellError(
                f"'{text}' is not a number: its separators contradict each other. Use digits only."
            )
        return bare.replace(group, "").replace(mark, ".")
    if not points and not commas:
        return bare
    separator = "." if points else ","
    looks_grouped = _GROUPED_BY[separator].fullmatch(bare) is not None
    if bare.count(separator) > 1:
        if not looks_grouped:
            raise InvalidCellError(
                f"'{text}' is not a number: its digits are not grouped by three. Use digits only."
            )
        return bare.replace(separator, "")
    if is_whole and looks_grouped:
        return bare.replace(separator, "")
    if looks_grouped and re.search(r"[\s'’]", digits) is None:
        if not conventions.decimal_mark:
            grouped_value = bare.replace(separator, "")
            raise InvalidCellError(
                f"'{text}' could be {grouped_value} or {bare.replace(separator, '.')}. Write it "
                "without separators, or set the decimal mark of the file."
            )
        return bare.replace(separator, "." if conventions.decimal_mark == separator else "")
    return bare.replace(separator, ".")


def parse_whole_number(cell: Cell, conventions: SheetConventions, *, maximum: int) -> int:
    """Parse a whole number from 0 to `maximum`."""
    value = parse_number(cell, conventions, is_whole=True)
    if value > maximum:
        raise InvalidCellError(f"{value} is too large. Enter at most {maximum:,}.")
    return int(value)


def parse_amount(
    cell: Cell,
    conventions: SheetConventions,
    *,
    digits: int,
    places: int,
    is_money: bool = False,
    is_share: bool = False,
) -> Decimal:
    """Parse a number of at most `digits` digits, of which `places` are decimals; further decimals
    are rounded half to even. `is_money` and `is_share` as in `_parse_written_number`."""
    value = parse_number(cell, conventions, is_money=is_money, is_share=is_share)
    try:
        rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    except InvalidOperation:
        raise InvalidCellError(f"{value} is too large. Enter a smaller number.") from None
    if rounded >= Decimal(10) ** (digits - places):
        raise InvalidCellError(f"{value} is too large. Enter a smaller number.")
    return rounded


# --- days -----------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})")
_SLASHED = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})")
_SHORT_YEAR = re.compile(r"\d{1,2}([/-])\d{1,2}\1\d{2}")
_NAMED = re.compile(r"(\d{1,2})\.?[\s-]+([^\W\d]+)\.?[\s,-]+(\d{4})")
_NAMED_FIRST = re.compile(r"(?<![^\W\d])([^\W\d]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_SERIAL = re.compile(r"\d{5}")
_FIRST_SERIAL = date(1899, 12, 30)
MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan january januar janvier enero gennaio januari",
            "feb february februar février fevrier febrero febbraio",
            "mar march märz maerz mär mrz mars marzo maart",
            "apr april avril abril aprile",
            "may mai mayo maggio mei",
            "jun june juni juin junio giugno",
            "jul july juli juillet julio luglio",
            "aug august août aout agosto augustus",
            "sep sept september septembre septiembre settembre",
            "oct october okt oktober octobre octubre ottobre",
            "nov november novembre noviembre",
            "dec december dez dezember décembre decembre diciembre dicembre",
        ),
        1,
    )
    for word in words.split()
}


def parse_day(cell: Cell, conventions: SheetConventions) -> date:
    """Parse a date in ISO, dotted, slashed or spelled-out form, or the serial number of a
    spreadsheet."""
    if isinstance(cell, datetime):
        return _check_plausible(cell.date(), cell)
    if isinstance(cell, date):
        return _check_plausible(cell, cell)
    text = text_of(cell)
    if len(text) > MAX_NUMBER_LENGTH:
        raise InvalidCellError(f"'{text[:20]}…' is not a date. Use YYYY-MM-DD.")
    if (
        isinstance(cell, int | float | Decimal) and not isinstance(cell, bool)
    ) or _SERIAL.fullmatch(text):
        return _parse_serial(text)
    if match := _ISO.fullmatch(text) or _YEAR_FIRST.fullmatch(text):
        return _make_day(text, *(int(number) for number in match.groups()))
    if match := _DOTTED.fullmatch(text):
        day_, month, year = match.groups()
        if len(year) == 2:
            raise InvalidCellError(f"'{text}' has no century. Write the year with four digits.")
        return _make_day(text, int(year), int(month), int(day_))
    if match := _SLASHED.fullmatch(text):
        return _parse_slashed_date(
            text, int(match.group(1)), int(match.group(3)), int(match.group(4)), conventions
        )
    if _SHORT_YEAR.fullmatch(text):
        raise InvalidCellError(
            f"'{text}' is ambiguous: year, month and day are not clear. Use YYYY-MM-DD."
        )
    for pattern, places in ((_NAMED, (3, 2, 1)), (_NAMED_FIRST, (3, 1, 2))):
        if match := pattern.fullmatch(text):
            year, month, day_ = (match.group(place) for place in places)
            month_number = MONTHS.get(month.casefold())
            if month_number:
                return _make_day(text, int(year), month_number, int(day_))
    raise InvalidCellError(f"'{text}' is not a date. Use YYYY-MM-DD.")


def _parse_slashed_date(
    text: str, first: int, second: int, year: int, conventions: SheetConventions
) -> date:
    """Parse 03/04/2026 (3 April or 4 March): decided by a number above 12, by equal numbers, or by
    the date order of the spreadsheet; else InvalidCellError."""
    if first > 12 or first == second:
        return _make_day(text, year, second, first)
    if second > 12:
        return _make_day(text, year, first, second)
    if not conventions.day_order:
        raise InvalidCellError(
            f"'{text}' could be {year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}. "
            "Use YYYY-MM-DD, or set the date order of the file."
        )
    return (
        _make_day(text, year, second, first)
        if conventions.day_order == "dmy"
        else _make_day(text, year, first, second)
    )


def _parse_serial(text: str) -> date:
    """Convert the serial day number of a spreadsheet, as it appears in text files: 45717 is
    2025-03-01."""
    try:
        serial = float(text)
        day = _FIRST_SERIAL + timedelta(days=int(serial))
    except (ValueError, OverflowError):
        raise InvalidCellError(f"'{text}' is not a date. Use YYYY-MM-DD.") from None
    if not 32_874 <= serial <= 91_680:
        raise InvalidCellError(f"'{text}' is not a date. Use YYYY-MM-DD.")
    return _check_plausible(day, text)


def _make_day(text: str, year: int, month: int, day_: int) -> date:
    try:
        return _check_plausible(date(year, month, day_), text)
    except ValueError:
        raise InvalidCellError(
            f"'{text}' does not exist in the calendar. Use YYYY-MM-DD."
        ) from None


def _check_plausible(day: date, cell: Cell) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidCellError(
            f"'{text_of(cell)}' is not a plausible date. Enter a date between {FIRST_YEAR} and "
            f"{LAST_YEAR}, or none."
        )
    return day


# --- choices --------------------------------------------------------------------------------------

YES_WORDS = frozenset(
    {
        "yes",
        "y",
        "true",
        "1",
        "x",
        "ja",
        "j",
        "oui",
        "o",
        "si",
        "sí",
        "sì",
        "vrai",
        "wahr",
        "vero",
        "verdadero",
        "waar",
        "s",
        "✓",
        "✔",
    }
)
NO_WORDS = frozenset(
    {
        "no",
        "n",
        "false",
        "0",
        "nein",
        "non",
        "faux",
        "falsch",
        "falso",
        "nee",
        "neen",
        "onwaar",
        "✗",
        "✘",
    }
)


def parse_boolean(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    text = text_of(cell).casefold()
    if text in YES_WORDS:
        return True
    if text in NO_WORDS:
        return False
    raise InvalidCellError(f"'{text_of(cell)}' is not yes or no. Enter yes or no.")


def parse_choice(cell: Cell, value_by_word: Mapping[str, object], accepted_values: str) -> object:
    """Return the value of the cell's text in `value_by_word`, whose keys are folded by `fold_word`.
    `accepted_values` is the text that the error message lists."""
    text = text_of(cell)
    key = fold_word(text)
    if key in value_by_word:
        return value_by_word[key]
    raise InvalidCellError(f"'{text}' is not a valid value. Use one of: {accepted_values}.")


_NOT_WORD = re.compile(r"[\W_]+")


def fold_word(text: str) -> str:
    return _NOT_WORD.sub("", text.casefold())


def is_empty_text(cell: Cell) -> bool:
    """Return whether the text is empty, or one of the usual marks for an unknown value."""
    if cell is None:
        return True
    if not isinstance(cell, str):
        return False
    # the marks are shorter than this, spaces around them included
    return not cell.strip() or (len(cell) < 24 and normalise_text(cell).casefold() in _EMPTY_WORDS)
