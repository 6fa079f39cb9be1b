"""Check whether this release can migrate an existing database."""

from importlib import import_module
from pkgutil import iter_modules

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.recorder import MigrationRecorder


class UnsupportedDatabaseError(Exception):
    """The database cannot be migrated to this release; the message says what to do instead."""

    def __init__(self) -> None:
        super().__init__(
            "This database was made by an earlier version of Foundation Registry that cannot be "
            "upgraded; nothing in it was changed, so keep it for that version and start a new one: "
            "an empty database in DATABASE_URL or, for a demo, a new folder in REGISTRY_DATA."
        )


def check_migration_history(using: str = DEFAULT_DB_ALIAS) -> None:
    """Raise UnsupportedDatabaseError if an app has applied migrations that no longer exist and
    others that are still to be applied.

    Migrations that were applied by a later release raise no error, because then none is left to
    apply. Runs one statement.
    """
    applied: dict[str, set[str]] = {}
    for app_label, name in MigrationRecorder(connections[using]).applied_migrations():
        applied.setdefault(app_label, set()).add(name)
    for config in apps.get_app_configs():
        existing_names = _existing_migrations(config)
        applied_names = applied.get(config.label, set())
        if existing_names and applied_names - existing_names and existing_names - applied_names:
            raise UnsupportedDatabaseError


def _existing_migrations(config: AppConfig) -> set[str]:
    """Return the names of the migrations of one of the project's own apps; of a third-party app
    none."""
    if not config.name.startswith("apps."):
        return set()
    try:
        module = import_module(f"{config.name}.migrations")
    except ModuleNotFoundError:
        return set()
    return {
        module_info.name
        for module_info in iter_modules(module.__path__)
        if not module_info.ispkg and module_info.name[0] not in "_~"
    }
