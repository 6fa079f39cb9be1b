import django_filters
from django.db.models import Q, QuerySet

from apps.accounts.models import ApiToken, Team, User
from apps.common.time import now


class TeamFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    parent = django_filters.CharFilter(field_name="parent__slug", label="Team above (slug)")

    class Meta:
        model = Team
        fields: list[str] = []

    def search(self, queryset: QuerySet[Team], name: str, value: str) -> QuerySet[Team]:
        return queryset.filter(Q(name__icontains=value) | Q(slug__icontains=value))


class TokenFilter(django_filters.FilterSet):  # type: ignore[misc]
    user = django_filters.CharFilter(field_name="user__username", label="Whose (username)")
    team = django_filters.CharFilter(field_name="team__slug", label="Bound to (slug)")
    good = django_filters.BooleanFilter(method="only_good", label="Still good")

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
    team = django_filters.CharFilter(field_name="service_team__slug", label="Whose (slug)")
    is_active = django_filters.BooleanFilter(label="Open")

    class Meta:
        model = User
        fields: list[str] = []

    def search(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(Q(username__icontains=value) | Q(about__icontains=value))
