"""Brings this floor up to date: events worked through, flags opened and resolved. Safe to run twice at once."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from apps.catalog.models import Via
from apps.common.history import acting
from apps.common.time import day_of
from apps.exposure.concentration import measure
from apps.exposure.models import ExposureFlag, Layer, Tolerance
from apps.exposure.queries import reached_offerings_sql
from apps.inventory.models import Application, Criticality, Dependency

JOB = "exposure.refresh_exposure"
# a flag is released at this part of the line, and after this many days: no flapping, no mail
RELEASE = Decimal("0.9")
CLEAR_DAYS = timedelta(days=2)


@transaction.atomic
def handle_events(*, at: datetime) -> int:
    """Mark the events nobody has handled here, with how many applications each reaches; their number.

    Found by NOT EXISTS, since ids commit out of order. Two runs at once: the second waits for the first one's
    rows and then has none of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH waiting AS (
                SELECT e.id FROM catalog_providerevent e
                WHERE NOT EXISTS (SELECT 1 FROM exposure_handledevent h WHERE h.event_id = e.id)
            ),
            reached AS ({reached_offerings_sql("e.id IN (SELECT id FROM waiting)")}),
            counted AS (
                SELECT r.event_id, count(DISTINCT d.application_id) AS n
                FROM reached r
                JOIN inventory_dependency d ON d.offering_id = r.offering_id
                    AND d.since <= %(day)s AND (d.until IS NULL OR d.until > %(day)s)
                JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
                GROUP BY r.event_id
            )
            INSERT INTO exposure_handledevent (event_id, handled_at, n_applications)
            SELECT w.id, %(at)s, coalesce(c.n, 0) FROM waiting w LEFT JOIN counted c ON c.event_id = w.id
            ORDER BY w.id
            ON CONFLICT DO NOTHING
            """,
            {"day": day_of(at), "at": at, "in_scope": [str(status) for status in Application.IN_SCOPE]},
        )
        n_handled: int = cursor.rowcount
    return n_handled


@dataclass(frozen=True, slots=True)
class FlagChanges:
    opened: int = 0
    resolved: int = 0

    def __add__(self, other: "FlagChanges") -> "FlagChanges":
        return FlagChanges(self.opened + other.opened, self.resolved + other.resolved)


def evaluate_flags(*, at: datetime) -> FlagChanges:
    """Open a flag where more critical applications stand on a node than tolerated; resolve those long enough below.

    A flag opens at once above the line (the line itself is tolerated) and resolves when its value has been at or
    under nine tenths of it for two days. A switched-off tolerance resolves its flags at once. Unchanged values
    are not written.
    """
    changes = FlagChanges()
    for tolerance_id in Tolerance.objects.order_by("pk").values_list("pk", flat=True):
        changes += _evaluate(tolerance_id, at)
    return changes


@transaction.atomic
def _evaluate(tolerance_id: int, at: datetime) -> FlagChanges:
    # one evaluation of a line at a time; the unique index on open flags holds in any case
    tolerance = Tolerance.objects.select_for_update().get(pk=tolerance_id)
    flags = {flag.node_id: flag for flag in tolerance.flags.filter(state__in=ExposureFlag.LIVE).select_for_update()}
    if not tolerance.enabled:
        with acting(job=JOB, reason="the tolerance is switched off"):
            resolved = tolerance.flags.filter(state__in=ExposureFlag.LIVE).update(
                state=ExposureFlag.State.RESOLVED, resolved_at=at
            )
        return FlagChanges(resolved=resolved)

    today = day_of(at)
    layer = Layer(tolerance.layer)
    answer = measure(layer=layer, applications=Application.objects.all(), on=today, whole_organisation=True)
    rows = {row.node_id: row for row in answer.rows}
    over = {node_id for node_id, row in rows.items() if row.over}
    named = _critical_applications(sorted(over | flags.keys()), today)
    n_resolved = 0
    with acting(job=JOB, reason=f"critical applications per {layer.value}"):
        for node_id, flag in flags.items():
            row = rows.get(node_id)
            n_resolved += _update_flag(
                flag,
                value=row.critical_share if row else Decimal(0),
                limit=tolerance.max_critical_share,
                over=node_id in over,
                application_ids=named.get(node_id, []),
                at=at,
            )
        new = [
            ExposureFlag(
                tolerance=tolerance,
                node_id=node_id,
                value=rows[node_id].critical_share,
                limit=tolerance.max_critical_share,
                application_ids=named.get(node_id, []),
                opened_at=at,
            )
            for node_id in sorted(over - flags.keys())
        ]
        ExposureFlag.objects.bulk_create(new, ignore_conflicts=True)
    return FlagChanges(opened=len(new), resolved=n_resolved)


def _update_flag(
    flag: ExposureFlag, *, value: Decimal, limit: Decimal, over: bool, application_ids: list[int], at: datetime
) -> bool:
    """Write what is new about an open flag, if anything; True where it resolves."""
    before = (flag.value, flag.limit, flag.application_ids, flag.below_since)
    today = day_of(at)
    flag.value, flag.limit, flag.application_ids = value, limit, application_ids
    if not over and value <= limit * RELEASE:
        flag.below_since = flag.below_since or today
    else:
        flag.below_since = None
    resolves = flag.below_since is not None and today - flag.below_since >= CLEAR_DAYS
    if resolves:
        flag.state, flag.resolved_at = ExposureFlag.State.RESOLVED, at
    if resolves or before != (flag.value, flag.limit, flag.application_ids, flag.below_since):
        flag.save(update_fields=["value", "limit", "application_ids", "below_since", "state", "resolved_at"])
    return resolves


def _critical_applications(node_ids: list[int], on: date) -> dict[int, list[int]]:
    """{node: ids of the critical applications standing there}; one statement."""
    if not node_ids:
        return {}
    standing = (
        Dependency.objects.live_on(on)
        .primary()
        .filter(
            application__criticality=Criticality.CRITICAL,
            offering__footings__node_id__in=node_ids,
            offering__footings__depth=0,
            offering__footings__via__in=(Via.DIRECT, Via.ONE_OF),
        )
        .order_by("offering__footings__node_id", "application_id")
        .values_list("offering__footings__node_id", "application_id")
        .distinct()
    )
    named: dict[int, list[int]] = {}
    for node_id, application_id in standing:
        named.setdefault(node_id, []).append(application_id)
    return named
