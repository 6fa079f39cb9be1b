"""User decisions about exposure flags. Each is one FlagEvent with user and reason; concurrent
decisions wait for each other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.common.validators import validate_plausible_date
from apps.exposure.actions.flags import (
    apply_flag_life,
    build_flag_event,
    flag_life,
    lock_policy,
    policy_tolerance,
)
from apps.exposure.flag_life import FlagDecision, FlagLife, Tolerance, advance_flag
from apps.exposure.models import ExposureFlag, FlagEvent

type _Decide = Callable[[ExposureFlag, FlagLife, Tolerance], tuple[FlagLife, list[str]]]

REVOKED = "acceptance_revoked"


class FlagPermissionError(PermissionDenied):
    """The user lacks the governance or administrator role."""


class FlagDecisionError(ConflictError):
    """A decision that the flag's state does not allow; the text states the alternative."""


def acknowledge_flag(
    *, flag: ExposureFlag, at: datetime, by: User, reason: str = ""
) -> ExposureFlag:
    """Acknowledge the flag. A second acknowledgement changes nothing: the first user stays
    recorded."""

    def decide(
        row: ExposureFlag, life: FlagLife, tolerance: Tolerance
    ) -> tuple[FlagLife, list[str]]:
        if life.state == "acknowledged":
            return life, []
        if life.state != "open":
            raise FlagDecisionError(
                f"Only an open flag can be acknowledged. This flag is {row.state}."
            )
        life, events = advance_flag(
            life, tolerance, on=day_of(at), decision=FlagDecision(acknowledge=True)
        )
        return life, list(events)

    return _apply_decision(flag, decide, at=at, by=by, reason=reason or "flag acknowledged")


def accept_flag(
    *, flag: ExposureFlag, until: date, reason: str, at: datetime, by: User
) -> ExposureFlag:
    """Accept the exposure until a day (exclusive) and up to a ceiling.

    The ceiling is the last measured value, or the tolerance if that is higher, plus the policy's
    hysteresis. If the value exceeds the ceiling, or on the day, the flag is open again. Accepting a
    second time replaces day, ceiling and user.
    """
    if not reason.strip():
        raise ValidationError({"reason": "Enter a reason for the acceptance."})
    if until <= day_of(at):
        raise ValidationError(
            {"until": "The acceptance must expire after today. Enter a later date."}
        )
    try:
        validate_plausible_date(until)
    except ValidationError as error:
        raise ValidationError({"until": error.messages}) from error

    def decide(
        row: ExposureFlag, life: FlagLife, tolerance: Tolerance
    ) -> tuple[FlagLife, list[str]]:
        if not life.live:
            raise FlagDecisionError("This flag is resolved, so there is nothing to accept.")
        life, events = advance_flag(
            life, tolerance, on=day_of(at), decision=FlagDecision(accept_until=until)
        )
        return life, list(events)

    return _apply_decision(flag, decide, at=at, by=by, reason=reason.strip())


def revoke_acceptance(*, flag: ExposureFlag, reason: str, at: datetime, by: User) -> ExposureFlag:
    """Revoke an acceptance: the flag is open again."""
    if not reason.strip():
        raise ValidationError({"reason": "Enter a reason for revoking the acceptance."})

    def decide(
        row: ExposureFlag, life: FlagLife, tolerance: Tolerance
    ) -> tuple[FlagLife, list[str]]:
        # an acceptance that has reached its end date expires first
        life, events = advance_flag(life, tolerance, on=day_of(at))
        if events:
            return life, list(events)
        if life.state != "accepted":
            raise FlagDecisionError(
                f"Only an accepted flag has an acceptance to revoke. This flag is {row.state}."
            )
        return replace(life, state="open", accepted_until=None, ceiling=None), [REVOKED]

    return _apply_decision(flag, decide, at=at, by=by, reason=reason.strip())


@transaction.atomic
def _apply_decision(
    flag: ExposureFlag, decide: _Decide, *, at: datetime, by: User, reason: str
) -> ExposureFlag:
    """Apply the decision of a governance user to the flag and record its events.

    `decide` returns the new life of the flag and the kinds of its events; without events nothing is
    written. The policy is locked, so that an evaluation waits.
    """
    if not by.is_governance:
        raise FlagPermissionError(
            "You need the governance or administrator role to change exposure flags."
        )
    lock_policy(flag.policy_id)
    row = ExposureFlag.objects.select_related("policy").get(pk=flag.pk)
    life, kinds = decide(row, flag_life(row), policy_tolerance(row.policy))
    if not kinds:
        return row
    apply_flag_life(row, life, at=at)
    if row.state == ExposureFlag.State.ACKNOWLEDGED:
        row.acknowledged_by = by
    if row.state == ExposureFlag.State.ACCEPTED:
        row.accepted_by, row.accepted_reason = by, reason
    with audit_context(user=by, reason=reason):
        row.save()
        FlagEvent.objects.bulk_create(
            [
                build_flag_event(row, kind, at=at)
                if kind == FlagEvent.Kind.ACCEPTANCE_EXPIRED
                else build_flag_event(row, kind, at=at, by=by, reason=reason)
                for kind in kinds
            ]
        )
    return row
