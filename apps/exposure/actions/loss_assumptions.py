"""Assumptions of the organisation for simulated losses: frequency, severity and cost of events."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.exposure.actions.decisions import FlagPermissionError
from apps.exposure.models import BaseLoss, EventRate

RATE_FIELDS = frozenset({"rate", "low", "high", "severity_cv", "assumption", "source", "enabled"})
LOSS_FIELDS = frozenset({"amount", "chance"})


@transaction.atomic
def change_rate(
    *, rate: EventRate, facts: Mapping[str, Any], by: User, reason: str = ""
) -> EventRate:
    """Set the frequency of events; existing runs are not affected."""
    _require_governance(by)
    row = EventRate.objects.select_for_update().get(pk=rate.pk)
    changes = {
        name: value
        for name, value in _check_fields(facts, RATE_FIELDS).items()
        if getattr(row, name) != value
    }
    if not changes:
        return row
    for name, value in changes.items():
        setattr(row, name, value)
    if row.low is not None and row.high is not None and not row.low <= row.rate <= row.high:
        raise ValidationError({"rate": "The rate must be within its interval."})
    row.full_clean()
    with audit_context(user=by, reason=reason or "rate changed"):
        row.save()
    return row


@transaction.atomic
def change_base_loss(
    *, loss: BaseLoss, facts: Mapping[str, Any], by: User, reason: str = ""
) -> BaseLoss:
    """Set the cost of one event; the figure then counts as the organisation's own and not as a
    placeholder."""
    _require_governance(by)
    row = BaseLoss.objects.select_for_update().get(pk=loss.pk)
    cleaned = _check_fields(facts, LOSS_FIELDS)
    if row.placeholder is False and all(
        getattr(row, name) == value for name, value in cleaned.items()
    ):
        return row
    for name, value in cleaned.items():
        setattr(row, name, value)
    row.placeholder = False
    row.full_clean()
    with audit_context(user=by, reason=reason or "base loss changed"):
        row.save()
    return row


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise FlagPermissionError(
            "You need the governance or administrator role to change loss assumptions."
        )


def _check_fields(facts: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    if unknown_fields := sorted(set(facts) - names):
        raise ValidationError(
            f"'{unknown_fields[0]}' is not a valid field. Use one of: {', '.join(sorted(names))}."
        )
    return dict(facts)
