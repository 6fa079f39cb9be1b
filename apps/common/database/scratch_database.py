"""A temporary database for work whose result must not depend on the content of the registry.

The first use builds a template (the schema and what `prepare` loads); later uses copy it in a
fraction of a second. The name of the template contains a fingerprint, so that a new release builds
a new template and drops the old one.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql
from psycopg.conninfo import make_conninfo

from apps.common.database.advisory_lock import database_lock

type Statement = sql.SQL | sql.Composed

TEMPLATE_LOCK = "scratch template"


class ScratchDatabaseError(Exception):
    """The database user may not create databases; the message says which permission to grant."""


@contextmanager
def scratch_database(
    prepare: Callable[[], object], *, purpose: str, fingerprint: str
) -> Iterator[None]:
    """Point the default connection at a new database until the block ends, then drop it.

    For commands that run in one process and one thread: every connection of the process is
    switched.
    """
    home = str(connection.settings_dict["NAME"])
    prefix = f"{home[:20]}_scratch_{purpose}"
    template = f"{prefix}_{_template_digest(fingerprint)}"
    name = f"{prefix}_run_{os.getpid()}"
    _build_template(home, prefix, template, prepare)
    with _administration(home) as run:
        drop_database(run, name)
        run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    _switch_database(name)
    try:
        yield
    finally:
        _switch_database(home)
        with _administration(home) as run:
            drop_database(run, name)


def drop_database(run: Callable[[Statement], object], name: str) -> None:
    """Drop the database if it exists, after ending the sessions this user has in it. `run` executes
    statements outside of a transaction."""
    # not WITH (FORCE): only a superuser may use it while autovacuum works in the database; a plain
    # DROP ends autovacuum
    _end_sessions(run, name)
    run(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _end_sessions(run: Callable[[Statement], object], name: str) -> None:
    """End the sessions of this user in the database `name`; a pooler leaves some open after its
    clients have disconnected."""
    run(
        sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND usename "
            "= user"
        ).format(sql.Literal(name))
    )


def _template_digest(fingerprint: str) -> str:
    loader = MigrationLoader(None)
    migrations = sorted(map(str, loader.disk_migrations or {}))
    return hashlib.sha256(f"{migrations}{fingerprint}".encode()).hexdigest()[:10]


def _build_template(home: str, prefix: str, template: str, prepare: Callable[[], object]) -> None:
    """Create the template database by migrations and `prepare()`, unless it exists; drop the
    templates of earlier versions. Databases of test runs are kept.

    Built under another name and renamed at the end, so that an interrupted build is not used."""
    with database_lock(TEMPLATE_LOCK), _administration(home) as run:
        if run(
            sql.SQL("SELECT 1 FROM pg_database WHERE datname = {}").format(sql.Literal(template))
        ):
            return
        existing_names = run(
            sql.SQL("SELECT datname FROM pg_database WHERE datname LIKE {}").format(
                sql.Literal(prefix.replace("_", r"\_") + r"\_%")
            )
        )
        for (name,) in existing_names:
            if not name.startswith(f"{prefix}_run_"):
                drop_database(run, name)
        building = f"{prefix}_building"
        drop_database(run, building)
        run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
        _switch_database(building)
        try:
            call_command("migrate", verbosity=0, interactive=False)
            prepare()
        finally:
            _switch_database(home)
        _end_sessions(run, building)
        run(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(building), sql.Identifier(template)
            )
        )


@contextmanager
def _administration(home: str) -> Iterator[Callable[[Statement], list[tuple[str, ...]]]]:
    """Yield a function that runs statements outside of a transaction, on a connection that is not
    switched to the new database."""
    to = connection.settings_dict
    credentials = {
        "user": to["USER"],
        "password": to["PASSWORD"],
        "host": to["HOST"],
        "port": to["PORT"],
    }
    address = make_conninfo(
        dbname=home, **{name: str(value) for name, value in credentials.items() if value}
    )
    with psycopg.connect(address, autocommit=True) as administration:

        def run(statement: Statement) -> list[tuple[str, ...]]:
            try:
                cursor = administration.execute(statement)
            except psycopg.errors.InsufficientPrivilege as error:
                raise ScratchDatabaseError(
                    "This needs a database of its own, and the database user may not create one. "
                    "Run: ALTER ROLE ... CREATEDB."
                ) from error
            return cursor.fetchall() if cursor.description else []

        yield run


def _switch_database(name: str) -> None:
    """Send all further queries of this process to the database `name`."""
    connection.close()
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None and connection.settings_dict["OPTIONS"].get("pool"):
        close_pool()
    connection.settings_dict["NAME"] = name
