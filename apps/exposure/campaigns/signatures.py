"""Signatures and waivers. Both need the owner role on the application's team, or governance, which
is checked here."""

from datetime import date, datetime, timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
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

State = CampaignTask.State
# a waiver is temporary and must be renewed after a year
MAX_WAIVER = timedelta(days=366)


class SignOffRequirementsError(ConflictError):
    """Unmet requirements of a signature; the text lists all of them."""


@transaction.atomic
def sign_off(*, task: CampaignTask, at: datetime, by: User, reason: str = "") -> CampaignTask:
    """Sign off a migrated task.

    Needs met requirements, or a valid deferral that another user granted: such a signature expires
    with the deferral. Of two concurrent users one signs; the other gets an error that names the
    first.
    """
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    require_under_way(task)
    gate = task_requirements(task=task, at=at)
    if not gate.is_open:
        _refuse_without_waiver(task, gate.missing, at, by)
    else:
        task.waived_by, task.waived_until, task.waived_reason = None, None, ""
    task.state, task.signed_off_by, task.signed_off_at = State.DONE, by, at
    relied_on = ", ".join(str(evidence.pk) for evidence in gate.evidence)
    history_reason = (
        f"signed off with evidence {relied_on}" if gate.is_open else "signed off with a deferral"
    )
    with audit_context(user=by, reason=reason or history_reason):
        if gate.is_open:
            complete_steps(task, OWN_EVALUATION, at, by)
        task.save(
            update_fields=[
                "state",
                "signed_off_by",
                "signed_off_at",
                "waived_by",
                "waived_until",
                "waived_reason",
                "updated_at",
            ]
        )
        task.evidence.set(gate.evidence if gate.is_open else [])
    return task


@transaction.atomic
def waive_task(
    *, task: CampaignTask, until: date, reason: str, at: datetime, by: User
) -> CampaignTask:
    """Defer the task until that day (exclusive), for a reason. It then reopens automatically; a new
    waiver replaces the old."""
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    require_under_way(task)
    day = day_of(at)
    if not reason.strip():
        raise ConflictError("Enter a reason for deferring the task.")
    if not day < until <= day + MAX_WAIVER:
        raise ConflictError(
            "A deferral must expire after today and at most one year from now, by "
            f"{day + MAX_WAIVER}. Enter another date."
        )
    task.state, task.waived_by, task.waived_until, task.waived_reason = (
        State.WAIVED,
        by,
        until,
        reason.strip(),
    )
    with audit_context(user=by, reason=reason):
        task.save(
            update_fields=["state", "waived_by", "waived_until", "waived_reason", "updated_at"]
        )
    return task


@transaction.atomic
def cancel_waiver(*, task: CampaignTask, at: datetime, by: User, reason: str = "") -> CampaignTask:
    """Cancel the waiver before its end."""
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    if task.state != State.WAIVED:
        raise ConflictError("This task is not deferred.")
    task.state = State.IN_PROGRESS
    with audit_context(user=by, reason=reason or "deferral cancelled"):
        task.save(update_fields=["state", "updated_at"])
        update_task_state(task, at)
    return task


@transaction.atomic
def reopen_task(*, task: CampaignTask, at: datetime, by: User, reason: str) -> CampaignTask:
    """Revoke a signature, for a reason."""
    task = lock_task(task, by=by, role=TeamRole.OWNER)
    if task.state != State.DONE:
        raise ConflictError("Only a signed-off task can be reopened.")
    if task.campaign.state == Campaign.State.CLOSED:
        raise ConflictError("The campaign is closed. Reopen it first.")
    if not reason.strip():
        raise ConflictError("Enter a reason for reopening the task.")
    task.state, task.signed_off_by, task.signed_off_at = State.IN_PROGRESS, None, None
    with audit_context(user=by, reason=reason):
        task.save(update_fields=["state", "signed_off_by", "signed_off_at", "updated_at"])
    return task


def _refuse_without_waiver(
    task: CampaignTask, unmet_sentences: tuple[str, ...], at: datetime, by: User
) -> None:
    if task.state != State.WAIVED or task.waived_until is None or task.waived_until <= day_of(at):
        raise SignOffRequirementsError(" ".join(unmet_sentences))
    if task.waived_by_id == by.pk:
        raise SignOffRequirementsError(
            f"You granted the deferral, so another user must sign off. {' '.join(unmet_sentences)}"
        )
