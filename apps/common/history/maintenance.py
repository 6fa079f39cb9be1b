"""Maintenance of the history tables: an index by time, and deletion after the period that the
operator sets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pgtrigger
from django.apps import apps
from django.db import connection, models, transaction

DELETE_BATCH_SIZE = 5_000
_CONTEXT = "pghistory_context"


def history_models() -> list[type[models.Model]]:
    """Return the history models, ordered by label."""
    models = [
        model
        for model in apps.get_models()
        if model._meta.managed
        and hasattr(model, "pgh_tracked_model")
        and hasattr(model, "pgh_label")
    ]
    return sorted(models, key=lambda model: model._meta.label)


def create_history_indexes(**_: Any) -> int:
    """Create the missing indexes by time of history tables, which the audit log reads; return the
    number created.

    Runs after every `migrate`, so that a newly tracked model gets its index automatically.
    """
    table_by_index = {
        f"{model._meta.db_table}_at"[:63]: model._meta.db_table for model in history_models()
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname = ANY (%s)", [list(table_by_index)]
        )
        existing_indexes = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE tablename = ANY (%s)",
            [list(table_by_index.values())],
        )
        tables = {name for (name,) in cursor.fetchall()}
        missing = [
            (name, table)
            for name, table in table_by_index.items()
            if name not in existing_indexes and table in tables
        ]
        quote = connection.ops.quote_name
        for name, table in missing:
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {quote(name)} ON {quote(table)} (pgh_created_at, "
                "pgh_id)"
            )
    return len(missing)


def purge_history(*, before: datetime) -> dict[str, int]:
    """Delete versions that ended before `before`, in batches, each in its own transaction; return
    {table: rows}.

    The version that a current record had at that moment stays: without it the next change would
    have no old values. Safe to run concurrently and to interrupt.
    """
    counts = {
        model._meta.db_table: sum(_purge_versions(model, before)) for model in history_models()
    }
    counts[_CONTEXT] = sum(_purge_contexts(before))
    return {table: n for table, n in counts.items() if n}


def _purge_versions(model: type[models.Model], before: datetime) -> Iterator[int]:
    """Delete versions from before `before` that no longer describe a state at that time or since;
    yield the number of deleted rows after each batch, which is a transaction of its own."""
    table = connection.ops.quote_name(model._meta.db_table)
    # table names are the models' own
    statement = f"""
        DELETE FROM {table} WHERE pgh_id IN (
            SELECT h.pgh_id FROM {table} h
            -- a deletion ends its record; any other version ended when the next one began, which
            -- must be before the limit too
            WHERE h.pgh_created_at < %s AND (h.pgh_label = 'delete' OR EXISTS (
                SELECT 1 FROM {table} n
                WHERE n.pgh_obj_id = h.pgh_obj_id AND n.pgh_id > h.pgh_id AND n.pgh_created_at < %s
            ))
            LIMIT %s
        )
    """
    while True:
        # the history is append-only except for this deletion
        with (
            transaction.atomic(),
            pgtrigger.ignore(f"{model._meta.label}:append_only"),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, [before, before, DELETE_BATCH_SIZE])
            n_deleted = cursor.rowcount
        yield n_deleted
        if n_deleted < DELETE_BATCH_SIZE:
            return


def _purge_contexts(before: datetime) -> Iterator[int]:
    """Delete the contexts (actor and reason) of changes that have no version left; yield the number
    of rows of each batch."""
    quote = connection.ops.quote_name
    unused = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {quote(model._meta.db_table)} h WHERE h.pgh_context_id = c.id)"
        for model in history_models()
    )
    page = (
        f"SELECT created_at FROM {_CONTEXT}"
        " WHERE created_at > %s AND created_at < %s ORDER BY created_at"
    )
    delete = f"DELETE FROM {_CONTEXT} c WHERE c.created_at > %s AND c.created_at <= %s AND {unused}"
    since = datetime(1970, 1, 1, tzinfo=UTC)
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"{page} OFFSET {DELETE_BATCH_SIZE - 1} LIMIT 1", [since, before])
            row = cursor.fetchone()
            # contexts of the same moment are in one batch
            until = row[0] if row else before - timedelta(microseconds=1)
            cursor.execute(delete, [since, until])
            yield cursor.rowcount
        if row is None:
            return
        since = until
