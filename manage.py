#!/usr/bin/env python
"""Django's commands. Without DATABASE_URL they work on the embedded servers under .data/, started
if need be."""

import os
import sys

from apps.common.postgresql.limits import ProcessKind
from registry.process_kind import declare_process

# these read no database
WITHOUT_DATABASE = {
    "",
    "help",
    "version",
    "--help",
    "-h",
    "--version",
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "makemessages",
    "startapp",
}
# these look at the database as it is, or bring it on themselves
BEFORE_MIGRATION = {
    "dbshell",
    "doctor",
    "flush",
    "inspectdb",
    "makemigrations",
    "migrate",
    "optimizemigration",
    "pgtrigger",
    "showmigrations",
    "sqlmigrate",
    "squashmigrations",
}
# of those, these compare the migrations with the database's
COMPARES_HISTORY = {"makemigrations", "squashmigrations"}


def embed(command: str) -> None:
    # imported here so that a production machine neither has nor loads the embedded servers
    from registry.embedded import EmbeddedError, ensure  # noqa: PLC0415

    os.environ.setdefault("REGISTRY_ENV", "demo")
    try:
        ensure()
    except EmbeddedError as error:
        sys.exit(f"{error}")
    if command not in BEFORE_MIGRATION or command in COMPARES_HISTORY:
        import django  # noqa: PLC0415

        django.setup()
        from apps.common.database.migration_history import (  # noqa: PLC0415
            UnsupportedDatabaseError,
            check_migration_history,
        )
        from registry.prepare import prepare_database  # noqa: PLC0415

        prepare = check_migration_history if command in COMPARES_HISTORY else prepare_database
        try:
            prepare()
        except UnsupportedDatabaseError as error:
            sys.exit(f"{error}")


def report_settings_error() -> None:
    """Exit with the sentence of the settings if they cannot be read: no check can run then."""
    from django.conf import settings  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    try:
        settings.REGISTRY_ENV  # noqa: B018  reads the settings
    except ImproperlyConfigured as error:
        sys.exit(f"settings\n  error    {error}\nNothing else was checked.")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    # one command is one thread: it needs a connection, no pool
    os.environ.setdefault("DATABASE_POOL", "0")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    declare_process(ProcessKind.WEB if command == "runserver" else ProcessKind.COMMAND)
    if not os.environ.get("DATABASE_URL") and os.environ.get("REGISTRY_ENV") != "production":
        if command in WITHOUT_DATABASE or "--help" in sys.argv:
            os.environ.setdefault("REGISTRY_ENV", "demo")
        else:
            embed(command)
    if command == "doctor":
        report_settings_error()
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
