"""The organisation's exposure policies and settings, which governance changes."""

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.exposure.actions.decisions import FlagPermissionError
from apps.exposure.actions.flags import lock_policy, resolve_flags
from apps.exposure.models import ExposureSettings, Policy
from apps.exposure.policy_values import policy_values
from apps.exposure.threats import exact_fraction
from apps.inventory.governance.proposals import (
    RECORD_CHANGED,
    decision_context,
    is_confirmation_required,
    propose_decision,
    record_applied_decision,
    register_applier,
    require_confirmation,
)
from apps.inventory.models import DecisionProposal

# a tenth of the tolerance
DEFAULT_HYSTERESIS = Decimal("0.1")
POLICY_FIELDS = frozenset(
    {
        "slug",
        "name",
        "kinds",
        "threat",
        "states",
        "predicate",
        "measure",
        "basis",
        "tolerance",
        "hysteresis",
        "clear_days",
        "enabled",
        "reason",
    }
)
# what decides which value is measured; a change of one can hide a breach
_MEASURED_FIELDS = ("kinds", "threat", "states", "predicate", "measure", "basis")
_DECIMAL_FIELDS = frozenset({"tolerance", "hysteresis"})
SETTINGS_FIELDS = frozenset(
    {
        "statuses",
        "criticality_points",
        "required_grade",
        "test_validity_days",
        "horizon_days",
        "cut_kinds",
        "cut_threshold",
        "state_factor",
        "outage_impact",
        "outage_hours",
    }
)


@transaction.atomic
def add_policy(*, facts: Mapping[str, Any], by: User, reason: str = "") -> Policy:
    """Add a policy; its flags open at the next evaluation."""
    _require_governance(by)
    policy = Policy(**{"hysteresis": DEFAULT_HYSTERESIS, **_check_fields(facts, POLICY_FIELDS)})
    policy.full_clean()
    with audit_context(user=by, reason=reason or "policy added"):
        policy.save(force_insert=True)
    return policy


@transaction.atomic
def change_policy(
    *,
    policy: Policy,
    facts: Mapping[str, Any],
    at: datetime,
    by: User,
    reason: str = "",
    proposal: DecisionProposal | None = None,
) -> Policy:
    """Set the given facts. Disabling the policy resolves its flags immediately; every other change
    applies from the next evaluation. Policies are not deleted.

    A tolerance that is loosened during a breach needs a reason and, if the settings require a
    second person, a confirmed proposal (`submit_policy_change`).
    """
    _require_governance(by)
    stored, row, changes = _prepare_change(policy, facts)
    if not changes:
        return row
    is_loosened = loosens_during_breach(stored, row)
    if is_loosened:
        _require_reason(reason)
        if is_confirmation_required(DecisionProposal.Kind.TOLERANCE):
            require_confirmation(
                proposal,
                kind=DecisionProposal.Kind.TOLERANCE,
                target=policy_target(row),
                message="A measurement is above this tolerance. Propose the change to a second "
                "governance user.",
            )
    with decision_context(by=by, reason=reason or "policy changed", proposal=proposal):
        row.save()
        if changes.get("enabled") is False:
            resolve_flags(row, at=at, by=by, reason=reason or "policy disabled")
        if is_loosened and proposal is None:
            record_applied_decision(
                **_proposal_values(stored, changes), reason=reason, by=by, at=at
            )
    return row


@transaction.atomic
def submit_policy_change(
    *, policy: Policy, facts: Mapping[str, Any], at: datetime, by: User, reason: str = ""
) -> Policy | DecisionProposal:
    """Change the policy, or propose the change if a second governance person must confirm it."""
    _require_governance(by)
    stored, row, changes = _prepare_change(policy, facts)
    if (
        changes
        and is_confirmation_required(DecisionProposal.Kind.TOLERANCE)
        and loosens_during_breach(stored, row)
    ):
        _require_reason(reason)
        return propose_decision(**_proposal_values(stored, changes), reason=reason, by=by, at=at)
    return change_policy(policy=policy, facts=facts, at=at, by=by, reason=reason)


