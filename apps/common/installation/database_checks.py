"""Checks of the database: version, migrations, rights, safety, connections, clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from apps.common.database.statements import fetch_rows
from apps.common.installation.diagnosis import Diagnosis, error, ok, warning
from apps.common.requests.health import NotReadyError, check_migrations
from apps.common.text import pluralize
from apps.common.time import now

MIN_VERSION = 150_000
# claims of jobs and leases compare the times of several machines
MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)
# beyond this share of max_connections the next process may be refused
MAX_USED_SHARE = 0.8
# a transaction that is open for longer keeps PostgreSQL from removing old rows
MAX_TRANSACTION_AGE = timedelta(hours=1)

# settings that can lose committed data in a crash
_SAFE_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")

_SERVER = """
SELECT current_setting('server_version_num')::int AS version,
    current_setting('server_version') AS version_text,
    pg_encoding_to_char(d.encoding) AS encoding,
    r.rolsuper AS is_superuser,
    clock_timestamp() AS clock,
    current_setting('max_connections')::int AS max_connections,
    (SELECT count(*) FROM pg_stat_activity WHERE client_port IS NOT NULL) AS n_connections,
    (SELECT coalesce(max(clock_timestamp() - xact_start), '0 s'::interval)
        FROM pg_stat_activity
        WHERE datname = current_database() AND client_port IS NOT NULL
    ) AS transaction_age,
    current_setting('autovacuum')::boolean AS has_autovacuum,
    pg_database_size(d.oid) AS n_bytes
FROM pg_database d, pg_roles r
WHERE d.datname = current_database() AND r.rolname = current_user
"""
_UNSAFE_SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE name = ANY(%(names)s) AND setting = 'off' ORDER BY name
"""
_BROKEN_OBJECTS = """
SELECT 'trigger' AS kind, c.relname || '.' || t.tgname AS name
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgenabled = 'D' AND n.nspname = current_schema()
UNION ALL
SELECT 'index', c.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND n.nspname = current_schema()
ORDER BY kind, name
"""


@dataclass(frozen=True, slots=True)
class _Server:
    version: int
    version_text: str
    encoding: str
    is_superuser: bool
    clock: datetime
    max_connections: int
    n_connections: int
    transaction_age: timedelta
    has_autovacuum: bool
    n_bytes: int


@dataclass(frozen=True, slots=True)
class _Setting:
    name: str
    setting: str


@dataclass(frozen=True, slots=True)
class _BrokenObject:
    kind: str
    name: str


def check_database(at: datetime) -> Iterator[Diagnosis]:
    """Check the server of DATABASE_URL. DatabaseError if it does not answer."""
    [server] = fetch_rows(_Server, _SERVER)
    # read after the answer, so that a slow connection is not taken for a wrong clock
    difference = abs(server.clock - now())
    yield ok(f"PostgreSQL {server.version_text}, {server.n_bytes / 1024**2:,.0f} MiB of data.")
    if server.version < MIN_VERSION:
        yield error(
            f"PostgreSQL {server.version_text} is too old.", "Upgrade to version 15 or newer."
        )
    if server.encoding != "UTF8":
        yield error(
            f"The encoding of the database is {server.encoding}.",
            "Create a database with ENCODING 'UTF8', and restore a dump into it.",
        )
    yield from _check_migrations()
    if server.is_superuser and settings.PRODUCTION:
        yield warning(
            "The registry connects as a superuser of the database.",
            "Connect as a role that owns the database only; see docs/operator.md, Database.",
        )
    if difference > MAX_CLOCK_DIFFERENCE:
        yield error(
            f"The clock of the database and that of this machine differ by "
            f"{difference.total_seconds():.0f} seconds.",
            "Synchronise both. A job can be claimed twice, and reminders come at a wrong time.",
        )
    if server.n_connections > server.max_connections * MAX_USED_SHARE:
        yield warning(
            f"{server.n_connections} of {server.max_connections} connections are in use.",
            "Raise max_connections, or lower DATABASE_POOL.",
        )
    if server.transaction_age > MAX_TRANSACTION_AGE:
        n_minutes = server.transaction_age // timedelta(minutes=1)
        yield warning(
            f"A transaction has been open for {n_minutes} minutes.",
            "End its session. Until then PostgreSQL removes no deleted rows.",
        )
    yield from _check_safety(server)


def _check_migrations() -> Iterator[Diagnosis]:
    try:
        check_migrations()
    except NotReadyError as failure:
        yield error(str(failure), "Restart web, worker and beat afterwards.")
    else:
        yield ok("All migrations are applied.")


def _check_safety(server: _Server) -> Iterator[Diagnosis]:
    """Check what can lose data, or leave changes without history."""
    # the embedded servers of the demo are fast and not for production
    unsafe = fetch_rows(_Setting, _UNSAFE_SETTINGS, {"names": list(_SAFE_SETTINGS)})
    for row in unsafe if settings.PRODUCTION else ():
        yield error(
            f"{row.name} is off, so a crash of the database server can lose stored data.",
            f"Set {row.name} = on in postgresql.conf.",
        )
    if not server.has_autovacuum:
        yield warning(
            "autovacuum is off, so tables grow and plans become slow.",
            "Set autovacuum = on in postgresql.conf.",
        )
    broken = fetch_rows(_BrokenObject, _BROKEN_OBJECTS)
    triggers = [row.name for row in broken if row.kind == "trigger"]
    if triggers:
        yield error(
            pluralize(
                len(triggers),
                f"The trigger {triggers[0]} is disabled",
                f"{len(triggers)} triggers are disabled, such as {triggers[0]}",
            )
            + ": changes are stored without history, or not noticed.",
            "Enable each with ALTER TABLE … ENABLE TRIGGER, then run manage.py check_exposure.",
        )
    indexes = [row.name for row in broken if row.kind == "index"]
    if indexes:
        yield error(
            pluralize(
                len(indexes),
                f"The index {indexes[0]} is invalid.",
                f"{len(indexes)} indexes are invalid, such as {indexes[0]}.",
            ),
            f"Run REINDEX INDEX CONCURRENTLY {indexes[0]}.",
        )
    if not settings.DATABASE_PREPARE:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            [limit] = cursor.fetchone()
        if limit == "0":
            yield warning(
                "DATABASE_PREPARE is off, and this connection has no lock_timeout.",
                "Set the time limits in the pooler; see docs/operator.md, Behind a pooler. "
                "Ignore this for a direct connection of manage.py.",
            )
