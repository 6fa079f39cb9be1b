"""Erasure of contacts: name and address go, also from the history; what refers to the person keeps
an opaque label."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from django.contrib.auth.hashers import make_password
from django.db import transaction

from apps.accounts.models import AccountEvent, Delegation, EmailAlias, PersonState, User
from apps.accounts.people.contacts import locked_person
from apps.accounts.people.permissions import refuse_without_governance
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.history.redaction import delete_versions, redact_actors, redact_versions

ERASED_NAME = "Erased contact"
# start of the username that takes the place of an erased one
_ERASED_PREFIX = "erased-"


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What is erased: the person and those merged into it, with their addresses in lower case;
    `label` takes their place."""

    ids: tuple[int, ...]
    addresses: tuple[str, ...]
    label: str


type Eraser = Callable[[ErasedPerson], None]
_erasers: list[Eraser] = []


def register_eraser(eraser: Eraser) -> None:
    """Let a higher app erase what it has stored of a person; once, when apps are loaded."""
    if eraser not in _erasers:
        _erasers.append(eraser)


def is_erased(person: User) -> bool:
    return person.state == PersonState.CLOSED and person.username.startswith(_ERASED_PREFIX)


@transaction.atomic
def erase_contact(*, person: User, by: User) -> User:
    """Replace name and address of a contact by a label, in records, history and deliveries. Cannot
    be undone. Refused for persons who have, or had, an account."""
    refuse_without_governance(by, "erase contacts")
    row = locked_person(person)
    if not _has_no_account(row):
        raise ConflictError(
            f"{row} has an account, which decisions refer to. Only contacts can be erased."
        )
    people = [row, *User.objects.select_for_update(of=("self",)).filter(merged_into=row)]
    if not all(_has_no_account(each) for each in people):
        raise ConflictError(
            f"An account was merged into {row}, which decisions refer to. Only contacts can be "
            "erased."
        )
    ids = [each.pk for each in people]
    aliases = EmailAlias.objects.filter(user__in=ids)
    code = token_hex(4)
    erased = ErasedPerson(
        ids=tuple(ids),
        addresses=tuple(
            sorted(
                {each.email.lower() for each in people if each.email}
                | {alias.email.lower() for alias in aliases}
            )
        ),
        label=f"{ERASED_NAME} {code}",
    )
    # the reason names nobody
    with audit_context(user=by, reason="contact erased"):
        aliases.delete()
        Delegation.objects.filter(person__in=ids).delete()
        for n, each in enumerate(people):
            each.username = f"{_ERASED_PREFIX}{code}" if n == 0 else f"{_ERASED_PREFIX}{code}-{n}"
            each.first_name, each.last_name, each.email = ERASED_NAME, code, ""
            each.state, each.is_active, each.mail_confirmed_at = PersonState.CLOSED, False, None
            each.password = make_password(None)
            each.save()
            redact_versions(
                User,
                lookup={"pgh_obj_id": each.pk},
                values={
                    "username": each.username,
                    "first_name": each.first_name,
                    "last_name": each.last_name,
                    "email": "",
                },
            )
        delete_versions(EmailAlias, column="user_id", values=ids)
        redact_actors(user_ids=ids, label=f"erased-{code}")
        AccountEvent.objects.filter(user__in=ids).update(detail="", email_to=[])
        for eraser in _erasers:
            eraser(erased)
    return people[0]


def _has_no_account(person: User) -> bool:
    """A contact, or one that was closed before it signed in."""
    return person.is_contact or (
        person.state == PersonState.CLOSED
        and person.last_login is None
        and not person.has_usable_password()
    )
