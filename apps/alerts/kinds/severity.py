"""Severity of alerts, from 1 (info) to 5 (urgent); no queries."""

from decimal import Decimal, InvalidOperation
from typing import Any

from apps.catalog.models import ProviderEvent
from apps.inventory.models import Criticality

EventKind = ProviderEvent.Kind

RELIEF_KINDS = frozenset({EventKind.MOVED_LATER, EventKind.WITHDRAWN})

# (maximum of days left, severity for an important application)
_STEPS = ((30, 4), (90, 3), (180, 2))
_LATER = 1
_UNKNOWN_DAY = 2
_BY_CRITICALITY = {
    Criticality.CRITICAL: 1,
    Criticality.IMPORTANT: 0,
    Criticality.STANDARD: -1,
    Criticality.LOW: -2,
}


def event_severity(
    kind: str, *, days_left: int | None, criticality: int, is_dearer: bool = False
) -> int:
    """Return the severity for one application with the model as a primary model.

    A retirement counts by the days left: one step more for a critical application, one or two less
    for a standard or low one. Postponed or withdrawn retirements and price decreases have severity
    1, price increases 2 or 3, capabilities that were withdrawn and are used 3 or 4."""
    if kind in RELIEF_KINDS or (kind == EventKind.REPRICED and not is_dearer):
        return 1
    if kind == EventKind.CAPABILITY_LOST:
        return 4 if criticality == Criticality.CRITICAL else 3
    if kind == EventKind.REPRICED:
        return 3 if criticality == Criticality.CRITICAL else 2
    if kind == EventKind.RETIRED:
        urgency = 4
    elif days_left is None:
        urgency = _UNKNOWN_DAY
    else:
        urgency = next((step for max_days, step in _STEPS if days_left <= max_days), _LATER)
    return min(5, max(1, urgency + _BY_CRITICALITY[Criticality(criticality)]))


def highest_severity(
    kind: str,
    *,
    days_left: int | None,
    primary: int | None,
    supporting: int | None,
    is_dearer: bool = False,
) -> int:
    """Return the higher of two severities: for the most critical application with the model as a
    primary model and, one step lower, for the most critical one with it in a supporting role
    (fallback, judge, guardrail, ...). Each criticality is None without such an application."""
    severities = [1]
    if primary is not None:
        severities.append(
            event_severity(kind, days_left=days_left, criticality=primary, is_dearer=is_dearer)
        )
    if supporting is not None:
        severities.append(
            event_severity(kind, days_left=days_left, criticality=supporting, is_dearer=is_dearer)
            - 1
        )
    return max(severities)


def flag_severity(*, value: float | Decimal, limit: float | Decimal) -> int:
    """Return 4 (high) if the value exceeds its tolerance by at least a quarter of the tolerance,
    otherwise 3 (medium); 3 if the tolerance is 0."""
    return 4 if Decimal(limit) > 0 and Decimal(value) >= Decimal(limit) * Decimal("1.25") else 3


# A source that is late or not updating.
SILENT_SEVERITY = 3
FRESH_SEVERITY = 1
# A flag that is resolved.
RESOLVED_SEVERITY = 1


def hold_severity(*, critical: bool) -> int:
    """Return the severity of changes on hold: 4 (high) if critical applications are affected,
    otherwise 3 (medium)."""
    return 4 if critical else 3


def is_price_increase(old_prices: Any, new_prices: Any) -> bool:
    """Return whether the price of any unit rose, or a unit that was free or unpriced now has a
    price. Both are {unit: decimal text}."""
    old_amounts = old_prices if isinstance(old_prices, dict) else {}
    new_amounts = new_prices if isinstance(new_prices, dict) else {}
    return any(
        _parse_amount(new_amounts[unit]) > _parse_amount(old_amounts.get(unit))
        for unit in new_amounts
    )


