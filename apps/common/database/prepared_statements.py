"""Statements that are compiled and planned once, for queries that run hundreds of times a second.

Compiling a query from models, and having the server plan its joins, cost several times what reading
fifty rows does. A `PreparedStatement` keeps the SQL of a queryset and runs it as a prepared
statement of the connection; a `Placeholder` is a value that differs from run to run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, JSONField, Model, QuerySet
from django.db.models.expressions import RawSQL


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Marks where the value at index `number` of the arguments of `PreparedStatement.rows` goes."""

    number: int


class _PreparingCursor(psycopg.Cursor[Any]):
    """Prepares every statement it runs, unless the operator's connection pooler does not allow
    prepared statements."""

    def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: Any = None
    ) -> Any:
        if not settings.DATABASE_PREPARE:
            return super().execute(query, params, prepare=False, binary=binary)
        # Django disables prepared statements for the whole connection; they are enabled for this
        # one statement
        usual, self.connection.prepare_threshold = self.connection.prepare_threshold, 0
        try:
            return super().execute(query, params, prepare=True, binary=binary)
        finally:
            self.connection.prepare_threshold = usual


def prepared_cursor() -> Any:
    """Return a cursor of Django that prepares its statements; counters and logs of statements see
    it."""
    connection.ensure_connection()
    database: Any = connection
    return database._prepare_cursor(_PreparingCursor(database.connection))


class PreparedStatement:
    """A queryset of `.values(...)` whose rows are returned as tuples in the order of `names`."""

    def __init__(self, queryset: QuerySet[Any, dict[str, Any]]) -> None:
        """Compile the query once. Its `Placeholder` parameters get their values at each call; a
        query that cannot have rows gets an empty statement."""
        query = queryset.query
        self.names: list[str] = list(query.selected or ())
        self._compiler = query.get_compiler(connection=connection)
        try:
            self._sql, self._params = self._compiler.as_sql()
        except EmptyResultSet:
            self._sql, self._params = "", ()
            return
        columns = self._compiler.select[0 : len(self.names)]
        self._converters = self._compiler.get_converters([column for column, _, _ in columns])
        for converters, _ in self._converters.values():
            converters[:] = [_with_orjson(converter) for converter in converters]
        self._slots = [
            (position, param.number)
            for position, param in enumerate(self._params)
            if isinstance(param, Placeholder)
        ]

    def rows(self, *values: Any) -> list[Sequence[Any]]:
        """Run the statement with these values and return its rows; runs nothing if the queryset is
        known to be empty."""
        if not self._sql:
            return []
        params: Sequence[Any] = self._params
        if self._slots:
            params = list(params)
            for position, placeholder in self._slots:
                params[position] = values[placeholder]
        with prepared_cursor() as cursor:
            cursor.execute(self._sql, params)
            rows = cursor.fetchall()
        if self._converters:
            return list(self._compiler.apply_converters(rows, self._converters))
        return list(rows)


def _with_orjson(converter: Any) -> Any:
    """Return a converter that reads JSON with orjson, which is faster, unless the column has a
    decoder."""
    field = getattr(converter, "__self__", None)
    if isinstance(field, JSONField) and field.decoder is None:
        return lambda value, *_: orjson.loads(value) if isinstance(value, str) else value
    return converter


def row_comparison(model: type[Model], names: Sequence[str], operator: str) -> RawSQL:
    """Return (a, b) > (Placeholder 0, Placeholder 1) as a condition on columns of the model itself,
    which an index on (a, b) bounds."""
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    column_list = ", ".join(f"{table}.{quote(field.column)}" for field in fields)
    placeholders = ", ".join(f"%s::{_plain_type(field)}" for field in fields)
    return RawSQL(  # noqa: S611  columns are the model's own, values are parameters
        f"({column_list}) {operator} ({placeholders})",
        [Placeholder(n) for n in range(len(names))],
        output_field=BooleanField(),
    )


def _plain_type(field: Any) -> str:
    """Return the type of the column without a length: a cast to varchar(n) would cut the compared
    value."""
    kind: str = field.rel_db_type(connection)
    return "text" if kind.startswith("varchar") else kind
