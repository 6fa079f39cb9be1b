"""Contacts: persons known by their address, who cannot sign in."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from secrets import token_hex

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.accounts.actions import change_user
from apps.accounts.models import PeopleSettings, PersonState, User
from apps.accounts.people.addresses import guess_name, read_address, split_name
from apps.accounts.people.permissions import refuse_without_governance
from apps.accounts.people.queries import can_name_owners, persons_by_address
from apps.accounts.sign_in.sessions import end_sessions
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.history.context import audit_context

MAX_USERNAME_LENGTH = 150
# a username or an alias can be taken between look-up and insert
MAX_ATTEMPTS = 4
_NOT_IN_USERNAMES = re.compile(r"[^\w.@+-]")


def find_or_create_contact(*, email: str, name: str = "", by: User | None) -> User:
    """Return the person with this address, or of this alias, else a new contact. `by` None: a
    job."""
    named = read_address(email)
    if named is None:
        raise DomainError(
            f"'{email[:100]}' is not a valid email address. Enter one such as ilse@example.org.",
            field="email",
        )
    persons = find_or_create_contacts(names={named.address: name or named.name}, by=by)
    return User.objects.get(pk=persons[named.address])


@transaction.atomic
def find_or_create_contacts(*, names: Mapping[str, str], by: User | None) -> dict[str, int]:
    """Return {address: person} for {address in lower case: name, where one is known}; contacts are
    added for unknown addresses.

    Two callers at the same moment get the same person. A few statements for any number.
    """
    persons = persons_by_address(names)
    missing = [address for address in names if address not in persons]
    if not missing:
        return persons
    if by is not None and not can_name_owners(by):
        raise ForbiddenError("You need the editor role on a team to name new persons.")
    for attempt in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic(), audit_context(user=by, reason="contact added"):
                User.objects.bulk_create(
                    [_contact(address, names[address], attempt) for address in missing],
                    ignore_conflicts=True,
                    batch_size=1000,
                )
        except IntegrityError:
            # one of the addresses has just become another person's alias
            pass
        persons |= persons_by_address(missing)
        missing = [address for address in missing if address not in persons]
        if not missing:
            return persons
    raise ConflictError("The contact could not be added. Try again.")


@transaction.atomic
def confirm_contacts(*, people: Iterable[int], by: User, at: datetime) -> int:
    """Let email be sent to these contacts; return the number that was not confirmed before."""
    refuse_without_governance(by, "confirm contacts")
    with audit_context(user=by, reason="address of the contact confirmed"):
        return (
            User.objects.contacts()
            .filter(pk__in=list(people), mail_confirmed_at=None)
            .update(mail_confirmed_at=at)
        )


@transaction.atomic
def change_people_settings(*, allowed_domains: list[str], by: User) -> PeopleSettings:
    """Set the domains to which email to contacts may go; empty: those of active users."""
    refuse_without_governance(by, "change the allowed domains")
    row, _ = PeopleSettings.objects.select_for_update().get_or_create(pk=PeopleSettings.ONLY)
    row.allowed_domains = allowed_domains
    row.full_clean()
    with audit_context(user=by, reason="allowed domains changed"):
        row.save()
    return row


@transaction.atomic
def rename_contact(*, person: User, first_name: str, last_name: str, by: User) -> User:
    """Correct the name of a contact, which was guessed from the address."""
    refuse_without_governance(by, "change contacts")
    row = locked_person(person)
    if not row.is_contact:
        raise ConflictError(f"{row} is not a contact. An administrator can change the name.")
    row.first_name, row.last_name = first_name.strip(), last_name.strip()
    if not row.get_full_name():
        raise DomainError("Enter a name.", field="first_name")
    row.full_clean(exclude=["password"])
    with audit_context(user=by, reason="contact renamed"):
        row.save(update_fields=["first_name", "last_name"])
    return row


@transaction.atomic
def close_person(*, person: User, by: User) -> User:
    """End the access of a person, and their sessions; what refers to the person stays. Contacts by
    governance, accounts by administrators."""
    row = locked_person(person)
    if row.state == PersonState.CLOSED:
        return row
    if row.is_contact:
        refuse_without_governance(by, "close contacts")
        row.state = PersonState.CLOSED
        with audit_context(user=by, reason="contact closed"):
            row.save(update_fields=["state"])
        return row
    if not by.is_administrator:
        raise ForbiddenError("You need the administrator role to close accounts.")
    closed = change_user(person=row, facts={"is_active": False}, by=by)
    end_sessions(closed)
    return closed


def locked_person(person: User) -> User:
    """Lock the person and return the row as it is now."""
    rows: QuerySet[User] = User.objects.people().select_for_update(of=("self",))
    row = rows.filter(pk=person.pk).first()
    if row is None:
        raise ConflictError("Only persons can be changed here. Use the page of service accounts.")
    if row.merged_into is not None:
        raise ConflictError(f"This record was merged into {row.merged_into}. Use that one.")
    return row


def _contact(address: str, name: str, attempt: int) -> User:
    first, last = split_name(name) if name.strip() else guess_name(address)
    return User(
        username=_username(address, attempt),
        email=address,
        first_name=first,
        last_name=last,
        is_active=False,
        state=PersonState.CONTACT,
        # as set_unusable_password, without hashing for each of thousands
        password=f"{UNUSABLE_PASSWORD_PREFIX}{token_hex(20)}",
    )


def _username(address: str, attempt: int) -> str:
    """Return the address, as far as usernames allow it; from the second attempt on with a random
    end."""
    name = _NOT_IN_USERNAMES.sub("-", address)
    if len(name) > MAX_USERNAME_LENGTH:
        digest = hashlib.sha256(address.encode()).hexdigest()[:12]
        name = f"{name[: MAX_USERNAME_LENGTH - 22]}-{digest}"
    return name if attempt == 0 else f"{name[: MAX_USERNAME_LENGTH - 9]}-{token_hex(4)}"
