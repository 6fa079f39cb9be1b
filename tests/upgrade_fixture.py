"""Writes and restores tests/registry/upgrade.sql.xz: a filled database as the first migrations left
it, from which a test upgrades.

`python -m tests.upgrade_fixture` writes it anew, which is right only when the migrations begin
anew: the file stands for the databases that are out there, and these do not change with the code.
It holds the filled demo (tests/worlds/organisation.py) as a dump of plain SQL, which psycopg can
run; of the built-in catalogue only what something refers to.
"""

import lzma
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.models import Model

from apps.common.database.scratch_database import drop_database
from registry import embedded
from registry.embedded.places import binaries, places_of
from tests.template_database import CHECKOUT, server_connection

DUMP = CHECKOUT / "tests" / "registry" / "upgrade.sql.xz"
ROWS_PER_INSERT = 500
# what psql alone understands, a setting that servers before PostgreSQL 17 do not know, and titles
_LEFT_OUT = re.compile(r"^(\\.*|SET transaction_timeout = .*|--\n-- .*\n--)\n", re.M)


def write_dump() -> int:
    """Write the dump; its size in bytes."""
    # needs Django's apps, which `main` loads
    from tests.worlds.organisation import connected_to, ensure_demo

    name = f"upgrade_{os.getpid()}"
    demo = ensure_demo()
    with server_connection() as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{demo}"')
        try:
            with connected_to(name):
                _shrink_catalogue()
            text = _dump(f"host={server.info.host} user={server.info.user} dbname={name}")
        finally:
            drop_database(server.execute, name)
    DUMP.write_bytes(lzma.compress(text.encode(), preset=9))
    return DUMP.stat().st_size


def _shrink_catalogue() -> None:
    """Delete the offerings, versions and foundations that nothing refers to and the history
    of all of them: most of a filled database is this."""
    from apps.catalog.models import (
        Assertion,
        Footing,
        Foundation,
        Node,
        Offering,
        Price,
        ProviderEvent,
        Version,
    )
    from apps.exposure.models import EngineFooting

    parts = [Footing, EngineFooting, Offering.regions.through]
    evidence = ProviderEvent.evidence.through.objects.values("assertion_id")
    offerings = _unused(Offering, besides=[*parts, Assertion, Price])
    offerings -= {*Assertion.objects.filter(pk__in=evidence).values_list("offering_id", flat=True)}
    claims = {*Assertion.objects.filter(offering__in=offerings).values_list("pk", flat=True)}
    prices = {*Price.objects.filter(offering__in=offerings).values_list("pk", flat=True)}
    nodes = {*Node.objects.filter(kind=1, ref__in=offerings).values_list("pk", flat=True)}
    _delete(
        *((part, "offering_id", offerings) for part in parts),
        *_with_history(Price, prices),
        *_with_history(Assertion, claims),
        *_with_history(Offering, offerings),
    )
    _delete((Node, "id", nodes & _unused(Node)))
    for model in (Assertion, Foundation, Offering, Price, Version):
        history: Any = model.history.rel.related_model
        _delete((history, "pgh_id", {*history.objects.values_list("pk", flat=True)}))
    for model in (Version, Foundation):
        _delete(*_with_history(model, _unused(model)))


def _unused(model: type[Model], besides: Sequence[type[Model]] = ()) -> set[int]:
    """The ids of rows to which no foreign key leads, but for those of the tables `besides`."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, attname FROM pg_constraint "
            "JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] "
            "WHERE contype = 'f' AND confrelid = %s::regclass AND conrelid::regclass::text <> ALL "
            "(%s)",
            [table, [part._meta.db_table for part in besides]],
        )
        used = " UNION ".join(
            f"SELECT {column} FROM {referring} WHERE {column} IS NOT NULL"
            for referring, column in cursor.fetchall()
        )
        cursor.execute(f"SELECT id FROM {table} EXCEPT ({used})")
        return {pk for (pk,) in cursor.fetchall()}


def _with_history(model: Any, ids: set[int]) -> list[tuple[type[Model], str, set[int]]]:
    return [(model, "id", ids), (model.history.rel.related_model, "pgh_obj_id", ids)]


@transaction.atomic
def _delete(*rows: tuple[type[Model], str, set[int]]) -> None:
    """Delete the rows whose column has one of the values, in one transaction: they refer to one
    another."""
    tables = [model._meta.db_table for model, _, _ in rows]
    with connection.cursor() as cursor:
        # triggers would write history and refuse to delete what is kept for ever
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, (_, column, ids) in zip(tables, rows, strict=True):
            cursor.execute(f"DELETE FROM {table} WHERE {column} = ANY (%s)", [list(ids)])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _dump(address: str) -> str:
    program = binaries(places_of(embedded.data_folder() / "tests")) / "pg_dump"
    dump = subprocess.run(
        [
            program,
            "--no-owner",
            "--no-privileges",
            f"--rows-per-insert={ROWS_PER_INSERT}",
            f"--dbname={address}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return _LEFT_OUT.sub("", dump.stdout)


@contextmanager
def restored_dump() -> Iterator[None]:
    """Inside the block every connection of this process goes to a database that holds the dump."""
    from tests.worlds.organisation import connected_to

    name = f"{connection.settings_dict['NAME']}_upgrade"
    with server_connection() as server:
        drop_database(server.execute, name)
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        try:
            with connected_to(name):
                _restore()
                yield
        finally:
            drop_database(server.execute, name)


def _restore() -> None:
    parameters = connection.get_connection_params()
    known = ("host", "port", "user", "password", "dbname")
    place = {name: parameters[name] for name in known if parameters.get(name)}
    with psycopg.connect(**place, autocommit=True) as restoring:
        restoring.execute(lzma.decompress(DUMP.read_bytes()))


def main() -> None:
    # starts the servers of the tests and loads Django's apps, as a run of pytest does
    import_module("tests.conftest")
    connection.ensure_connection()
    print(f"{DUMP.relative_to(Path.cwd())}: {write_dump():,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
