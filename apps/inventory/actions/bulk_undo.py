"""Undo of changes that wrote very many rows, set by set, with the rules of `undo`, which works row
by row.

An import of 100,000 applications is one change; as objects its rows would fill memory.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, models

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest
from apps.inventory.owners import link_owners

BULK_CHANGE_ROWS = 2_000
_BLOCKING_ON_DELETE = (models.CASCADE, models.PROTECT, models.RESTRICT)
# parents first
_MODELS: tuple[type[models.Model], ...] = (Application, Dependency)
_OTHER_MODELS: tuple[type[models.Model], ...] = (Adaptation, ExitPlan, ExitTest)


def is_bulk_change(change: UUID) -> bool:
    """Return whether the change wrote so much that it is undone here: only applications and what
    they use, none removed."""
    total = 0
    for model in _MODELS:
        rows = _history(model)._default_manager.filter(pgh_context_id=change)
        total += rows[: BULK_CHANGE_ROWS + 1].count()
        if total > BULK_CHANGE_ROWS and rows.filter(pgh_label="delete").exists():
            return False
    if total <= BULK_CHANGE_ROWS:
        return False
    return not any(
        _history(model)._default_manager.filter(pgh_context_id=change).exists()
        for model in _OTHER_MODELS
    )


def teams_of_bulk_change(change: UUID) -> set[int]:
    """The teams whose applications the change wrote to, before and after it; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH own AS (
                SELECT pgh_obj_id AS id, min(pgh_id) AS first FROM inventory_applicationhistory
                WHERE pgh_context_id = %(change)s GROUP BY pgh_obj_id
            )
            SELECT team_id FROM inventory_applicationhistory WHERE pgh_context_id = %(change)s
            UNION
            SELECT before.team_id FROM own, LATERAL (
                SELECT h.team_id FROM inventory_applicationhistory h
                WHERE h.pgh_obj_id = own.id AND h.pgh_id < own.first ORDER BY h.pgh_id DESC LIMIT 1
            ) before
            UNION
            SELECT a.team_id FROM inventory_dependencyhistory d
            JOIN inventory_application a ON a.id = d.application_id
            WHERE d.pgh_context_id = %(change)s
            """,
            {"change": change},
        )
        return {team for (team,) in cursor.fetchall()}


def undo_bulk_change(
    *,
    change: UUID,
    by: User,
    reason: str,
    changed_since: Any,
    lock: Callable[[Sequence[int], User], None],
) -> tuple[UUID, int, tuple[int, ...]]:
    """Put back, inside a transaction, what `change` wrote; (id of the undoing, number of rows,
    applications).

    `changed_since(model, entry)` raises for an entry of the history that a later change wrote;
    `lock` locks the applications and refuses those that `by` may not edit.
    """
    with connection.cursor() as cursor:
        for model in _MODELS:
            _list_rows(cursor, model, change)
        cursor.execute(
            """
            SELECT id FROM undoing_application UNION SELECT h.application_id
            FROM inventory_dependencyhistory h
            WHERE h.pgh_context_id = %s ORDER BY 1
            """,
            [change],
        )
        application_ids = tuple(pk for (pk,) in cursor.fetchall())
        lock(application_ids, by)
        for model in _MODELS:
            later_entry = _later_entry(cursor, model, change)
            if later_entry is not None:
                changed_since(model, later_entry)
        _refuse_if_built_upon(cursor)
        n_rows = 0
        with audit_context(user=by, reason=f"undone: {reason}" if reason else "undone") as undo_id:
            for model in _MODELS:
                n_rows += _put_back(cursor, model)
            for model in reversed(_MODELS):
                cursor.execute(
                    f"DELETE FROM {model._meta.db_table} t USING {_list_table_name(model)} u"
                    " WHERE u.id = t.id AND u.is_new"
                )
                n_rows += cursor.rowcount
            link_owners(application_ids, by=by)
        for name in map(_list_table_name, _MODELS):
            cursor.execute(f"DROP TABLE {name}")
    return undo_id, n_rows, application_ids


def changed_dependencies(change: UUID) -> list[int]:
    """Dependencies the change wrote to and did not make."""
    history = _history(Dependency)._default_manager.filter(pgh_context_id=change)
    inserted_ids = history.filter(pgh_label="insert").values("pgh_obj_id")
    return list(
        history.exclude(pgh_obj_id__in=inserted_ids).values_list("pgh_obj_id", flat=True).distinct()
    )


def _history(model: type[models.Model]) -> Any:
    return model.history.rel.related_model  # type: ignore[attr-defined]


def _list_table_name(model: type[models.Model]) -> str:
    return f"undoing_{model._meta.model_name}"


def _list_rows(cursor: Any, model: type[models.Model], change: UUID) -> None:
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE {_list_table_name(model)} ON COMMIT DROP AS
        SELECT pgh_obj_id AS id, min(pgh_id) AS first, bool_or(pgh_label = 'insert') AS is_new
        FROM {_history(model)._meta.db_table} WHERE pgh_context_id = %s GROUP BY pgh_obj_id
        """,
        [change],
    )
    cursor.execute(f"CREATE UNIQUE INDEX ON {_list_table_name(model)} (id)")
    cursor.execute(f"ANALYZE {_list_table_name(model)}")


