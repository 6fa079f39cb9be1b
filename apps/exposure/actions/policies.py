"""The organisation's exposure policies and settings, which governance changes."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.exposure.actions.decisions import FlagPermissionError
from apps.exposure.actions.flags import lock_policy, resolve_flags
from apps.exposure.models import ExposureSettings, Policy

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
    *, policy: Policy, facts: Mapping[str, Any], at: datetime, by: User, reason: str = ""
) -> Policy:
    """Set the given facts. Disabling the policy resolves its flags immediately; every other change
    applies from the next evaluation. Policies are not deleted."""
    _require_governance(by)
    lock_policy(policy.pk)
    row = Policy.objects.get(pk=policy.pk)
    changes = {
        name: value
        for name, value in _check_fields(facts, POLICY_FIELDS).items()
        if getattr(row, name) != value
    }
    if not changes:
        return row
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    with audit_context(user=by, reason=reason or "policy changed"):
        row.save()
        if changes.get("enabled") is False:
            resolve_flags(row, at=at, by=by, reason=reason or "policy disabled")
    return row


@transaction.atomic
def change_settings(*, facts: Mapping[str, Any], by: User, reason: str = "") -> ExposureSettings:
    """Set how exposure is measured; the next refresh rebuilds all derived tables."""
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
