"""The dependencies of a campaign, and the dates by which each must have migrated.

All numbers are computed by one statement over the affected rows, without loading them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models.expressions import RawSQL

from apps.catalog.models import Offering
from apps.exposure.models import Campaign, CampaignTask
from apps.exposure.queries.dependents import LIFECYCLE_KINDS, affected_dependencies
from apps.inventory.models import Dependency, DependencyQuerySet

# days of reserve between the end of the work and the retirement
MARGIN_DAYS = 14
# assumed days of a migration without a test or an estimate; shown as an assumption
DEFAULT_EFFORT_DAYS = 30

# Node kinds 1 offering, 2 version; via 0 direct, 2 weights (footing.py).
_REACHED_BY_OFFERING = """
SELECT f.offering_id
FROM catalog_node n JOIN catalog_footing f ON f.node_id = n.id
WHERE n.kind = node_kind('offering') AND n.ref = %s
UNION
SELECT o.id
FROM catalog_offering x
JOIN catalog_offering o ON o.host_id = x.host_id AND o.api_id = x.api_id
    AND (x.region_scope = '' OR o.region_scope = x.region_scope)
WHERE x.id = %s
UNION
SELECT o.id
FROM catalog_offering x
LEFT JOIN catalog_alias a ON a.id = x.alias_id
JOIN catalog_node n ON n.kind = node_kind('version') AND n.ref = x.version_id
JOIN catalog_footing f ON f.node_id = n.id AND f.via IN (0, 2)
JOIN catalog_offering o ON o.id = f.offering_id AND o.host_id = x.host_id
    AND (x.region_scope = '' OR o.region_scope = x.region_scope)
WHERE x.id = %s AND NOT (CASE WHEN a.id IS NULL THEN x.binding = 'alias'
    ELSE a.kind <> 'synonym' END)
"""


def is_ending(campaign: Campaign) -> bool:
    """Return whether the subject retires, so that all its dependencies must migrate; otherwise it
    changes and they must be tested again."""
    return campaign.event is None or campaign.event.kind in LIFECYCLE_KINDS


def dependencies_on(*, offering: Offering, on: date) -> DependencyQuerySet:
    """Return active dependencies, in every role, that must migrate when `offering` retires,
    announced or not.

    Like `affected_dependencies` for an announced retirement, but including offerings that have a
    row of their own in a source: a campaign opened by hand covers everything that retires with the
    offering.
    """
    reached_ids = RawSQL(_REACHED_BY_OFFERING, [offering.pk] * 3)  # noqa: S611
    return Dependency.objects.live_on(on).filter(offering_id__in=reached_ids)


def dependencies_in(campaign: Campaign, *, on: date) -> DependencyQuerySet:
    """Return the dependencies that the campaign covers on that day, except those already on its
    target."""
    dependencies = (
        dependencies_on(offering=campaign.subject, on=on)
        if campaign.event is None
        else affected_dependencies(event=campaign.event, on=on)
    )
    return (
        dependencies
        if campaign.target_id is None
        else dependencies.exclude(offering_id=campaign.target_id)
    )


def as_sql(dependencies: DependencyQuerySet) -> tuple[str, dict[str, Any]] | None:
    """Return the query of their IDs as SQL with named parameters; None if it is always empty."""
    try:
        sql, params = dependencies.order_by().values_list("pk").query.sql_with_params()
    except EmptyResultSet:
        return None
    names = {f"affected_{index}": value for index, value in enumerate(params)}
    return sql % tuple(f"%({name})s" for name in names), names


# (dependency_id, ends_on, effort_days, basis, due_on) of `wanted(dependency_id, subject_id,
# target_id, latest_on)`. The retirement is that of the called offering or, without a known date, of
# the campaign's subject. A test with the target takes precedence over one with another offering.
# LEAST ignores nulls.
DUE_DATES = """
SELECT w.dependency_id, e.ends_on, h.effort_days, h.basis,
       LEAST(w.latest_on, e.ends_on - ceil(h.effort_days)::int - %(margin)s::int) AS due_on
FROM wanted w
JOIN inventory_dependency d ON d.id = w.dependency_id
JOIN catalog_offering o ON o.id = d.offering_id
JOIN catalog_offering s ON s.id = w.subject_id
LEFT JOIN inventory_exitplan p ON p.dependency_id = d.id
LEFT JOIN LATERAL (
    SELECT t.effort_days FROM inventory_exittest t
    WHERE t.dependency_id = d.id AND t.result <> 'failed' AND t.effort_days IS NOT NULL
    ORDER BY coalesce(t.target_id = w.target_id, false) DESC, t.tested_on DESC, t.id DESC LIMIT 1
) t ON true
CROSS JOIN LATERAL (SELECT coalesce(o.retires_on, s.retires_on) AS ends_on) e
CROSS JOIN LATERAL (
    SELECT coalesce(t.effort_days, p.estimated_days, %(usual_effort)s::numeric) AS effort_days,
           CASE WHEN t.effort_days IS NOT NULL THEN 'measured'
                WHEN p.estimated_days IS NOT NULL THEN 'estimated' ELSE 'assumed' END AS basis
) h
"""
DUE_DATE_PARAMETERS = {"margin": MARGIN_DAYS, "usual_effort": DEFAULT_EFFORT_DAYS}


@dataclass(frozen=True, slots=True)
class TaskDueDate:
    """The derivation of a task's due date.

    `event_date` is None without a known retirement. `basis` is measured by an exit test, estimated
    in the exit plan, or assumed (`DEFAULT_EFFORT_DAYS`). `derived_on` is the resulting date; a user
    might have set another.
    """

    ends_on: date | None
    effort_days: Decimal
    basis: str
    derived_on: date | None


def task_due_dates(*, tasks: Collection[int]) -> dict[int, TaskDueDate]:
    """Return {task ID: derivation of its due date as of today}; one statement."""
    if not tasks:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH task AS (
                SELECT t.id, t.dependency_id, c.subject_id, coalesce(t.target_id,
                    c.target_id) AS target_id,
                       c.due_on AS latest_on
                FROM exposure_campaigntask t JOIN exposure_campaign c ON c.id = t.campaign_id
                WHERE t.id = ANY (%(tasks)s)
            ),
            wanted AS (SELECT dependency_id, subject_id, target_id, latest_on FROM task),
            due AS ({DUE_DATES})
            SELECT DISTINCT ON (task.id) task.id, due.ends_on, due.effort_days, due.basis,
                   LEAST(task.latest_on, due.ends_on - ceil(due.effort_days)::int - %(margin)s::int)
            FROM task JOIN due ON due.dependency_id = task.dependency_id
            ORDER BY task.id
            """,
            {"tasks": list(tasks), **DUE_DATE_PARAMETERS},
        )
        return {row[0]: TaskDueDate(*row[1:]) for row in cursor.fetchall()}


def task_target(task: CampaignTask) -> Offering | None:
    """Return the offering that the task migrates to or is tested on again, with these relations
    loaded.

    It is the offering already migrated to, the task's own choice, or the campaign's target; if the
    subject only changes, the offering in use. None without a target.
    """
    if task.successor is not None:
        return task.successor.offering
    if task.target is not None:
        return task.target
    if task.campaign.target is not None:
        return task.campaign.target
    return None if is_ending(task.campaign) else task.dependency.offering
