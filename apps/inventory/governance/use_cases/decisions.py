"""Decisions of governance on proposed use cases: accept, decline, ask a question, and their undo.

An accepted use case becomes an application in status proposed, in the same transaction.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Team, User
from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import Offering, Provider
from apps.common.errors import ConflictError, DomainError
from apps.common.history.context import audit_context, current_change_id
from apps.inventory.actions.applications import register_application
from apps.inventory.actions.dependencies import declare_dependency
from apps.inventory.actions.undo import undo_change
from apps.inventory.governance.use_cases.links import require_governance
from apps.inventory.models import Application, ProposedUseCase, UseCaseQuestion

State = ProposedUseCase.State
# answers that become facts of the application
APPLICATION_FACTS = (
    "purpose",
    "ai_act_role",
    "data_classification",
    "personal_data",
    "geography",
    "autonomy",
    "users_affected",
)
_DECISION_COLUMNS = [
    "state",
    "decided_by",
    "decided_at",
    "decision_reason",
    "application",
    "decision_change",
]


@transaction.atomic
def accept_use_case(
    *,
    use_case: ProposedUseCase,
    name: str,
    team: Team,
    by: User,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    offering: Offering | None = None,
    named: NamedModel | None = None,
    since: date | None = None,
    reason: str = "",
) -> ProposedUseCase:
    """Accept the use case: it becomes an application in status proposed, with the offering as its
    primary model from `since`; without one, the model as it was written (`named`), whose model ID
    is chosen later. `facts` are further facts of the application."""
    require_governance(by)
    row = _locked_open_use_case(use_case)
    with audit_context(user=by, reason=f"proposed use case {row.reference} accepted"):
        application = register_application(
            name=name,
            team=team,
            by=by,
            facts={
                **{fact: getattr(row, fact) for fact in APPLICATION_FACTS},
                **(facts or {}),
                "status": Application.Status.PROPOSED,
            },
            reason=f"proposed use case {row.reference} accepted",
        )
        if since is None and (offering is not None or named is not None):
            raise DomainError("Enter the date from which the model is used.", field="since")
        if offering is None and named is not None:
            offering = Offering.objects.get(pk=ensure_named_models([named], at=at)[named])
        if offering is not None and since is not None:
            declare_dependency(
                application=application,
                offering=offering,
                since=since,
                by=by,
                facts={"monthly_requests": row.requests_per_month},
                reason=f"proposed use case {row.reference} accepted",
            )
        row.application = application
        row.decision_change = current_change_id()
        return _decide(row, State.ACCEPTED, by=by, at=at, reason=reason)


@transaction.atomic
def decline_use_case(
    *, use_case: ProposedUseCase, by: User, at: datetime, reason: str
) -> ProposedUseCase:
    """Decline the use case, with a reason."""
    require_governance(by)
    row = _locked_open_use_case(use_case)
    if not reason.strip():
        raise DomainError("Enter a reason for the person who proposed it.", field="reason")
    return _decide(row, State.DECLINED, by=by, at=at, reason=reason)


@transaction.atomic
def ask_question(
    *, use_case: ProposedUseCase, question: str, by: User, at: datetime
) -> UseCaseQuestion:
    """Ask the person who proposed the use case a question; one at a time."""
    require_governance(by)
    row = _locked_open_use_case(use_case)
    if not question.strip():
        raise DomainError("Enter a question.", field="question")
    if row.questions.open().exists():
        raise ConflictError("Another question waits for an answer. Withdraw it first.")
    asked = UseCaseQuestion(use_case=row, question=question.strip(), asked_by=by, asked_at=at)
    asked.clean_fields(exclude=["use_case", "asked_by"])
    row.state = State.QUESTION
    with audit_context(user=by, reason="question asked"):
        asked.save(force_insert=True)
        row.save(update_fields=["state"])
    return asked


@transaction.atomic
def withdraw_question(*, question: UseCaseQuestion, by: User, at: datetime) -> UseCaseQuestion:
    """Withdraw a question that waits for an answer; its link closes."""
    require_governance(by)
    use_case = _locked_use_case(question.use_case)
    row = UseCaseQuestion.objects.select_for_update().get(pk=question.pk)
    if row.answered_at is not None or row.withdrawn_at is not None:
        raise ConflictError("This question does not wait for an answer. Reload the page.")
    row.withdrawn_at = at
    with audit_context(user=by, reason="question withdrawn"):
        row.save(update_fields=["withdrawn_at"])
        if use_case.state == State.QUESTION:
            use_case.state = State.PROPOSED
            use_case.save(update_fields=["state"])
    return row


@transaction.atomic
def undo_decision(*, use_case: ProposedUseCase, by: User) -> ProposedUseCase:
    """Undo the decision: the use case waits for one again. The application of an accepted use case
    is removed; refused if it was changed since, or if records were added to it."""
    require_governance(by)
    row = _locked_use_case(use_case)
    if row.is_open:
        raise ConflictError("This use case is not decided. Reload the page.")
    change = row.decision_change
    row.state = State.QUESTION if row.questions.open().exists() else State.PROPOSED
    row.decided_by = row.decided_at = row.application = row.decision_change = None
    row.decision_reason = ""
    with audit_context(user=by, reason="decision undone"):
        row.save(update_fields=_DECISION_COLUMNS)
        if change is not None:
            undo_change(
                change=change,
                by=by,
                reason="decision undone",
                # what was added to the catalogue stays
                restored_elsewhere=(ProposedUseCase, Provider),
            )
    return row


def _decide(
    row: ProposedUseCase, state: str, *, by: User, at: datetime, reason: str
) -> ProposedUseCase:
    row.state, row.decided_by, row.decided_at = state, by, at
    row.decision_reason = reason.strip()
    row.clean_fields(exclude=["link", "application", "decided_by"])
    with audit_context(user=by, reason=f"use case {state}"):
        row.save(update_fields=_DECISION_COLUMNS)
    return row


def _locked_open_use_case(use_case: ProposedUseCase) -> ProposedUseCase:
    row = _locked_use_case(use_case)
    if not row.is_open:
        raise ConflictError(
            f"{row.decided_by} already {row.get_state_display().lower()} this use case. Reload the "
            "page."
        )
    return row


def _locked_use_case(use_case: ProposedUseCase) -> ProposedUseCase:
    """Lock the use case and return its current row, read after the lock."""
    ProposedUseCase.objects.select_for_update(of=("self",)).only("pk").get(pk=use_case.pk)
    return ProposedUseCase.objects.select_related("decided_by", "application").get(pk=use_case.pk)
