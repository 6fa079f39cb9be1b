"""The daily snapshot of exposure: written once a day from the engine's tables, never changed, for
trends.

It contains every row of `NodeSummary` (only nodes with dependents), and the indices of each layer
by each weight.
"""

import contextlib
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.db import OperationalError, connection, transaction

from apps.common.time import now
from apps.exposure.engine.concentration import measure_layer
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import Basis, ConcentrationSnapshot, EngineState, Layer
from apps.exposure.snapshots.historical_tables import historical_tables
from apps.exposure.snapshots.monthly import (
    drop_old_months,
    is_month_end,
    store_snapshot_month,
)

_LOCK = 7_301_007  # identifies the snapshot among advisory locks
N_TOP = 10  # largest buckets stored per layer
# every day for this long, then month ends
DAILY_RETENTION_MONTHS = 13
_COLUMNS = "node_id, threat, state, n, n_critical, points, users, spend"


class PastDayError(Exception):
    """The tables are already those of a later day; the text states the alternative."""


@transaction.atomic
def take_snapshot(*, on: date) -> int:
    """Write the snapshot of the day, refreshing the engine's tables first; return the number of
    rows written.

    0 if the day already has one, which is not replaced. Raises PastDayError for a day before that
    of the tables.
    """
    _take_lock()
    if is_snapshot_taken(on):
        return 0
    as_of = EngineState.objects.filter(pk=1).values_list("as_of", flat=True).first()
    if as_of is not None and as_of > on:
        raise PastDayError(
            f"Exposure is already calculated for {as_of}. A missed {on} can be recalculated "
            "instead."
        )
    refresh(on=on)
    if is_month_end(on):
        store_snapshot_month(on=on, at=now())
    return _write_snapshot(on)


@dataclass(frozen=True, slots=True)
class SnapshotDifference:
    """A node's row that differs between snapshot and recomputation: (n, n_critical) of each, None
    if missing."""

    node_id: int
    threat: int
    state: int
    taken: tuple[int, int] | None
    recomputed: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class RecomputedSnapshot:
    """`n_rows_written` rows for a day without a snapshot; otherwise the `differences` from it,
    without writing."""

    n_written: int
    differences: tuple[SnapshotDifference, ...]


@transaction.atomic
def recompute_snapshot(*, on: date, limit: int = 100) -> RecomputedSnapshot:
    """Compute the snapshot of a past day from the history, and write it if it was missed.

    Known exactly: applications, dependencies and exit tests at the end of the day, and the
    lifecycle columns, hosts and versions of offerings. Not known, so today's are used: the
    settings, the policies' failure modes, lineage, corporate parents and regions. A snapshot is
    taken during its day, so later changes of that day are a difference and not an error. Reads the
    whole history: a job of seconds at 100,000 applications.
    """
    _take_lock()
    with historical_tables(on):
        if not is_snapshot_taken(on):
            return RecomputedSnapshot(_write_snapshot(on), ())
        return RecomputedSnapshot(0, tuple(_find_differences(on, limit)))


def create_partitions_ahead(*, on: date) -> None:
    """Create the partitions of the month of `on` and of the next one, if missing."""
    with transaction.atomic():
        _take_lock()
        _create_month_partition(on)
        _create_month_partition(_next_month(on))


