"""Which contacts may receive email: those of allowed domains, and those whose address governance
has confirmed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from apps.accounts.models import PeopleSettings, PersonState, User

# of a row `u` of persons: a contact who may receive email
CONTACT_WITH_MAIL = """(u.state = 'contact' AND (
    u.mail_confirmed_at IS NOT NULL OR lower(split_part(u.email, '@', -1)) IN (
        SELECT unnest(s.allowed_domains) FROM accounts_peoplesettings s
        UNION
        SELECT lower(split_part(d.email, '@', -1)) FROM accounts_user d
        WHERE d.state = 'active' AND NOT d.is_service AND d.email <> '' AND NOT EXISTS (
            SELECT 1 FROM accounts_peoplesettings s WHERE cardinality(s.allowed_domains) > 0
        )
    )
))"""


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
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT u.id FROM accounts_user u WHERE u.id = ANY (%s) AND {CONTACT_WITH_MAIL}",
            [list(user_ids)],
        )
        return {pk for (pk,) in cursor.fetchall()}


def may_receive_mail(person: User) -> bool:
    """Return whether email may be sent to the person: open accounts, and contacts by the rule
    above."""
    if person.state == PersonState.CONTACT:
        return bool(contacts_with_mail([person.pk]))
    return person.is_active


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
