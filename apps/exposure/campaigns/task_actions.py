"""Work on a task: owner, target, steps, measurements, and the migration itself.

For editors of the application's team. Every action locks the application and the task and then
checks the role, so that of two concurrent users one waits for the other; other refusals raise
ConflictError with a sentence.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.exposure.campaigns.reach import task_dates, task_target
from apps.exposure.campaigns.sign_off_requirements import task_requirements
from apps.exposure.campaigns.steps import AUTOMATIC_STEPS, CHOOSE_TARGET, SWITCH, TEAM_STEP
from apps.exposure.models import Campaign, CampaignTask, TaskStep
from apps.inventory.actions.dependencies import replace_offering
from apps.inventory.actions.locks import locked_dependency
from apps.inventory.governance.violations import obstacles_to_use

State = CampaignTask.State
MAX_METRICS = 50
_RELATIONS = (
    "campaign__event",
    "campaign__subject",
    "campaign__target",
    "target",
    "dependency__offering",
    "dependency__application__team",
    "dependency__via_party",
    "successor__offering",
    "signed_off_by",
)


@transaction.atomic
def assign_task(
    *, task: CampaignTask, owner: User | None, by: User, reason: str = ""
) -> CampaignTask:
    """Assign the task to `owner`, or to no user if None. Refused for a user who cannot change the
    application."""
    task = lock_task(task, by=by)
    require_under_way(task)
    if owner is not None and not owner.may(TeamRole.EDITOR, task.dependency.application.team_id):
        raise ConflictError(
            f"{owner} cannot change this application. Assign the editor role on its team first.",
            field="owner",
        )
    if task.owner_id != (owner.pk if owner else None):
        task.owner = owner
        with audit_context(user=by, reason=reason or "task assigned"):
            task.save(update_fields=["owner", "updated_at"])
    return task


@transaction.atomic
def set_task_dates(
    *,
    task: CampaignTask,
    finish_by: date,
    at: datetime,
    by: User,
    start_by: date | None = None,
    reason: str = "",
) -> CampaignTask:
    """Set other dates than the calculated ones. Without `start_by` it is the finish date minus the
    effort. Refused after the retirement of what is called."""
    task = lock_task(task, by=by)
    require_under_way(task)
    ends_on = task.dependency.offering.retires_on or task.campaign.subject.retires_on
    if ends_on is not None and finish_by > ends_on:
        raise ConflictError(
            f"The model retires on {ends_on:%Y-%m-%d}. Enter that date or an earlier one.",
            field="finish_by",
        )
    if start_by is None:
        effort_days = task_dates(tasks=[task.pk])[task.pk].effort_days
        start_by = finish_by - timedelta(days=ceil(effort_days))
    elif start_by > finish_by:
        raise ConflictError(
            "The start date is after the finish date. Enter an earlier start date.",
            field="start_by",
        )
    if (task.start_by, task.finish_by) != (start_by, finish_by):
        task.start_by, task.finish_by, task.scheduled_on = start_by, finish_by, day_of(at)
        task.clean_fields(exclude=["campaign", "dependency"])
        with audit_context(user=by, reason=reason or "dates set"):
            task.save(update_fields=["start_by", "finish_by", "scheduled_on", "updated_at"])
    return task


@transaction.atomic
def choose_target(
    *, task: CampaignTask, target: Offering, at: datetime, by: User, reason: str = ""
) -> CampaignTask:
    """Choose the offering to migrate to. Refused if it is retired, retires no later than the
    current one, or violates an approval."""
    task = lock_task(task, by=by)
    require_under_way(task)
    if task.successor is not None:
        raise ConflictError(
            "This task is already migrated. Replace the offering of the new dependency instead."
        )
    current_offering = task.dependency.offering
    if target.pk == current_offering.pk:
        raise ConflictError("The application already uses this offering. Choose another one.")
    if target.is_retired(day_of(at)):
        raise ConflictError(f"{target.api_id} is retired. Choose an offering that is served.")
    ends_on = current_offering.retires_on or task.campaign.subject.retires_on
    if target.retires_on is not None and ends_on is not None and target.retires_on <= ends_on:
        raise ConflictError(
            f"{target.api_id} retires on {target.retires_on:%Y-%m-%d}, no later than the "
            "current offering. Choose one that is served longer."
        )
    _refuse_blocked_target(task, target, day_of(at))
    with audit_context(user=by, reason=reason or "target chosen"):
        task.target = target
        task.save(update_fields=["target", "updated_at"])
        complete_steps(task, CHOOSE_TARGET, at, by)
        update_task_state(task, at)
    return task


@transaction.atomic
def complete_step(
    *, step: TaskStep, at: datetime, by: User, note: str = "", reason: str = ""
) -> TaskStep:
    """Mark the step as done. Choosing, evaluating and migrating cannot be marked: they are recorded
    by doing them."""
    task = lock_task(step.task, by=by)
    require_under_way(task)
    step = TaskStep.objects.select_for_update().get(pk=step.pk)
    if step.kind in AUTOMATIC_STEPS and not (
        step.kind == CHOOSE_TARGET and task_target(task) is not None
    ):
        raise ConflictError(
            "This step cannot be completed by hand. Choose the target, record the evaluation "
            "as evidence, or switch."
        )
    if step.done_on is None:
        step.done_on, step.done_by, step.note = day_of(at), by, note or step.note
        with audit_context(user=by, reason=reason or "step done"):
            step.save(update_fields=["done_on", "done_by", "note"])
            update_task_state(task, at)
    return step


@transaction.atomic
def reopen_step(*, step: TaskStep, at: datetime, by: User, reason: str = "") -> TaskStep:
    """Mark the step as not done."""
    task = lock_task(step.task, by=by)
    require_under_way(task)
    step = TaskStep.objects.select_for_update().get(pk=step.pk)
    if step.kind == SWITCH and task.successor is not None:
        raise ConflictError(
            "The task is already migrated. To undo the migration, replace the offering in "
            "the inventory."
        )
    if step.done_on is not None:
        step.done_on = step.done_by = None
        with audit_context(user=by, reason=reason or "step not done"):
            step.save(update_fields=["done_on", "done_by"])
            update_task_state(task, at)
    return step


@transaction.atomic
def add_step(
    *, task: CampaignTask, title: str, at: datetime, by: User, required: bool = True
) -> TaskStep:
    """Add a step of the team, after the others."""
    task = lock_task(task, by=by)
    require_under_way(task)
    step = TaskStep(task=task, place=90, kind=TEAM_STEP, title=title.strip(), required=required)
    step.clean_fields(exclude=["task"])
    with audit_context(user=by, reason="step added"):
        step.save(force_insert=True)
        update_task_state(task, at)
    return step


@transaction.atomic
def record_measurements(
    *,
    task: CampaignTask,
    at: datetime,
    by: User,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> CampaignTask:
    """Save {metric: number} of the current offering and of the target; given ones replace those of
    the same metric.

    Recorded evaluations need no entry. A value that is not a finite number is refused by its
    metric.
    """
    task = lock_task(task, by=by)
    require_under_way(task)
    task.before = {**task.before, **_decimal_texts(before or {})}
    task.after = {**task.after, **_decimal_texts(after or {})}
    if len(task.before) > MAX_METRICS or len(task.after) > MAX_METRICS:
        raise ConflictError(f"A task can have at most {MAX_METRICS} metrics. Remove some.")
    with audit_context(user=by, reason=reason or "measured"):
        task.save(update_fields=["before", "after", "updated_at"])
        update_task_state(task, at)
    return task


@transaction.atomic
def switch_task(
    *, task: CampaignTask, on: date, at: datetime, by: User, reason: str = ""
) -> CampaignTask:
    """Replace the offering in the inventory from `on` and record the new dependency as the task's
    successor.

    Possible before the sign-off requirements are met, since a retirement does not wait for them;
    the sign-off is not. A migrated task is refused: of two concurrent users one migrates, the other
    gets an error.
    """
    task = lock_task(task, by=by)
    require_under_way(task)
    if task.successor is not None:
        raise ConflictError(
            f"This task already migrated to {task.successor.offering.api_id} on "
            f"{task.successor.since:%Y-%m-%d}."
        )
    target = task_target(task)
    if target is None:
        raise ConflictError("Choose a target first.")
    _refuse_blocked_target(task, target, day_of(at))
    history_reason = reason or f"refresh campaign: {task.campaign.title}"
    task.successor = replace_offering(
        dependency=task.dependency, successor=target, on=on, by=by, reason=history_reason
    )
    with audit_context(user=by, reason=history_reason):
        task.save(update_fields=["successor", "updated_at"])
        complete_steps(task, CHOOSE_TARGET, at, by)
        complete_steps(task, SWITCH, at, by)
        update_task_state(task, at)
    return task


def lock_task(task: CampaignTask, *, by: User, role: TeamRole = TeamRole.EDITOR) -> CampaignTask:
    """Lock the task until the transaction ends and return its current row, with the relations of
    actions.

    The row is locked first and read afterwards: a join made while waiting for the lock would return
    old values. The application is locked before the task, and `by` needs `role` on its team.
    """
    locked_dependency(task.dependency, by=by, role=role)
    CampaignTask.objects.select_for_update().only("pk").get(pk=task.pk)
    return CampaignTask.objects.select_related(*_RELATIONS).get(pk=task.pk)


def require_under_way(task: CampaignTask) -> None:
    if task.campaign.state == Campaign.State.CLOSED:
        raise ConflictError("The campaign is closed. Reopen it first.")
    if task.state == State.DONE:
        assert task.signed_off_at is not None
        raise ConflictError(
            f"{task.signed_off_by} signed off the task on "
            f"{day_of(task.signed_off_at):%Y-%m-%d}. Reopen the task first."
        )
    if task.state == State.OBSOLETE:
        raise ConflictError("The dependency ended, so there is nothing to migrate.")


def complete_steps(task: CampaignTask, kind: str, at: datetime, by: User | None) -> None:
    """Mark the open steps of this kind as done."""
    task.steps.filter(kind=kind, done_on__isnull=True).update(done_on=day_of(at), done_by=by)


def update_task_state(task: CampaignTask, at: datetime) -> None:
    """Set the state to in progress or ready to sign off; a waived task is unchanged."""
    if task.state == State.WAIVED:
        return
    state = State.READY if task_requirements(task=task, at=at).is_open else State.IN_PROGRESS
    if task.state != state:
        task.state = state
        task.save(update_fields=["state", "updated_at"])


def _refuse_blocked_target(task: CampaignTask, target: Offering, on: date) -> None:
    """Refuse a target that certainly violates an approval; a possible violation becomes a finding
    later."""
    dependency = task.dependency
    for obstacle in obstacles_to_use(
        application=dependency.application, offering=target, via_party=dependency.via_party, on=on
    ):
        if obstacle.certain:
            raise ConflictError(
                f"{' '.join(obstacle.why)} Choose another target, or have the approval "
                "replaced first."
            )


def _decimal_texts(measurements: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers as decimal texts, which JSON stores exactly."""
    texts = {}
    for metric, value in measurements.items():
        name = str(metric).strip()
        try:
            number = Decimal(str(value)) if not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or not name or len(name) > 120:
            raise ConflictError(
                f"'{name}': enter a metric name of up to 120 characters and a number."
            )
        texts[name] = str(number)
    return texts
