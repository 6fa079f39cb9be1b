"""Keyset pagination: a page begins after the last row of the previous one, so that late pages cost
no more than the first.

A cursor holds the values of the ordering columns of one row. It is opaque but not secret: a forged
cursor only selects another position in a list that the caller can view anyway.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200


class InvalidCursorError(ValueError):
    """A cursor that this list did not create; the message tells the user what to do."""


@dataclass(frozen=True, slots=True)
class KeysetPage[Row]:
    """`next` and `previous` are cursors, None at the ends."""

    rows: list[Row]
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """An order by columns of the model itself. The columns are not nullable and the last one is
    unique, for example `("-detected_at", "-id")`.

    All columns run in the same direction, so that one index serves both directions.
    """

    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.removeprefix("-") for column in self.columns)

    @property
    def falls(self) -> bool:
        return self.columns[0].startswith("-")

    def directed(self, *, backwards: bool) -> list[str]:
        """Return the columns as `order_by` takes them, reversed if `backwards`."""
        return [f"-{name}" if self.falls != backwards else name for name in self.names]


def keyset_page[M: Model](
    queryset: QuerySet[M, Any], *, order: Keyset, size: int, cursor: str = ""
) -> KeysetPage[Any]:
    """Return one page of `queryset`, whose rows are model instances or dictionaries that contain
    the columns of the order.

    Runs one statement. Raises InvalidCursorError if the cursor belongs to another order.
    """
    backwards, after = read_cursor(cursor, queryset.model, order)
    is_descending = order.falls != backwards
    if after is not None:
        queryset = queryset.filter(_rows_after(order.names, after, is_descending=is_descending))
    rows = list(queryset.order_by(*order.directed(backwards=backwards))[: size + 1])
    return page_from_rows(rows, order=order, size=size, backwards=backwards, is_first=after is None)


def read_cursor(cursor: str, model: type[Model], order: Keyset) -> tuple[bool, list[Any] | None]:
    """Return (is it read backwards, the values of the ordering columns that the page begins after);
    the values are None at the beginning of the list."""
    return _decode_cursor(cursor, model, order) if cursor else (False, None)


def page_from_rows(
    rows: list[Any],
    *,
    order: Keyset,
    size: int,
    backwards: bool,
    is_first: bool,
    columns: Sequence[str] = (),
) -> KeysetPage[Any]:
    """Return a page from up to `size` + 1 rows; the last row shows whether there are more.
    `columns` names the values of rows that are tuples.

    `backwards`: the rows were read in the reverse of the list's order. `is_first`: they were read
    from the beginning of the list, without a cursor."""
    has_more = len(rows) > size
    del rows[size:]
    if backwards:
        rows.reverse()
    has_next = bool(rows) and (has_more or backwards)
    has_previous = bool(rows) and (has_more if backwards else not is_first)
    return KeysetPage(
        rows=rows,
        next=_encode_cursor(rows[-1], order, columns, backwards=False) if has_next else None,
        previous=_encode_cursor(rows[0], order, columns, backwards=True) if has_previous else None,
    )


def _rows_after(names: Sequence[str], values: Sequence[Any], *, is_descending: bool) -> Q:
    """Return the condition for rows strictly after `values`: (a, b) > (x, y), or < if the order
    `is_descending`, written so that the index on (a, b) bounds the scan."""
    strict_lookup, level = ("lt", "lte") if is_descending else ("gt", "gte")
    condition, equal_prefix = Q(), Q()
    for name, value in zip(names, values, strict=True):
        condition |= equal_prefix & Q((f"{name}__{strict_lookup}", value))
        equal_prefix &= Q((name, value))
    return Q((f"{names[0]}__{level}", values[0])) & condition


def _encode_cursor(row: Any, order: Keyset, columns: Sequence[str], *, backwards: bool) -> str:
    """Return the cursor of `row`: the direction ("-" if the list is read backwards from there), the
    columns of the order, and the row's values in them. `columns` names the values of a row that is
    a tuple."""
    if columns:
        values = [row[columns.index(name)] for name in order.names]
    else:
        values = [
            row[name] if isinstance(row, dict) else getattr(row, name) for name in order.names
        ]
    text = json.dumps(
        ["-" if backwards else "+", list(order.columns), [str(value) for value in values]]
    )
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, model: type[Model], order: Keyset) -> tuple[bool, list[Any]]:
    """Return (is it read backwards, the parsed values of the ordering columns). Raises
    InvalidCursorError if the cursor is malformed or was made for another order."""
    try:
        text = base64.b64decode(
            cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        direction, columns, values = json.loads(text)
        if (
            direction not in {"+", "-"}
            or columns != list(order.columns)
            or len(values) != len(columns)
        ):
            raise InvalidCursorError
        fields = [model._meta.get_field(name) for name in order.names]
        parsed = [field.to_python(value) for field, value in zip(fields, values, strict=True)]  # type: ignore[union-attr]
        if None in parsed or any(isinstance(value, str) and "\x00" in value for value in parsed):
            raise InvalidCursorError
    except (
        ValueError,
        TypeError,
        binascii.Error,
        ValidationError,
        OverflowError,
        RecursionError,
    ) as error:
        raise InvalidCursorError(
            "This cursor does not belong to this list in this order. Start again without it."
        ) from error
    return direction == "-", parsed
