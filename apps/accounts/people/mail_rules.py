"""Which contacts may receive email: those of allowed domains, and those whose address governance
has confirmed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from apps.accounts.models import PeopleSettings, PersonState, User


def allowed_domains() -> list[str]:
    """Return the domains of the settings; where they are empty, those of active users."""
    configured = PeopleSettings.objects.filter(pk=PeopleSettings.ONLY).values_list(
        "allowed_domains", flat=True
    )
    domains: Sequence[str] = next(iter(configured), [])
    return sorted(domains or _domains_of_users())


def unconfirmed_contacts(people: QuerySet[User] | None = None) -> QuerySet[User]:
    """Return the contacts who receive no email until governance confirms their address."""
    contacts = User.objects.contacts() if people is None else people
    return _with_domain(contacts).filter(
        ~Q(address_domain__in=allowed_domains()),
        state=PersonState.CONTACT,
        mail_confirmed_at=None,
    )


def contacts_with_mail(user_ids: Iterable[int]) -> set[int]:
    """Return which of these persons are contacts who may receive email."""
    contacts = User.objects.contacts().filter(pk__in=list(user_ids))
    rows = _with_domain(contacts).filter(
        Q(address_domain__in=allowed_domains()) | Q(mail_confirmed_at__isnull=False)
    )
    return set(rows.order_by().values_list("pk", flat=True))


def may_receive_mail(person: User) -> bool:
    """Return whether email may be sent to the person: open accounts, and contacts by the rule
    above."""
    if person.state == PersonState.CONTACT:
        return bool(contacts_with_mail([person.pk]))
    return person.is_active and bool(person.email)


def _domains_of_users() -> set[str]:
    users: Any = _with_domain(
        User.objects.people().filter(state=PersonState.ACTIVE).exclude(email="")
    )
    return set(users.order_by().values_list("address_domain", flat=True).distinct())


def _with_domain(people: QuerySet[User]) -> QuerySet[User]:
    domain = Func(
        F("email"), Value("@"), Value(-1), function="split_part", output_field=TextField()
    )
    return people.annotate(address_domain=Lower(domain))