def loosens_during_breach(stored: Policy, changed: Policy) -> bool:
    """Return whether a measurement is above the stored tolerance, and the change raises the
    tolerance, disables the policy, or measures something else that is not above it."""
    if not stored.enabled:
        return False
    breaches = _breaching_nodes(stored)
    if not breaches:
        return False
    is_higher = changed.measure == stored.measure and changed.tolerance > stored.tolerance
    if is_higher or not changed.enabled:
        return True
    is_measured_alike = all(
        getattr(stored, name) == getattr(changed, name) for name in _MEASURED_FIELDS
    )
    return not is_measured_alike and not breaches <= _breaching_nodes(changed)


def is_breached(policy: Policy) -> bool:
    """Return whether a measurement is above the tolerance of the policy now."""
    return policy.enabled and bool(_breaching_nodes(policy))


def policy_target(policy: Policy) -> str:
    """Return the target of proposals about the policy."""
    return f"policy:{policy.pk}"


def _breaching_nodes(policy: Policy) -> set[int | None]:
    tolerance = exact_fraction(policy.tolerance)
    return {
        node_id
        for node_id, value in policy_values(policy, merges_owners=True).items()
        if value.value > tolerance
    }


def _prepare_change(
    policy: Policy, facts: Mapping[str, Any]
) -> tuple[Policy, Policy, dict[str, Any]]:
    """Lock the policy; return it as stored, with the valid change, and what differs."""
    lock_policy(policy.pk)
    stored = Policy.objects.get(pk=policy.pk)
    row = copy(stored)
    named = [
        name
        for name, value in _check_fields(facts, POLICY_FIELDS).items()
        if getattr(stored, name) != value
    ]
    if not named:
        return stored, row, {}
    for name in named:
        setattr(row, name, facts[name])
    row.full_clean()
    changes = {name: getattr(row, name) for name in named}
    return (
        stored,
        row,
        {name: value for name, value in changes.items() if value != getattr(stored, name)},
    )


def _proposal_values(stored: Policy, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": DecisionProposal.Kind.TOLERANCE,
        "target": policy_target(stored),
        "target_name": stored.name,
        "before": _as_json({name: getattr(stored, name) for name in sorted(POLICY_FIELDS)}),
        "after": _as_json(changes),
    }


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with decimals as text without trailing zeros."""
    return {
        name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


def _apply_policy_change(proposal: DecisionProposal, at: datetime) -> None:
    """Apply a confirmed proposal, in the name of its author."""
    lock_policy(proposal.target_id)
    policy = Policy.objects.get(pk=proposal.target_id)
    if _proposal_values(policy, {})["before"] != proposal.before:
        raise ConflictError(RECORD_CHANGED)
    facts = {
        name: Decimal(value) if name in _DECIMAL_FIELDS else value
        for name, value in proposal.after.items()
    }
    change_policy(
        policy=policy,
        facts=facts,
        at=at,
        by=proposal.proposed_by,
        reason=proposal.reason,
        proposal=proposal,
    )


register_applier(DecisionProposal.Kind.TOLERANCE, _apply_policy_change)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ValidationError(
            {
                "change_reason": "A measurement is above this tolerance. Enter a reason for the "
                "change."
            }
        )


@transaction.atomic
def change_settings(*, facts: Mapping[str, Any], by: User, reason: str = "") -> ExposureSettings:
    """Set how exposure is measured; the next refresh rebuilds the derived tables that it
    changes."""
    _require_governance(by)
    row = ExposureSettings.objects.select_for_update().filter(pk=ExposureSettings.ONLY).first()
    row = row or ExposureSettings(pk=ExposureSettings.ONLY)
    changes = {
        name: value
        for name, value in _check_fields(facts, SETTINGS_FIELDS).items()
        if getattr(row, name) != value
    }
    if not changes and not row._state.adding:
        return row
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    with audit_context(user=by, reason=reason or "exposure settings changed"):
        row.save()
    return row


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise FlagPermissionError(
            "You need the governance or administrator role to change exposure policies and "
            "settings."
        )


def _check_fields(facts: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    if unknown_fields := sorted(set(facts) - names):
        raise ValidationError(
            f"'{unknown_fields[0]}' is not a valid field. Use one of: {', '.join(sorted(names))}."
        )
    return dict(facts)
