from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.accounts.models import (
    ApiToken,
    Delegation,
    EmailAlias,
    Membership,
    PersonState,
    Team,
    User,
)
from apps.accounts.people.mail_rules import unconfirmed_contacts
from apps.accounts.people.queries import search_people
from apps.accounts.roles import TEAM_ROLE_WORDS, OrganisationRole, TeamRole
from apps.accounts.sign_in.second_factors import by_second_factor
from apps.common.time import now


class TeamFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    parent = django_filters.CharFilter(field_name="parent__slug", label="Parent team (slug)")

    class Meta:
        model = Team
        fields: list[str] = []

    def search(self, queryset: QuerySet[Team], name: str, value: str) -> QuerySet[Team]:
        return queryset.filter(Q(name__icontains=value) | Q(slug__icontains=value))


class MembershipFilter(django_filters.FilterSet):  # type: ignore[misc]
    team = django_filters.CharFilter(field_name="team__slug", label="Team (slug)")
    user = django_filters.CharFilter(field_name="user__username", label="User (username)")
    role = django_filters.ChoiceFilter(method="of_role", label="Role", choices=TEAM_ROLE_WORDS)

    class Meta:
        model = Membership
        fields: list[str] = []

    def of_role(
        self, queryset: QuerySet[Membership], name: str, value: str
    ) -> QuerySet[Membership]:
        return queryset.filter(role=TeamRole[value.upper()].rank)


class UserFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    organisation_role = django_filters.ChoiceFilter(
        label="Organisation role", choices=OrganisationRole.choices
    )
    is_active = django_filters.BooleanFilter(label="Can sign in")

    class Meta:
        model = User
        fields: list[str] = []

    def search(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(
            Q(username__icontains=value)
            | Q(email__icontains=value)
            | Q(first_name__icontains=value)
            | Q(last_name__icontains=value)
        )


class PersonFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Beginning of the name or address")
    state = django_filters.ChoiceFilter(label="State", choices=PersonState.choices)
    unconfirmed = django_filters.BooleanFilter(
        method="only_unconfirmed", label="Contacts whose address must be confirmed"
    )

    class Meta:
        model = User
        fields: list[str] = []

    def search(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        user: Any = self.request.user
        return search_people(queryset, value, by_address=user.can_read_all)

    def only_unconfirmed(self, queryset: QuerySet[User], name: str, value: bool) -> QuerySet[User]:
        is_unconfirmed = Q(pk__in=unconfirmed_contacts().order_by().values("pk"))
        return queryset.filter(is_unconfirmed if value else ~is_unconfirmed)


class UserListFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of the page of people, of whom its readers see all facts."""

    q = django_filters.CharFilter(method="search", label="Search")
    state = django_filters.ChoiceFilter(label="State", choices=PersonState.choices)
    office = django_filters.ChoiceFilter(
        field_name="organisation_role", label="Organisation role", choices=OrganisationRole.choices
    )
    factor = django_filters.ChoiceFilter(
        method="by_factor",
        label="Two-factor authentication",
        choices=(("yes", "Yes"), ("no", "No")),
    )
    unconfirmed = django_filters.BooleanFilter(
        method="only_unconfirmed", label="Contacts to confirm"
    )

    class Meta:
        model = User
        fields: list[str] = []

    def search(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        text = value.replace("\x00", "").strip()[:100]
        return queryset.filter(
            Q(username__icontains=text)
            | Q(email__icontains=text)
            | Q(first_name__icontains=text)
            | Q(last_name__icontains=text)
            | Q(pk__in=EmailAlias.objects.filter(email__icontains=text).values("user"))
        )

    def by_factor(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return by_second_factor(queryset.filter(is_active=True), has_factor=value == "yes")

    def only_unconfirmed(self, queryset: QuerySet[User], name: str, value: bool) -> QuerySet[User]:
        is_unconfirmed = Q(pk__in=unconfirmed_contacts().order_by().values("pk"))
        return queryset.filter(is_unconfirmed) if value else queryset


class DelegationFilter(django_filters.FilterSet):  # type: ignore[misc]
    person = django_filters.CharFilter(
        field_name="person__username", label="Absent person (username)"
    )
    deputy = django_filters.CharFilter(field_name="deputy__username", label="Deputy (username)")

    class Meta:
        model = Delegation
        fields: list[str] = []


class TokenFilter(django_filters.FilterSet):  # type: ignore[misc]
    user = django_filters.CharFilter(field_name="user__username", label="User (username)")
    team = django_filters.CharFilter(field_name="team__slug", label="Bound to team (slug)")
    good = django_filters.BooleanFilter(method="only_good", label="Valid")

    class Meta:
        model = ApiToken
        fields: list[str] = []

    def only_good(self, queryset: QuerySet[ApiToken], name: str, value: bool) -> QuerySet[ApiToken]:
        moment = now()
        if value:
            return queryset.filter(revoked_at=None, expires_at__gt=moment, user__is_active=True)
        return queryset.exclude(revoked_at=None, expires_at__gt=moment, user__is_active=True)


class ServiceFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    team = django_filters.CharFilter(field_name="service_team__slug", label="Team (slug)")
    is_active = django_filters.BooleanFilter(label="Open")

    class Meta:
        model = User
        fields: list[str] = []

    def search(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(Q(username__icontains=value) | Q(about__icontains=value))
