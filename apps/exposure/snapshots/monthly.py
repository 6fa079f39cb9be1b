"""Concentration at the ends of the past months, stored once so that pages only read it.

The last day of a month is measured by its snapshot, which wins. Months without one, such as those
before the registry was set up, are computed from since and until of dependencies and from the
history of applications: an application that was recorded later counts from its first dependency.
Offerings, derivations and corporate parents are today's.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.apps import apps
from django.db import connection, transaction

from apps.catalog.models import NodeKind
from apps.common.database.statements import load_statement
from apps.common.time import start_of
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import Layer, MonthlyConcentration
from apps.exposure.threats import DEFAULT_THREAT, THREAT_CODES, TIES

MONTHS = 12
# a change of the inventory is computed into the past at most so often
_RECOMPUTE_AFTER = timedelta(hours=1)
_LOCK = 7_301_011  # identifies the monthly values among advisory locks
_STATEMENT = load_statement("exposure", "monthly_concentration")
_LAYER_KINDS: tuple[NodeKind, ...] = tuple(layer.node_kind for layer in Layer)

type NodeCounts = list[tuple[int | None, int, int]]


def is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def past_month_ends(on: date, n: int = MONTHS) -> list[date]:
    """Return the last days of the `n` months before that of `on`, oldest first."""
    days: list[date] = []
    day = on.replace(day=1) - timedelta(days=1)
    for _ in range(n):
        days.append(day)
        day = day.replace(day=1) - timedelta(days=1)
    return days[::-1]


def compute_node_counts(on: date) -> NodeCounts:
    """Return (node, applications, critical applications) at the end of a past day, from dates and
    history; the row without a node counts those in scope. A second at 100,000 applications."""
    ties = [(kind.value, int(via)) for kind in _LAYER_KINDS for via in TIES[DEFAULT_THREAT[kind]]]
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT,
            {
                "day": on,
                "day_end": start_of(on + timedelta(days=1)),
                "statuses": list(engine_settings().statuses),
                "kinds": [kind for kind, _ in ties],
                "vias": [via for _, via in ties],
            },
        )
        counts: NodeCounts = cursor.fetchall()
    return counts


@transaction.atomic
def update_months(*, on: date, at: datetime) -> int:
    """Compute the past months that are missing or older than a change of the inventory; return
    their number.

    Months with a snapshot are never computed again. Concurrent runs do the work once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    months = past_month_ends(on)
    totals = {
        row.day: row for row in MonthlyConcentration.objects.filter(day__in=months, node_id=None)
    }
    computed = [
        row for row in totals.values() if row.origin == MonthlyConcentration.Origin.COMPUTED
    ]
    due = [day for day in months if day not in totals]
    if computed and _is_outdated(computed, at):
        due += [row.day for row in computed]
    for day in due:
        _store(day, compute_node_counts(day), MonthlyConcentration.Origin.COMPUTED, at)
    return len(due)


def store_snapshot_month(*, on: date, at: datetime) -> None:
    """Store the engine's tables as the values of the month that ends on this day."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT NULL::bigint, count(*), count(*) FILTER (WHERE criticality = 0)
            FROM exposure_scopedapplication
            UNION ALL
            SELECT s.node_id, sum(s.n)::bigint, sum(s.n_critical)::bigint
            FROM exposure_nodesummary s JOIN catalog_node node ON node.id = s.node_id
            JOIN unnest(%(kinds)s::int[], %(threats)s::int[]) AS t(kind, threat)
                ON t.kind = node.kind AND t.threat = s.threat
            GROUP BY s.node_id
            """,
            {
                "kinds": [kind.value for kind in _LAYER_KINDS],
                "threats": [THREAT_CODES[DEFAULT_THREAT[kind]] for kind in _LAYER_KINDS],
            },
        )
        rows: NodeCounts = cursor.fetchall()
    _store(on, rows, MonthlyConcentration.Origin.SNAPSHOT, at)


def drop_old_months(*, before: date) -> int:
    """Delete the months that ended before a day; return the number of rows."""
    n, _ = MonthlyConcentration.objects.filter(day__lt=before).delete()
    return n


def _is_outdated(computed: Iterable[MonthlyConcentration], at: datetime) -> bool:
    """Return whether the inventory changed since the values were computed, and they are not so
    new that the change can wait. Values of an empty past do not wait."""
    stored_at = min(row.stored_at for row in computed)
    if stored_at >= at - _RECOMPUTE_AFTER and any(row.n for row in computed):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest("
            + ", ".join(
                f"(SELECT pgh_created_at FROM {table} ORDER BY pgh_id DESC LIMIT 1)"
                for table in _history_tables()
            )
            + ")"
        )
        changed_at: datetime | None = cursor.fetchone()[0]
    return changed_at is not None and changed_at >= stored_at


def _history_tables() -> list[str]:
    return [
        apps.get_model("inventory", f"{name}History")._meta.db_table
        for name in ("Application", "Dependency")
    ]


def _store(day: date, rows: NodeCounts, origin: MonthlyConcentration.Origin, at: datetime) -> None:
    """Replace the values of a month."""
    MonthlyConcentration.objects.filter(day=day).delete()
    MonthlyConcentration.objects.bulk_create(
        [
            MonthlyConcentration(
                day=day, node_id=node_id, n=n, n_critical=n_critical, origin=origin, stored_at=at
            )
            for node_id, n, n_critical in rows
        ],
        batch_size=5_000,
    )
