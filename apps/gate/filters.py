"""Filters of lists of runs and waivers, for pages and API alike."""

import django_filters
from django.db.models import QuerySet

from apps.common.time import day_of, now
from apps.gate.models import GateRun, Waiver
from apps.gate.rules.definitions import Decision, Rule


class GateRunFilter(django_filters.FilterSet):  # type: ignore[misc]
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    environment = django_filters.CharFilter(field_name="environment", label="Environment")
    decision = django_filters.MultipleChoiceFilter(choices=Decision.choices, label="Decision")
    commit = django_filters.CharFilter(field_name="commit", label="Commit")
    released = django_filters.BooleanFilter(
        field_name="released_at", lookup_expr="isnull", exclude=True, label="Released"
    )
    rule = django_filters.ChoiceFilter(
        choices=Rule.choices, method="of_rule", label="Finding of the rule"
    )

    class Meta:
        model = GateRun
        fields: list[str] = []

    def of_rule(self, queryset: QuerySet[GateRun], name: str, value: str) -> QuerySet[GateRun]:
        return queryset.filter(pk__in=GateRun.objects.filter(findings__rule=value).values("pk"))


class WaiverFilter(django_filters.FilterSet):  # type: ignore[misc]
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    rule = django_filters.ChoiceFilter(choices=Rule.choices, label="Rule")
    state = django_filters.MultipleChoiceFilter(choices=Waiver.State.choices, label="State")
    standing = django_filters.BooleanFilter(method="in_force", label="Valid today")
    until_before = django_filters.DateFilter(
        field_name="until", lookup_expr="lt", label="Expires before"
    )

    class Meta:
        model = Waiver
        fields: list[str] = []

    def in_force(self, queryset: QuerySet[Waiver], name: str, value: bool) -> QuerySet[Waiver]:
        waivers = Waiver.objects.standing_on(day_of(now())).values("pk")
        return queryset.filter(pk__in=waivers) if value else queryset.exclude(pk__in=waivers)
