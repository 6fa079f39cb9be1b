"""Updates of tasks by time and inventory: deferrals expire, dependencies end or migrate, sign-off
requirements change.

Each job is one or a few statements, safe to run concurrently, and changes nothing if nothing is
due.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.exposure.campaigns.lifecycle import UNSETTLED
from apps.exposure.campaigns.sign_off_requirements import sign_off_requirements
from apps.exposure.campaigns.steps import CHOOSE_TARGET, OWN_EVALUATION, SWITCH
from apps.exposure.models import Campaign, CampaignTask, TaskStep
from apps.inventory.models import Application

State = CampaignTask.State
JOB = "exposure.keep_campaigns"
# tasks whose sign-off requirements are checked together
TASK_BATCH_SIZE = 500


@transaction.atomic
def reopen_expired_waivers(*, at: datetime) -> int:
    """Reopen tasks of open campaigns whose waiver expired, also those signed off under it; return
    their number."""
    with audit_context(job=JOB, reason="deferral expired"), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE exposure_campaigntask t
            -- a task with a target or a completed step is in progress
            SET state = CASE WHEN t.successor_id IS NOT NULL OR t.target_id IS NOT NULL OR EXISTS (
                        SELECT 1 FROM exposure_taskstep s
                        WHERE s.task_id = t.id AND s.done_on IS NOT NULL)
                    THEN 'in_progress' ELSE 'open' END,
                signed_off_by_id = NULL, signed_off_at = NULL, updated_at = %(at)s
            FROM exposure_campaign c
            WHERE c.id = t.campaign_id AND c.state = 'open'
              AND t.state IN ('waived', 'done') AND t.waived_until <= %(day)s
            """,
            {"at": at, "day": day_of(at)},
        )
        n_reopened: int = cursor.rowcount
    return n_reopened


@transaction.atomic
def follow_dependencies(*, at: datetime) -> tuple[int, int]:
    """Return (migrated tasks, tasks that became obsolete), of unfinished ones in open campaigns.

    A dependency that ended on the day on which exactly one other began in its place (same
    application, role and order, another offering) was migrated outside the campaign: the task
    continues with the new one. If it ended otherwise, or its application is not in use, there is
    nothing to migrate.
    """
    parameters: dict[str, Any] = {
        "day": day_of(at),
        "at": at,
        "not_settled": list(UNSETTLED),
        "in_scope": [str(status) for status in Application.IN_SCOPE],
        "by_deed": [SWITCH, CHOOSE_TARGET],
    }
    with connection.cursor() as cursor:
        with audit_context(job=JOB, reason="offering replaced in the inventory"):
            cursor.execute(
                """
                -- exactly one other dependency began in place of the one that ended
                WITH moved AS (
                    SELECT t.id, min(b.id) AS successor_id
                    FROM exposure_campaigntask t
                    JOIN exposure_campaign c ON c.id = t.campaign_id AND c.state = 'open'
                    JOIN inventory_dependency d ON d.id = t.dependency_id AND d.until <= %(day)s
                    JOIN inventory_application a ON a.id = d.application_id
                        AND a.status = ANY (%(in_scope)s)
                    JOIN inventory_dependency b ON b.application_id = d.application_id
                        AND b.role = d.role
                        AND b.fallback_order = d.fallback_order AND b.since = d.until
                        AND b.offering_id <> d.offering_id
                    WHERE t.state = ANY (%(not_settled)s) AND t.successor_id IS NULL
                    GROUP BY t.id HAVING count(*) = 1
                ),
                -- the tasks continue with the successor
                taken AS (
                    UPDATE exposure_campaigntask t
                    SET successor_id = moved.successor_id, updated_at = %(at)s,
                        state = CASE WHEN t.state = 'open' THEN 'in_progress' ELSE t.state END
                    FROM moved
                    WHERE t.id = moved.id AND t.successor_id IS NULL
                        AND t.state = ANY (%(not_settled)s)
                    RETURNING t.id
                ),
                -- the migration itself completes the steps of choosing a target and switching
                ticked AS (
                    UPDATE exposure_taskstep s SET done_on = %(day)s FROM taken
                    WHERE s.task_id = taken.id AND s.kind = ANY (%(by_deed)s) AND s.done_on IS NULL
                )
                SELECT count(*) FROM taken
                """,
                parameters,
            )
            n_moved: int = cursor.fetchone()[0]
        with audit_context(job=JOB, reason="dependency ended"):
            cursor.execute(
                """
                UPDATE exposure_campaigntask t SET state = 'obsolete', updated_at = %(at)s
                FROM exposure_campaign c, inventory_dependency d, inventory_application a
                WHERE c.id = t.campaign_id AND c.state = 'open' AND d.id = t.dependency_id
                    AND a.id = d.application_id
                  AND t.state = ANY (%(not_settled)s)
                  -- not in use any more, or ended without a successor
                  AND (a.status <> ALL (%(in_scope)s) OR (t.successor_id IS NULL
                      AND d.until <= %(day)s))
                """,
                parameters,
            )
            n_obsolete: int = cursor.rowcount
    return n_moved, n_obsolete


def refresh_states(*, at: datetime) -> int:
    """Update tasks whose sign-off requirements were met or lost because of evidence recorded or
    expired elsewhere; return their number.

    Only tasks that are ready, or whose required steps are done, are checked: the requirements of
    all others are unmet. Four statements for every `TASK_BATCH_SIZE` tasks, and two more if some
    changed.
    """
    open_steps = TaskStep.objects.filter(
        task=OuterRef("pk"), required=True, done_on__isnull=True
    ).exclude(kind=OWN_EVALUATION)
    open_tasks = CampaignTask.objects.filter(
        state__in=(State.OPEN, State.IN_PROGRESS, State.READY), campaign__state=Campaign.State.OPEN
    )
    candidate_ids = (
        open_tasks.filter(Q(state=State.READY) | ~Exists(open_steps))
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    n_changed, last_id = 0, 0
    while ids := list(candidate_ids.filter(pk__gt=last_id)[:TASK_BATCH_SIZE]):
        last_id = ids[-1]
        requirements = sign_off_requirements(tasks=ids, on=day_of(at))
        ready_ids = [pk for pk, gate in requirements.items() if gate.is_open]
        unready_ids = [pk for pk, gate in requirements.items() if not gate.is_open]
        # one transaction per batch, conditional on the state: a concurrent action takes precedence
        with transaction.atomic(), audit_context(job=JOB, reason="sign-off requirements changed"):
            n_changed += (
                open_tasks.filter(pk__in=ready_ids)
                .exclude(state=State.READY)
                .update(state=State.READY, updated_at=at)
            )
            n_changed += open_tasks.filter(pk__in=unready_ids, state=State.READY).update(
                state=State.IN_PROGRESS, updated_at=at
            )
    return n_changed


def update_campaigns(*, at: datetime) -> dict[str, int]:
    """Run all updates of this module in order, daily and after each change of the catalogue; return
    the counts per job."""
    n_reopened = reopen_expired_waivers(at=at)
    n_moved, n_obsolete = follow_dependencies(at=at)
    return {
        "reopened": n_reopened,
        "moved": n_moved,
        "obsolete": n_obsolete,
        "restated": refresh_states(at=at),
    }
