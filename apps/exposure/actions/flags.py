"""Evaluation of exposure flags, which measurements open, worsen and resolve. Safe to run
concurrently, and after a crash.

Every evaluation measures all policies on the current tables and needs no results of an earlier step
of the same run: if a worker stops between refresh and evaluation, the next run does the work.
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
# one evaluation or decision of a policy at a time; an arbitrary number that identifies these locks
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
    """The number of flags that went through each transition."""

    opened: int = 0
    worsened: int = 0
    acceptance_expired: int = 0
    resolved: int = 0

    def __add__(self, other: "FlagChanges") -> "FlagChanges":
        return FlagChanges(
            *(
                getattr(self, counter.name) + getattr(other, counter.name)
                for counter in fields(self)
            )
        )

    @classmethod
    def of(cls, events: Iterable[FlagEvent]) -> "FlagChanges":
        kinds = [str(event.kind) for event in events]
        return cls(*(kinds.count(counter.name) for counter in fields(cls)))


def evaluate_flags(*, at: datetime) -> FlagChanges:
    """Measure every policy and advance the state of its flags (flag_life.py). Unchanged values
    write nothing.

    Nothing is measured before the exposure tables are first built, so nothing opens or resolves.
    """
    changes = FlagChanges()
    if not EngineState.objects.filter(built_at__isnull=False).exists():
        return changes
    settings = engine_settings()
    for policy_id in Policy.objects.order_by("pk").values_list("pk", flat=True):
        changes += _evaluate_policy(policy_id, settings, at)
    return changes


@transaction.atomic
def _evaluate_policy(policy_id: int, settings: EngineSettings, at: datetime) -> FlagChanges:
    lock_policy(policy_id)
    policy = Policy.objects.get(pk=policy_id)
    if policy.enabled:
        return _measure_policy(policy, settings, at)
    with audit_context(job=JOB, reason="policy disabled"):
        return resolve_flags(policy, at=at)


def lock_policy(policy_id: int) -> None:
    """Lock the policy until the transaction ends; other evaluations and decisions about its flags
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
    """Resolve the active flags of a disabled policy, with their last measurement unchanged."""
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
    _save_flags(flags, [], events)
    return FlagChanges.of(events)


def _measure_policy(policy: Policy, settings: EngineSettings, at: datetime) -> FlagChanges:
    """Measure one policy and open, update or resolve its flags; return the counts. Unchanged flags
    are not written."""
    flags = active_flags(policy)
    values = policy_values(
        policy,
        keep=[node_id for node_id in flags if node_id is not None],
        merges_owners=True,
    )
    tolerance, new_flags, changed_flags, events = policy_tolerance(policy), [], [], []
    for node_id in sorted({*values, *flags}, key=lambda node_id: node_id or 0):
        measurement = values.get(node_id, ZERO_VALUE)
        flag = flags.get(node_id)
        life, kinds = advance_flag(
            flag_life(flag) if flag else FlagLife(),
            tolerance,
            on=day_of(at),
            value=measurement.value,
        )
        if flag is None and not life.live:
            continue
        if flag is None:
            flag = ExposureFlag(policy=policy, node_id=node_id, opened_at=at)
            new_flags.append(flag)
        values_before = _written_values(flag)
        apply_flag_life(flag, life, at=at)
        _apply_measurement(flag, policy, measurement, settings)
        if flag.pk is not None and values_before != _written_values(flag):
            changed_flags.append(flag)
        events += [build_flag_event(flag, kind, at=at) for kind in kinds]
    with audit_context(job=JOB, reason="policy evaluated"):
        _save_flags(changed_flags, new_flags, events)
    return FlagChanges.of(events)


def _apply_measurement(
    flag: ExposureFlag, policy: Policy, measurement: PolicyValue, settings: EngineSettings
) -> None:
    flag.value, flag.limit, flag.n_applications = (
        _round_to_stored(measurement.value),
        policy.tolerance,
        measurement.n_applications,
    )
    flag.application_ids = named_applications(
        policy,
        flag.node_id,
        settings=settings,
        limit=min(measurement.n_applications, ExposureFlag.NAMED),
    )


def _save_flags(
    changed_flags: list[ExposureFlag], new_flags: list[ExposureFlag], events: list[FlagEvent]
) -> None:
    if changed_flags:
        ExposureFlag.objects.bulk_update(changed_flags, _WRITTEN_FIELDS, batch_size=500)
    if new_flags:
        ExposureFlag.objects.bulk_create(new_flags, batch_size=500)
    if events:
        # the flags had no ID when their events were built
        for event in events:
            event.flag_id = event.flag.pk
        FlagEvent.objects.bulk_create(events, batch_size=500)


# --- between the row and the reducer --------------------------------------------------------------


def policy_tolerance(policy: Policy) -> Tolerance:
    return Tolerance(
        exact_fraction(policy.tolerance), exact_fraction(policy.hysteresis), policy.clear_days
    )


def flag_life(flag: ExposureFlag) -> FlagLife:
    """Return the life of an active flag; a resolved flag is never opened again."""
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
    """Set the columns of the row from the life, unsaved.

    The users who accepted and acknowledged are cleared once their decision no longer applies.
    """
    flag.state = life.state if life.live else ExposureFlag.State.RESOLVED
    flag.resolved_at = None if life.live else at
    flag.below_since, flag.accepted_until = life.below_since, life.accepted_until
    flag.ceiling = None if life.ceiling is None else _round_to_stored(life.ceiling)
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


def _round_to_stored(value: Fraction) -> Decimal:
    """Return the value rounded to the 15 stored decimal places; `exact_fraction` recovers the
    fraction."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_STORED_PRECISION)
