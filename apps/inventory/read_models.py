"""Maintenance of the stored findings and runways by which lists are sorted and filtered.

The queue holds applications that might have changed: the exposure engine adds every application
that it derives again, and an approval adds all of them. A new day affects all as well, since
reviews fall due and exit tests expire. Unchanged rows are not written. Two concurrent refreshes
write the same rows.
"""

from collections.abc import Collection, Iterator
from datetime import date

from django.db import connection, transaction

from apps.common.database.change_queues import take_changes, taking_everything
from apps.common.time import now
from apps.inventory.finding_queries import finding_statement
from apps.inventory.findings import TEST_VALIDITY, ranks_by_code
from apps.inventory.models import Application, ReadModelState, StaleApplication
from apps.inventory.runway import runway_statement

REFRESH_BATCH_SIZE = 2000

_FINDINGS = f"""
CREATE TEMPORARY TABLE found_finding ON COMMIT DROP AS
SELECT f.application_id, a.team_id, a.criticality, f.dependency_id, f.code, r.rank, f.facts
FROM ({finding_statement()}) f
JOIN inventory_application a ON a.id = f.application_id
JOIN unnest(%(codes)s::text[], %(ranks)s::int[]) AS r(code, rank) ON r.code = f.code
"""
_SAME_FINDING = """
    SELECT 1 FROM {other} o WHERE o.application_id = k.application_id AND o.code = k.code
      AND o.dependency_id IS NOT DISTINCT FROM k.dependency_id"""
_DELETE_FINDINGS = f"""
DELETE FROM inventory_cachedfinding k WHERE k.application_id = ANY (%(application_ids)s::bigint[])
  AND NOT EXISTS ({_SAME_FINDING.format(other="found_finding")})
"""
_UPSERT_FINDINGS = """
INSERT INTO inventory_cachedfinding AS k (application_id, team_id, criticality, dependency_id, code,
    rank, facts)
SELECT application_id, team_id, criticality, dependency_id, code, rank, facts FROM found_finding
ORDER BY application_id, code, dependency_id
ON CONFLICT (application_id, code, dependency_id) DO UPDATE
    SET team_id = EXCLUDED.team_id, criticality = EXCLUDED.criticality, rank = EXCLUDED.rank,
        facts = EXCLUDED.facts
    WHERE (k.team_id, k.criticality, k.rank, k.facts)
          IS DISTINCT FROM (EXCLUDED.team_id, EXCLUDED.criticality, EXCLUDED.rank, EXCLUDED.facts)
"""

# a migration takes whole days: an effort of 4.5 days starts 5 days before the retirement
_RUNWAYS = f"""
CREATE TEMPORARY TABLE found_runway ON COMMIT DROP AS
SELECT r.dependency_id, r.application_id, a.team_id, r.criticality, r.offering_id, r.retires_on,
    r.at_least,
       r.days_left, r.effort_days, coalesce(r.basis, '') AS basis,
       %(on)s::date + r.days_left - coalesce(ceil(r.effort_days), 0)::int AS start_by,
       -- the order of the runway statement is that of the list, shortest runway first
       r.place = min(r.place) OVER (PARTITION BY r.application_id) AS is_first
FROM (SELECT *, row_number() OVER () AS place FROM ({runway_statement()}) ordered
     ) AS r(dependency_id, application_id, criticality, offering_id, retires_on, days_left,
     effort_days, basis, runway,
            at_least, why, place)
JOIN inventory_application a ON a.id = r.application_id
"""
_DELETE_RUNWAYS = """
DELETE FROM inventory_cachedrunway k
WHERE (k.application_id = ANY (%(application_ids)s::bigint[])
       AND NOT EXISTS (SELECT 1 FROM found_runway o WHERE o.dependency_id = k.dependency_id))
"""
_RUNWAY_COLUMNS = (
    "application_id",
    "team_id",
    "criticality",
    "offering_id",
    "retires_on",
    "at_least",
    "days_left",
    "effort_days",
    "basis",
    "start_by",
    "is_first",
)
_UPSERT_RUNWAYS = """
INSERT INTO inventory_cachedrunway AS k (dependency_id, {columns})
SELECT dependency_id, {columns} FROM found_runway ORDER BY dependency_id
ON CONFLICT (dependency_id) DO UPDATE SET {sets} WHERE ({old}) IS DISTINCT FROM ({new})
""".format(
    columns=", ".join(_RUNWAY_COLUMNS),
    sets=", ".join(f"{name} = EXCLUDED.{name}" for name in _RUNWAY_COLUMNS),
    old=", ".join(f"k.{name}" for name in _RUNWAY_COLUMNS),
    new=", ".join(f"EXCLUDED.{name}" for name in _RUNWAY_COLUMNS),
)


