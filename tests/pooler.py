"""A real PgBouncer in transaction mode before the test database, for the tests that carry the
marker `pooler`.

Each transaction may get another of a few server connections: whatever a client leaves on one,
others find there.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from registry.embedded.places import server_user
from tests.ports import free_port
from tests.processes import wait_until

# server connections a database; few, so that clients change places
N_CONNECTIONS = 4
# what docs/operator.md tells to set behind a pooler
ENVIRONMENT = {"DATABASE_POOL": "0", "DATABASE_PREPARE": "false"}
BOTH_ROUTES = pytest.mark.parametrize(
    "route", ["direct", pytest.param("pooled", marks=pytest.mark.pooler)], indirect=True
)


def pgbouncer() -> str | None:
    """Where it is; Debian keeps it where only root looks."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if pgbouncer() is None:
        missing = pytest.mark.skip(reason="no PgBouncer found: install Debian's package pgbouncer")
        for item in items:
            if item.get_closest_marker("pooler"):
                item.add_marker(missing)


class Pooler:
    """A running PgBouncer and how to reach databases through it."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def url(self, database: str | None = None) -> str:
        """The address of a database, by default the test database."""
        to = connection.settings_dict
        return f"postgres://{quote(str(to['USER']))}@127.0.0.1:{self.port}/{database or to['NAME']}"

    def environment(self) -> dict[str, str]:
        """What a process is given to work on the test database through the pooler."""
        return {"DATABASE_URL": self.url(), **ENVIRONMENT}

    @contextmanager
    def serving_tests(self) -> Iterator[None]:
        """The connections of this process, in all its threads, go through the pooler meanwhile."""
        to = connection.settings_dict
        before = {name: to[name] for name in ("HOST", "PORT", "PASSWORD")}
        prepares = settings.DATABASE_PREPARE
        connection.close()
        to.update(
            HOST="127.0.0.1", PORT=str(self.port), PASSWORD="", DISABLE_SERVER_SIDE_CURSORS=True
        )
        settings.DATABASE_PREPARE = False
        try:
            yield
        finally:
            connection.close()
            to.update(before, DISABLE_SERVER_SIDE_CURSORS=False)
            settings.DATABASE_PREPARE = prepares


@pytest.fixture(scope="session")
def pooler(django_db_setup: None) -> Iterator[Pooler]:
    """Ends before the test database is dropped, which waits for its connections."""
    with running_pooler() as running:
        yield running


@pytest.fixture
def route(request: pytest.FixtureRequest) -> dict[str, str]:
    """How a process of its own reaches the test database, as variables: directly, or through the
    pooler."""
    if getattr(request, "param", "direct") == "direct":
        return {}
    through: Pooler = request.getfixturevalue("pooler")
    return through.environment()


@contextmanager
def running_pooler() -> Iterator[Pooler]:
    program = pgbouncer()
    assert program is not None, "tests behind a pooler carry the marker `pooler`"
    folder = Path(tempfile.mkdtemp(prefix="registry-pooler-", dir="/tmp"))
    port = free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(_configuration(folder, port))
    user = server_user()
    if user is not None:
        # it refuses to run as root
        for path in (folder, file):
            shutil.chown(path, user)
    process = subprocess.Popen(
        [program, "--quiet", str(file)],
        cwd="/",
        user=user,
        extra_groups=[] if user else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = folder / "log"
    try:
        wait_until(lambda: process.poll() is None and _listens(port), "the pooler listens", log)
        yield Pooler(port, log)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
        shutil.rmtree(folder)


def _configuration(folder: Path, port: int) -> str:
    to = connection.settings_dict
    host: Any = to["HOST"] or "127.0.0.1"
    server = f"host={host} user={to['USER']}"
    if to["PORT"]:
        server += f" port={to['PORT']}"
    if to["PASSWORD"]:
        server += f" password={to['PASSWORD']}"
    return f"""
[databases]
* = {server} pool_size={N_CONNECTIONS}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits,options
logfile = {folder}/log
pidfile = {folder}/pid
"""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def advisory_locks() -> list[int]:
    """The sessions that hold an advisory lock in the test database."""
    to = connection.settings_dict
    with psycopg.connect(
        host=str(to["HOST"]),
        port=str(to["PORT"]) or None,
        user=str(to["USER"]),
        password=str(to["PASSWORD"]) or None,
        dbname=str(to["NAME"]),
        autocommit=True,
    ) as other:
        rows = other.execute(
            """
            SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()
            """
        )
        return [pid for (pid,) in rows]
