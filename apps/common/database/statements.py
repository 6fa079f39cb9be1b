"""SQL in files: statements that are composed from named parts and return rows with named fields.

A statement of 35 lines or more is stored in `apps/<app>/sql/<name>.sql`, as are the views and
functions that a migration creates. Values are named parameters, `%(name)s`. SQL that differs
between uses, such as a condition that the planner should not see where it is not needed, is a part
in braces, `{name}`, that `compose_statement` fills in; a brace that SQL itself needs is doubled in
such a file.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from psycopg import sql
from psycopg.rows import class_row

from apps.common.database.prepared_statements import prepared_cursor

# comment lines, which are not sent to the server
_COMMENT_LINE = re.compile(r"^[ \t]*--.*\n?", re.MULTILINE)


@cache
def load_statement(app: str, name: str) -> str:
    """Return the statement of apps/<app>/sql/<name>.sql without its comment lines; the file is read
    once per process."""
    text = (files("apps") / app / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return _COMMENT_LINE.sub("", text).strip() + "\n"


def compose_statement(template: str, **parts: str | sql.Composable) -> str:
    """Return `template` with `parts` in place of its `{name}` markers.

    A part is SQL from the source code or an `Identifier`, never user input, for which there are
    parameters. Raises KeyError if a part is missing.
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
    """Run the statement and return its rows as `row_class`, whose fields have the names of the
    columns.

    `prepared` keeps the plan on the server, for frequent statements that are planned longer than
    executed. Raises TypeError for a column without a field, and for a field without a column or
    default.
    """
    with _open_cursor(prepared) as cursor:
        # psycopg's own cursor: Django's wrappers do not pass on assigned attributes
        cursor.cursor.row_factory = class_row(row_class)
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def fetch_row_batches[Row](
    row_class: type[Row],
    statement: str,
    params: Mapping[str, Any] | None = None,
    *,
    size: int,
) -> Iterator[list[Row]]:
    """Run the statement in the open transaction and yield its rows as `fetch_rows` returns them,
    `size` at a time. The server keeps the others; they are as they were at the first row, whatever
    the transaction writes meanwhile."""
    with connection.chunked_cursor() as cursor:
        cursor.cursor.row_factory = class_row(row_class)
        cursor.execute(statement, params)
        while rows := cursor.fetchmany(size):
            yield list(rows)


@contextmanager
def _open_cursor(prepared: bool) -> Iterator[Any]:
    """Open a cursor; with `prepared`, one that prepares its statements in the server."""
    with prepared_cursor() if prepared else connection.cursor() as cursor:
        yield cursor


def count_each(*querysets: QuerySet[Any, Any]) -> list[int]:
    """Return the number of rows of each queryset, which can be cut; one statement for all."""
    columns: list[str] = []
    params: list[Any] = []
    for rows in querysets:
        try:
            statement, values = rows.query.sql_with_params()
        except EmptyResultSet:
            columns.append("0")
        else:
            columns.append(f"(SELECT count(*) FROM ({statement}) rows)")
            params += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)}", params)
        return list(cursor.fetchone())
