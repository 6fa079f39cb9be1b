"""Gate changes by users: the policy, and waivers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.gate.models import MAX_WAIVER_DURATION, GatePolicy, Horizon, Waiver
from apps.gate.models.policy import ANY_ENVIRONMENT
from apps.gate.rules.definitions import Rule
from apps.gate.runs import normalise_environment
from apps.inventory.actions.locks import lock_applications, locked_application
from apps.inventory.models import Application, Criticality

_POLICY_FIELDS = frozenset(
    {
        "stale_after_days",
        "requires_approval",
        "evidence_days",
        "evidence_criticalities",
        "keep_runs_days",
    }
)


@dataclass(frozen=True, slots=True)
class HorizonDays:
    """The days before retirement at which FR003 warns and blocks in an environment for a
    criticality; both None: remove the specific setting."""

    environment: str
    criticality: int
    warning_days: int | None
    error_days: int | None


@transaction.atomic
def change_gate_policy(
    *,
    by: User,
    levels: Mapping[str, str] | None = None,
    days: Sequence[HorizonDays] = (),
    fields: Mapping[str, Any] | None = None,
    expected_version: int | None = None,
    reason: str = "",
) -> GatePolicy:
    """Change the given settings; for governance, the caller has checked `by.is_governance`. The
    version is incremented once, and only if something differs. With `expected_version`, a policy
    that another user changed meanwhile is refused."""
    policy = GatePolicy.objects.select_for_update().get(pk=1)
    if expected_version is not None and expected_version != policy.version:
        raise ConflictError(
            "Another user changed the policy at the same time. Reload it and repeat your change."
        )
    if unknown := sorted(set(fields or {}) - _POLICY_FIELDS):
        raise TypeError(f"These are not fields of the policy: {', '.join(unknown)}")
    before = {name: getattr(policy, name) for name in (*_POLICY_FIELDS, "levels")}
    policy.levels = {**policy.levels, **(levels or {})}
    for name, value in (fields or {}).items():
        setattr(policy, name, value)
    policy.full_clean(exclude=["version"])
    differs = any(getattr(policy, name) != value for name, value in before.items())
    with audit_context(user=by, reason=reason or "gate policy changed"):
        differs = _set_days(days) or differs
        if differs:
            policy.version = policy.version + 1
            policy.save()
    return policy


def _set_days(days: Sequence[HorizonDays]) -> bool:
    """Set the days, and return whether anything differs."""
    differs = False
    horizons = {
        (row.environment, row.criticality): row for row in Horizon.objects.select_for_update()
    }
    for setting in days:
        environment = (
            ANY_ENVIRONMENT
            if setting.environment == ANY_ENVIRONMENT
            else normalise_environment(setting.environment)
        )
        if not environment or setting.criticality not in Criticality.values:
            raise ValidationError(
                {"horizons": "Enter an environment, or * for all others, and a criticality."}
            )
        row = horizons.get((environment, setting.criticality))
        if setting.warning_days is None or setting.error_days is None:
            if environment == ANY_ENVIRONMENT:
                raise ValidationError(
                    {
                        "horizons": "The default rule cannot be removed. To stop its warnings, "
                        "set its days to 0."
                    }
                )
            if row is not None:
                row.delete()
                differs = True
            continue
        if row is not None and (row.warning_days, row.error_days) == (
            setting.warning_days,
            setting.error_days,
        ):
            continue
        row = row or Horizon(environment=environment, criticality=setting.criticality)
        row.warning_days, row.error_days = setting.warning_days, setting.error_days
        row.full_clean()
        row.save()
        differs = True
    return differs


# --- waivers --------------------------------------------------------------------------------------


@transaction.atomic
def request_waiver(
    *,
    application: Application,
    rule: str,
    reason: str,
    until: date,
    by: User,
    at: datetime,
    model: str = "",
    offering: Offering | None = None,
) -> Waiver:
    """Request a waiver, by an editor of the owning team; the caller has checked that `by` can view
    the application.

    `model` as the finding names it. Refused if the same waiver is requested or granted until that
    date already."""
    if not by.may(TeamRole.EDITOR, application.team_id):
        raise ConflictError("You need the editor role on the owning team to request a waiver.")
    if rule != Rule.NO_OWNER and not model and offering is None:
        raise ValidationError({"model": "Enter the model as the finding names it."})
    today = day_of(at)
    if not today < until <= today + MAX_WAIVER_DURATION:
        raise ValidationError(
            {"until": f"Enter a date after today, {today + MAX_WAIVER_DURATION} at the latest."}
        )
    # of two simultaneous requests the second one waits here and then gets the conflict
    application = locked_application(application, by=by, no_key=True)
    for other_waiver in Waiver.objects.filter(application=application, rule=rule, until__gte=until):
        is_same = (
            other_waiver.model.casefold() == model.casefold()
            and other_waiver.offering_id == (offering.pk if offering else None)
        )
        if is_same and other_waiver.state == Waiver.State.ASKED:
            raise ConflictError(
                f"{other_waiver.requested_by} already requested the same waiver. Wait for the "
                "decision."
            )
        if is_same and other_waiver.stands_on(today):
            raise ConflictError(
                f"The same waiver is already granted until {other_waiver.until:%Y-%m-%d}."
            )
    waiver = Waiver(
        application=application,
        rule=rule,
        model=model.strip(),
        offering=offering,
        reason=reason.strip(),
        until=until,
        requested_by=by,
        requested_at=at,
        requested_on=today,
    )
    waiver.full_clean()
    with audit_context(user=by, reason=reason):
        waiver.save(force_insert=True)
    return waiver


@transaction.atomic
def grant_waiver(
    *, waiver: Waiver, by: User, at: datetime, reason: str = "", until: date | None = None
) -> Waiver:
    """Grant the waiver; for governance. `until` may shorten the requested period. The requester
    must not grant it."""
    waiver = _lock_waiver(waiver)
    if waiver.state != Waiver.State.ASKED:
        raise ConflictError(_state_conflict(waiver))
    if waiver.requested_by_id == by.pk:
        raise ConflictError("You requested this waiver. Another governance user must decide.")
    if until is not None:
        if until > waiver.until:
            raise ConflictError(
                "A waiver can be granted at most until the requested date. Enter that date or an "
                "earlier one."
            )
        waiver.until = until
    if waiver.until <= day_of(at):
        raise ConflictError(
            "The requested date has passed. Reject the request; a new one can be made if the "
            "waiver is still needed."
        )
    return _decide_waiver(waiver, Waiver.State.GRANTED, by=by, at=at, reason=reason)


@transaction.atomic
def reject_waiver(*, waiver: Waiver, by: User, at: datetime, reason: str) -> Waiver:
    """Reject the waiver with a reason; for governance."""
    waiver = _lock_waiver(waiver)
    if waiver.state != Waiver.State.ASKED:
        raise ConflictError(_state_conflict(waiver))
    if not reason.strip():
        raise ConflictError("Enter a reason for the rejection.")
    return _decide_waiver(waiver, Waiver.State.REFUSED, by=by, at=at, reason=reason)


@transaction.atomic
def withdraw_waiver(*, waiver: Waiver, by: User, at: datetime, reason: str = "") -> Waiver:
    """Withdraw the waiver before it expires: by governance, or by an editor of the team that
    requested it."""
    if not by.is_governance:
        lock_applications([waiver.application_id], by=by, no_key=True)
    waiver = _lock_waiver(waiver)
    if waiver.state not in (Waiver.State.ASKED, Waiver.State.GRANTED):
        raise ConflictError(_state_conflict(waiver))
    if not (by.is_governance or by.may(TeamRole.EDITOR, waiver.application.team_id)):
        raise ConflictError(
            "You need the governance role, or the editor role on the owning team, to withdraw a "
            "waiver."
        )
    return _decide_waiver(waiver, Waiver.State.WITHDRAWN, by=by, at=at, reason=reason)


def _lock_waiver(waiver: Waiver) -> Waiver:
    Waiver.objects.select_for_update().only("pk").get(pk=waiver.pk)
    return Waiver.objects.select_related("application__team", "requested_by", "decided_by").get(
        pk=waiver.pk
    )


def _state_conflict(waiver: Waiver) -> str:
    return (
        f"The waiver is already {waiver.get_state_display().lower()} since "
        f"{waiver.decided_at:%Y-%m-%d}, by {waiver.decided_by}."
    )


def _decide_waiver(waiver: Waiver, state: str, *, by: User, at: datetime, reason: str) -> Waiver:
    waiver.state, waiver.decided_by, waiver.decided_at, waiver.decision = (
        state,
        by,
        at,
        reason.strip(),
    )
    waiver.full_clean(exclude=["application", "requested_by", "decided_by", "offering"])
    with audit_context(user=by, reason=reason or f"waiver {state}"):
        waiver.save(update_fields=["state", "until", "decided_by", "decided_at", "decision"])
    return waiver
