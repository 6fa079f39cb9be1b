"""Evaluation of exposure flags: opened, worsened and resolved by measurements. Safe to run
concurrently, and after any crash.

Every evaluation measures all policies on the current tables, so it depends on nothing that an
earlier step of the same run held in memory: a worker that stops between refresh and evaluation
leaves work for the next, not a gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from django.db import connection, transaction

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.flag_life import FlagDecision, FlagLife, Tolerance, advance_flag
from apps.exposure.models import EngineState, ExposureFlag, FlagEvent, Policy
from apps.exposure.policy_values import ZERO_VALUE, PolicyValue, named_applications, policy_values
from apps.exposure.threats import exact_fraction

JOB = "exposure.refresh_exposure"
# one evaluation or decision of a policy at a time; the number is only this family of locks' name
POLICY_LOCK = 7301005

_STORED_PRECISION = Decimal(1).scaleb(-15)
_WRITTEN_FIELDS = (
    "state",
    "value",
    "limit",
    "n_applications",
    "application_ids",
    "resolved_at",
    "below_since",
    "acknowledged_by",
    "accepted_by",
    "accepted_until",
    "accepted_reason",
    "ceiling",
)


@dataclass(frozen=True, slots=True)
class FlagChanges:
    """How many flags went through each transition."""

    opened: int = 0
    worsened: int = 0
    acceptance_expired: int = 0
    resolved: int = 0

    def __add__(self, other: "FlagChanges") -> "FlagChanges":
        return FlagChanges(
            *(getattr(self, part.name) + getattr(other, part.name) for part in fields(self))
        )

    @classmethod
    def of(cls, events: Iterable[FlagEvent]) -> "FlagChanges":
        kinds = [str(event.kind) for event in events]
        return cls(*(kinds.count(part.name) for part in fields(cls)))


def evaluate_flags(*, at: datetime) -> FlagChanges:
    """Measure every policy and carry the life of its flags on (flag_life.py). Unchanged values
    write nothing.

    Before the exposure tables are built for the first time nothing is measured, so nothing opens or
    resolves.
    """
    changes = FlagChanges()
    if not EngineState.objects.filter(built_at__isnull=False).exists():
        return changes
    settings = engine_settings()
    for policy_id in Policy.objects.order_by("pk").values_list("pk", flat=True):
        changes += _evaluate(policy_id, settings, at)
    return changes


@transaction.atomic
def _evaluate(policy_id: int, settings: EngineSettings, at: datetime) -> FlagChanges:
    lock_policy(policy_id)
    policy = Policy.objects.get(pk=policy_id)
    if policy.enabled:
        return _measure(policy, settings, at)
    with audit_context(job=JOB, reason="policy disabled"):
        return resolve_flags(policy, at=at)


def lock_policy(policy_id: int) -> None:
    """Hold the policy until the transaction ends: evaluations and decisions about its flags
    wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [POLICY_LOCK, policy_id])


def active_flags(policy: Policy) -> dict[int | None, ExposureFlag]:
    return {
        flag.node_id: flag
        for flag in policy.flags.filter(state__in=ExposureFlag.LIVE).order_by("pk")
    }


def resolve_flags(
    policy: Policy, *, at: datetime, by: User | None = None, reason: str = ""
) -> FlagChanges:
    """End the live flags of a policy that is switched off; what was last measured stays on them."""
    flags = list(active_flags(policy).values())
    events: list[FlagEvent] = []
    for flag in flags:
        life, kinds = advance_flag(
            flag_life(flag),
            policy_tolerance(policy),
            on=day_of(at),
            decision=FlagDecision(disable=True),
        )
        apply_flag_life(flag, life, at=at)
        events += [build_flag_event(flag, kind, at=at, by=by, reason=reason) for kind in kinds]
    _store(flags, [], events)
    return FlagChanges.of(events)


