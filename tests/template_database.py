"""An empty migrated database that the test databases are copied from: migrating takes ten seconds,
copying one.

Its name carries a digest of everything a migration reads, so that a changed migration makes a new
one.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection

from apps.common.database.scratch_database import drop_database

CHECKOUT = Path(__file__).resolve().parent.parent
# what writes tables and triggers besides the migrations themselves
_WRITERS = ("django", "django-allauth", "django-pghistory", "django-pgtrigger", "psycopg")
_PREFIX = "template_registry_"
# any number; workers that start at once wait for the first one
_LOCK = 7_340_181


def name_of_template() -> str:
    digest = hashlib.sha256("".join(f"{name}={version(name)};" for name in _WRITERS).encode())
    paths = [
        *(CHECKOUT / "apps").glob("*/migrations/*"),
        *(CHECKOUT / "apps").glob("*/sql/definitions/*"),
        *(CHECKOUT / "fixtures").rglob("*"),
    ]
    # runs after migrations
    paths.append(CHECKOUT / "apps/common/history/maintenance.py")
    for path in sorted(path for path in paths if path.is_file()):
        digest.update(path.relative_to(CHECKOUT).as_posix().encode())
        digest.update(path.read_bytes())
    return _PREFIX + digest.hexdigest()[:16]


def ensure_template() -> str:
    """Its name. Left by earlier versions of the migrations, others go."""
    name = name_of_template()
    with server_connection() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        known = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        if name not in known:
            for old in known:
                if old.startswith(_PREFIX):
                    drop_database(server.execute, old)
            _migrate(server, name)
    return name


def _migrate(server: "psycopg.Connection[Any]", name: str) -> None:
    making = f"making_{name}"
    drop_database(server.execute, making)
    server.execute(f'CREATE DATABASE "{making}" TEMPLATE template0')
    place = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = making
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = place
    # only whole ones bear the name
    server.execute(f'ALTER DATABASE "{making}" RENAME TO "{name}"')


def server_connection() -> "psycopg.Connection[Any]":
    parameters = connection.get_connection_params()
    return psycopg.connect(
        host=parameters.get("host"),
        port=parameters.get("port"),
        user=parameters.get("user"),
        password=parameters.get("password"),
        dbname="postgres",
        autocommit=True,
    )
