"""Set-based writes for which the ORM has no method."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import NOT_PROVIDED, ForeignKey, JSONField
from psycopg.types.json import Jsonb


def update_rows(model: type[models.Model], columns_by_id: Mapping[int, Mapping[str, Any]]) -> int:
    """Write the given columns of each row and return the number of rows written; one statement per
    distinct set of columns.

    Column names are field names of `model` (`offering` or `offering_id`).
    """
    groups: dict[tuple[str, ...], list[tuple[int, Mapping[str, Any]]]] = {}
    for pk, columns in columns_by_id.items():
        groups.setdefault(tuple(sorted(columns)), []).append((pk, columns))
    return sum(_update_group(model, names, rows) for names, rows in groups.items() if names)


def reserve_ids(model: type[models.Model], n: int) -> list[int]:
    """Reserve `n` ids from the sequence of the table, so that concurrent inserts get other ids."""
    if not n:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [f'"{model._meta.db_table}"', n],
        )
        return [pk for (pk,) in cursor.fetchall()]


def copy_rows(
    model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, at: datetime
) -> None:
    """Insert rows with COPY. A row maps attribute names (`team_id`) to values; missing attributes
    get the default of the model.

    The table's triggers write history as for any other insert, under the caller's audit context.
    """
    if not rows:
        return
    attributes = set().union(*rows)
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    moments = {"created_at": at, "updated_at": at}
    # a column that the database fills by itself need not be sent
    fields = [
        field for field in fields if field.attname in attributes or field.db_default is NOT_PROVIDED
    ]
    plan = [
        (
            str(field.attname),
            moments.get(str(field.attname), field.get_default()),
            isinstance(field, JSONField),
        )
        for field in fields
    ]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        # pghistory adds the context of the change to ordinary statements only, and not to COPY; so
        # one runs first
        cursor.execute("WITH named AS (SELECT 1) SELECT * FROM named")
        with cursor.copy(
            f"COPY {connection.ops.quote_name(model._meta.db_table)} ({names}) FROM STDIN"
        ) as copy:
            for row in rows:
                copy.write_row(
                    [
                        json.dumps(row.get(name, default)) if is_json else row.get(name, default)
                        for name, default, is_json in plan
                    ]
                )


def acquire_named_lock(name: str) -> None:
    """Hold an advisory lock of this name until the transaction ends; other transactions that name
    it wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def try_acquire_named_lock(name: str) -> bool:
    """Acquire the lock of `acquire_named_lock` without waiting; return False if another transaction
    holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


def analyze(*tables: type[models.Model]) -> None:
    """Update the planner's statistics of these tables; also works inside the transaction that has
    just filled them."""
    names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {names}")


def _update_group(
    model: type[models.Model], names: Sequence[str], rows: Sequence[tuple[int, Mapping[str, Any]]]
) -> int:
    """Write `rows`, which are (ID, {attribute: value}) and all set the attributes `names`, with one
    UPDATE over arrays; return the number of rows written."""
    fields = [
        model._meta.get_field(name.removesuffix("_id") if name.endswith("_id") else name)
        for name in names
    ]
    parameters: list[Any] = [[pk for pk, _ in rows]]
    for name, field in zip(names, fields, strict=True):
        parameters.append([_adapt_value(field, column_names[name]) for _, column_names in rows])
    quote = connection.ops.quote_name
    types = [_column_type(field) for field in fields]
    column_names = [quote(str(field.column)) for field in fields]  # type: ignore[union-attr]
    sets = ", ".join(f"{column} = d.{column}" for column in column_names)
    alias = ", ".join(["id", *column_names])
    arrays = ", ".join(["%s::bigint[]", *(f"%s::{kind}[]" for kind in types)])
    statement = (
        f"UPDATE {quote(model._meta.db_table)} AS t SET {sets}"
        f" FROM unnest({arrays}) AS d({alias}) WHERE t.id = d.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        n_written: int = cursor.rowcount
    return n_written


def _column_type(field: Any) -> str:
    if isinstance(field, ForeignKey):
        return "bigint"
    kind = field.db_type(connection)
    return "text" if kind.startswith("varchar") else kind


def _adapt_value(field: Any, value: Any) -> Any:
    if isinstance(field, JSONField) and value is not None:
        return Jsonb(value, dumps=json.dumps)
    if isinstance(value, models.Model):
        return value.pk
    return value
