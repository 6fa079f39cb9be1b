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

from apps.catalog.models import Offering, RetirementAnnouncement
from apps.exposure.models import Campaign, CampaignTask
from apps.exposure.queries.dependents import (
    LIFECYCLE_KINDS,
    affected_dependencies,
    retiring_dependencies,
)
from apps.inventory.models import Dependency, DependencyQuerySet

# days of reserve between the end of the work and the retirement
MARGIN_DAYS = 14
# assumed days of a migration without a test or an estimate; shown as an assumption
DEFAULT_EFFORT_DAYS = 30


def is_ending(campaign: Campaign) -> bool:
    """Return whether the subject retires, so that all its dependencies must migrate; otherwise it
    changes and they must be tested again."""
    return campaign.event is None or campaign.event.kind in LIFECYCLE_KINDS


def campaign_offering_ids(campaign: Campaign) -> list[int]:
    """Return the IDs of the offerings that the campaign is about; a draft has its subject, what its
    announcement covers, or what its targets map."""
    if campaign.targets:
        return sorted(mapped_ids(campaign))
    if not campaign._state.adding:
        source: Campaign | RetirementAnnouncement | None = campaign
    else:
        source = campaign.announcement
    ids = source.offerings.order_by("pk").values_list("pk", flat=True) if source else []
    return list(ids) or [campaign.subject_id]


def mapped_ids(campaign: Campaign) -> list[int]:
    """Return the IDs of the offerings that have a target of their own."""
    return [int(pk) for pk in campaign.targets]


def dependencies_in(campaign: Campaign, *, on: date) -> DependencyQuerySet:
    """Return what the campaign is about on that day; what already is on its target is not among
    it."""
    if campaign.targets:
        # only what was mapped: what retires together with it may have been left as it is
        dependencies = Dependency.objects.live_on(on).filter(offering_id__in=mapped_ids(campaign))
    elif campaign.event is not None:
        dependencies = affected_dependencies(event=campaign.event, on=on)
    else:
        announcement = campaign.announcement
        dependencies = retiring_dependencies(
            offering_ids=campaign_offering_ids(campaign),
            on=on,
            retires_on=announcement.retires_on if announcement is not None else None,
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


# (dependency_id, ends_on, effort_days, basis, start_by, finish_by) of `wanted(dependency_id,
# subject_id, target_id, latest_on)`. The end is that of what is called; where no date is known of
# it, that of the campaign's subject. A test towards the target counts before one towards another
# offering. LEAST ignores what is null.
TASK_DATES = """
SELECT w.dependency_id, e.ends_on, h.effort_days, h.basis,
       f.finish_by - ceil(h.effort_days)::int AS start_by, f.finish_by
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
CROSS JOIN LATERAL (
    SELECT LEAST(w.latest_on, e.ends_on - %(margin)s::int) AS finish_by
) f
"""
TASK_DATE_PARAMETERS = {"margin": MARGIN_DAYS, "usual_effort": DEFAULT_EFFORT_DAYS}


@dataclass(frozen=True, slots=True)
class TaskDates:
    """Why a task has its dates. `ends_on` None: no retirement date is known. `basis`: measured by
    an exit test, estimated in the exit plan, or assumed (`DEFAULT_EFFORT_DAYS`). `start_by` and
    `finish_by` are what these give today; a user may have set others."""

    ends_on: date | None
    effort_days: Decimal
    basis: str
    start_by: date | None
    finish_by: date | None


def task_dates(*, tasks: Collection[int]) -> dict[int, TaskDates]:
    """{task id: how its dates come about today}; one statement."""
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
            wanted AS (SELECT DISTINCT dependency_id, subject_id, target_id, latest_on FROM task),
            due AS ({TASK_DATES})
            SELECT DISTINCT ON (task.id) task.id, due.ends_on, due.effort_days, due.basis,
                   LEAST(task.latest_on, due.ends_on - %(margin)s::int)
                       - ceil(due.effort_days)::int,
                   LEAST(task.latest_on, due.ends_on - %(margin)s::int)
            FROM task JOIN due ON due.dependency_id = task.dependency_id
            ORDER BY task.id
            """,
            {"tasks": list(tasks), **TASK_DATE_PARAMETERS},
        )
        return {row[0]: TaskDates(*row[1:]) for row in cursor.fetchall()}


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
