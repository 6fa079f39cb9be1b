"""Signatures and waivers. Both are for owners of the application's team and for governance, which
is checked here."""

from datetime import date, datetime, timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.exposure.campaigns.sign_off_requirements import task_requirements
from apps.exposure.campaigns.steps import OWN_EVALUATION
from apps.exposure.campaigns.task_actions import (
    complete_steps,
    lock_task,
    require_under_way,
    update_task_state,
)
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.actions.checks import ChangeConflictError

State = CampaignTask.State
# a waiver is a loan; after a year somebody looks again
MAX_WAIVER = timedelta(days=366)


class SignOffRequirementsError(ChangeConflictError):
    """Something is missing for the signature; the text names all of it."""


@transaction.atomic
def sign_off(*, task: CampaignTask, at: datetime, by: User, reason: str = "") -> CampaignTask:
    """It has moved, and works as well as it must.

    Needs an open gate, or a waiver that holds and that somebody else gave: such a signature lapses
    with the waiver. Of two people at once one signs; the other is told who did.
    """
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    require_under_way(task)
    gate = task_requirements(task=task, at=at)
    if not gate.is_open:
        _refuse_without_waiver(task, gate.missing, at, by)
    else:
        task.waived_by, task.waived_until, task.waived_why = None, None, ""
    task.state, task.signed_off_by, task.signed_off_at = State.DONE, by, at
    relied_on = ", ".join(str(evidence.pk) for evidence in gate.evidence)
    why = f"signed off on evidence {relied_on}" if gate.is_open else "signed off under a waiver"
    with audit_context(user=by, reason=reason or why):
        if gate.is_open:
            complete_steps(task, OWN_EVALUATION, at, by)
        task.save(
            update_fields=[
                "state",
                "signed_off_by",
                "signed_off_at",
                "waived_by",
                "waived_until",
                "waived_why",
                "updated_at",
            ]
        )
        task.evidence.set(gate.evidence if gate.is_open else [])
    return task


@transaction.atomic
def waive_task(
    *, task: CampaignTask, until: date, reason: str, at: datetime, by: User
) -> CampaignTask:
    """Do without it until that day (exclusive), for a reason. It re-opens by itself; a new waiver
    replaces the old."""
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    require_under_way(task)
    day = day_of(at)
    if not reason.strip():
        raise ChangeConflictError("Say why the task is waived.")
    if not day < until <= day + MAX_WAIVER:
        raise ChangeConflictError(
            f"A waiver ends after today and within a year: at the latest on {day + MAX_WAIVER}."
        )
    task.state, task.waived_by, task.waived_until, task.waived_why = (
        State.WAIVED,
        by,
        until,
        reason.strip(),
    )
    with audit_context(user=by, reason=reason):
        task.save(update_fields=["state", "waived_by", "waived_until", "waived_why", "updated_at"])
    return task


@transaction.atomic
def cancel_waiver(*, task: CampaignTask, at: datetime, by: User, reason: str = "") -> CampaignTask:
    """Take the waiver back before its end."""
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    if task.state != State.WAIVED:
        raise ChangeConflictError("This task is not waived.")
    task.state = State.IN_PROGRESS
    with audit_context(user=by, reason=reason or "waiver lifted"):
        task.save(update_fields=["state", "updated_at"])
        update_task_state(task, at)
    return task


@transaction.atomic
def reopen_task(*, task: CampaignTask, at: datetime, by: User, reason: str) -> CampaignTask:
    """Take a signature back, for a reason: what was signed turned out otherwise."""
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    if task.state != State.DONE:
        raise ChangeConflictError("Only a task that is signed off can be opened again.")
    if task.campaign.state == Campaign.State.CLOSED:
        raise ChangeConflictError("The campaign is closed. Open it again first.")
    if not reason.strip():
        raise ChangeConflictError("Say why the task is opened again.")
    task.state, task.signed_off_by, task.signed_off_at = State.IN_PROGRESS, None, None
    with audit_context(user=by, reason=reason):
        task.save(update_fields=["state", "signed_off_by", "signed_off_at", "updated_at"])
    return task


def _refuse_without_waiver(
    task: CampaignTask, missing: tuple[str, ...], at: datetime, by: User
) -> None:
    if task.state != State.WAIVED or task.waived_until is None or task.waived_until <= day_of(at):
        raise SignOffRequirementsError(" ".join(missing))
    if task.waived_by_id == by.pk:
        raise SignOffRequirementsError(
            f"You gave the waiver yourself; somebody else must sign. {' '.join(missing)}"
        )
