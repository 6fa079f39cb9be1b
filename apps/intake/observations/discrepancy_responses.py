"""Responses to discrepancies: declare the use, end the dependency, or defer until a date.

Declaring and ending change only the inventory in the history, so that they can be undone like every
change there. The discrepancy's row records that it is closed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pgtrigger
from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.intake.import_jobs import InvalidStateError
from apps.intake.models import Discrepancy
from apps.inventory.actions.dependencies import (
    confirm_dependency,
    declare_dependency,
    end_dependency,
)
from apps.inventory.actions.locks import MissingRoleError, lock_applications
from apps.inventory.actions.named_models import identify_named_model
from apps.inventory.models import Dependency

MAX_DISMISSAL = timedelta(days=366)
# the history has the user's change of the dependency; it could not be undone if the same change
# had written discrepancies too
_TRIGGERS_WITHOUT_HISTORY = ("intake.Discrepancy:update_update",)
_DECLARABLE = (Discrepancy.Kind.SHADOW, Discrepancy.Kind.UNSEEN)


@dataclass(frozen=True, slots=True)
class ResponseResult:
    """Result of a response: `done` is the number of closed discrepancies, `refused` are the reasons
    of the others."""

    done: int
    refused: tuple[str, ...]


def declare_discrepancies(
    *, discrepancies: Sequence[Discrepancy], by: User, at: datetime, reason: str = ""
) -> ResponseResult:
    """Declare undeclared uses from now on, and confirm unconfirmed ones: the application uses the
    model intentionally."""
    return _respond_to_rows(
        discrepancies,
        by,
        at,
        lambda row: _declare_use(row, by, at, reason),
        Discrepancy.Closed.DECLARED,
    )


def end_discrepancies(
    *, discrepancies: Sequence[Discrepancy], by: User, at: datetime, reason: str = ""
) -> ResponseResult:
    """End the dependencies from today on. If the use is observed again it comes back as undeclared
    use."""
    return _respond_to_rows(
        discrepancies, by, at, lambda row: _end_use(row, by, at, reason), Discrepancy.Closed.ENDED
    )


@transaction.atomic
def dismiss_discrepancies(
    *, discrepancies: Sequence[Discrepancy], until: date, reason: str, by: User, at: datetime
) -> ResponseResult:
    """Close discrepancies; from `until` on they are opened again if they still hold."""
    today = day_of(at)
    if not reason.strip():
        raise InvalidStateError("Enter a reason for dismissing this discrepancy.")
    if not today < until <= today + MAX_DISMISSAL:
        raise InvalidStateError(
            f"Enter a date after today and not later than {today + MAX_DISMISSAL}."
        )
    _lock_applications_of(discrepancies, by=by)
    with audit_context(user=by, reason=reason):
        n_dismissed = Discrepancy.objects.filter(
            pk__in=[row.pk for row in discrepancies], closed_at__isnull=True
        ).update(
            closed_at=at,
            closed_as=Discrepancy.Closed.DISMISSED,
            closed_by=by,
            reason=reason.strip()[:500],
            quiet_until=until,
        )
    return ResponseResult(n_dismissed, ())


@transaction.atomic
def reopen_discrepancies(*, discrepancies: Sequence[Discrepancy], by: User) -> int:
    """Undo a dismissal, unless the discrepancy was opened again meanwhile; return the number of
    reopened ones."""
    _lock_applications_of(discrepancies, by=by)
    with audit_context(user=by, reason="dismissal undone"):
        open_discrepancies = Discrepancy.objects.open().filter(
            key__in=[row.key for row in discrepancies]
        )
        return (
            Discrepancy.objects.filter(
                pk__in=[row.pk for row in discrepancies], closed_as=Discrepancy.Closed.DISMISSED
            )
            .exclude(key__in=list(open_discrepancies.values_list("key", flat=True)))
            .update(closed_at=None, closed_as="", closed_by=None, reason="", quiet_until=None)
        )


@transaction.atomic
def _respond_to_rows(
    discrepancies: Sequence[Discrepancy],
    by: User,
    at: datetime,
    respond: Callable[[Discrepancy], None],
    closed_as: Discrepancy.Closed,
) -> ResponseResult:
    """Call `respond` for each discrepancy, and close those for which it raised no ConflictError."""
    _lock_applications_of(discrepancies, by=by)
    closed_ids, refusals = [], []
    for row in discrepancies:
        try:
            with transaction.atomic():
                respond(row)
        except ConflictError as refusal:
            refusals.append(f"{row.application.name}: {refusal}")
        else:
            closed_ids.append(row.pk)
    with pgtrigger.ignore(*_TRIGGERS_WITHOUT_HISTORY):
        Discrepancy.objects.open().filter(pk__in=closed_ids).update(
            closed_at=at, closed_as=closed_as, closed_by=by
        )
    return ResponseResult(len(closed_ids), tuple(refusals))


def _declare_use(row: Discrepancy, by: User, at: datetime, reason: str) -> None:
    """Confirm the dependency of the discrepancy, or declare one from its observation; if that
    answers a name, choose its model ID."""
    if row.kind not in _DECLARABLE:
        raise ConflictError(
            "This discrepancy has nothing to declare. Review the application, or dismiss the "
            "discrepancy until a date."
        )
    if row.details.get("answers"):
        _choose_model_id(row, by, at, reason)
        if row.dependency is None or row.dependency.offering_id != row.details["offering"]:
            return
    if row.dependency is not None:
        confirmation_reason = reason or "observed usage was declared"
        confirm_dependency(
            dependency=row.dependency, on=day_of(at), by=by, reason=confirmation_reason
        )
        return
    observation = row.observation
    if observation is None or observation.offering is None:
        raise ConflictError("This usage is no longer observed. Reload the page.")
    declare_dependency(
        application=row.application,
        offering=observation.offering,
        since=day_of(observation.first_seen_at),
        by=by,
        role=observation.role or Dependency.Role.PRIMARY,
        reason=reason or "observed usage was declared",
    )


def _choose_model_id(row: Discrepancy, by: User, at: datetime, reason: str) -> None:
    """Choose the observed model ID for the name that it answers: all dependencies of the name move
    to it."""
    offerings = Offering.objects.in_bulk([row.details["name"], row.details["offering"]])
    if len(offerings) < 2:
        raise ConflictError("The name or its model ID is no longer in the catalogue.")
    named, real = offerings[row.details["name"]], offerings[row.details["offering"]]
    if named.resolved_to_id == real.pk:
        return
    try:
        identify_named_model(
            offering=named,
            real=real,
            by=by,
            at=at,
            reason=reason or f"observed: {real.api_id} answers “{named.api_id}”",
        )
    except MissingRoleError as refusal:
        raise ConflictError(
            f"Other teams use the name {named.api_id} too. Ask governance to choose its model ID."
        ) from refusal


def _end_use(row: Discrepancy, by: User, at: datetime, reason: str) -> None:
    """End the dependency of the discrepancy."""
    if row.kind not in _DECLARABLE or row.dependency is None:
        raise ConflictError(
            "This discrepancy has no dependency to end. Review the application, or dismiss the "
            "discrepancy until a date."
        )
    # a dependency lasts at least one day
    on = max(day_of(at), row.dependency.since + timedelta(days=1))
    end_dependency(dependency=row.dependency, on=on, by=by, reason=reason or "no longer used")


def _lock_applications_of(discrepancies: Sequence[Discrepancy], *, by: User) -> None:
    """Lock the affected applications; `by` must be allowed to edit all of them."""
    lock_applications([row.application_id for row in discrepancies], by=by)
