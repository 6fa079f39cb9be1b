"""Django's migrate command, limited to one run at a time; much faster on an empty database, and
without blocking the readers of a busy one for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

from apps.common.database.advisory_lock import database_lock
from apps.common.database.migration_executor import LeanExecutor
from apps.common.database.migration_history import (
    UnsupportedDatabaseError,
    check_migration_history,
)
from apps.common.postgresql.errors import Unavailable, unavailability

# Django's command looks up its executor in its module and has no other hook to replace it
migrate.MigrationExecutor = LeanExecutor  # type: ignore[attr-defined]

LOCK = "migrate"
# while a migration waits for a lock on a table, all readers of that table wait behind it; so it
# gives up soon and tries again
LOCK_TIMEOUT_SECONDS = 2
PAUSES_SECONDS = (1, 2, 4, 8, 15, 30, 30, 30, 30, 30)


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Wait until no other migrate runs on this database, then apply the remaining
        migrations."""
        try:
            check_migration_history(options["database"])
        except UnsupportedDatabaseError as error:
            raise CommandError(str(error)) from error
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with database_lock(LOCK, using=options["database"], on_wait=self._report_wait):
            self._migrate(*args, **options)

    def _report_wait(self) -> None:
        self.stderr.write("Another migrate is running on this database. Waiting until it ends.")

    def _migrate(self, *args: Any, **options: Any) -> None:
        """Run Django's command; if a migration cannot get its locks, it is rolled back and retried
        after a pause."""
        for pause in (*PAUSES_SECONDS, None):
            try:
                with _short_lock_timeout(options["database"]):
                    super().handle(*args, **options)
            except OperationalError as error:
                if unavailability(error) is not Unavailable.LOCKED:
                    raise
                if pause is None:
                    raise CommandError(
                        "A table that the migration changes is in use, for example by a backup. "
                        "Applied migrations are saved. Run manage.py migrate again when the "
                        "table is free."
                    ) from error
                self.stderr.write(f"A table is in use. Retrying the migration in {pause} seconds.")
                sleep(pause)
            else:
                return


@contextmanager
def _short_lock_timeout(using: str) -> Iterator[None]:
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        (previous_timeout,) = cursor.fetchone()
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_TIMEOUT_SECONDS}s"])
    try:
        yield
    finally:
        # the setting ended with a connection that is gone
        if connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [previous_timeout])