def _parse_amount(value: Any) -> Decimal:
    """Parse an amount; 0 if it is not a finite number."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


# --- approaching dates, and states that need an action --------------------------------------------

# Kinds that always wait for the next digest, because they only inform.
_CAN_WAIT = frozenset(
    {
        EventKind.REPRICED,
        EventKind.MOVED_LATER,
        EventKind.WITHDRAWN,
        EventKind.RELEASED,
        EventKind.ALIAS_MOVED,
    }
)
URGENT_SEVERITY = 5


def is_urgent(kind: str, *, severity: int) -> bool:
    """Return whether the alert is sent immediately instead of with the next digest."""
    return severity >= URGENT_SEVERITY and kind not in _CAN_WAIT


def retirement_severity(
    *, days_left: int, primary: int | None, supporting: int | None, soft: bool
) -> int:
    """Return the severity of a reminder before a retirement: that of its announcement today; one
    step lower for an earliest retirement date (`soft`)."""
    severity = highest_severity(
        EventKind.ANNOUNCED, days_left=days_left, primary=primary, supporting=supporting
    )
    return max(1, severity - 1) if soft else severity


_RUNWAY = {
    Criticality.CRITICAL: 5,
    Criticality.IMPORTANT: 4,
    Criticality.STANDARD: 3,
    Criticality.LOW: 2,
}


def runway_severity(criticality: int, *, soft: bool) -> int:
    """Return the severity of a negative runway; one step lower for an earliest retirement date
    (`soft`)."""
    severity = _RUNWAY[Criticality(criticality)]
    return max(1, severity - 1) if soft else severity


def reminder_severity(days_left: int) -> int:
    """Return the severity of a deadline of the organisation: 3 (medium) once the date is reached,
    2 (low) before."""
    return 3 if days_left <= 0 else 2


# {discrepancy type: severity for an important application}
_BY_DISCREPANCY = {
    "other_model_served": 3,
    "retired_in_use": 3,
    "shadow_dependency": 3,
    "version_drift": 2,
    "declared_not_seen": 2,
}


def discrepancy_severity(kind: str, *, criticality: int) -> int:
    """Return the severity of a discrepancy of this type: one step higher for critical applications,
    one step lower for standard and low ones."""
    step = (
        1
        if criticality == Criticality.CRITICAL
        else 0
        if criticality == Criticality.IMPORTANT
        else -1
    )
    return max(1, _BY_DISCREPANCY[kind] + step)


def stale_severity(inherent: int, *, criticality: int) -> int:
    """Return the severity of a stale assessment. `inherent` is likelihood times impact before
    controls, 1 to 25."""
    if inherent >= 15:
        return 4 if criticality == Criticality.CRITICAL else 3
    return 3 if inherent >= 8 and criticality <= Criticality.IMPORTANT else 2


_BY_ISSUE = {
    "retired_model_in_use": 4,
    "approval_violated": 4,
    "fallback_retires": 2,
    "migration_late": 4,
    "incident": 4,
    "decision_proposed": 4,
    "use_case_proposed": 2,
    "issue_assigned": 3,
    "issue_mentioned": 2,
}


def issue_severity(
    kind: str, *, criticality: int = Criticality.IMPORTANT, soft: bool = False
) -> int:
    """Return the severity of an alert about an issue: urgent for critical applications whose model
    is retired or not approved, or whose migration is late; one step lower for an earliest
    retirement date (`soft`)."""
    severity = _BY_ISSUE[kind] + _BY_CRITICALITY[Criticality(criticality)] - soft
    return min(5, max(1, severity))


def task_severity(kind: str, *, criticality: int, days_left: int | None = None) -> int:
    """Return the severity of an alert about migration tasks: that of a late migration for late
    ones, 3 (medium) for what is to be signed off or due tomorrow, otherwise 2 (low)."""
    if kind == "task_late":
        return issue_severity("migration_late", criticality=criticality)
    is_pressing = kind == "task_ready" or (days_left is not None and days_left <= 1)
    return 3 if is_pressing else 2
