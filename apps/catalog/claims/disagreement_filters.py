"""Filters of the list of disagreements, for its page and the API."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import QuerySet

from apps.catalog.claims.disagreements import Disagreement
from apps.catalog.models import Offering

STATES = (
    ("open", "Open"),
    ("decided", "Decided by a user"),
    ("past", "Ended more than a year ago"),
)


class DisagreementFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters the offerings of `disagreements_by_id`, {offering ID: disagreement}."""

    q = django_filters.CharFilter(field_name="api_id", lookup_expr="icontains", label="Search")
    host = django_filters.CharFilter(field_name="host__slug", label="Host (slug)")
    source = django_filters.CharFilter(method="involving", label="Source (slug)")
    state = django_filters.ChoiceFilter(choices=STATES, method="being", label="State")

    class Meta:
        model = Offering
        fields: list[str] = []

    def __init__(
        self,
        *args: Any,
        disagreements_by_id: Mapping[int, Disagreement] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.found = disagreements_by_id or {}

    def involving(self, queryset: QuerySet[Offering], name: str, value: str) -> QuerySet[Offering]:
        return queryset.filter(
            pk__in=[pk for pk, row in self.found.items() if value in row.speakers]
        )

    def being(self, queryset: QuerySet[Offering], name: str, value: str) -> QuerySet[Offering]:
        return queryset.filter(pk__in=[pk for pk, row in self.found.items() if row.state == value])
