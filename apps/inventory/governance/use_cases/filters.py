"""Filters of proposed use cases and of the links to their form, for pages and REST."""

import django_filters
from django.db.models import Q, QuerySet

from apps.inventory.models import Application, ProposedUseCase, UseCaseLink


class ProposedUseCaseFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    state = django_filters.MultipleChoiceFilter(
        choices=ProposedUseCase.State.choices, label="State"
    )
    tier = django_filters.MultipleChoiceFilter(
        choices=ProposedUseCase.Tier.choices, label="Risk tier"
    )
    data_classification = django_filters.MultipleChoiceFilter(
        choices=Application.DataClass.choices, label="Most sensitive data"
    )
    link = django_filters.NumberFilter(field_name="link_id", label="Link (id)")

    class Meta:
        model = ProposedUseCase
        fields: list[str] = []

    def search(
        self, queryset: QuerySet[ProposedUseCase], name: str, value: str
    ) -> QuerySet[ProposedUseCase]:
        return queryset.filter(
            Q(name__icontains=value)
            | Q(reference__iexact=value)
            | Q(model_text__icontains=value)
            | Q(business_owner__icontains=value)
        )


class UseCaseLinkFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Search")

    class Meta:
        model = UseCaseLink
        fields: list[str] = []
