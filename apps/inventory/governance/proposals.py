"""Decisions that a second governance person confirms: proposed by one, confirmed or rejected by
another, or withdrawn by the first.

The functions that apply such a decision refuse it without a confirmed proposal, whatever calls
them. An app registers for its kind of decision what a confirmation applies.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from apps.accounts.models import User
from apps.accounts.queries import governance_people
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.history.context import audit_context
from apps.inventory.models import ConfirmationSettings, DecisionProposal, Dependency

Kind = DecisionProposal.Kind
State = DecisionProposal.State
# {kind: column of the settings}
_SWITCHES: Mapping[str, str] = {
    Kind.TOLERANCE: "tolerances",
    Kind.ACCEPTANCE: "acceptances",
    Kind.BLOCK: "blocks",
}
SETTINGS_FIELDS = frozenset(_SWITCHES.values())
SETTINGS_TARGET = f"confirmation:{ConfirmationSettings.ONLY}"
RECORD_CHANGED = (
    "The record changed after this was proposed. Reject the proposal, or ask its author to "
    "withdraw it and to propose the decision again."
)

# applies a proposal at a time; raises what the record refuses
type Applier = Callable[[DecisionProposal, datetime], Any]
_appliers: dict[str, Applier] = {}


class ConfirmationRequiredError(ConflictError):
    """A decision that applies only through a proposal that a second person has confirmed."""


def register_applier(kind: str, applier: Applier) -> None:
    """Let an app apply confirmed proposals of a kind; once, when apps are loaded."""
    _appliers[kind] = applier


# --- settings -------------------------------------------------------------------------------------


def confirmation_settings() -> ConfirmationSettings:
    row = ConfirmationSettings.objects.filter(pk=ConfirmationSettings.ONLY).first()
    return row or ConfirmationSettings(pk=ConfirmationSettings.ONLY)


def is_confirmation_required(kind: str) -> bool:
    """Return whether the settings require a second person for decisions of this kind."""
    return bool(getattr(confirmation_settings(), _SWITCHES[kind]))


def second_people(by: User) -> QuerySet[User]:
    """Return the persons who can confirm what `by` proposes."""
    return governance_people().exclude(pk=by.pk)


@transaction.atomic
def submit_confirmation_settings(
    *, facts: Mapping[str, bool], by: User, at: datetime, reason: str = ""
) -> ConfirmationSettings | DecisionProposal:
    """Change the settings. If a requirement is removed and a second governance person exists, the
    change is proposed: otherwise one person could remove it, decide and restore it."""
    _require_governance(by)
    row, changes = _changed_settings(facts)
    if _removes_requirement(changes) and second_people(by).exists():
        return propose_decision(
            kind=Kind.SETTING,
            target=SETTINGS_TARGET,
            target_name="Decisions that a second person confirms",
            before=_settings_values(row),
            after=changes,
            reason=reason,
            by=by,
            at=at,
        )
    return _save_settings(row, changes, by=by, reason=reason)


def _apply_settings(proposal: DecisionProposal, at: datetime) -> None:
    row, changes = _changed_settings(proposal.after)
    if _settings_values(row) != proposal.before:
        raise ConflictError(RECORD_CHANGED)
    _save_settings(row, changes, by=proposal.proposed_by, reason=proposal.reason, proposal=proposal)


def _changed_settings(facts: Mapping[str, bool]) -> tuple[ConfirmationSettings, dict[str, bool]]:
    """Return the settings, locked, and what differs."""
    if unknown := sorted(set(facts) - SETTINGS_FIELDS):
        raise DomainError(
            f"'{unknown[0]}' is not a valid field. Use one of: "
            f"{', '.join(sorted(SETTINGS_FIELDS))}."
        )
    ConfirmationSettings.objects.get_or_create(pk=ConfirmationSettings.ONLY)
    row = ConfirmationSettings.objects.select_for_update().get(pk=ConfirmationSettings.ONLY)
    return row, {name: value for name, value in facts.items() if getattr(row, name) != value}


def _removes_requirement(changes: Mapping[str, bool]) -> bool:
    return any(value is False for value in changes.values())


def _settings_values(row: ConfirmationSettings) -> dict[str, bool]:
    return {name: getattr(row, name) for name in sorted(SETTINGS_FIELDS)}


def _save_settings(
    row: ConfirmationSettings,
    changes: Mapping[str, bool],
    *,
    by: User,
    reason: str,
    proposal: DecisionProposal | None = None,
) -> ConfirmationSettings:
    if not changes:
        return row
    for name, value in changes.items():
        setattr(row, name, value)
    with decision_context(
        by=by, reason=reason or "confirmation settings changed", proposal=proposal
    ):
        row.save()
    return row


register_applier(Kind.SETTING, _apply_settings)


# --- proposals ------------------------------------------------------------------------------------


@transaction.atomic
def propose_decision(
    *,
    kind: str,
    target: str,
    target_name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str,
    by: User,
    at: datetime,
    dependency: Dependency | None = None,
) -> DecisionProposal:
    """Propose a decision. What a confirmation would refuse today is refused here already."""
    _require_person(by, "propose")
    if not reason.strip():
        raise DomainError("Enter a reason for the second person.", field="reason")
    proposal = open_proposal(kind, target)
    if proposal is not None:
        raise ConflictError(
            f"{proposal.proposed_by} already proposed a decision about this record. Confirm, "
            "reject or withdraw it first."
        )
    proposal = DecisionProposal(
        kind=kind,
        target=target,
        target_name=target_name[:300],
        dependency=dependency,
        before=before,
        after=after,
        reason=reason.strip(),
        proposed_by=by,
        proposed_at=at,
    )
    proposal.full_clean()
    with audit_context(user=by, reason="decision proposed"):
        with transaction.atomic():
            _appliers[kind](proposal, at)
            # only the refusals count
            transaction.set_rollback(True)
        proposal.save(force_insert=True)
    return proposal


def record_applied_decision(
    *,
    kind: str,
    target: str,
    target_name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str,
    by: User,
    at: datetime,
) -> DecisionProposal:
    """Record a decision that applied without a second person, since none is required."""
    return DecisionProposal.objects.create(
        kind=kind,
        target=target,
        target_name=target_name[:300],
        before=before,
        after=after,
        reason=reason.strip(),
        proposed_by=by,
        proposed_at=at,
        state=State.APPLIED,
    )


@transaction.atomic
def confirm_proposal(
    *, proposal: DecisionProposal, by: User, at: datetime, reason: str = ""
) -> DecisionProposal:
    """Confirm the proposal and apply its decision, in the name of its author. Refused if the record
    has changed since, or if its author has lost the role."""
    locked = _lock_open_proposal(proposal)
    require_second_person(by, locked)
    author = locked.proposed_by
    if not author.is_active or (locked.kind != Kind.ACCEPTANCE and not author.is_governance):
        raise ConflictError(_author_without_role(author))
    _decide(locked, State.CONFIRMED, by=by, at=at, reason=reason)
    try:
        _appliers[locked.kind](locked, at)
    except (PermissionDenied, Http404) as error:
        raise ConflictError(_author_without_role(author)) from error
    except ValidationError as error:
        raise ConflictError(" ".join(error.messages)) from error
    return locked


@transaction.atomic
def reject_proposal(
    *, proposal: DecisionProposal, by: User, at: datetime, reason: str
) -> DecisionProposal:
    """Reject the proposal, with a reason: nothing changes."""
    locked = _lock_open_proposal(proposal)
    require_second_person(by, locked)
    if not reason.strip():
        raise DomainError("Enter a reason for the rejection.", field="reason")
    return _decide(locked, State.REJECTED, by=by, at=at, reason=reason)


@transaction.atomic
def withdraw_proposal(
    *, proposal: DecisionProposal, by: User, at: datetime, reason: str = ""
) -> DecisionProposal:
    """Withdraw the proposal, by its author: nothing changes."""
    locked = _lock_open_proposal(proposal)
    if not can_withdraw(by, locked):
        raise ForbiddenError(
            f"Only {locked.proposed_by} can withdraw this proposal. Reject it instead."
        )
    return _decide(locked, State.WITHDRAWN, by=by, at=at, reason=reason)


def can_decide(user: User, proposal: DecisionProposal) -> bool:
    """Return whether the user can confirm or reject the proposal."""
    return (
        proposal.state == State.PROPOSED
        and user.is_governance
        and not user.is_service
        and user.pk != proposal.proposed_by_id
    )


def can_withdraw(user: User, proposal: DecisionProposal) -> bool:
    return (
        proposal.state == State.PROPOSED and user.is_active and user.pk == proposal.proposed_by_id
    )


def open_proposal(kind: str, target: str) -> DecisionProposal | None:
    """Return the proposal about the record that waits for a second person."""
    proposals = DecisionProposal.objects.open().select_related("proposed_by")
    return proposals.filter(kind=kind, target=target).first()


def require_confirmation(
    proposal: DecisionProposal | None, *, kind: str, target: str, message: str
) -> None:
    """Raise ConfirmationRequiredError with `message` unless `proposal` is about this decision;
    `confirm_proposal` is what passes one on."""
    if proposal is None or (proposal.kind, proposal.target) != (kind, target):
        raise ConfirmationRequiredError(message)


def decision_context(
    *, by: User, reason: str, proposal: DecisionProposal | None
) -> AbstractContextManager[UUID]:
    """Record who decides: with a confirmed proposal the second person, and both in the reason."""
    if proposal is None or proposal.decided_by is None:
        return audit_context(user=by, reason=reason)
    return audit_context(
        user=proposal.decided_by,
        reason=f"{reason} (proposed by {proposal.proposed_by}, confirmed by {proposal.decided_by})",
    )


def _lock_open_proposal(proposal: DecisionProposal) -> DecisionProposal:
    """Lock the proposal and return its current row, read after the lock."""
    DecisionProposal.objects.select_for_update().only("pk").get(pk=proposal.pk)
    locked = DecisionProposal.objects.select_related(
        "proposed_by", "decided_by", "dependency__application__team"
    ).get(pk=proposal.pk)
    if locked.state != State.PROPOSED:
        decided = f" by {locked.decided_by}" if locked.decided_by else ""
        raise ConflictError(
            f"The proposal is already {locked.get_state_display().lower()}{decided}. Reload the "
            "page."
        )
    return locked


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise ForbiddenError(
            "You need the governance or administrator role to change these settings."
        )


def _require_person(by: User, verb: str) -> None:
    # a program with a role would be a second person to whoever holds its token
    if by.is_service:
        raise ForbiddenError(f"A service account cannot {verb} this decision. Sign in as a user.")


def require_second_person(by: User, proposal: DecisionProposal) -> None:
    """Raise unless `by` can confirm or reject the proposal."""
    _require_person(by, "decide on")
    if not by.is_governance:
        raise ForbiddenError("You need the governance or administrator role to decide on this.")
    if by.pk == proposal.proposed_by_id:
        raise ConflictError("You proposed this decision. Another governance user must decide.")


def _author_without_role(author: User) -> str:
    return f"{author} no longer has the role for this decision. Reject the proposal."


def _decide(
    proposal: DecisionProposal, state: str, *, by: User, at: datetime, reason: str
) -> DecisionProposal:
    proposal.state, proposal.decided_by, proposal.decided_at = state, by, at
    proposal.decision_reason = reason.strip()
    proposal.full_clean(exclude=["dependency", "proposed_by", "decided_by"])
    with audit_context(user=by, reason=reason or f"proposal {state}"):
        proposal.save(update_fields=["state", "decided_by", "decided_at", "decision_reason"])
    return proposal
