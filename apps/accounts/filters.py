import django_filters
from django.db.models import Q, QuerySet

from apps.accounts.models import Team


class TeamFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    parent = django_filters.CharFilter(field_name="parent__slug", label="Team above (slug)")

    class Meta:
        model = Team
        fields: list[str] = []

    def search(self, queryset: QuerySet[Team], name: str, value: str) -> QuerySet[Team]:
        return queryset.filter(Q(name__icontains=value) | Q(slug__icontains=value))
