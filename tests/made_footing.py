"""Footing of the model IDs that tests make: a function of the test database adds it, which each
connection plans once.

Its statement is that of `refresh_footing`, which the server plans anew at every call; that took ten
of the fifteen milliseconds in which an offering is made, some five thousand times.
"""

from datetime import date

from django.db import connection

from apps.common.database.statements import load_statement

_DUE = load_statement("catalog", "footing_due") % {"ids": "_ids", "day": "_day"}
_CREATE = f"""
CREATE SCHEMA made;
CREATE FUNCTION made.add_footing(_ids bigint[], _day date) RETURNS boolean
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- names depend on the model IDs that they may be
    IF EXISTS (SELECT FROM catalog_offering WHERE kind = 'name') THEN RETURN false; END IF;
    WITH due AS MATERIALIZED ({_DUE}),
    added AS (
        INSERT INTO catalog_node (kind, ref) SELECT DISTINCT kind, ref FROM due d
        WHERE NOT EXISTS (SELECT FROM catalog_node n WHERE n.kind = d.kind AND n.ref = d.ref)
        RETURNING id, kind, ref
    ),
    node AS (SELECT id, kind, ref FROM catalog_node UNION ALL SELECT id, kind, ref FROM added)
    INSERT INTO catalog_footing (node_id, offering_id, via, depth)
    SELECT n.id, d.offering_id, d.via, d.depth
    FROM due d JOIN node n ON n.kind = d.kind AND n.ref = d.ref;
    RETURN true;
END $$
"""
_databases: set[str] = set()


def create_function() -> None:
    """In the run's database, outside the transactions of tests."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
    _databases.add(connection.settings_dict["NAME"])


def add_footing(offering_id: int, *, day: date) -> bool:
    """Add the footing of a new model ID; return False where that is left to `refresh_footing`: in
    a database without the function, and where there are names."""
    if connection.settings_dict["NAME"] not in _databases:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT made.add_footing(%s::bigint[], %s)", [[offering_id], day])
        return bool(cursor.fetchone()[0])
