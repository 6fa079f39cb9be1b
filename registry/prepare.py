"""Brings an embedded database to where a command can use it: migrated, and filled with the built-in catalogue."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.catalog.models import Provider
from apps.risks.models import RiskTemplate

# any number, the same in every process
LOCK = 7_201_804_411


def prepare_database() -> None:
    """Costs one read of the migrations where nothing is to do. Words go to stderr, stdout is the command's own."""
    with _one_at_a_time():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            _say("preparing the database")
            call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
        if "load_catalogue" in get_commands() and not Provider.objects.exists():
            _say("loading the built-in catalogue")
            call_command("load_catalogue", stdout=sys.stderr)
        if "load_risk_catalogue" in get_commands() and not RiskTemplate.objects.exists():
            _say("loading the risk catalogue")
            call_command("load_risk_catalogue", stdout=sys.stderr)
    connection.close()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Held by the connection, so it ends with the process whatever happens to it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _say(what: str) -> None:
    print(what, file=sys.stderr)
