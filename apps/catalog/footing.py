"""Keeps `Footing`, the upstream dependencies of offerings, consistent with the catalogue;
set-based, with a few statements for any number of offerings.

The definition is that of exposure (docs/decisions/0006-footing-is-stored.md): an offering depends
on itself; on its effective offering of the day (redirects of retired offerings are followed; a
cycle redirects nowhere); on that offering's version, foundation, developer, host, gateway and
regions; on the corporate parents of each party; and on the ancestors of the version through weights
or behaviour. The strongest relationship to a node applies. A name or a product depends on what all
its candidates depend on, and on one of what only some do; a name also on one of its model IDs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction

from apps.catalog.name_facts import refresh_name_facts
from apps.common.database.statements import load_statement
from apps.common.time import day_of, now

_DESIRED = load_statement("catalog", "footing_due")
_INSERT_DUE = """
INSERT INTO catalog_footing AS f (node_id, offering_id, via, depth)
SELECT n.id, d.offering_id, d.via, d.depth
FROM footing_due d JOIN catalog_node n ON n.kind = d.kind AND n.ref = d.ref
"""
_ON_CONFLICT = """
ON CONFLICT (node_id, offering_id) DO UPDATE
SET via = EXCLUDED.via, depth = EXCLUDED.depth
WHERE (f.via, f.depth) IS DISTINCT FROM (EXCLUDED.via, EXCLUDED.depth)
"""
# A statement that inserts more rows needs statistics from which plans of its triggers can be made.
_MANY_ROWS = 10_000
_SAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class FootingDifference:
    """A difference between the stored footing and the catalogue; `stored` and `due` are (via,
    depth) or None."""

    offering_id: int
    kind: int
    ref: int
    stored: tuple[int, int] | None
    due: tuple[int, int] | None


@transaction.atomic
def refresh_footing(
    offering_ids: Collection[int] | None = None,
    *,
    today: date | None = None,
    with_name_facts: bool = True,
) -> int:
    """Update the footing of these offerings (all if None); return the number of rows that changed.

    Missing nodes are created. Unchanged rows are not written. Offerings that redirect to one of the
    given ones are also refreshed, since they share its upstream dependencies, and so are the names
    that may be one of them, with their lifecycles and prices (`with_name_facts`).
    """
    day = today or day_of(now())
    ids = None if offering_ids is None else sorted(offering_ids)
    if ids is not None and not ids:
        return 0
    with connection.cursor() as cursor:
        if ids is not None:
            cursor.execute(
                """
                WITH RECURSIVE up(id) AS (
                    SELECT unnest(%s::bigint[])
                    UNION
                    -- offerings that redirect to one of them, at any number of steps
                    SELECT o.id FROM up JOIN catalog_offering o ON o.replacement_id = up.id
                    WHERE o.end_behaviour = 'redirect'
                )
                SELECT array_agg(id) FROM (
                    SELECT id FROM up
                    -- names that may be one of them, or did before
                    UNION SELECT k.name_id FROM known_model_id() k
                    WHERE k.offering_id IN (SELECT id FROM up)
                    UNION SELECT n.id FROM catalog_offering n
                    JOIN catalog_footing f ON f.offering_id = n.id
                    JOIN catalog_node d ON d.id = f.node_id AND d.kind = node_kind('offering')
                    WHERE n.kind = 'name' AND d.ref IN (SELECT id FROM up)
                ) due
                """,
                [ids],
            )
            ids = cursor.fetchone()[0]
        if with_name_facts:
            refresh_name_facts(ids, today=day)
        cursor.execute("DROP TABLE IF EXISTS footing_due")
        cursor.execute(
            f"CREATE TEMPORARY TABLE footing_due ON COMMIT DROP AS {_DESIRED}",
            {"ids": ids, "day": day},
        )
        n_due = cursor.rowcount
        # after a large load the planner still assumes empty tables, and would compare each row with
        # each other row
        cursor.execute(
            """
            DO $$ BEGIN
                ANALYZE footing_due;
                IF (SELECT d.reltuples > 100 + greatest(f.reltuples, 0) FROM pg_class d, pg_class f
                    WHERE d.oid = 'footing_due'::regclass AND f.oid = 'catalog_footing'::regclass)
                THEN ANALYZE catalog_footing; END IF;
            END $$
            """
        )
        # the statistics of an empty table would make the planner scan all nodes for each row
        cursor.execute(
            """
            DO $$ DECLARE n_new bigint; BEGIN
                INSERT INTO catalog_node (kind, ref)
                SELECT DISTINCT kind, ref FROM footing_due d
                WHERE NOT EXISTS
                    (SELECT 1 FROM catalog_node n WHERE n.kind = d.kind AND n.ref = d.ref)
                ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS n_new = ROW_COUNT;
                IF n_new > 100 THEN ANALYZE catalog_node; END IF;
            END $$
            """
        )
        cursor.execute(
            """
            DELETE FROM catalog_footing f USING catalog_node n
            -- stored rows of the given offerings that are no longer due
            WHERE n.id = f.node_id AND (%(ids)s::bigint[] IS NULL
                OR f.offering_id = ANY (%(ids)s::bigint[]))
              AND NOT EXISTS (SELECT 1 FROM footing_due d
                              WHERE d.offering_id = f.offering_id AND d.kind = n.kind
                                  AND d.ref = n.ref)
            """,
            {"ids": ids},
        )
        n_changed: int = cursor.rowcount
        n_changed += _insert_due_rows(n_due)
        cursor.execute("DROP TABLE footing_due")
    return n_changed


def _insert_due_rows(n_due: int) -> int:
    """Insert the `n_due` rows of the temporary table `footing_due`, or update those that differ;
    return how many were written."""
    n_changed = 0
    with connection.cursor() as cursor:
        if n_due > _MANY_ROWS:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'catalog_footing'::regclass")
            if cursor.fetchone()[0] < _SAMPLE_ROWS:
                # analysed while empty, it would be scanned by its triggers for each row
                cursor.execute(f"{_INSERT_DUE} LIMIT {_SAMPLE_ROWS} {_ON_CONFLICT}")
                n_changed += cursor.rowcount
                cursor.execute("ANALYZE catalog_footing")
        cursor.execute(f"{_INSERT_DUE} {_ON_CONFLICT}")
        return n_changed + int(cursor.rowcount)


def footing_differences(*, today: date | None = None) -> list[FootingDifference]:
    """Return every stored row that is wrong and every row that is missing; empty if the footing is
    correct."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT coalesce(s.offering_id, d.offering_id), coalesce(s.kind, d.kind), coalesce(s.ref,
                d.ref),
                   -- s is the stored row, d the due one; all NULL where one of them is missing
                   s.via, s.depth, d.via, d.depth
            FROM (SELECT f.offering_id, n.kind::int, n.ref, f.via::int, f.depth::int
                  FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id) s
            FULL JOIN ({_DESIRED}) d ON d.offering_id = s.offering_id AND d.kind = s.kind
            AND d.ref = s.ref
            WHERE (s.via, s.depth) IS DISTINCT FROM (d.via, d.depth)
            ORDER BY 1, 2, 3
            """,
            {"ids": None, "day": today or day_of(now())},
        )
        rows = cursor.fetchall()
    return [
        FootingDifference(
            offering_id=row[0],
            kind=row[1],
            ref=row[2],
            stored=None if row[3] is None else (row[3], row[4]),
            due=None if row[5] is None else (row[5], row[6]),
        )
        for row in rows
    ]
