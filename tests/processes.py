"""Real processes for fault tests: a broker of one's own, and workers on the test database that can
be killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import psycopg
import pytest
import redis
from celery import Celery
from django.conf import settings
from django.db import connection
from kombu import pools

from registry import embedded
from registry.embedded.places import binaries
from registry.environment import redis_client_url

CHECKOUT = Path(__file__).resolve().parent.parent


def database_url() -> str:
    """The test database as an address, for a process of its own."""
    to = connection.settings_dict
    login = (
        f"{quote(str(to['USER']))}:{quote(str(to['PASSWORD']))}"
        if to["PASSWORD"]
        else quote(str(to["USER"]))
    )
    host = str(to["HOST"])
    if host.startswith("/"):
        return f"postgres://{login}@/{to['NAME']}?host={quote(host, safe='/')}"
    return f"postgres://{login}@{host}:{to['PORT'] or 5432}/{to['NAME']}"


@contextmanager
def own_broker(folder: Path) -> Iterator[str]:
    """A Valkey for one test, in `folder`; its address. `embedded.stop(folder)` takes it away,
    `ensure` brings it back."""
    before = os.environ.get("BROKER_URL")
    places = embedded.ensure(database=False, data=folder)
    try:
        yield places.broker_url
    finally:
        embedded.stop(folder)
        if before is None:
            os.environ.pop("BROKER_URL", None)
        else:
            os.environ["BROKER_URL"] = before


@contextmanager
def own_database(folder: Path) -> Iterator[embedded.Places]:
    """A copy of the test database on a server for one test, in `folder`, that may be stopped: other
    tests run beside it."""
    origin = database_url()
    before = {name: os.environ.get(name) for name in ("DATABASE_URL", "BROKER_URL")}
    place = {
        name: connection.settings_dict[name]
        for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")
    }
    places = embedded.ensure(broker=False, data=folder, durable=False)
    connection.close()
    connection.settings_dict.update(
        HOST=str(places.sockets),
        PORT="",
        NAME="registry",
        USER=urlsplit(places.database_url).username,
        PASSWORD="",
    )
    try:
        _copy_database(origin, database_url(), binaries(places))
        yield places
    finally:
        connection.close()
        connection.settings_dict.update(place)
        embedded.stop(folder)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _copy_database(origin: str, target: str, programs: Path) -> None:
    """Ten times as fast as migrating once more."""
    dump = subprocess.run(
        [str(programs / "pg_dump"), "--no-owner", "--no-privileges", "--no-comments", origin],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [str(programs / "psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", target],
        input=dump.stdout,
        check=True,
        capture_output=True,
    )


def stop_database(folder: Path) -> None:
    """Stop the server of `own_database(folder)` as an administrator would."""
    postmaster = psutil.Process(int(embedded.places_of(folder).postgres_pid.read_text().split()[0]))
    postmaster.send_signal(signal.SIGINT)
    postmaster.wait(30)


def start_database(folder: Path) -> None:
    embedded.ensure(broker=False, data=folder, durable=False)


@contextmanager
def holding(statement: str) -> Iterator[None]:
    """A transaction of somebody else's that has run `statement`, as `LOCK TABLE ...`, and stays
    open meanwhile."""
    with psycopg.connect(database_url()) as other:
        other.execute(statement)
        yield
        other.rollback()


def blocked_sessions() -> list[int]:
    """The database sessions that wait for a lock of another one."""
    with psycopg.connect(database_url(), autocommit=True) as other:
        rows = other.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
            "wait_event_type = 'Lock'"
        )
        return [pid for (pid,) in rows]


def nobody_is_at_work() -> bool:
    """No session is in a transaction or holds a lock of the application's: the database notices a
    little later than the system that a killed worker is gone."""
    with psycopg.connect(database_url(), autocommit=True) as other:
        row = other.execute(
            """
            SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity a LEFT
            JOIN pg_locks l ON l.pid = a.pid
                               WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
                                 AND (a.state <> 'idle' OR l.locktype = 'advisory'))
            """
        ).fetchone()
        return bool(row and row[0])


def end_sessions(pids: list[int]) -> None:
    """What a database does with the sessions of a machine that is gone, once it notices."""
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS of(pid)", [pids])


def nothing_is_queued(broker_url: str, queue: str = "default") -> bool:
    """Every task of the queue has run. Looked at twice: a message is for a moment neither waiting
    nor handed out."""
    with redis.Redis.from_url(redis_client_url(broker_url)) as client:
        for _ in range(2):
            handed_out: Any = client.hvals("unacked")
            # (message, exchange, routing key): what a killed worker of another queue still holds
            # does not count
            if client.llen(queue) or any(json.loads(said)[2] == queue for said in handed_out):
                return False
            time.sleep(0.1)
    return True


def forget_what_was_handed_out(broker_url: str) -> None:
    """A broker hands a task out again an hour after a worker took it that never said it was done:
    not in this test."""
    with redis.Redis.from_url(redis_client_url(broker_url)) as client:
        client.delete("unacked", "unacked_index")


@contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """The process and its children say nothing any more, as behind a cut network, and go on
    afterwards."""
    process.suspend()
    frozen_too = process.children(recursive=True)
    try:
        for child in frozen_too:
            with suppress(psutil.NoSuchProcess):
                child.suspend()
        yield
    finally:
        for each in (*frozen_too, process):
            with suppress(psutil.NoSuchProcess):
                each.resume()


class Worker:
    """`celery worker` as in production, with one child. `kill` leaves it no chance to tidy up.

    It takes tasks from `queue`: who is to be killed can be given work that nobody else takes.
    """

    def __init__(
        self, broker_url: str, log: Path, *, queue: str = "default", **environment: str
    ) -> None:
        env = os.environ | {
            "REGISTRY_ENV": "demo",
            "DATABASE_URL": database_url(),
            "BROKER_URL": broker_url,
            "SECRET_KEY": "for-tests-only",
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "REGISTRY_DATA": str(log.parent),
            **environment,
        }
        env.pop("CACHE_URL", None)
        self.log = log
        self._out = log.open("ab")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "registry",
                "worker",
                "--concurrency=1",
                "--pool=prefork",
                "--loglevel=INFO",
                "--without-gossip",
                "--without-mingle",
                f"--queues={queue}",
            ],
            cwd=CHECKOUT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._out,
            start_new_session=True,
        )

    def __enter__(self) -> "Worker":
        wait_until(lambda: b" ready." in self.log.read_bytes(), "the worker is ready", self.log)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill_child(self) -> None:
        """SIGKILL to the process that runs the tasks; the worker starts another in its place."""
        for child in psutil.Process(self._process.pid).children():
            child.kill()

    def pause(self) -> None:
        """SIGSTOP to the worker and its children: they stand still, as on a machine that is
        frozen."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT: they wake up in the middle of what they were doing."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL to the worker and its children at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._out.close()


