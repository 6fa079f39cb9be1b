"""Many rows at once: blocks of ids, and COPY from columns."""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import numpy as np
from django.db import connection, models

type Column = list[Any] | np.ndarray[Any, Any] | str | bool | int | None

_BATCH = 20_000  # rows a write; bounds the text in memory


def allocate_ids(model: type[models.Model], n: int) -> np.ndarray[Any, Any]:
    """`n` ids of the table's own sequence, ascending, so that others may write at the same time."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [f'"{table}"', n],
        )
        return np.fromiter((row[0] for row in cursor.fetchall()), dtype=np.int64, count=n)


def copy_rows(table: str, n: int, columns: dict[str, Column]) -> int:
    """Write `n` rows; a column is a list or array of `n` values, or one value for all.

    The number of rows.
    """
    if n == 0:
        return 0
    texts = [_texts(values, n) for values in columns.values()]
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
        lines: list[str] = []
        for line in map("\t".join, zip(*texts, strict=True)):
            lines.append(line)
            if len(lines) == _BATCH:
                copy.write("\n".join(lines) + "\n")
                lines.clear()
        if lines:
            copy.write("\n".join(lines) + "\n")
    return n


def _texts(values: Column, n: int) -> Iterable[str]:
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, list):
        return repeat(_text(values), n)
    if len(values) != n:
        raise ValueError(f"A column has {len(values)} values for {n} rows.")
    return map(_text, values)


def _text(value: Any) -> str:
    # what is written here is drawn from word lists and numbers: nothing needs escaping
    return r"\N" if value is None else str(value)