def refresh_stale_applications(*, on: date) -> int:
    """Process the queue, or all applications on a new day; return the number of applications
    processed.

    Each batch is a transaction of its own. Queue rows are deleted with the batch that processed
    them, so a worker can be killed at any time.
    """
    state = ReadModelState.objects.filter(pk=1).first()
    is_current = state is not None and state.as_of == on
    if is_current and not StaleApplication.objects.exists():
        return 0
    if is_current and not StaleApplication.objects.filter(application_id=None).exists():
        n = 0
        while n_batch := _refresh_queued_batch(on):
            n += n_batch
    else:
        with taking_everything(StaleApplication):
            n = refresh_all_applications(on=on)
            _delete_orphaned_rows()
    ReadModelState.objects.update_or_create(pk=1, defaults={"as_of": on, "refreshed_at": now()})
    return n


@transaction.atomic
def _refresh_queued_batch(on: date) -> int:
    """Refresh a batch of the queue, and return its number of applications."""
    application_ids = sorted(take_changes(StaleApplication, REFRESH_BATCH_SIZE))
    return len(_refresh_batch(application_ids, on)) if application_ids else 0


def refresh_applications(*, application_ids: Collection[int], on: date) -> None:
    """Refresh the stored rows of these applications immediately; a dozen statements for any
    number."""
    if application_ids:
        _refresh_batch(sorted(application_ids), on)


def refresh_all_applications(*, on: date) -> int:
    """Refresh every application, independent of the queue; return the number."""
    return sum(len(_refresh_batch(ids, on)) for ids in _application_batches())


def _application_batches() -> Iterator[list[int]]:
    last_id = 0
    while ids := list(
        Application.objects.filter(pk__gt=last_id)
        .order_by("pk")
        .values_list("pk", flat=True)[:REFRESH_BATCH_SIZE]
    ):
        yield ids
        last_id = ids[-1]


@transaction.atomic
def _refresh_batch(application_ids: list[int], on: date) -> list[int]:
    """Recompute the cached findings and runways of the applications and return their IDs. Unchanged
    rows are not written."""
    ranks = ranks_by_code()
    parameters = {
        "application_ids": application_ids,
        "team_ids": None,
        "on": on,
        "validity": TEST_VALIDITY.days,
        "statuses": [str(status) for status in Application.IN_SCOPE],
        "codes": list(ranks),
        "ranks": list(ranks.values()),
        "has_place": False,
        "urgency": None,
        "criticality": 0,
        "dependency_id": 0,
        "only_late": False,
        "limit": None,
    }
    with connection.cursor() as cursor:
        for sql in (
            _FINDINGS,
            _DELETE_FINDINGS,
            _UPSERT_FINDINGS,
            _RUNWAYS,
            _DELETE_RUNWAYS,
            _UPSERT_RUNWAYS,
        ):
            cursor.execute(sql, parameters)
        cursor.execute("DROP TABLE found_finding, found_runway")
    return application_ids


def _delete_orphaned_rows() -> None:
    with connection.cursor() as cursor:
        for table in ("inventory_cachedfinding", "inventory_cachedrunway"):
            cursor.execute(
                f"DELETE FROM {table} k"
                " WHERE NOT EXISTS (SELECT 1 FROM inventory_application a WHERE a.id = "
                "k.application_id)"
            )
