"""The engine's tables as plain values, to be compared: whole, sorted, without surrogate ids and
times."""

from collections import Counter
from typing import Any

from django.db import connection, transaction

from apps.exposure.engine.table_refresh import rebuild
from tests.builders import TODAY

# table: the columns that say something
_COLUMNS = {
    "exposure_activedependency": "*",
    "exposure_path": "*",
    "exposure_candidate": (
        "application_id, primary_id, dependency_id, offering_id, effective_id, reached, "
        "via_party_id, parties, place,"
        " tested, ever_tested, alive, alive_at_horizon, next_change_on"
    ),
    "exposure_candidategrade": (
        "primary_id, application_id, grade, offering_id, reached, via_party_id, dependency_id, "
        "place, is_immediate, tested,"
        " alive, alive_at_horizon"
    ),
    "exposure_scopedapplication": "*",
    "exposure_pairgrade": "*",
    "exposure_enginefooting": "node_id, offering_id, via, depth",
    "exposure_partyfooting": "reached, party_id, node_id, depth",
    "exposure_nodesummary": "*",
    "exposure_nodereach": "*",
}
TABLES = tuple(_COLUMNS)

type Contents = dict[str, list[tuple[Any, ...]]]


def contents(tables: tuple[str, ...] = TABLES) -> Contents:
    found: Contents = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT {_COLUMNS[table]} FROM {table} t ORDER BY (t.*)::text")
            found[table] = sorted((tuple(map(_plain, row)) for row in cursor.fetchall()), key=repr)
    return found


def _plain(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, list) else value


def versions_of_rows(tables: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """Where each row lies and which transaction wrote it: equal before and after only when nothing
    was written."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT ctid::text, xmin::text, xmax::text FROM {table} ORDER BY ctid")
            found[table] = cursor.fetchall()
    return found


def rebuilt(on: Any = TODAY) -> Contents:
    """What a full build would leave; the tables stay as they are."""
    with transaction.atomic():
        rebuild(on=on)
        found = contents()
        transaction.set_rollback(True)
    return found


def differences(kept: Contents, built: Contents) -> list[str]:
    """What is missing from `kept` and what is too much. Parties that nobody goes through any more
    may stay; so may grades of pairs that nobody asks about, for as long as they are right."""
    said = []
    for table in TABLES:
        missing = list((Counter(built[table]) - Counter(kept[table])).elements())
        surplus = list((Counter(kept[table]) - Counter(built[table])).elements())
        if table == "exposure_partyfooting":
            surplus = []
        if table == "exposure_pairgrade":
            asked = {row[:2] for row in built[table]}
            surplus = [row for row in surplus if row[:2] in asked]
        said += [f"{table}: {row} is missing" for row in missing] + [
            f"{table}: {row} is too much" for row in surplus
        ]
    return said