def _later_entry(cursor: Any, model: type[models.Model], change: UUID) -> Any:
    """The last entry that somebody else wrote about one of the rows since."""
    cursor.execute(
        f"""
        SELECT max(h.pgh_id) FROM {_list_table_name(model)} u
        JOIN {_history(model)._meta.db_table} h ON h.pgh_obj_id = u.id
        WHERE h.pgh_id > u.first AND h.pgh_context_id IS DISTINCT FROM %s
        """,
        [change],
    )
    pk = cursor.fetchone()[0]
    return (
        None
        if pk is None
        else _history(model)._default_manager.select_related("pgh_context").get(pk=pk)
    )


def _refuse_if_built_upon(cursor: Any) -> None:
    built = set()
    for model in _MODELS:
        for relation in model._meta.related_objects:
            child = relation.related_model
            if not isinstance(child, type) or relation.on_delete not in {
                models.CASCADE,
                models.PROTECT,
                models.RESTRICT,
            }:
                continue
            also_going = (
                f"AND c.id NOT IN (SELECT id FROM {_list_table_name(child)} WHERE is_new)"
                if child in _MODELS
                else ""
            )
            column = connection.ops.quote_name(str(relation.field.column))
            cursor.execute(
                f"""
                SELECT 1 FROM {connection.ops.quote_name(child._meta.db_table)} c
                JOIN {_list_table_name(model)} u ON u.id = c.{column} AND u.is_new
                WHERE true {also_going} LIMIT 1
                """
            )
            if cursor.fetchone():
                built.add(str(child._meta.verbose_name_plural))
    if built:
        raise ConflictError(
            f"Since this change, {', '.join(sorted(built))} have been added to the record. "
            "End or retire the record instead, so that they are preserved."
        )


def _put_back(cursor: Any, model: type[models.Model]) -> int:
    """Set the rows that were there before to what they were; the number of them."""
    tracked_columns = {field.attname for field in _history(model)._meta.concrete_fields}
    columns = [
        connection.ops.quote_name(str(field.column))
        for field in model._meta.concrete_fields
        if field.attname in tracked_columns and not field.primary_key
    ]
    cursor.execute(f"SELECT count(*) FROM {_list_table_name(model)} WHERE NOT is_new")
    n_before = int(cursor.fetchone()[0])
    cursor.execute(
        f"""
        UPDATE {model._meta.db_table} t SET {", ".join(f"{name} = b.{name}" for name in columns)},
            updated_at = now()
        FROM {_list_table_name(model)} u CROSS JOIN LATERAL (
            SELECT h.* FROM {_history(model)._meta.db_table} h
            WHERE h.pgh_obj_id = u.id AND h.pgh_id < u.first ORDER BY h.pgh_id DESC LIMIT 1
        ) b
        WHERE t.id = u.id AND NOT u.is_new
        """
    )
    if cursor.rowcount != n_before:
        raise ConflictError(
            "The previous value is not recorded, so this change cannot be "
            "undone. Correct it by hand."
        )
    return n_before
