"""Approvals: decisions on which models can be used. The caller has checked `by.is_governance`.

At most one decision on a target is valid at a time; a later one revokes the earlier, so that both
stay on record.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Unpack

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering, Provider, Version
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.governance.proposals import (
    RECORD_CHANGED,
    decision_context,
    is_confirmation_required,
    propose_decision,
    register_applier,
    require_confirmation,
)
from apps.inventory.governance.term_conditions import ApprovalLimits, has_term_conditions
from apps.inventory.models import Application, Approval, Criticality, DecisionProposal
from apps.inventory.models.decisions import ApprovalQuerySet

type ApprovalTarget = Provider | Foundation | Version | Offering
Decision = Approval.Decision
TARGET_COLUMNS: dict[type[Any], str] = {
    Provider: "provider",
    Foundation: "foundation",
    Version: "version",
    Offering: "offering",
}
APPROVAL_RELATIONS = (
    "provider",
    "foundation",
    "version",
    "offering__host",
    "approver",
    "revoked_by",
)


@transaction.atomic
def record_decision(
    *,
    target: ApprovalTarget,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None = None,
    proposal: DecisionProposal | None = None,
    **limits: Unpack[ApprovalLimits],
) -> Approval:
    """Record a decision: approved, restricted or blocked. Only a block can be without an expiry
    date; if the settings require a second person for blocks, it needs a confirmed proposal
    (`submit_decision`).

    Refused if another decision on the same target is valid: replace or revoke that one. An expired
    one is revoked automatically.
    """
    _require_confirmed_block(decision, target, proposal)
    current = _current_approval(target)
    if current is not None and (current.expires_on is None or current.expires_on > day_of(at)):
        raise ConflictError(
            f"An approval already exists ({current.get_decision_display().lower()}, "
            f"{current.decided_on:%Y-%m-%d}, {current.approver}). Replace or revoke it."
        )
    created = _build_approval(target, decision, reason, at, by, expires_on, limits)
    with decision_context(by=by, reason=reason, proposal=proposal):
        if current is not None:
            _revoke(
                current,
                at,
                by,
                (f"Expired on {current.expires_on:%Y-%m-%d} and replaced by a new approval."),
            )
        created.full_clean()
        created.save(force_insert=True)
    return created


@transaction.atomic
def replace_decision(
    *,
    approval: Approval,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None = None,
    proposal: DecisionProposal | None = None,
    **limits: Unpack[ApprovalLimits],
) -> Approval:
    """Replace this decision by another one on the same target and return the new one. The old one
    stays on record as revoked. A block is confirmed as in `record_decision`."""
    approval = _lock_approval(approval)
    _refuse_revoked(approval)
    _require_confirmed_block(decision, approval.target, proposal)
    created = _build_approval(approval.target, decision, reason, at, by, expires_on, limits)
    with decision_context(by=by, reason=reason, proposal=proposal):
        _revoke(approval, at, by, f"Replaced: {reason}")
        created.full_clean()
        created.save(force_insert=True)
    return created


@transaction.atomic
def revoke_decision(*, approval: Approval, reason: str, at: datetime, by: User) -> Approval:
    """Revoke a decision with a reason; of two concurrent users the second gets an error that names
    the first."""
    approval = _lock_approval(approval)
    _refuse_revoked(approval)
    if not reason.strip():
        raise ConflictError("Enter a reason for revoking the approval.")
    with audit_context(user=by, reason=reason):
        _revoke(approval, at, by, reason)
    return approval


# --- blocks that a second person confirms ---------------------------------------------------------


@transaction.atomic
def submit_decision(
    *,
    target: ApprovalTarget,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None = None,
    **limits: Unpack[ApprovalLimits],
) -> Approval | DecisionProposal:
    """Record the decision, or propose it if a second governance person must confirm it. `limits`
    as in `record_decision`."""
    if is_proposed(decision):
        current = _current_approval(target)
        return _propose_block(target, current, None, reason, expires_on, at=at, by=by)
    return record_decision(
        target=target,
        decision=decision,
        reason=reason,
        at=at,
        by=by,
        expires_on=expires_on,
        **limits,
    )


@transaction.atomic
def submit_replacement(
    *,
    approval: Approval,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None = None,
    **limits: Unpack[ApprovalLimits],
) -> Approval | DecisionProposal:
    """Replace the decision, or propose that if a second governance person must confirm it."""
    if is_proposed(decision):
        current = _current_approval(approval.target)
        return _propose_block(approval.target, current, approval, reason, expires_on, at=at, by=by)
    return replace_decision(
        approval=approval,
        decision=decision,
        reason=reason,
        at=at,
        by=by,
        expires_on=expires_on,
        **limits,
    )


def is_proposed(decision: str) -> bool:
    """Return whether a second governance person must confirm a decision of this status."""
    return decision == Decision.BLOCKED and is_confirmation_required(DecisionProposal.Kind.BLOCK)


def block_target(target: ApprovalTarget) -> str:
    """Return the target of proposals to block this item."""
    return f"{TARGET_COLUMNS[type(target)]}:{target.pk}/block"


def _require_confirmed_block(
    decision: str, target: ApprovalTarget, proposal: DecisionProposal | None
) -> None:
    if is_proposed(decision):
        require_confirmation(
            proposal,
            kind=DecisionProposal.Kind.BLOCK,
            target=block_target(target),
            message="A second governance user must confirm a block. Propose it.",
        )


def _propose_block(
    target: ApprovalTarget,
    current: Approval | None,
    replaced: Approval | None,
    reason: str,
    expires_on: date | None,
    *,
    at: datetime,
    by: User,
) -> DecisionProposal:
    return propose_decision(
        kind=DecisionProposal.Kind.BLOCK,
        target=block_target(target),
        target_name=str(target),
        before=_current_values(current),
        after={
            "decision": str(Decision.BLOCKED),
            "expires_on": expires_on.isoformat() if expires_on else None,
            "replaces": replaced.pk if replaced else None,
        },
        reason=reason,
        by=by,
        at=at,
    )


def _current_values(current: Approval | None) -> dict[str, Any]:
    return {
        "approval": current.pk if current else None,
        "decision": current.decision if current else None,
    }


def _apply_block(proposal: DecisionProposal, at: datetime) -> None:
    """Apply a confirmed proposal, in the name of its author."""
    column = proposal.target.partition(":")[0]
    model = next(model for model, name in TARGET_COLUMNS.items() if name == column)
    target = model._default_manager.filter(pk=proposal.target_id).first()
    if target is None or _current_values(_current_approval(target)) != proposal.before:
        raise ConflictError(RECORD_CHANGED)
    expires_on = proposal.after["expires_on"]
    values: dict[str, Any] = {
        "decision": proposal.after["decision"],
        "reason": proposal.reason,
        "at": at,
        "by": proposal.proposed_by,
        "expires_on": date.fromisoformat(expires_on) if expires_on else None,
        "proposal": proposal,
    }
    replaced_id = proposal.after["replaces"]
    if replaced_id is None:
        record_decision(target=target, **values)
    else:
        replace_decision(approval=Approval.objects.get(pk=replaced_id), **values)


register_applier(DecisionProposal.Kind.BLOCK, _apply_block)


# --- queries --------------------------------------------------------------------------------------


def decisions_by_target(
    *, targets: Collection[ApprovalTarget], on: date
) -> dict[tuple[str, int], Approval]:
    """Return {("foundation", ID): the decision in force that day} for the targets that have one;
    one statement."""
    ids_by_column: dict[str, list[int]] = {column: [] for column in TARGET_COLUMNS.values()}
    for target in targets:
        ids_by_column[TARGET_COLUMNS[type(target)]].append(target.pk)
    approvals: dict[tuple[str, int], Approval] = {}
    for approval in decisions_in_force(on=on):
        for column, ids in ids_by_column.items():
            pk = getattr(approval, f"{column}_id")
            if pk is not None and pk in ids:
                approvals[column, pk] = approval
    return approvals


def decisions_in_force(*, on: date) -> ApprovalQuerySet:
    """Return the decisions in force, with the relations that lists show."""
    return Approval.objects.standing_on(on).select_related(*APPROVAL_RELATIONS)


def expiring_decisions(*, on: date, within_days: int = 30) -> ApprovalQuerySet:
    """Return decisions in force that expire within so many days, the earliest first."""
    ends = on + timedelta(days=within_days)
    return decisions_in_force(on=on).filter(expires_on__lte=ends).order_by("expires_on", "pk")


def _lock_approval(approval: Approval) -> Approval:
    """Lock the approval and return its current row.

    The row is locked first and read afterwards: a join made while waiting for the lock would return
    old values.
    """
    Approval.objects.select_for_update().only("pk").get(pk=approval.pk)
    return Approval.objects.select_related(*APPROVAL_RELATIONS).get(pk=approval.pk)


def _current_approval(target: ApprovalTarget) -> Approval | None:
    """Return the approval that is not revoked, expired or not; the target is locked, so that
    concurrent decisions wait."""
    type(target)._default_manager.select_for_update(no_key=True).only("pk").get(pk=target.pk)
    current: Approval | None = (
        Approval.objects.filter(**{TARGET_COLUMNS[type(target)]: target}, revoked_at__isnull=True)
        .select_related("approver")
        .first()
    )
    return current


def _build_approval(
    target: ApprovalTarget,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None,
    limits: ApprovalLimits,
) -> Approval:
    """Return the unsaved approval. Raise ConflictError for unknown data classes or criticalities,
    and for limits of an approval that is not restricted."""
    criticalities = limits.get("criticalities", ())
    classes = {*limits.get("data_classes", ()), *limits.get("terms_data_classes", ())}
    if unknown := sorted(classes - set(Application.DataClass.values)):
        raise ConflictError(
            f"'{unknown[0]}' is not a valid data class. Use one of: "
            f"{', '.join(Application.DataClass.values)}."
        )
    if unknown_levels := sorted(set(criticalities) - set(Criticality.values)):
        raise ConflictError(
            f"'{unknown_levels[0]}' is not a valid criticality. Use 0 (critical) to 3 (low)."
        )
    has_limits = has_term_conditions(limits) or any(
        limits.get(name) for name in ("data_classes", "regions", "criticalities")
    )
    if has_limits and decision != Decision.RESTRICTED:
        raise ConflictError(
            "Only a restricted approval can have limits. Choose restricted, or remove the limits."
        )
    return Approval(
        **{TARGET_COLUMNS[type(target)]: target},
        decision=decision,
        reason=reason,
        approver=by,
        decided_on=day_of(at),
        expires_on=expires_on,
        data_classes=list(limits.get("data_classes", ())),
        regions=_strip_names(limits.get("regions", ())),
        criticalities=list(criticalities),
        requires_no_training=limits.get("requires_no_training", False),
        max_retention_days=limits.get("max_retention_days"),
        requires_zero_retention=limits.get("requires_zero_retention", False),
        residencies=_strip_names(limits.get("residencies", ())),
        terms_data_classes=list(limits.get("terms_data_classes", ())),
    )


def _strip_names(names: Sequence[str]) -> list[str]:
    return [name.strip() for name in names if name.strip()]


def _revoke(approval: Approval, at: datetime, by: User, reason: str) -> None:
    approval.revoked_at, approval.revoked_by, approval.revoked_reason = at, by, reason
    approval.save(update_fields=["revoked_at", "revoked_by", "revoked_reason", "updated_at"])


def _refuse_revoked(approval: Approval) -> None:
    if approval.revoked_at is not None:
        raise ConflictError(
            f"{approval.revoked_by} revoked this approval on "
            f"{day_of(approval.revoked_at):%Y-%m-%d}. Add a new approval instead."
        )
