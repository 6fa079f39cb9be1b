import django_filters
from django.db.models import Q, QuerySet

from apps.accounts.models import ApiToken, Membership, Team, User
from apps.accounts.roles import TEAM_ROLE_WORDS, OrganisationRole, TeamRole
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
