"""Undo of changes that wrote very many rows, in set operations; `undo` applies the same rules row
by row.

An import of 100,000 applications is one change; as objects its rows would fill the memory.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models.expressions import RawSQL

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.history.derived import is_derived, select_user_input
from apps.inventory.models import (
    Adaptation,
    Application,
    Dependency,
    ExitPlan,
    ExitTest,
    Requirement,
)
from apps.inventory.owners import link_owners

BULK_CHANGE_ROWS = 2_000
_BLOCKING_ON_DELETE = (models.CASCADE, models.PROTECT, models.RESTRICT)
# parents first
_MODELS: tuple[type[models.Model], ...] = (Application, Dependency, Requirement)
_OTHER_MODELS: tuple[type[models.Model], ...] = (Adaptation, ExitPlan, ExitTest)


def is_bulk_change(change: UUID) -> bool:
    """Return whether the change is large enough to be undone here: it wrote only applications,
    dependencies and requirements, and deleted none."""
    total = 0
    for model in _MODELS:
        rows = _history_model(model)._default_manager.filter(pgh_context_id=change)
        total += rows[: BULK_CHANGE_ROWS + 1].count()
        if total > BULK_CHANGE_ROWS and rows.filter(pgh_label="delete").exists():
            return False
    if total <= BULK_CHANGE_ROWS:
        return False
    return not any(
        _history_model(model)._default_manager.filter(pgh_context_id=change).exists()
        for model in _OTHER_MODELS
    )


def teams_of_bulk_change(change: UUID) -> set[int]:
    """Return the teams that owned the written applications before and after the change; one
    statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            -- the first history row that the change wrote of each application
            WITH own AS (
                SELECT pgh_obj_id AS id, min(pgh_id) AS first FROM inventory_applicationhistory
                WHERE pgh_context_id = %(change)s GROUP BY pgh_obj_id
            )
            -- the owning teams after the change
            SELECT team_id FROM inventory_applicationhistory WHERE pgh_context_id = %(change)s
            UNION
            -- the owning teams before the change: the last row before its first one
            SELECT before.team_id FROM own, LATERAL (
                SELECT h.team_id FROM inventory_applicationhistory h
                WHERE h.pgh_obj_id = own.id AND h.pgh_id < own.first ORDER BY h.pgh_id DESC LIMIT 1
            ) before
            UNION
            -- the teams of the applications whose dependencies were written
            SELECT a.team_id FROM inventory_dependencyhistory d
            JOIN inventory_application a ON a.id = d.application_id
            WHERE d.pgh_context_id = %(change)s
            UNION
            SELECT a.team_id FROM inventory_requirementhistory r
            JOIN inventory_dependency d ON d.id = r.dependency_id
            JOIN inventory_application a ON a.id = d.application_id
            WHERE r.pgh_context_id = %(change)s
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
    """Restore, inside a transaction, the rows that `change` wrote; return (ID of the new change,
    number of rows, application IDs).

    `changed_since(model, entry)` raises for a history entry that a later change wrote; `lock` locks
    the applications and refuses those that `by` cannot edit.
    """
    with connection.cursor() as cursor:
        for model in _MODELS:
            _list_rows(cursor, model, change)
        cursor.execute(
            """
            SELECT id FROM undoing_application UNION SELECT h.application_id
            FROM inventory_dependencyhistory h
            WHERE h.pgh_context_id = %(change)s UNION SELECT d.application_id
            FROM inventory_requirementhistory h
            JOIN inventory_dependency d ON d.id = h.dependency_id
            WHERE h.pgh_context_id = %(change)s ORDER BY 1
            """,
            {"change": change},
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
                n_rows += _restore_rows(cursor, model)
            for model in reversed(_MODELS):
                _delete_derived_rows(model)
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
    """Return the IDs of dependencies that the change modified but did not create."""
    history = _history_model(Dependency)._default_manager.filter(pgh_context_id=change)
    inserted_ids = history.filter(pgh_label="insert").values("pgh_obj_id")
    return list(
        history.exclude(pgh_obj_id__in=inserted_ids).values_list("pgh_obj_id", flat=True).distinct()
    )


def _history_model(model: type[models.Model]) -> Any:
    return model.history.rel.related_model  # type: ignore[attr-defined]


def _list_table_name(model: type[models.Model]) -> str:
    return f"undoing_{model._meta.model_name}"


def _list_rows(cursor: Any, model: type[models.Model], change: UUID) -> None:
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE {_list_table_name(model)} ON COMMIT DROP AS
        SELECT pgh_obj_id AS id, min(pgh_id) AS first, bool_or(pgh_label = 'insert') AS is_new
        FROM {_history_model(model)._meta.db_table} WHERE pgh_context_id = %s GROUP BY pgh_obj_id
        """,
        [change],
    )
    cursor.execute(f"CREATE UNIQUE INDEX ON {_list_table_name(model)} (id)")
    cursor.execute(f"ANALYZE {_list_table_name(model)}")


def _later_entry(cursor: Any, model: type[models.Model], change: UUID) -> Any:
    """Return the latest history entry about one of the rows that another change wrote since, or
    None."""
    cursor.execute(
        f"""
        SELECT max(h.pgh_id) FROM {_list_table_name(model)} u
        JOIN {_history_model(model)._meta.db_table} h ON h.pgh_obj_id = u.id
        WHERE h.pgh_id > u.first AND h.pgh_context_id IS DISTINCT FROM %s
        """,
        [change],
    )
    pk = cursor.fetchone()[0]
    return (
        None
        if pk is None
        else _history_model(model)._default_manager.select_related("pgh_context").get(pk=pk)
    )


def _refuse_if_built_upon(cursor: Any) -> None:
    """Raise ConflictError if later records refer to a row that the change created.

    Rows that the undo deletes anyway do not count. Needs the temporary list of the written rows of
    each model.
    """
    dependent_names = set()
    for model in _MODELS:
        for relation in model._meta.related_objects:
            child = relation.related_model
            if not isinstance(child, type) or relation.on_delete not in {
                models.CASCADE,
                models.PROTECT,
                models.RESTRICT,
            }:
                continue
            if is_derived(child):
                later_rows = select_user_input(_rows_of_created(child, relation))
                if child in _MODELS:
                    later_rows = later_rows.exclude(pk__in=_created_ids(child))
                if later_rows.exists():
                    dependent_names.add(str(child._meta.verbose_name_plural))
                continue
            deleted_condition = (
                f"AND c.id NOT IN (SELECT id FROM {_list_table_name(child)} WHERE is_new)"
                if child in _MODELS
                else ""
            )
            column = connection.ops.quote_name(str(relation.field.column))
            cursor.execute(
                f"""
                SELECT 1 FROM {connection.ops.quote_name(child._meta.db_table)} c
                JOIN {_list_table_name(model)} u ON u.id = c.{column} AND u.is_new
                WHERE true {deleted_condition} LIMIT 1
                """
            )
            if cursor.fetchone():
                dependent_names.add(str(child._meta.verbose_name_plural))
    if dependent_names:
        raise ConflictError(
            f"Since this change, {', '.join(sorted(dependent_names))} have been added to the "
            "record. End or retire the record instead, so that they are preserved."
        )


def _rows_of_created(child: type[models.Model], relation: Any) -> models.QuerySet[Any]:
    """Return the rows of `child` that refer by `relation` to a row that the change created."""
    return child._default_manager.filter(
        **{f"{relation.field.name}__in": _created_ids(relation.model)}
    )


def _created_ids(model: type[models.Model]) -> RawSQL:
    """Return a subquery of the IDs of the rows of the model that the change created."""
    table = _list_table_name(model)
    return RawSQL(f"SELECT id FROM {table} WHERE is_new", [])  # noqa: S611 - a table of ours


def _delete_derived_rows(model: type[models.Model]) -> None:
    """Delete the derived rows of the records that the undo deletes."""
    for relation in model._meta.related_objects:
        child = relation.related_model
        if isinstance(child, type) and is_derived(child):
            _rows_of_created(child, relation).delete()


def _restore_rows(cursor: Any, model: type[models.Model]) -> int:
    """Restore the rows that existed before the change to their previous values; return their
    number."""
    tracked_columns = {field.attname for field in _history_model(model)._meta.concrete_fields}
    column_names = [
        connection.ops.quote_name(str(field.column))
        for field in model._meta.concrete_fields
        if field.attname in tracked_columns
        and not field.primary_key
        and field.attname != "updated_at"
    ]
    cursor.execute(f"SELECT count(*) FROM {_list_table_name(model)} WHERE NOT is_new")
    n_before = int(cursor.fetchone()[0])
    assignments = ", ".join(f"{name} = b.{name}" for name in column_names)
    cursor.execute(
        f"""
        UPDATE {model._meta.db_table} t SET {assignments}, updated_at = now()
        FROM {_list_table_name(model)} u CROSS JOIN LATERAL (
            -- the values of the last history row before the first one of the change
            SELECT h.* FROM {_history_model(model)._meta.db_table} h
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
