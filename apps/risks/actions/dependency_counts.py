"""Maintenance of the numbers of dependencies that counts of inherited risk add up.

Triggers add what each write changes; here the rows of the same dependencies become one, and once a
day all numbers are counted again.
"""

from typing import Any, Final

import structlog
from django.db import connection, transaction

from apps.common.database.statements import load_statement

log = structlog.get_logger(__name__)

_LOCK: Final = 7_201_804_432
_KEY: Final = "offering_id, via_party_id, reached, binding, starts_on, ends_on"
_NUMBERS: Final = ("n", "n_critical", "n_secret", "n_critical_secret")
COLUMNS: Final = (*_KEY.split(", "), *_NUMBERS)
_SUMS: Final = ", ".join(f"sum({name}) AS {name}" for name in _NUMBERS)
_SUMS_ALONE: Final = ", ".join(f"sum({name})" for name in _NUMBERS)
_COLUMNS: Final = ", ".join(COLUMNS)

_TOTAL: Final = f"""
    WITH added AS (DELETE FROM risks_dependencycount WHERE NOT is_total RETURNING *)
    INSERT INTO risks_dependencycount AS t ({_COLUMNS}, is_total)
    SELECT {_KEY}, {_SUMS}, true FROM added GROUP BY {_KEY}
    ON CONFLICT ({_KEY}) WHERE is_total DO UPDATE SET
        {", ".join(f"{name} = t.{name} + excluded.{name}" for name in _NUMBERS)}
"""
_REMOVE_EMPTY: Final = f"""
    DELETE FROM risks_dependencycount
    WHERE is_total AND ({", ".join(_NUMBERS)}) = (0, 0, 0, 0)
"""
_CORRECT: Final = f"""
    INSERT INTO risks_dependencycount ({_COLUMNS}, is_total)
    SELECT {_KEY}, {_SUMS}, false
    FROM (
        SELECT {_COLUMNS} FROM ({load_statement("risks", "dependency_counts")}) counted
        UNION ALL
        SELECT {_KEY}, {", ".join(f"-{name}" for name in _NUMBERS)} FROM risks_dependencycount
    ) x
    GROUP BY {_KEY} HAVING ({_SUMS_ALONE}) <> (0, 0, 0, 0)
"""


def total_dependency_counts() -> int:
    """Add the rows of the same dependencies up into one, and return the number of these; one
    statement if there is nothing to add. Readers see the same sums before and after."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM risks_dependencycount WHERE NOT is_total)")
        if not cursor.fetchone()[0]:
            return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_TOTAL)
        n_totals: int = cursor.rowcount
    return n_totals


@transaction.atomic
def correct_dependency_counts() -> int:
    """Count all dependencies again and add what differs, and return how many numbers were wrong:
    some two seconds for half a million. It is one statement of one moment of the database, so that
    nobody waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_CORRECT)
        n_wrong: int = cursor.rowcount
        cursor.execute(_REMOVE_EMPTY)
    if n_wrong:
        log.warning("dependency_counts_corrected", n=n_wrong)
    return n_wrong


def dependency_counts() -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
    """Return (stored numbers, those of the inventory) as tuples of `COLUMNS`; two statements."""
    stored = f"""SELECT {_KEY}, {_SUMS} FROM risks_dependencycount GROUP BY {_KEY}
        HAVING ({_SUMS_ALONE}) <> (0, 0, 0, 0)"""
    sets = []
    with connection.cursor() as cursor:
        for statement in (stored, load_statement("risks", "dependency_counts")):
            cursor.execute(statement)
            sets.append(set(cursor.fetchall()))
    return sets[0], sets[1]