def thin_snapshots(*, on: date) -> int:
    """Drop the days, except the last, of months that began more than DAILY_RETENTION_MONTHS before
    the month of `on`; return the number of days dropped.

    The partition of the month is replaced by one with its last day, since a month has millions of
    rows. Each month is a transaction that waits for readers for at most two seconds; if they take
    longer, the next run replaces it.
    """
    months = on.year * 12 + on.month - 1 - DAILY_RETENTION_MONTHS
    n_days = 0
    for days in _days_by_month(until=date(months // 12, months % 12 + 1, 1)):
        with contextlib.suppress(OperationalError), transaction.atomic():
            _take_lock()
            _keep_last_day(days[-1])
            ConcentrationSnapshot.objects.filter(day__in=days[:-1]).delete()
            n_days += len(days) - 1
    return n_days


def _days_by_month(*, until: date) -> list[list[date]]:
    """Return the days before `until` that have a snapshot, by month, of months with several."""
    days = ConcentrationSnapshot.objects.filter(day__lt=until).dates("day", "day")
    by_month = [list(group) for _, group in groupby(days, key=lambda day: day.replace(day=1))]
    return [days for days in by_month if len(days) > 1]


def _keep_last_day(last_day: date) -> None:
    """Replace the partition of the month by one with only its last day."""
    name = _partition_name(last_day.replace(day=1))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name}_kept (LIKE exposure_nodesnapshot INCLUDING ALL)")
        cursor.execute(f"INSERT INTO {name}_kept SELECT * FROM {name} WHERE day = %s", [last_day])
        _limit_lock_wait(cursor)
        cursor.execute(f"DROP TABLE {name}")
        cursor.execute(f"ALTER TABLE {name}_kept RENAME TO {name}")
        _attach_partition(cursor, last_day.replace(day=1))


def drop_old_snapshots(*, on: date, keep_days: int) -> int:
    """Drop the months that ended more than `keep_days` before `on`, as whole partitions; return the
    number of months.

    With 0 days nothing is dropped. Each month is a transaction that waits for readers for at most
    two seconds; if they take longer, the next run drops it.
    """
    if not keep_days:
        return 0
    month_start = (on - timedelta(days=keep_days)).replace(day=1)
    n_dropped = 0
    for name in _partitions_before(month_start):
        with (
            contextlib.suppress(OperationalError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            _limit_lock_wait(cursor)
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")
            n_dropped += 1
    ConcentrationSnapshot.objects.filter(day__lt=month_start).delete()
    drop_old_months(before=month_start)
    return n_dropped


def _partitions_before(month_start: date) -> list[str]:
    """Return the partitions of months before that of `month_start`, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'exposure_nodesnapshot'::regclass AND c.relname < %s ORDER BY 1
            """,
            [_partition_name(month_start)],
        )
        return [name for (name,) in cursor.fetchall()]


def is_snapshot_taken(on: date) -> bool:
    """Return whether the day has a snapshot; even one of an empty inventory has concentration
    rows."""
    return ConcentrationSnapshot.objects.filter(day=on).exists()


def _write_snapshot(on: date) -> int:
    """Write the snapshot from the engine's tables as this transaction sees them."""
    _create_month_partition(on)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO exposure_nodesnapshot (day, {_COLUMNS})"
            f" SELECT %s, {_COLUMNS} FROM exposure_nodesummary WHERE n > 0",
            [on],
        )
        n_rows: int = cursor.rowcount
    rows = [_measure_layer(on, layer, basis) for layer in Layer for basis in Basis]
    ConcentrationSnapshot.objects.bulk_create(rows)
    return n_rows + len(rows)


def _measure_layer(on: date, layer: Layer, basis: Basis) -> ConcentrationSnapshot:
    """Return the unsaved snapshot of one layer and basis."""
    layer_indices = measure_layer(layer, basis)
    values = layer_indices.indices
    return ConcentrationSnapshot(
        day=on,
        layer=layer,
        basis=basis,
        n_applications=layer_indices.n_applications,
        covered_weight=values.covered_weight,
        none_weight=values.none_weight,
        unknown=values.unknown,
        cr1=values.cr1,
        cr3=values.cr3,
        hhi=values.hhi,
        hhi_best=values.hhi_best,
        hhi_worst=values.hhi_worst,
        n1=values.n1,
        n2=values.n2,
        top=[[node_id, share] for node_id, share in list(values.shares.items())[:N_TOP]],
    )


def _create_month_partition(on: date) -> None:
    """Create the partition of the month if missing; the caller holds the lock, so it is not created
    twice."""
    name = _partition_name(on.replace(day=1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is None:
            cursor.execute(f"CREATE TABLE {name} (LIKE exposure_nodesnapshot INCLUDING ALL)")
            _attach_partition(cursor, on.replace(day=1))


def _attach_partition(cursor: Any, month_start: date) -> None:
    """Attach a table as the partition of its month: PARTITION OF would lock the table against
    readers and wait for each of them, even for a backup."""
    cursor.execute(
        f"ALTER TABLE exposure_nodesnapshot ATTACH PARTITION {_partition_name(month_start)}"
        f" FOR VALUES FROM ('{month_start}') TO ('{_next_month(month_start)}')"
    )


def _limit_lock_wait(cursor: Any) -> None:
    """Wait for readers at most two seconds: others wait behind this transaction meanwhile."""
    cursor.execute("SET LOCAL lock_timeout = '2s'")


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _partition_name(month_start: date) -> str:
    return f"exposure_nodesnapshot_{month_start:%Y_%m}"


def _find_differences(on: date, limit: int) -> list[SnapshotDifference]:
    """Return the first differences between the snapshot of the day and the current summaries."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(t.node_id, r.node_id), coalesce(t.threat, r.threat), coalesce(t.state,
                r.state),
                   t.n, t.n_critical, r.n, r.n_critical
            FROM (SELECT * FROM exposure_nodesnapshot WHERE day = %s) t
            -- a full join, to find rows that are missing on either side
            FULL JOIN exposure_nodesummary r ON r.node_id = t.node_id AND r.threat = t.threat
            AND r.state = t.state
            WHERE (t.n, t.n_critical, t.points, t.users, t.spend)
                  IS DISTINCT FROM (r.n, r.n_critical, r.points, r.users, r.spend)
            ORDER BY 1, 2, 3 LIMIT %s
            """,
            [on, limit],
        )
        return [_build_difference(row) for row in cursor.fetchall()]


def _build_difference(row: tuple[Any, ...]) -> SnapshotDifference:
    node_id, threat, state, n_snapshot, n_snapshot_critical, n_current, n_current_critical = row
    return SnapshotDifference(
        node_id=node_id,
        threat=threat,
        state=state,
        taken=None if n_snapshot is None else (n_snapshot, n_snapshot_critical),
        recomputed=None if n_current is None else (n_current, n_current_critical),
    )


def _take_lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
