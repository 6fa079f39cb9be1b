"""How loud an alert is, from 1 (note) to 5 (severe). Numbers in, number out."""

from decimal import Decimal, InvalidOperation
from typing import Any

from apps.catalog.models import ProviderEvent
from apps.inventory.models import Criticality

EventKind = ProviderEvent.Kind

RELIEF_KINDS = frozenset({EventKind.MOVED_LATER, EventKind.WITHDRAWN})

# (days left at most, loudness for an important application)
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
    kind: str, *, days_left: int | None, criticality: int, dearer: bool = False
) -> int:
    """The severity for one application that calls the model as a primary.

    An end counts by the days left, one step up for a critical application, one or two down for a
    standard or low one; relief is a note; a price that falls is a note, one that rises is worth a
    look.
    """
    if kind in RELIEF_KINDS or (kind == EventKind.REPRICED and not dearer):
        return 1
    if kind == EventKind.REPRICED:
        return 3 if criticality == Criticality.CRITICAL else 2
    if kind == EventKind.RETIRED:
        urgency = 4
    elif days_left is None:
        urgency = _UNKNOWN_DAY
    else:
        urgency = next((step for most, step in _STEPS if days_left <= most), _LATER)
    return min(5, max(1, urgency + _BY_CRITICALITY[Criticality(criticality)]))


def highest_severity(
    kind: str,
    *,
    days_left: int | None,
    primary: int | None,
    leaning: int | None,
    dearer: bool = False,
) -> int:
    """The loudest of the gravest application that calls it as a primary and, a step lower, of the
    gravest that only leans on it (fallback, judge, guardrail, ...); each criticality is None where
    there is no such application."""
    loudness = [1]
    if primary is not None:
        loudness.append(
            event_severity(kind, days_left=days_left, criticality=primary, dearer=dearer)
        )
    if leaning is not None:
        loudness.append(
            event_severity(kind, days_left=days_left, criticality=leaning, dearer=dearer) - 1
        )
    return max(loudness)


def flag_severity(*, value: float | Decimal, limit: float | Decimal) -> int:
    """A value just over its line is medium, one that is over by a quarter of the line or more is
    high.

    Where nothing at all is tolerated there is no quarter to go by: medium.
    """
    return 4 if Decimal(limit) > 0 and Decimal(value) >= Decimal(limit) * Decimal("1.25") else 3


# a source that is not read, or stands still: what it says in the meantime reaches nobody
SILENT_SEVERITY = 3
FRESH_SEVERITY = 1
# a flag that is over
RESOLVED_SEVERITY = 1


def hold_severity(*, critical: bool) -> int:
    """What waits for a decision is medium, and high where critical applications stand on it."""
    return 4 if critical else 3


def is_price_increase(old: Any, new: Any) -> bool:
    """True where the price of any unit rose, or a unit that was free or unpriced now costs; {unit:
    decimal text}."""
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    return any(_amount(after[unit]) > _amount(before.get(unit)) for unit in after)


def _amount(value: Any) -> Decimal:
    """The amount as a number; what is no number counts as nothing."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


# --- days that come nearer, and states that ask for something -------------------------------------

# kinds that cannot wait for the next digest where they are severe; what only informs always can
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
    """Mailed at once: only what is severe."""
    return severity >= URGENT_SEVERITY and kind not in _CAN_WAIT


def retirement_severity(
    *, days_left: int, primary: int | None, leaning: int | None, soft: bool
) -> int:
    """Of a milestone before an end, as the announcement of that end would be today; a day before
    which nothing ends is a step quieter."""
    severity = highest_severity(
        EventKind.ANNOUNCED, days_left=days_left, primary=primary, leaning=leaning
    )
    return max(1, severity - 1) if soft else severity


_RUNWAY = {
    Criticality.CRITICAL: 5,
    Criticality.IMPORTANT: 4,
    Criticality.STANDARD: 3,
    Criticality.LOW: 2,
}


def runway_severity(criticality: int, *, soft: bool) -> int:
    """Too little time before a firm end; before a day on which nothing need end yet, a step
    quieter."""
    severity = _RUNWAY[Criticality(criticality)]
    return max(1, severity - 1) if soft else severity


def reminder_severity(days_left: int) -> int:
    """Of something of the organisation's own that expires or is due: medium once the day has come,
    else low."""
    return 3 if days_left <= 0 else 2


# for an important application
_BY_DISCREPANCY = {
    "other_model_served": 3,
    "retired_in_use": 3,
    "shadow_dependency": 3,
    "version_drift": 2,
    "declared_not_seen": 2,
}


def discrepancy_severity(kind: str, *, criticality: int) -> int:
    """Of a disagreement between what was seen and what is declared: medium at most, high for
    critical applications."""
    step = (
        1
        if criticality == Criticality.CRITICAL
        else 0
        if criticality == Criticality.IMPORTANT
        else -1
    )
    return max(1, _BY_DISCREPANCY[kind] + step)


def stale_severity(inherent: int, *, criticality: int) -> int:
    """Of an assessment that is stale, by likelihood times impact before controls (1 to 25)."""
    if inherent >= 15:
        return 4 if criticality == Criticality.CRITICAL else 3
    return 3 if inherent >= 8 and criticality <= Criticality.IMPORTANT else 2
