"""Embedded PostgreSQL and Valkey, installed as wheels, for the demo and the tests: start, attach,
stop.

Called from entry points only (manage.py, registry.demo, tests/conftest.py), before Django reads its
settings. The servers belong to no process: they outlive the one that started them, are found again
by their pid files, and end by `stop()`. They listen on unix sockets inside folders that only their
owner may enter, and trust every client that can enter. docs/decisions/0002-embedded-servers.md
gives the reasons."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.embedded import postgres, valkey
from registry.embedded.places import CHECKOUT, Places, data_folder, places_of
from registry.embedded.processes import EmbeddedError, find_server

__all__ = [
    "CHECKOUT",
    "EmbeddedError",
    "Places",
    "data_folder",
    "ensure",
    "missing",
    "places_of",
    "stop",
]


def ensure(
    *, database: bool = True, broker: bool = True, data: Path | None = None, durable: bool = True
) -> Places:
    """Start or attach to the servers and name them in DATABASE_URL and BROKER_URL of this process.
    `database` and `broker` select the servers.

    Safe to call from several processes at the same time. `durable=False` gives up crash safety for
    speed."""
    with _hold_folder_lock(data or data_folder()) as folder:
        places = places_of(folder)
        if database:
            postgres.ensure(places, durable=durable)
            os.environ["DATABASE_URL"] = places.database_url
        if broker:
            valkey.ensure(places, durable=durable)
            os.environ["BROKER_URL"] = places.broker_url
    return places


def stop(data: Path | None = None) -> list[str]:
    """Stop the servers under `data`, and return the names of those that ran."""
    data = data or data_folder()
    if not data.is_dir():
        return []
    stopped_names = []
    with _hold_folder_lock(data):
        places = places_of(data)
        if postgres.stop(places):
            stopped_names.append("PostgreSQL")
        if valkey.stop(places):
            stopped_names.append("Valkey")
        for folder in (places.sockets, places.valkey_sockets):
            if not folder.is_relative_to(places.home) and not folder.is_relative_to(data):
                shutil.rmtree(folder, ignore_errors=True)
    return stopped_names


def missing(places: Places, *, database: bool, broker: bool) -> str:
    """Return the name of a required server that does not run, "" if all do; `database` and `broker`
    are the required ones."""
    if database and find_server(places.postgres_pid, "postgres") is None:
        return "PostgreSQL"
    if broker and find_server(places.valkey_pid, "valkey") is None:
        return "Valkey"
    return ""


@contextmanager
def _hold_folder_lock(data: Path) -> Iterator[Path]:
    """Hold the data folder's lock, so that two processes never start a server twice. The lock dies
    with its owner."""
    try:
        if not data.exists():
            data.mkdir(parents=True)
            # other users can reach their own folders inside (see UNPRIVILEGED), and list nothing
            data.chmod(0o711)
        with (data / "embedded.lock").open("w") as lock_file:
            fcntl.flock(lock_file, fcntl.LOCK_EX)
            yield data
    except PermissionError as error:
        raise EmbeddedError(
            f"{error.filename} cannot be used: {error.strerror}. If another user started the "
            "demo here, continue as that user or set REGISTRY_DATA to your own folder."
        ) from error
