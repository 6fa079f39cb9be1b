"""Absences: a deputy acts for a person from one day until another."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import OPEN_STATES, Delegation, User
from apps.accounts.people.contacts import locked_person
from apps.common.errors import DomainError, ForbiddenError
from apps.common.history.context import audit_context

MAX_DELEGATION_DAYS = 366


@transaction.atomic
def set_delegation(*, person: User, deputy: User, since: date, until: date, by: User) -> Delegation:
    """Let `deputy` act for `person` from `since` on and before `until`; by the person or by
    governance."""
    _refuse_unless_own(person, by)
    row = locked_person(person)
    if deputy.is_service or deputy.state not in OPEN_STATES:
        raise DomainError(f"{deputy} has no open account. Choose another deputy.", field="deputy")
    if until <= since:
        raise DomainError("The absence must end after it begins.", field="until")
    if (until - since).days > MAX_DELEGATION_DAYS:
        raise DomainError(
            f"A delegation can last at most {MAX_DELEGATION_DAYS} days. Enter an earlier end.",
            field="until",
        )
    delegation = Delegation(person=row, deputy=deputy, since=since, until=until)
    try:
        delegation.full_clean()
    except ValidationError as error:
        raise DomainError(" ".join(error.messages)) from None
    with audit_context(user=by, reason="delegation set"):
        delegation.save()
    return delegation


@transaction.atomic
def end_delegation(*, delegation: Delegation, by: User, on: date) -> None:
    """End the delegation on `on` (exclusive); one that has not begun by then is removed."""
    _refuse_unless_own(delegation.person, by)
    row = Delegation.objects.select_for_update().get(pk=delegation.pk)
    with audit_context(user=by, reason="delegation ended"):
        if row.since >= on:
            row.delete()
        elif row.until > on:
            row.until = on
            row.save(update_fields=["until"])


def deputies_on(day: date) -> dict[int, int]:
    """Return {absent person: deputy} on the day, as far as the deputy has an open account; one
    statement."""
    rows = Delegation.objects.effective_on(day).filter(deputy__state__in=OPEN_STATES)
    return dict(rows.order_by().values_list("person_id", "deputy_id"))


def _refuse_unless_own(person: User, by: User) -> None:
    is_own = person.pk == by.pk and by.bound_team_id is None
    if not is_own and not by.is_governance:
        raise ForbiddenError("You need the governance role to set a deputy for another person.")