def _measure(policy: Policy, settings: EngineSettings, at: datetime) -> FlagChanges:
    flags = active_flags(policy)
    values = policy_values(policy, keep=[node_id for node_id in flags if node_id is not None])
    line, new, changed, events = policy_tolerance(policy), [], [], []
    for node_id in sorted({*values, *flags}, key=lambda node_id: node_id or 0):
        measurement = values.get(node_id, ZERO_VALUE)
        flag = flags.get(node_id)
        life, kinds = advance_flag(
            flag_life(flag) if flag else FlagLife(), line, on=day_of(at), value=measurement.value
        )
        if flag is None and not life.live:
            continue
        if flag is None:
            flag = ExposureFlag(policy=policy, node_id=node_id, opened_at=at)
            new.append(flag)
        before = _written_values(flag)
        apply_flag_life(flag, life, at=at)
        _apply_measurement(flag, policy, measurement, settings)
        if flag.pk is not None and before != _written_values(flag):
            changed.append(flag)
        events += [build_flag_event(flag, kind, at=at) for kind in kinds]
    with audit_context(job=JOB, reason="policy evaluated"):
        _store(changed, new, events)
    return FlagChanges.of(events)


def _apply_measurement(
    flag: ExposureFlag, policy: Policy, measurement: PolicyValue, settings: EngineSettings
) -> None:
    flag.value, flag.limit, flag.n_applications = (
        _stored_decimal(measurement.value),
        policy.tolerance,
        measurement.n_applications,
    )
    flag.application_ids = named_applications(
        policy,
        flag.node_id,
        settings=settings,
        limit=min(measurement.n_applications, ExposureFlag.NAMED),
    )


def _store(changed: list[ExposureFlag], new: list[ExposureFlag], events: list[FlagEvent]) -> None:
    if changed:
        ExposureFlag.objects.bulk_update(changed, _WRITTEN_FIELDS, batch_size=500)
    if new:
        ExposureFlag.objects.bulk_create(new, batch_size=500)
    if events:
        # the flags had no id when their events were made
        for event in events:
            event.flag_id = event.flag.pk
        FlagEvent.objects.bulk_create(events, batch_size=500)


# --- between the row and the reducer --------------------------------------------------------------


def policy_tolerance(policy: Policy) -> Tolerance:
    return Tolerance(
        exact_fraction(policy.tolerance), exact_fraction(policy.hysteresis), policy.clear_days
    )


def flag_life(flag: ExposureFlag) -> FlagLife:
    """Return the life of a live flag; a resolved one begins no new life."""
    match flag.state:
        case "open" | "acknowledged" | "accepted" as state:
            return FlagLife(
                state=state,
                last=exact_fraction(flag.value),
                below_since=flag.below_since,
                accepted_until=flag.accepted_until,
                ceiling=None if flag.ceiling is None else exact_fraction(flag.ceiling),
            )
        case _:
            return FlagLife(last=exact_fraction(flag.value))


def apply_flag_life(flag: ExposureFlag, life: FlagLife, *, at: datetime) -> None:
    """Set the columns of the row from the life, unsaved. The user who accepted or acknowledged is
    kept as long as that applies."""
    flag.state = life.state if life.live else ExposureFlag.State.RESOLVED
    flag.resolved_at = None if life.live else at
    flag.below_since, flag.accepted_until = life.below_since, life.accepted_until
    flag.ceiling = None if life.ceiling is None else _stored_decimal(life.ceiling)
    if flag.state != ExposureFlag.State.ACCEPTED:
        flag.accepted_by, flag.accepted_reason = None, ""
    if flag.state == ExposureFlag.State.OPEN:
        flag.acknowledged_by = None


def build_flag_event(
    flag: ExposureFlag, kind: str, *, at: datetime, by: User | None = None, reason: str = ""
) -> FlagEvent:
    return FlagEvent(flag=flag, kind=kind, at=at, value=flag.value, by=by, reason=reason)


def _written_values(flag: ExposureFlag) -> list[object]:
    return [
        getattr(
            flag,
            "acknowledged_by_id"
            if name == "acknowledged_by"
            else "accepted_by_id"
            if name == "accepted_by"
            else name,
        )
        for name in _WRITTEN_FIELDS
    ]


def _stored_decimal(value: Fraction) -> Decimal:
    """To the 15 places that are kept; `exact_fraction` finds the rational again."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_STORED_PRECISION)
