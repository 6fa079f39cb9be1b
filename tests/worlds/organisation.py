"""The organisation: the built-in catalogue and the whole demo, made once and copied for every
module that wants it.

Loading takes half a minute, copying a second. The copy is the module's own: its tests may write,
and what they wrote is gone with it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection, connections

from apps.common.database.scratch_database import drop_database
from apps.common.time import day_of, now
from tests.template_database import CHECKOUT, ensure_template, server_connection
from tests.worlds.organisation_extras import add_extras

_PREFIX = "template_demo_"
# any number; workers that start at once wait for the first one
_LOCK = 7_340_182
# floors that only show rows and write none of the demo's
_SHOWING = ("web", "api")


def name_of_demo() -> str:
    """Carries a digest of the code that writes the demo, and the day, to which its dates are
    relative."""
    digest = hashlib.sha256(f"{ensure_template()} {day_of(now())}".encode())
    paths = [
        path
        for path in (CHECKOUT / "apps").rglob("*.py")
        if path.relative_to(CHECKOUT).parts[1] not in _SHOWING
    ]
    for path in [*sorted(paths), CHECKOUT / "tests" / "worlds" / "organisation_extras.py"]:
        digest.update(path.read_bytes())
    return _PREFIX + digest.hexdigest()[:16]


def ensure_demo() -> str:
    """The name of the database to copy. Those of other days and earlier code go."""
    name = name_of_demo()
    with server_connection() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        known = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        if name not in known:
            for old in known:
                if old.startswith(_PREFIX):
                    drop_database(server.execute, old)
            making = f"making_{name}"
            drop_database(server.execute, making)
            server.execute(f'CREATE DATABASE "{making}" TEMPLATE "{ensure_template()}"')
            with connected_to(making):
                for command in ("load_catalogue", "load_risk_catalogue", "load_demo"):
                    call_command(command, stdout=_Silent())
                add_extras()
            # only whole ones bear the name
            server.execute(f'ALTER DATABASE "{making}" RENAME TO "{name}"')
    return name


@contextmanager
def organisation_copy() -> Iterator[None]:
    """Inside the block every connection of this process goes to a fresh copy of the demo."""
    name = f"{connection.settings_dict['NAME']}_demo"
    template = ensure_demo()
    with server_connection() as server:
        drop_database(server.execute, name)
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            with connected_to(name):
                yield
        finally:
            # a request that nobody waits for any more may still hold a connection
            drop_database(server.execute, name)


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """The settings of a connection are shared by all threads; each opens its next one by them."""
    connections.close_all()
    place = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = place


class _Silent:
    def write(self, text: str) -> None: ...

    def flush(self) -> None: ...
