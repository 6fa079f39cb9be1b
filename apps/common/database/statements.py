"""SQL that people read: statements in files of their own, composed from named parts, with rows by
name.

A statement of 35 lines and more stands in `apps/<app>/sql/<name>.sql`, as do the views and
functions that a migration creates. Values are named parameters, `%(name)s`. What must differ from
use to use, such as a condition that the planner should not see where nobody asked for it, is a part
in braces, `{name}`, that `compose_statement` fills in; a brace that SQL itself needs is doubled in
such a file.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from django.db import connection
from psycopg import sql
from psycopg.rows import class_row

from apps.common.database.prepared_statements import prepared_cursor

# what a file says to its readers; the server gets the statement without it
_COMMENT_LINE = re.compile(r"^[ \t]*--.*\n?", re.MULTILINE)


@cache
def load_statement(app: str, name: str) -> str:
    """The statement of apps/<app>/sql/<name>.sql, without its comment lines; read once a
    process."""
    text = (files("apps") / app / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return _COMMENT_LINE.sub("", text).strip() + "\n"


def compose_statement(template: str, **parts: str | sql.Composable) -> str:
    """`template` with its parts in place of `{name}`.

    A part is SQL of the program or an `Identifier`, never what a user wrote: values are parameters.
    A missing part raises KeyError.
    """
    pieces = {
        name: part if isinstance(part, sql.Composable) else sql.SQL(part)
        for name, part in parts.items()
    }
    return sql.SQL(template).format(**pieces).as_string(None)


def fetch_rows[Row](
    row_class: type[Row],
    statement: str,
    params: Mapping[str, Any] | None = None,
    *,
    prepared: bool = False,
) -> list[Row]:
    """The rows of a statement as `row_class`, whose fields its columns are named after.

    `prepared` keeps the plan on the server, for what is asked often and answered faster than
    planned. A column without a field, and a field without a column or default, raise TypeError.
    """
    with _cursor(prepared) as cursor:
        # the cursor below those of Django, which hand attributes on for reading only
        cursor.cursor.row_factory = class_row(row_class)
        cursor.execute(statement, params)
        return list(cursor.fetchall())


@contextmanager
def _cursor(prepared: bool) -> Iterator[Any]:
    with prepared_cursor() if prepared else connection.cursor() as cursor:
        yield cursor
