"""Limits of columns that have rows already: what is longer is cut by the migration before the limit
holds.

The version before stays whole in the history of its table, where the cut is one more change.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.migrations import AlterField
from django.db.migrations.operations.base import Operation

from apps.common.database.fields import LimitedTextField, TextMapField, is_history

_CUT = "[Shortened to the maximum length. The history has the full text.]"


def shorten_long_values(app_label: str, limits: Sequence[Operation]) -> Callable[[Any, Any], None]:
    """For `RunPython`: cut what the limits, which are to be set next, would refuse. Histories stay
    as they are."""

    def shorten(state: Any, editor: Any) -> None:
        with editor.connection.cursor() as cursor:
            for table, column, field in _limited(state, app_label, limits):
                for statement, values in _statements(
                    _quoted(editor, table), _quoted(editor, column), field
                ):
                    cursor.execute(statement, values)
            # a table with checks that still wait cannot be altered
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    return shorten


def add_limit_checks(app_label: str, limits: Sequence[Operation]) -> Callable[[Any, Any], None]:
    """For `RunPython`: the CHECK of each column, which Django writes for new columns only."""

    def add(state: Any, editor: Any) -> None:
        for table, column, field in _limited(state, app_label, limits):
            check = field.db_check(editor.connection)
            editor.execute(
                f"ALTER TABLE {_quoted(editor, table)} ADD CONSTRAINT {_check_name(table, column)} "
                f"CHECK ({check})"
            )

    return add


def remove_limit_checks(app_label: str, limits: Sequence[Operation]) -> Callable[[Any, Any], None]:
    """The reverse of `add_limit_checks`."""

    def remove(state: Any, editor: Any) -> None:
        for table, column, _ in _limited(state, app_label, limits):
            editor.execute(
                f"ALTER TABLE {_quoted(editor, table)} DROP CONSTRAINT IF EXISTS "
                f"{_check_name(table, column)}"
            )

    return remove


def _limited(
    state: Any, app_label: str, limits: Sequence[Operation]
) -> Iterable[tuple[str, str, Any]]:
    """(table, column, field with its limit) of what is not history."""
    for limit in limits:
        if isinstance(limit, AlterField) and isinstance(
            limit.field, LimitedTextField | TextMapField
        ):
            model = state.get_model(app_label, limit.model_name)
            if not is_history(model):
                limited = limit.field.clone()
                limited.model, limited.column = model, model._meta.get_field(limit.name).column
                yield model._meta.db_table, limited.column, limited


def _quoted(editor: Any, name: str) -> str:
    return str(editor.connection.ops.quote_name(name))


def _check_name(table: str, column: str) -> str:
    return f"{table}_{column}_limit"


def _statements(table: str, column: str, field: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(field, LimitedTextField):
        yield (
            f"UPDATE {table} SET {column} = left({column}, %s) || %s WHERE char_length({column}) > "
            "%s",
            [int(field.max_length or 0) - len(_CUT), _CUT, field.max_length],
        )
    elif isinstance(field, TextMapField):
        # numbers, lists and mappings become the text they are written as
        yield (
            f"""
            UPDATE {table} t SET {column} = CASE WHEN jsonb_typeof(t.{column}) <> 'object'
                THEN '{{}}' ELSE (
                SELECT coalesce(jsonb_object_agg(left(name, %(name)s), left(coalesce(value, ''),
                    %(value)s)), '{{}}')
                FROM (
                    SELECT key AS name, CASE WHEN jsonb_typeof(v) = 'null' THEN ''
                        ELSE v #>> '{{}}' END AS value
                    FROM jsonb_each(t.{column}) AS entry(key, v) WHERE key <> ''
                    ORDER BY key LIMIT %(entries)s
                ) kept
            ) END
            WHERE jsonb_typeof(t.{column}) <> 'object'
               OR jsonb_path_exists(t.{column}, '$.* ? (@.type() != "string")')
               OR (SELECT count(*) > %(entries)s OR max(char_length(key)) > %(name)s
                       OR max(char_length(v #>> '{{}}')) > %(value)s OR min(char_length(key)) = 0
                   FROM jsonb_each(CASE jsonb_typeof(t.{column}) WHEN 'object' THEN t.{column}
                       ELSE '{{}}' END)
                        AS entry(key, v))
            """,
            {
                "name": field.MAX_NAME_LENGTH,
                "value": field.MAX_VALUE_LENGTH,
                "entries": field.MAX_ENTRIES,
            },
        )
