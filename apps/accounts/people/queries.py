"""Persons by name and address, as far as a user may see them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Lower

from apps.accounts.models import EmailAlias, Membership, PersonName, PersonState, User
from apps.accounts.roles import TeamRole


def can_name_owners(user: User) -> bool:
    """Return whether the user may name persons in records, and so add contacts: governance, and
    editors of any team."""
    return user.is_governance or any(
        rank >= TeamRole.EDITOR.rank for rank in user.team_roles().values()
    )


def persons_by_address(addresses: Iterable[str]) -> dict[str, int]:
    """Return {address in lower case: person} of the addresses that are known, also as aliases; two
    statements."""
    wanted = {address.strip().lower() for address in addresses} - {""}
    if not wanted:
        return {}
    users = User.objects.people().annotate(address=Lower("email")).filter(address__in=wanted)
    aliases = EmailAlias.objects.annotate(address=Lower("email")).filter(address__in=wanted)
    return {
        **dict(aliases.order_by().values_list("address", "user_id")),
        **dict(users.order_by().values_list("address", "pk")),
    }


def person_by_address(address: str) -> User | None:
    pk = persons_by_address([address]).get(address.strip().lower())
    return None if pk is None else User.objects.get(pk=pk)


def visible_people(user: User) -> QuerySet[User]:
    """Return all persons, whose names every user may see, with `visible_email` and
    `visible_username`: for organisation roles, for members of the same teams and for the person,
    otherwise empty."""
    people = User.objects.people().filter(merged_into=None)
    if not user.is_authenticated or not user.is_active:
        return people.none()
    if user.can_read_all:
        return people.annotate(visible_email=F("email"), visible_username=F("username"))
    members = Membership.objects.filter(user=OuterRef("pk"), team__in=list(user.team_roles()))
    shown = Q(Exists(members))
    if user.bound_team_id is None:
        shown |= Q(pk=user.pk)
    return people.annotate(
        visible_email=_where(shown, "email"),
        # of contacts it is the address
        visible_username=_where(shown, "username"),
    )


def _where(condition: Q, column: str) -> Case:
    return Case(When(condition, then=F(column)), default=Value(""), output_field=CharField())


def search_people(people: QuerySet[User], text: str, *, by_address: bool = True) -> QuerySet[User]:
    """Return those whose name, last name, username or address begins with `text`; indexed prefixes.

    `by_address` False leaves out username and address, which might reveal an address.
    """
    prefix = " ".join(text.lower().split())
    if not prefix:
        return people
    people = people.alias(lower_name=Lower(PersonName()), lower_last_name=Lower("last_name"))
    matches = Q(lower_name__startswith=prefix) | Q(lower_last_name__startswith=prefix)
    if by_address:
        people = people.alias(lower_email=Lower("email"), lower_username=Lower("username"))
        matches |= Q(lower_email__startswith=prefix) | Q(lower_username__startswith=prefix)
        if "@" in prefix:
            # looked up before, since a join would read every person
            aliases = EmailAlias.objects.annotate(address=Lower("email")).filter(address=prefix)
            matches |= Q(pk__in=list(aliases.values_list("user", flat=True)))
    return people.filter(matches)


def people_counts(people: QuerySet[User]) -> dict[str, int]:
    """Return {state: number of persons}."""
    rows: Any = people.order_by().values_list("state").annotate(n=Count("pk"))
    return {**dict.fromkeys(PersonState.values, 0), **dict(rows)}
