"""The inventory at the end of a past day, as far as the history contains it.

Temporary tables have the names of the real ones during the block (PostgreSQL searches the session's
temporary schema first), filled from the history; the engine then builds its own tables from them,
also temporary. Other sessions see no change and do not wait.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from apps.catalog.footing import refresh_footing
from apps.catalog.models import Footing, Offering
from apps.common.time import start_of
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.table_refresh import build_all
from apps.exposure.models import EngineState, MinimalCutSet
from apps.inventory.models import Application, Dependency, ExitTest

_TRACKED: tuple[type[Model], ...] = (Offering, Application, Dependency, ExitTest)
# the day of the current tables, and rows shown to users: not built here
_NOT_BUILT: tuple[type[Model], ...] = (EngineState, MinimalCutSet)


@contextmanager
def historical_tables(day: date) -> Iterator[None]:
    """Inside the block, the inventory, the offerings, their upstream nodes and the engine's tables
    are those of the end of `day`."""
    derived = _derived_tables()
    shadows = [*(model._meta.db_table for model in _TRACKED), *derived]
    with transaction.atomic(), connection.cursor() as cursor:
        shadow_with_empty(cursor, derived)
        for model in _TRACKED:
            _shadow_table(cursor, model, day)
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in _TRACKED)}")
        refresh_footing(today=day, with_name_facts=False)
        cursor.execute(f"ANALYZE {Footing._meta.db_table}")
        build_all(settings=engine_settings(), on=day)
        yield
        cursor.execute(f"DROP TABLE {', '.join(shadows)}")


def shadow_with_empty(cursor: Any, tables: Collection[str]) -> str:
    """Hide each of the tables behind an empty temporary one until the transaction ends; return the
    quoted schema of the real ones."""
    cursor.execute("SELECT current_schema()")
    schema = connection.ops.quote_name(cursor.fetchone()[0])
    for table in tables:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {table} (LIKE {schema}.{table} INCLUDING INDEXES INCLUDING "
            "IDENTITY)"
            " ON COMMIT DROP"
        )
    return schema


def engine_tables() -> list[str]:
    """Return every table that the engine fills: a missing one would be emptied for all sessions."""
    own_models = [
        model
        for model in apps.get_app_config("exposure").get_models()
        if model.__module__ == EngineState.__module__
    ]
    return [model._meta.db_table for model in own_models if model not in _NOT_BUILT]


def _derived_tables() -> list[str]:
    return [Footing._meta.db_table, *engine_tables()]


def _shadow_table(cursor: Any, model: type[Model], day: date) -> None:
    """Fill the temporary table with the rows that existed at the end of the day: the last version
    of each unless it was deleted."""
    history = apps.get_model(model._meta.app_label, f"{model.__name__}History")
    history_columns = {field.column for field in history._meta.concrete_fields if field.column}
    columns = ", ".join(
        f'"{field.column}"'
        for field in model._meta.concrete_fields
        if field.column in history_columns
    )
    table = model._meta.db_table
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS
        SELECT {columns} FROM (
            SELECT DISTINCT ON (pgh_obj_id) {columns}, pgh_label FROM {history._meta.db_table}
            WHERE pgh_created_at < %s ORDER BY pgh_obj_id, pgh_id DESC
        ) last WHERE pgh_label <> 'delete'
        """,
        [start_of(day + timedelta(days=1))],
    )
    cursor.execute(f"CREATE UNIQUE INDEX ON {table} (id)")
    if model is Dependency:
        cursor.execute(f"CREATE INDEX ON {table} (application_id)")
    if model is ExitTest:
        cursor.execute(f"CREATE INDEX ON {table} (dependency_id)")
