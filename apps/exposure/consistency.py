"""Comparison of every derived table with a rebuild from scratch.

The rebuild goes into temporary tables, which hide the real ones for this session only: no table of
other sessions is changed or locked, and everything is removed with the transaction. The comparison
is of one moment of the database, after the queues have been processed as the jobs do it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.db import connection, models, transaction

from apps.catalog.footing import FootingDifference, footing_differences
from apps.catalog.models import ChangedOffering, Footing
from apps.common.models import PeriodicJob
from apps.exposure.engine.minimal_cut_sets import minimal_cut_sets
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.table_refresh import build_all, refresh
from apps.exposure.models import EngineState, MinimalCutSet
from apps.exposure.snapshots.historical_tables import engine_tables, shadow_with_empty
from apps.inventory.models import (
    CachedFinding,
    CachedRunway,
    ChangedApplication,
    ReadModelState,
    StaleApplication,
)
from apps.inventory.read_models import refresh_all_applications, refresh_stale_applications
from apps.risks.actions.counts import is_count_current
from apps.risks.actions.dependency_counts import COLUMNS as COUNT_COLUMNS
from apps.risks.actions.dependency_counts import dependency_counts
from apps.risks.models import DependencyCount, LevelCount, RiskCount, TeamCount
from apps.risks.queries.counts import count_everything

CUT_TASK: Final = "exposure.keep_smallest_sets"
# how often the queues are processed before the comparison
MAX_CATCH_UPS = 3
# serial numbers that a rebuild assigns again; a pair's candidate is an offering, a rescue's a row
_SERIAL_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "exposure_candidate": frozenset({"id"}),
    "exposure_candidategrade": frozenset({"candidate_id"}),
    "exposure_partyfooting": frozenset({"id"}),
    "inventory_cachedfinding": frozenset({"id"}),
    "inventory_cachedrunway": frozenset({"id"}),
}
# a stored row that the rebuild lacks is no error if it is only no longer needed
_MAY_HOLD_MORE: Final[Mapping[str, str]] = {
    "exposure_pairgrade": """EXISTS (SELECT 1 FROM {built} b
        WHERE (b.primary_id, b.candidate_id) = (k.primary_id, k.candidate_id))""",
    "exposure_partyfooting": """EXISTS (SELECT 1 FROM {built} b
        WHERE (b.reached, b.party_id) = (k.reached, k.party_id))""",
}
_INVENTORY: Final[tuple[type[models.Model], ...]] = (CachedFinding, CachedRunway)


@dataclass(frozen=True, slots=True)
class TableCheck:
    """Differences of one table: rows that are stored but not rebuilt and the reverse, with the
    first of each."""

    n_kept: int
    n_only_kept: int = 0
    n_only_rebuilt: int = 0
    only_kept: Sequence[Mapping[str, Any]] = ()
    only_rebuilt: Sequence[Mapping[str, Any]] = ()

    @property
    def n_differences(self) -> int:
        return self.n_only_kept + self.n_only_rebuilt


@dataclass(slots=True)
class ExposureCheck:
    """The differences by table; `not_compared` gives the reason for each table that could not be
    compared."""

    on: date
    tables: dict[str, TableCheck] = field(default_factory=dict)
    not_compared: dict[str, str] = field(default_factory=dict)

    @property
    def n_differences(self) -> int:
        return sum(table.n_differences for table in self.tables.values())


def check_exposure(*, on: date, limit: int) -> ExposureCheck:
    """Compare every stored table, with at most `limit` examples per table and side, after
    processing the queues.

    Takes about as long as a full build. Writes nothing permanent except the work of the jobs.
    """
    for _ in range(MAX_CATCH_UPS):
        refresh(on=on)
        refresh_stale_applications(on=on)
        if not _is_behind(on):
            break
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        check = _compare_tables(on, limit)
        transaction.set_rollback(True)
    return check


def _is_behind(on: date) -> bool:
    state = EngineState.objects.filter(pk=1).first()
    return (
        state is None
        or state.as_of != on
        or ChangedApplication.objects.exists()
        or ChangedOffering.objects.exists()
        or StaleApplication.objects.exists()
        or not ReadModelState.objects.filter(pk=1, as_of=on).exists()
    )


def _compare_tables(on: date, limit: int) -> ExposureCheck:
    """Rebuild all tables in shadow tables and return the differences, at most `limit` of each
    table. Tables that cannot be compared now are listed with the reason. Needs a transaction."""
    check = ExposureCheck(on)
    check.tables[Footing._meta.db_table] = _compare_footing(limit)
    check.tables |= _compare_risk_counts(on, limit, check.not_compared)
    stored_counts, counted = dependency_counts()
    check.tables[DependencyCount._meta.db_table] = _compare_sets(
        stored_counts, counted, COUNT_COLUMNS, limit
    )
    cuts_are_current = _cut_sets_are_current()
    tables = [*engine_tables(), *(model._meta.db_table for model in _INVENTORY)]
    if _is_behind(on):
        reason = "Changes arrive faster than they are processed. Check again later."
        check.not_compared |= dict.fromkeys([*tables, MinimalCutSet._meta.db_table], reason)
        return check
    with connection.cursor() as cursor:
        # as in a full build; only for this transaction
        cursor.execute("SET LOCAL work_mem = '256MB'")
        schema = shadow_with_empty(cursor, tables)
        build_all(settings=engine_settings(), on=on)
        refresh_all_applications(on=on)
        for table in tables:
            check.tables[table] = _compare_table(cursor, schema, table, limit)
    if cuts_are_current:
        check.tables[MinimalCutSet._meta.db_table] = _compare_cut_sets(limit)
    else:
        check.not_compared[MinimalCutSet._meta.db_table] = (
            "The hourly job has not processed the last refresh yet. Check again in an hour."
        )
    return check


def _compare_table(cursor: Any, schema: str, table: str, limit: int) -> TableCheck:
    """Compare one table with its temporary namesake row by row, without serial numbers."""
    cursor.execute(
        """SELECT array_agg(quote_ident(attname) ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
                 AND attname <> ALL (%s)""",
        [f"{schema}.{table}", sorted(_SERIAL_COLUMNS.get(table, ()))],
    )
    column_list = ", ".join(cursor.fetchone()[0])
    stored_table, rebuilt_table = f"{schema}.{table}", f"pg_temp.{table}"
    row_condition = _MAY_HOLD_MORE.get(table, "true").format(built=rebuilt_table)
    n_only_kept, only_kept = _count_missing(
        cursor,
        f"SELECT {column_list} FROM {stored_table} k WHERE {row_condition}",
        f"SELECT {column_list} FROM {rebuilt_table}",
        limit,
    )
    n_only_rebuilt, only_rebuilt = _count_missing(
        cursor,
        f"SELECT {column_list} FROM {rebuilt_table}",
        f"SELECT {column_list} FROM {stored_table}",
        limit,
    )
    cursor.execute(f"SELECT count(*) FROM {stored_table}")
    return TableCheck(cursor.fetchone()[0], n_only_kept, n_only_rebuilt, only_kept, only_rebuilt)


def _count_missing(cursor: Any, table: str, other_table: str, limit: int) -> tuple[int, list[Any]]:
    """Return the number of rows of `table` that `other_table` lacks, and the first of them."""
    cursor.execute(
        f"""WITH missing AS MATERIALIZED ({table} EXCEPT ALL {other_table})
            SELECT (SELECT count(*) FROM missing),
                   (SELECT coalesce(jsonb_agg(to_jsonb(m)), '[]')
                    FROM (SELECT * FROM missing LIMIT %s) m)::text""",
        [limit],
    )
    n, rows = cursor.fetchone()
    return n, json.loads(rows)


def _compare_footing(limit: int) -> TableCheck:
    differences = footing_differences()
    only_kept = [_footing_row(row, row.stored) for row in differences if row.stored is not None]
    only_rebuilt = [_footing_row(row, row.due) for row in differences if row.due is not None]
    return TableCheck(
        Footing.objects.count(),
        len(only_kept),
        len(only_rebuilt),
        only_kept[:limit],
        only_rebuilt[:limit],
    )


def _footing_row(row: FootingDifference, tie: tuple[int, int]) -> dict[str, Any]:
    return {
        "offering_id": row.offering_id,
        "kind": row.kind,
        "ref": row.ref,
        "via": tie[0],
        "depth": tie[1],
    }


# --- comparisons outside the database -------------------------------------------------------------


def _compare_risk_counts(
    on: date, limit: int, not_compared: dict[str, str]
) -> dict[str, TableCheck]:
    """Return the differences between stored and recomputed counts of inherited risks. While the
    counts are not current, add the reason to `not_compared` and return nothing."""
    kept_models: tuple[type[models.Model], ...] = (RiskCount, TeamCount, LevelCount)
    if not is_count_current(on):
        reason = (
            "Inherited risks are counted every minute, and data changed since the last "
            "count. Check again in a minute."
        )
        not_compared |= {model._meta.db_table: reason for model in kept_models}
        return {}
    by_risk, by_team, levels = count_everything(on=on)
    of_risk = (
        "n_inherited",
        "n_assessed",
        "n_stale",
        "n_not_applicable",
        "n_accepted",
        "n_critical",
        "n_critical_decided",
    )
    of_team = of_risk[:4]
    built: dict[type[models.Model], tuple[tuple[str, ...], set[tuple[Any, ...]]]] = {
        RiskCount: (
            ("risk_id", *of_risk),
            {(pk, *(getattr(reach, name) for name in of_risk)) for pk, reach in by_risk.items()},
        ),
        TeamCount: (
            ("team_id", *of_team),
            {(pk, *(getattr(reach, name) for name in of_team)) for pk, reach in by_team.items()},
        ),
        LevelCount: (
            ("basis", "likelihood", "impact", "n"),
            {(basis, *level, n) for basis, counts in levels.items() for level, n in counts.items()},
        ),
    }
    return {
        model._meta.db_table: _compare_sets(
            set(model._default_manager.values_list(*names)), rows, names, limit
        )
        for model, (names, rows) in built.items()
    }


def _cut_sets_are_current() -> bool:
    """Return whether the hourly job started after the last refresh of the tables."""
    refreshed_at = EngineState.objects.filter(pk=1).values_list("refreshed_at", flat=True).first()
    jobs = PeriodicJob.objects.filter(
        name=CUT_TASK, succeeded_at__isnull=False, started_at__gt=refreshed_at
    )
    return refreshed_at is not None and jobs.exists()


def _compare_cut_sets(limit: int) -> TableCheck:
    cut_sets = minimal_cut_sets(engine_settings())
    rebuilt_rows: set[tuple[tuple[int, ...], float]] = {
        ((node,), float(share)) for node, share in cut_sets.singles
    }
    rebuilt_rows |= {((first, second), float(share)) for first, second, share in cut_sets.pairs}
    stored_rows = {(tuple(row.node_ids), row.share) for row in MinimalCutSet.objects.all()}
    return _compare_sets(stored_rows, rebuilt_rows, ("node_ids", "share"), limit)


def _compare_sets(
    stored_rows: Collection[tuple[Any, ...]],
    rebuilt_rows: Collection[tuple[Any, ...]],
    names: Sequence[str],
    limit: int,
) -> TableCheck:
    """Return the differences of two sets of rows, each listed up to `limit`; `names` are the
    columns."""

    def as_dicts(rows: set[tuple[Any, ...]]) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=True)) for row in sorted(rows, key=repr)[:limit]]

    only_kept, only_built = (
        set(stored_rows) - set(rebuilt_rows),
        set(rebuilt_rows) - set(stored_rows),
    )
    return TableCheck(
        len(stored_rows), len(only_kept), len(only_built), as_dicts(only_kept), as_dicts(only_built)
    )
