"""Real processes for fault tests: a broker of one's own, and workers on the test database that can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

from celery import Celery
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from kombu import pools

from registry import embedded

CHECKOUT = Path(__file__).resolve().parent.parent


def database_url() -> str:
    """The test database as an address, for a process of its own."""
    to = connection.settings_dict
    login = f"{quote(str(to['USER']))}:{quote(str(to['PASSWORD']))}" if to["PASSWORD"] else quote(str(to["USER"]))
    host = str(to["HOST"])
    if host.startswith("/"):
        return f"postgres://{login}@/{to['NAME']}?host={quote(host, safe='/')}"
    return f"postgres://{login}@{host}:{to['PORT'] or 5432}/{to['NAME']}"


@contextmanager
def own_broker(folder: Path) -> Iterator[str]:
    """A Valkey for one test, in `folder`; its address. `embedded.stop(folder)` takes it away, `ensure` brings it
    back."""
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
    """A migrated database on a server for one test, in `folder`, that may be stopped: other tests run beside it."""
    before = {name: os.environ.get(name) for name in ("DATABASE_URL", "BROKER_URL")}
    place = {name: connection.settings_dict[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")}
    places = embedded.ensure(broker=False, data=folder, durable=False)
    connection.close()
    connection.settings_dict.update(
        HOST=str(places.sockets), PORT="", NAME="registry", USER=urlsplit(places.database_url).username, PASSWORD=""
    )
    try:
        call_command("migrate", verbosity=0, interactive=False)
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


class Worker:
    """`celery worker` as in production, with one child. `kill` leaves it no chance to tidy up."""

    def __init__(self, broker_url: str, log: Path, **environment: str) -> None:
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
            [sys.executable, "-m", "celery", "-A", "registry", "worker", "--concurrency=1", "--pool=prefork",
             "--loglevel=INFO", "--without-gossip", "--without-mingle"],
            cwd=CHECKOUT, env=env, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._out, start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> "Worker":
        wait_until(lambda: b" ready." in self.log.read_bytes(), "the worker is ready", self.log)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the worker and its children at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._out.close()


def wait_until(true: Callable[[], bool], what: str, log: Path | None = None, seconds: float = 40) -> None:
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
        app.conf.update(task_always_eager=before[0], broker_url=before[1], broker_write_url=before[2])
        _forget_connections(app)


def _forget_connections(app: Celery) -> None:
    """What a forked child does: connections to another broker are of no use."""
    pools.reset()
    app._after_fork()


assert settings.TESTING, "only ever run against a test database"