def wait_until(
    true: Callable[[], bool], what: str, log: Path | None = None, seconds: float = 40
) -> None:
    """Wait for something another process does; a failure shows the end of its log."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-3000:] if log else ""
            raise AssertionError(f"Waited {seconds} s in vain until {what}.\n{tail}")
        time.sleep(0.05)


@contextmanager
def sending_to(broker_url: str) -> Iterator[None]:
    """Tasks sent by this process go to the real broker instead of running at once."""
    from registry.celery import app

    before = (app.conf.task_always_eager, app.conf.broker_url, app.conf.broker_write_url)
    app.conf.update(task_always_eager=False, broker_url=broker_url, broker_write_url=broker_url)
    _forget_connections(app)
    try:
        yield
    finally:
        app.conf.update(
            task_always_eager=before[0], broker_url=before[1], broker_write_url=before[2]
        )
        _forget_connections(app)


def _forget_connections(app: Celery) -> None:
    """What a forked child does: connections to another broker are of no use."""
    pools.reset()
    app._after_fork()


def remove_servers(data: Path) -> None:
    """Stop the embedded servers of a data folder and remove what root keeps outside the data
    folder."""
    home = embedded.places_of(data).home
    embedded.stop(data)
    if not home.is_relative_to(data):
        shutil.rmtree(home.parent, ignore_errors=True)


def has_ended(pid: int) -> bool:
    """Return whether the process is gone, or waits for its parent to take note of its end."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


assert settings.TESTING, "only ever run against a test database"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """A Valkey of the test's own, to which this process sends; its address."""
    with own_broker(tmp_path / "broker") as url, sending_to(url):
        yield url
