"""Invitations of contacts: they get an account and an email with a link to set a password."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEventKind, PersonState, User
from apps.accounts.people.contacts import locked_person
from apps.accounts.people.permissions import refuse_without_account_rights
from apps.common.errors import ConflictError, DomainError
from apps.common.history.context import audit_context


@dataclass(frozen=True, slots=True)
class InvitationRejection:
    """A person who was not invited, and the reason."""

    person: User
    reason: str


@transaction.atomic
def invite_person(*, person: User, by: User) -> User:
    """Give a contact an account without roles, and send the link by which the password is set; to
    an invited person the link is sent again. A worker sends the email."""
    row = locked_person(person)
    if row.state == PersonState.ACTIVE:
        raise ConflictError(f"{row} has signed in before and needs no invitation.")
    if row.state == PersonState.CLOSED:
        raise ConflictError(f"The account of {row} is closed. Reopen it first.")
    refuse_without_account_rights(by, row, "invite")
    if not row.email:
        raise DomainError(f"{row} has no email address. Enter one first.")
    if row.is_contact:
        row.state, row.is_active = PersonState.INVITED, True
        with audit_context(user=by, reason="invited"):
            row.save(update_fields=["state", "is_active"])
    record_event(AccountEventKind.INVITED, request=None, user=row, actor=by)
    return row


def invite_people(
    *, by: User, people: Iterable[int] | None = None
) -> tuple[list[User], list[InvitationRejection]]:
    """Invite these persons, or with None all contacts, each in a transaction of its own; return the
    invited ones and the others."""
    rows = User.objects.people().filter(merged_into=None)
    rows = (
        rows.filter(state=PersonState.CONTACT)
        if people is None
        else rows.filter(pk__in=list(people))
    )
    invited: list[User] = []
    rejected: list[InvitationRejection] = []
    for person in rows.order_by("pk"):
        try:
            invited.append(invite_person(person=person, by=by))
        except DomainError as error:
            rejected.append(InvitationRejection(person, str(error)))
    return invited, rejected
