"""Maintenance of the organisation's counts of inherited risk, which take too long to compute for a
page.

Bulk loads of applications count at their end. Other changes request a count, and a job every minute
counts if the histories have entries that the last count did not include. A count covers everything:
some seconds for half a million dependencies, which is too long for each change but short enough for
one job.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Final

import structlog
from celery import signature
from django.core.cache import cache
from django.db import connection, models, transaction
from kombu.exceptions import OperationalError

from apps.common.time import day_of
from apps.risks.actions.dependency_counts import (
    correct_dependency_counts,
    total_dependency_counts,
)
from apps.risks.models import CountState, LevelCount, RiskCount, TeamCount
from apps.risks.queries import counts
from apps.risks.queries.counts import count_everything, n_in_scope
from apps.risks.queries.inheritance_sql import plan_histories

log = structlog.get_logger(__name__)

COUNT_TASK: Final = "risks.count_inherited_risk"
_LOCK = 7_201_804_431
# changes without a history entry are counted after this time
MAX_COUNT_AGE = timedelta(minutes=5)
# further requests within this time are covered by the first
REQUEST_PAUSE_SECONDS = 15
_REQUEST_KEY = "risk-count-requested"
# histories of the tables that decide which dependencies inherit which risks, and of their
# assessments
_HISTORIES: Final = (
    "catalog_aliashistory",
    "catalog_derivationhistory",
    "catalog_foundationhistory",
    "catalog_offeringhistory",
    "catalog_offeringregionhistory",
    "catalog_providerhistory",
    "catalog_versionhistory",
    "inventory_applicationhistory",
    "inventory_dependencyhistory",
    "risks_assessmenthistory",
    "risks_foundationriskhistory",
    "risks_risktemplatehistory",
)


def count_changed_risk(at: datetime) -> bool:
    """Count if something changed since the last count or it is older than MAX_COUNT_AGE; return
    whether it counted. The numbers of dependencies that it adds up are corrected once a day."""
    state = CountState.objects.filter(pk=1).first()
    if state is None or day_of(state.counted_at) != day_of(at):
        correct_dependency_counts()
    total_dependency_counts()
    if (
        state is not None
        and state.changes == _latest_changes(day_of(at))
        and state.counted_at <= at < state.counted_at + MAX_COUNT_AGE
    ):
        return False
    count_inherited_risk(at)
    return True


def is_count_current(on: date) -> bool:
    """Return whether the last count includes all history entries up to `on`."""
    return CountState.objects.filter(pk=1, changes=_latest_changes(on)).exists()


def request_count() -> None:
    """Have a worker count once this transaction is committed, if the organisation's counts are
    stored.

    Without a broker, or if a count was requested a moment ago, the job of every minute counts.
    """
    transaction.on_commit(_send_request)


def _send_request() -> None:
    if not CountState.objects.filter(
        pk=1, n_applications__gt=counts.MAX_LIVE_APPLICATIONS
    ).exists():
        return
    if not cache.add(_REQUEST_KEY, 1, timeout=REQUEST_PAUSE_SECONDS):
        return
    try:
        signature(COUNT_TASK, immutable=True).apply_async(retry=False)
    except OperationalError as error:
        log.warning("broker not available: beat will count", error=str(error))


@transaction.atomic
def count_inherited_risk(at: datetime) -> datetime:
    """Count again and save what differs; some seconds for half a million dependencies.

    Concurrent counts run one after the other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    # read first: changes committed from here on are counted the next time
    changes = _latest_changes(day_of(at))
    by_risk, by_team, levels = count_everything(on=day_of(at))
    _store_rows(
        RiskCount,
        ("risk_id",),
        [
            RiskCount(
                risk_id=pk,
                n_inherited=reach.n_inherited,
                n_assessed=reach.n_assessed,
                n_stale=reach.n_stale,
                n_not_applicable=reach.n_not_applicable,
                n_accepted=reach.n_accepted,
                n_critical=reach.n_critical,
                n_critical_decided=reach.n_critical_decided,
                n_secret=reach.n_secret,
                n_critical_secret=reach.n_critical_secret,
            )
            for pk, reach in by_risk.items()
        ],
    )
    _store_rows(
        TeamCount,
        ("team_id",),
        [
            TeamCount(
                team_id=pk,
                n_inherited=reach.n_inherited,
                n_assessed=reach.n_assessed,
                n_stale=reach.n_stale,
                n_not_applicable=reach.n_not_applicable,
            )
            for pk, reach in by_team.items()
        ],
    )
    _store_rows(
        LevelCount,
        ("basis", "likelihood", "impact"),
        [
            LevelCount(basis=basis, likelihood=likelihood, impact=impact, n=n)
            for basis, counts in levels.items()
            for (likelihood, impact), n in counts.items()
        ],
    )
    CountState.objects.bulk_create(
        [CountState(pk=1, counted_at=at, n_applications=n_in_scope(), changes=changes)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["counted_at", "n_applications", "changes"],
    )
    return at


def _latest_changes(on: date) -> str:
    """Return the day and the ID of the last entry of each relevant history as text; one statement
    that reads an index each."""
    tables = [*_HISTORIES, *plan_histories()]
    subqueries = ", ".join(f"(SELECT max(pgh_id) FROM {table})" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {subqueries}")
        return ",".join([on.isoformat(), *(str(number or 0) for number in cursor.fetchone())])


def _store_rows(model: type[models.Model], key: tuple[str, ...], rows: Collection[Any]) -> None:
    """Replace the content of the table by these rows, writing only differences; three statements at
    most."""
    columns = [
        field.attname for field in model._meta.concrete_fields if field.attname not in {*key, "id"}
    ]
    manager = model._default_manager
    stored_rows = {
        tuple(row[name] for name in key): row for row in manager.values("pk", *key, *columns)
    }
    new_rows = {tuple(getattr(row, name) for name in key): row for row in rows}
    obsolete_ids = [
        stored_rows[identity]["pk"] for identity in stored_rows.keys() - new_rows.keys()
    ]
    if obsolete_ids:
        manager.filter(pk__in=obsolete_ids).delete()
    changed_rows = []
    for identity, row in new_rows.items():
        stored_row = stored_rows.get(identity)
        if stored_row is not None and any(
            stored_row[name] != getattr(row, name) for name in columns
        ):
            row.pk = stored_row["pk"]
            changed_rows.append(row)
    manager.bulk_update(changed_rows, columns, batch_size=2000)
    manager.bulk_create(
        [row for identity, row in new_rows.items() if identity not in stored_rows], batch_size=2000
    )
