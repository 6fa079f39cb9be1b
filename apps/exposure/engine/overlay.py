"""A changed portfolio: temporary tables and views with the names of the real ones.

PostgreSQL searches the session's temporary schema first, so inside `overlay()` every statement of
the engine, and every query of applications, dependencies and exit tests, sees the changed
portfolio, while other sessions see no change and no real row is written or locked. At the end
everything is rolled back.

The overlay costs one copy of the engine's tables (about a second at 100,000 applications), then a
refresh of the changed applications. A page that uses it takes that long.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Model

from apps.exposure.engine.operations import Add, Move, Operation, Replace, ReplaceNode, Retire
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.table_refresh import build_due
from apps.inventory.cost_queries import InventoryRelations
from apps.inventory.models import Application, Dependency, ExitTest

# tables that are copied, and those that only have to exist
_COPIED = (
    "exposure_path",
    "exposure_candidate",
    "exposure_candidategrade",
    "exposure_pairgrade",
    "exposure_partyfooting",
    "exposure_scopedapplication",
    "exposure_nodesummary",
)
_EMPTY = ("exposure_activedependency", "exposure_nodereach")
_CHANGED = {
    Application: "changed_application",
    Dependency: "changed_dependency",
    ExitTest: "changed_exittest",
}
# Changed applications are copied up to this number, or up to this share of the portfolio. With
# more, measuring the whole portfolio takes no longer.
_ALWAYS_COPIED = 1_000
_COPIED_SHARE = 0.05


class Overlay:
    """Changes rows of the scenario; `apply` takes the operations in their order."""

    def __init__(self, cursor: Any, *, settings: EngineSettings, on: date) -> None:
        self._cursor = cursor
        self._settings = settings
        self._on = on
        self._n_added = {Application: 0, Dependency: 0, ExitTest: 0}
        self.due_before: InventoryRelations | None = None
        self.due_after: InventoryRelations | None = None
        self._cursor.execute("SELECT current_schema()")
        self._schema = connection.ops.quote_name(self._cursor.fetchone()[0])
        self._prepare()

    def _prepare(self) -> None:
        """Create temporary tables and views that hide the stored ones of the same name.

        Engine tables are copied. Inventory tables become views in which changed rows replace the
        stored ones.
        """
        schema = self._schema
        created = [
            f"CREATE TEMPORARY TABLE {table} (LIKE {schema}.{table} INCLUDING INDEXES "
            "INCLUDING IDENTITY) ON COMMIT DROP"
            for table in (*_COPIED, *_EMPTY)
        ]
        copied = [f"INSERT INTO {table} SELECT * FROM {schema}.{table}" for table in _COPIED]
        self._cursor.execute("; ".join([*created, *copied]))
        # IDs of new candidates continue after the copied ones
        self._cursor.execute(
            f"ALTER TABLE exposure_candidate ALTER COLUMN id RESTART WITH {self._next_candidate()}"
        )
        self._cursor.execute(f"ANALYZE {', '.join(_COPIED)}")
        for model, copy_table in _CHANGED.items():
            table = model._meta.db_table
            self._cursor.execute(
                f"CREATE TEMPORARY TABLE {copy_table} (LIKE {schema}.{table}, PRIMARY KEY (id)) "
                "ON COMMIT DROP"
            )
            self._cursor.execute(
                f"CREATE TEMPORARY VIEW {table} AS SELECT * FROM {schema}.{table} t"
                f" WHERE NOT EXISTS (SELECT 1 FROM {copy_table} c WHERE c.id = t.id) UNION ALL "
                f"SELECT * FROM {copy_table}"
            )

    def _next_candidate(self) -> int:
        self._cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM exposure_candidate")
        n: int = self._cursor.fetchone()[0]
        return n

    def apply(self, operation: Operation) -> None:
        """Apply one operation to the rows. Removals and price changes change no row."""
        match operation:
            case Replace(old_id=old, new_id=new):
                self._replace_offerings({old: new})
            case ReplaceNode() as replacement:
                self._replace_offerings(replacement.targets)
            case Move(dependency_id=pk, offering_id=offering):
                self._copy_rows(Dependency, "id = %(id)s", {"id": pk})
                self._cursor.execute(
                    "UPDATE changed_dependency SET offering_id = %s WHERE id = %s", [offering, pk]
                )
            case Retire(application_id=pk):
                self._copy_rows(Application, "id = %(id)s", {"id": pk})
                self._cursor.execute(
                    "UPDATE changed_application SET status = %s WHERE id = %s",
                    [Application.Status.RETIRED, pk],
                )
            case Add():
                self._add(operation)
            case _:
                pass

    def _replace_offerings(self, targets: Mapping[int, int]) -> None:
        """Move every live dependency on an offering to its target, all at once: a target that is
        replaced itself keeps what is moved to it."""
        live = f"offering_id = ANY (%(old)s) AND ({_LIVE})"
        params = {
            "old": list(targets),
            "new": list(targets.values()),
            "on": self._on,
            "statuses": list(self._settings.statuses),
        }
        self._copy_rows(Dependency, live, params)
        self._cursor.execute(
            f"""
            UPDATE changed_dependency SET offering_id = m.new
            FROM unnest(%(old)s::bigint[], %(new)s::bigint[]) AS m(old, new)
            WHERE offering_id = m.old AND {live}
            """,
            params,
        )

    def _copy_rows(self, model: type[Model], condition: str, params: Mapping[str, Any]) -> None:
        """Copy the matching rows so that they can be changed, unless they are copied already."""
        copy_table = _CHANGED[model]
        self._cursor.execute(
            f"INSERT INTO {copy_table} SELECT * FROM {model._meta.db_table} WHERE {condition} ON "
            "CONFLICT DO NOTHING",
            params,
        )
        # without statistics the planner expects a few rows, and would read the whole view of
        # applications again for each of the thousands of dependencies on a popular offering
        self._cursor.execute(f"ANALYZE {copy_table}")

    def _add(self, operation: Add) -> None:
        """Insert the new application with its dependencies and exit tests."""
        application = Application(pk=self._new_id(Application), **operation.facts)
        self._insert(application)
        for added_dependency in operation.dependencies:
            dependency = Dependency(
                pk=self._new_id(Dependency),
                application_id=application.pk,
                offering_id=added_dependency.offering_id,
                role=added_dependency.role,
                since=added_dependency.since or self._on,
                **added_dependency.facts,
            )
            self._insert(dependency)
            for facts in added_dependency.tests:
                self._insert(
                    ExitTest(pk=self._new_id(ExitTest), dependency_id=dependency.pk, **facts)
                )

    def _new_id(self, model: type[Application | Dependency | ExitTest]) -> int:
        self._n_added[model] += 1
        return -self._n_added[model]

    def _insert(self, row: Model) -> None:
        fields = [field for field in row._meta.concrete_fields if not field.generated]
        values = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection)
            if isinstance(field, models.Field)
            else None
            for field in fields
        ]
        columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
        marks = ", ".join(["%s"] * len(fields))
        self._cursor.execute(
            f"INSERT INTO {_CHANGED[type(row)]} ({columns}) VALUES ({marks})", values
        )

    def derive(self) -> int:
        """Derive the engine's tables from the changed rows; return the number of applications with
        changes. `due_before` and `due_after` are copies of these applications then, unless they
        are too many."""
        self._cursor.execute(
            """
            CREATE TEMPORARY TABLE exposure_due ON COMMIT DROP AS
            SELECT id AS application_id FROM changed_application
            UNION SELECT application_id FROM changed_dependency
            UNION SELECT d.application_id FROM changed_exittest t
            JOIN inventory_dependency d ON d.id = t.dependency_id
            """
        )
        self._cursor.execute(
            "CREATE UNIQUE INDEX ON exposure_due (application_id); ANALYZE exposure_due"
        )
        self._cursor.execute("SELECT count(*) FROM exposure_due")
        n_due: int = self._cursor.fetchone()[0]
        if n_due:
            build_due(settings=self._settings, on=self._on, offering_ids=())
        if n_due <= _ALWAYS_COPIED or n_due <= _COPIED_SHARE * self._count_scoped():
            self.due_before, self.due_after = self._copy_due()
        self._cursor.execute("DROP TABLE exposure_due")
        return n_due

    def _count_scoped(self) -> int:
        self._cursor.execute("SELECT n_applications FROM exposure_enginestate WHERE id = 1")
        n: int = self._cursor.fetchone()[0]
        return n

    def _copy_due(self) -> tuple[InventoryRelations, InventoryRelations]:
        """Copy the applications in `exposure_due` with their dependencies, as they are stored and
        as they are changed, to small tables: the views are read as a whole."""
        copies: dict[str, list[str]] = {"before": [], "after": []}
        statements = []
        for model, key in ((Dependency, "application_id"), (Application, "id")):
            table = model._meta.db_table
            before, after = f"due_before_{table}", f"due_after_{table}"
            changed = _CHANGED[model]
            for moment, name, rows in (
                (
                    "before",
                    before,
                    f"SELECT t.* FROM {self._schema}.{table} t"
                    f" JOIN exposure_due d ON d.application_id = t.{key}",
                ),
                (
                    "after",
                    after,
                    f"SELECT * FROM {before} b WHERE NOT EXISTS"
                    f" (SELECT 1 FROM {changed} c WHERE c.id = b.id)"
                    f" UNION ALL SELECT * FROM {changed}",
                ),
            ):
                statements.append(
                    f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {rows}; ANALYZE {name}"
                )
                copies[moment].append(name)
        self._cursor.execute("; ".join(statements))
        return InventoryRelations(*copies["before"]), InventoryRelations(*copies["after"])


_LIVE = """is_live(since, until, %(on)s) AND application_id IN (
    SELECT id FROM inventory_application WHERE status = ANY (%(statuses)s))"""


@contextmanager
def overlay(*, settings: EngineSettings, on: date) -> Iterator[Overlay]:
    """Show the changed portfolio to all queries inside the block; everything is rolled back."""
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            yield Overlay(cursor, settings=settings, on=on)
        finally:
            transaction.set_rollback(True)
