"""Preparation of an embedded database for a command: migrated, and filled with the built-in
catalogue."""

import sys

from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.catalog.models import Provider
from apps.common.database.advisory_lock import database_lock
from apps.common.database.migration_history import check_migration_history
from apps.risks.models import RiskTemplate

LOCK = "prepare"


def prepare_database() -> None:
    """Migrate and fill the database; costs one read of the migrations if nothing is to do.

    Messages go to stderr, stdout is the command's own. Raises UnsupportedDatabaseError if the
    migrations do not continue those of the database."""
    with database_lock(LOCK):
        check_migration_history()
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            _print_message("preparing the database")
            call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
        if "load_catalogue" in get_commands() and not Provider.objects.exists():
            _print_message("loading the built-in catalogue")
            call_command("load_catalogue", stdout=sys.stderr)
        if "load_risk_catalogue" in get_commands() and not RiskTemplate.objects.exists():
            _print_message("loading the risk catalogue")
            call_command("load_risk_catalogue", stdout=sys.stderr)
    connection.close()


def _print_message(message: str) -> None:
    print(message, file=sys.stderr)
