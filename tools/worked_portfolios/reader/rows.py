"""A JSON object with typed access; refusals say where in the file."""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError

from apps.common.validators import validate_plausible_date

MAX_ID_LENGTH = 80
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?(/\d+)?")
_MAX_DIGITS = 60


class PortfolioFileError(Exception):
    """The file says what cannot be meant; the message says what and where."""


@dataclass(frozen=True, slots=True)
class JsonRow:
    """A JSON object and where in the file it stands."""

    at: str
    values: Mapping[str, Any]

    def refuse(self, sentence: str) -> PortfolioFileError:
        return PortfolioFileError(f"{self.at}: {sentence}")

    def get(self, key: str, default: Any = None) -> Any:
        value = self.values.get(key)
        return default if value is None else value

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(
                f"'{key}' must be a text, not {_shorten_value(self.values.get(key))}."
            )
        if len(value) > MAX_ID_LENGTH or not value.isprintable():
            raise self.refuse(f"'{key}' must be at most {MAX_ID_LENGTH} printable characters.")
        return value

    def one_of(self, key: str, known: Collection[str], default: str | None = None) -> str:
        value = self.get(key, default)
        if not isinstance(value, str) or value not in known:
            raise self.refuse(f"'{key}' is {_shorten_value(value)}; use one of {', '.join(known)}.")
        return value

    def some_of(
        self, key: str, known: Collection[str], default: Collection[str] = ()
    ) -> tuple[str, ...]:
        values = self.listed(key, default)
        for value in values:
            if not isinstance(value, str) or value not in known:
                raise self.refuse(f"'{key}' names {_shorten_value(value)}; use {', '.join(known)}.")
        return tuple(dict.fromkeys(values))

    def ref(self, key: str, known: Collection[str], kind: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or value not in known:
            raise self.refuse(
                f"'{key}' is {_shorten_value(value)}, and the portfolio has no such {kind}."
            )
        return value

    def ref_or_none(self, key: str, known: Collection[str], kind: str) -> str | None:
        return None if self.get(key) is None else self.ref(key, known, kind)

    def day(self, key: str) -> date:
        return parse_day(self.get(key), f"{self.at}: '{key}'")

    def day_or_none(self, key: str) -> date | None:
        return None if self.get(key) is None else self.day(key)

    def number(self, key: str) -> Fraction:
        """An exact number from 0 on: a JSON number, or a text such as 3/4 or 1.25."""
        return parse_number(self.get(key), f"{self.at}: '{key}'")

    def number_or_none(self, key: str) -> Fraction | None:
        return None if self.get(key) is None else self.number(key)

    def whole(self, key: str, default: int | None = None, at_most: int = 10**15) -> int:
        number = parse_number(self.get(key, default), f"{self.at}: '{key}'")
        if number.denominator != 1 or number > at_most:
            raise self.refuse(f"'{key}' must be a whole number from 0 to {at_most:,}.")
        return number.numerator

    def whole_or_none(self, key: str, at_most: int = 10**15) -> int | None:
        return None if self.get(key) is None else self.whole(key, at_most=at_most)

    def decimal(self, key: str, places: int, at_most: int) -> Decimal:
        """A number that the product's column holds as it is."""
        number = self.number(key)
        scaled = number * 10**places
        if scaled.denominator != 1 or number > at_most:
            raise self.refuse(
                f"'{key}' must be a number up to {at_most:,} with at most {places} decimal places."
            )
        return Decimal(scaled.numerator).scaleb(-places)

    def decimal_or_none(self, key: str, places: int, at_most: int) -> Decimal | None:
        return None if self.get(key) is None else self.decimal(key, places, at_most)

    def listed(self, key: str, default: Collection[Any] = ()) -> list[Any]:
        value = self.get(key, list(default))
        if not isinstance(value, list):
            raise self.refuse(f"'{key}' must be a list.")
        return value

    def mapped(self, key: str) -> "JsonRow":
        value = self.get(key, {})
        if not isinstance(value, dict):
            raise self.refuse(f"'{key}' must be an object.")
        return JsonRow(f"{self.at}, {key}", value)

    def rows(self, key: str) -> Iterator["JsonRow"]:
        """The objects of a list, each placed by its id where it has one."""
        for index, value in enumerate(self.listed(key)):
            if not isinstance(value, dict):
                raise self.refuse(f"'{key}' holds {_shorten_value(value)} where an object belongs.")
            name = value.get("id")
            yield JsonRow(
                f"{self.at}, {key}[{index}]" + (f" '{name}'" if isinstance(name, str) else ""),
                value,
            )

    def records[R](self, key: str, read: Callable[["JsonRow"], R]) -> tuple[R, ...]:
        """What `read` makes of the objects of a list; two of one id are refused."""
        records: dict[str, R] = {}
        for row in self.rows(key):
            name = row.text("id")
            if name in records:
                raise row.refuse(f"the id '{name}' stands twice among {key}.")
            records[name] = read(row)
        return tuple(records.values())


def parse_day(value: Any, at: str) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PortfolioFileError(f"{at} is {_shorten_value(value)}; a day is written 2026-11-24.")
    try:
        day = date.fromisoformat(value)
        validate_plausible_date(day)
    except ValueError:
        raise PortfolioFileError(f"{at} is {value}, which is no day of the calendar.") from None
    except ValidationError as refusal:
        raise PortfolioFileError(f"{at}: {refusal.messages[0]}") from None
    return day


def parse_number(value: Any, at: str) -> Fraction:
    number = _parse_fraction(value)
    if number is None:
        raise PortfolioFileError(
            f'{at} is {_shorten_value(value)}; give a number, such as 3, 0.25 or "1/3".'
        )
    if number < 0:
        raise PortfolioFileError(f"{at} is {value}; it cannot be negative.")
    return number


def _parse_fraction(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    text = str(value)
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    top, _, bottom = text.partition("/")
    if bottom and not int(bottom):
        return None
    return Fraction(top) / int(bottom or 1)


def _shorten_value(value: Any) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
