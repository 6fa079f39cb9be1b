"""Vacuums the run's database between files of tests, in place of autovacuum.

A test that is rolled back leaves pages without rows. Statistics that autovacuum takes of them, or
while a test is under way and its rows are not committed, say that a table is empty however many
rows the next test inserts: its statements then compare each row with each other and take minutes.
A table that was vacuumed while it has no rows has no pages, and the planner assumes as many rows as
fit into those that are added.
"""

import pytest
from django.db import connection

# about ten pages; the planner assumes as many of a table that was never vacuumed
_MANY_DEAD_ROWS = 1_000
_SWITCH_OFF = """
DO $$ DECLARE name regclass; BEGIN
    FOR name IN
        SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', name);
    END LOOP;
END $$
"""
_file: object = None


def switch_autovacuum_off() -> None:
    """In the run's database, outside the transactions of tests."""
    with connection.cursor() as cursor:
        cursor.execute(_SWITCH_OFF)


def vacuum_before(item: pytest.Item) -> None:
    """Vacuum the tables with many dead rows before the first test of a file."""
    global _file
    if item.path == _file:
        return
    _file = item.path
    # a test that needs no database opens no connection here
    if connection.connection is None or connection.in_atomic_block or not connection.is_usable():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_stat_user_tables"
            " WHERE schemaname = 'public' AND n_dead_tup > %s",
            [_MANY_DEAD_ROWS],
        )
        names = [name for (name,) in cursor.fetchall()]
        if names:
            cursor.execute(f"VACUUM {', '.join(names)}")
