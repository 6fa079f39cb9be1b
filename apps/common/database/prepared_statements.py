"""Statements that are compiled and planned once, for queries that run hundreds of times a second.

Compiling a query from models, and having the server plan its joins, cost several times what reading
fifty rows does. A `PreparedStatement` keeps the SQL of a queryset and runs it as a prepared
statement of the connection; a `Placeholder` is a value that differs from run to run.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, JSONField, Model, QuerySet
from django.db.models.expressions import RawSQL
from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.datetime import TimestamptzLoader

from apps.common.database.any_lookup import unestimated_arrays


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


class _JsonLoader(Loader):
    """Reads JSON with orjson, in place of text that a converter of each row would read."""

    def load(self, data: Any) -> Any:
        return orjson.loads(data)


def _read_adapters(database_connection: Any) -> AdaptersMap:
    """Return the adapters of the connection with faster loaders of moments and JSON. Moments have
    the zone of the session, which Django sets to UTC; its own loader replaces it in Python."""
    adapters: AdaptersMap | None = getattr(database_connection, "read_adapters", None)
    if adapters is None:
        adapters = AdaptersMap(database_connection.adapters)
        adapters.register_loader("timestamptz", TimestamptzLoader)
        adapters.register_loader("jsonb", _JsonLoader)
        database_connection.read_adapters = adapters
    return adapters


def _reading_cursor(*, plans_once: bool) -> Any:
    """Return a cursor of Django for rows of a `PreparedStatement`."""
    connection.ensure_connection()
    database: Any = connection
    kind: Any = _PreparingCursor if plans_once else psycopg.ClientCursor
    cursor = kind(database.connection)
    cursor._adapters = _read_adapters(database.connection)
    return database._prepare_cursor(cursor)


class PreparedStatement:
    """A queryset of `.values(...)` whose rows are returned as tuples in the order of `names`."""

    def __init__(self, queryset: QuerySet[Any, dict[str, Any]], *, plans_once: bool = True) -> None:
        """Compile the query once. Its `Placeholder` parameters get their values at each call; a
        query that cannot have rows gets an empty statement.

        `plans_once=False`: the server plans it for each call, because the best plan depends on the
        values. Conditions on very many IDs are then not estimated, which would take longer than the
        rest of the planning."""
        self._plans_once = plans_once
        query = queryset.query
        self.names: list[str] = list(query.selected or ())
        self._compiler = query.get_compiler(connection=connection)
        try:
            with nullcontext() if plans_once else unestimated_arrays():
                self._sql, self._params = self._compiler.as_sql()
        except EmptyResultSet:
            self._sql, self._params = "", ()
            return
        columns = self._compiler.select[0 : len(self.names)]
        all_converters = self._compiler.get_converters([column for column, _, _ in columns])
        self._converters = {
            place: (needed, expression)
            for place, (converters, expression) in all_converters.items()
            if (needed := [one for one in converters if not _reads_json(one)])
        }
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
        with _reading_cursor(plans_once=self._plans_once) as cursor:
            cursor.execute(self._sql, params)
            rows = cursor.fetchall()
        if self._converters:
            return list(self._compiler.apply_converters(rows, self._converters))
        return list(rows)


def _reads_json(converter: Any) -> bool:
    """Return whether the converter only reads JSON or an array of it, which the cursor has done;
    not if the column has a decoder."""
    field = getattr(converter, "__self__", None)
    while isinstance(field, ArrayField):
        field = field.base_field
    return isinstance(field, JSONField) and field.decoder is None


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
