"""Readers of JSON values for model fields, which check like the fields do but about a thousand
values per millisecond.

`readers_of` turns fields into functions once; each takes a JSON value and returns the value for the
column, or raises InvalidValueError with a sentence. A field's own `clean` returns the same, but
takes longer than writing the row.
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.validators import ArrayMaxLengthValidator
from django.core.exceptions import ValidationError
from django.db import connection, models

from apps.common.database.fields import TextMapField, small_text_map
from apps.common.validators import validate_plausible_date

type Reader = Callable[[Any], Any]


class InvalidValueError(ValueError):
    """A value that the column cannot hold; the text is a sentence."""


def readers_of(model: type[models.Model], names: Iterable[str]) -> dict[str, Reader]:
    return {name: reader_of(model._meta.get_field(name)) for name in names}


def reader_of(field: Any) -> Reader:
    """Return the reader of the JSON values of a model field; TypeError for a kind of field without
    one."""
    match field:
        case models.BooleanField():
            return _optional_reader(_read_boolean, nullable=field.null)
        case models.DecimalField():
            return _optional_reader(
                _decimal_reader(field.max_digits, field.decimal_places), nullable=field.null
            )
        case models.IntegerField():
            if field.choices:
                return _choice_reader(field)
            low, high = connection.ops.integer_field_range(field.get_internal_type())
            return _optional_reader(_integer_reader(low, high), nullable=field.null)
        case models.DateField():
            return _optional_reader(_read_day, nullable=field.null)
        case ArrayField():
            return _text_list_reader(int(field.base_field.max_length or 0), _max_list_length(field))
        case TextMapField():
            return _read_text_map
        case models.JSONField():
            return _read_object
        case models.CharField() | models.TextField():
            choices = frozenset(value for value, _ in field.choices) if field.choices else None
            return _text_reader(field.max_length, blank=field.blank, choices=choices)
    raise TypeError(f"no reader for {field!r}")


def _optional_reader(reader: Reader, *, nullable: bool) -> Reader:
    """Return the reader, or with `nullable` one that also accepts null."""
    if not nullable:
        return reader

    def optional(value: Any) -> Any:
        return None if value is None else reader(value)

    return optional


def _text_reader(longest: int | None, *, blank: bool, choices: frozenset[str] | None) -> Reader:
    """Return a reader of text of at most `longest` characters, one of `choices` if there are any;
    `blank` allows empty text."""

    def text(value: Any) -> str:
        if not isinstance(value, str):
            raise InvalidValueError("The value must be text in quotation marks.")
        if choices is not None and value in choices:
            return value
        value = value.strip()
        if not value:
            if blank:
                return ""
            raise InvalidValueError("The value is empty. Enter a value.")
        if choices is not None:
            raise InvalidValueError(
                f"'{value[:60]}' is not a valid value. Use one of: {', '.join(sorted(choices))}."
            )
        if longest is not None and len(value) > longest:
            raise InvalidValueError(
                f"The value has {len(value)} characters. Shorten it to at most {longest}."
            )
        if "\x00" in value:
            raise InvalidValueError("The value contains a null character. Remove it.")
        return str(value)

    return text


def _choice_reader(field: Any) -> Reader:
    """Return a reader for numeric choices that REST writes as their label in lower case: 0 is
    `critical`."""
    numbers = {str(label).lower(): number for number, label in field.choices}

    def choice(value: Any) -> int:
        try:
            return int(numbers[value])
        except (KeyError, TypeError):
            raise InvalidValueError(
                f"'{str(value)[:60]}' is not a valid value. Use one of: {', '.join(numbers)}."
            ) from None

    return choice


def _read_boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise InvalidValueError("The value must be true or false, without quotation marks.")


def _integer_reader(low: int, high: int) -> Reader:
    """Return a reader of whole numbers from `low` to `high`, also as text of digits."""

    def integer(value: Any) -> int:
        if type(value) is not int:
            if not (
                isinstance(value, str)
                and value.isascii()
                and value.isdecimal()
                and len(value) <= 20
            ):
                raise InvalidValueError("The value must be a whole number.")
            value = int(value)
        if not low <= value <= high:
            raise InvalidValueError(f"The value must be a whole number from {low} to {high}.")
        return int(value)

    return integer


def _decimal_reader(digits: int, decimal_places: int) -> Reader:
    """Return a reader of exact numbers from 0 on, with at most `digits` digits, `decimal_places` of
    them after the point. A number with more is rejected, not rounded."""
    limit = 10 ** (digits - decimal_places)
    step = Decimal(1).scaleb(-decimal_places)

    def decimal(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise InvalidValueError("The value must be a number.")
        try:
            number = Decimal(str(value).strip())
            rounded = number.quantize(step) if number.is_finite() else number
        except InvalidOperation:
            raise InvalidValueError("The value must be a number, such as 1200 or '0.25'.") from None
        if not number.is_finite() or abs(number) >= limit:
            raise InvalidValueError(
                f"The value must be a number with at most {digits - decimal_places} digits before "
                "the decimal point."
            )
        if rounded != number:
            raise InvalidValueError(
                f"The value must be a number with at most {decimal_places} digits after the "
                "decimal point."
            )
        if number < 0:
            raise InvalidValueError("The value must be 0 or more.")
        return rounded

    return decimal


_days: dict[str, date] = {}


def _read_day(value: Any) -> date:
    """Return the date of a text in the form YYYY-MM-DD; other forms and implausible years are
    rejected. Parsed dates are cached."""
    if not isinstance(value, str):
        raise InvalidValueError("The value must be a date, such as '2026-05-31'.")
    cached_day = _days.get(value)
    if cached_day is not None:
        return cached_day
    try:
        # fromisoformat would also accept the other forms of ISO 8601
        day = date.fromisoformat(value if len(value) == 10 else "")
        validate_plausible_date(day)
    except ValidationError as unlikely:
        raise InvalidValueError(unlikely.messages[0]) from None
    except ValueError:
        raise InvalidValueError(
            f"'{value[:30]}' is not a valid date. Use the form '2026-05-31'."
        ) from None
    if len(_days) < 50_000:
        _days[value] = day
    return day


def _read_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValueError("The value must be an object with names and values.")
    return value


def _read_text_map(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        # numbers of other systems are accepted as JSON numbers too
        value = {
            name: str(item) if type(item) in (int, float) else item for name, item in value.items()
        }
    try:
        small_text_map(value)
    except ValidationError as error:
        raise InvalidValueError(error.messages[0]) from None
    return dict(value)


def _max_list_length(field: Any) -> int | None:
    limits = [
        validator.limit_value
        for validator in field.validators
        if isinstance(validator, ArrayMaxLengthValidator)
    ]
    return min(limits, default=None)


def _text_list_reader(longest: int, max_entries: int | None) -> Reader:
    def texts(value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidValueError("The value must be a list of texts.")
        if max_entries is not None and len(value) > max_entries:
            raise InvalidValueError(f"The list has {len(value)} texts. Send at most {max_entries}.")
        items = [item.strip() for item in value]
        if any(not item or len(item) > longest or "\x00" in item for item in items):
            raise InvalidValueError(f"Each text must have 1 to {longest} characters.")
        return items

    return texts
