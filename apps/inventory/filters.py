"""Filters of applications and dependencies, for pages and REST.

Several values of a column of the row itself never match a row twice; `distinct=False` saves the
database the comparison.
"""

from datetime import date

import django_filters
from django.db.models import Q, QuerySet

from apps.accounts.models import Team
from apps.accounts.queries import team_and_below
from apps.common.database.filter_values import reusable
from apps.common.time import day_of, now
from apps.inventory.models import (
    Adaptation,
    Application,
    ApplicationQuerySet,
    Criticality,
    Dependency,
    ExitPlan,
    ExitTest,
)


class ApplicationFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of applications; `host`, `developer`, `foundation` and `version` select those that
    use it today, in any role."""

    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Search")
    team = django_filters.CharFilter(method="of_team", label="Team (slug), including sub-teams")
    status = django_filters.MultipleChoiceFilter(
        choices=Application.Status.choices, label="Status", distinct=False
    )
    criticality = django_filters.TypedMultipleChoiceFilter(
        choices=[(level.name.lower(), level.label) for level in Criticality],
        coerce=lambda term: Criticality[term.upper()].value,
        label="Criticality",
        distinct=False,
    )
    ai_act_class = django_filters.ChoiceFilter(
        choices=Application.AiActClass.choices, label="AI Act class"
    )
    data_classification = django_filters.ChoiceFilter(
        choices=Application.DataClass.choices, label="Data classification"
    )
    personal_data = django_filters.BooleanFilter(label="Personal data")
    owner = django_filters.ChoiceFilter(
        choices=[("unassigned", "Unassigned")], method="of_owner", label="Owner"
    )
    host = django_filters.CharFilter(method="using_host", label="Uses host (slug)")
    developer = django_filters.CharFilter(method="using_developer", label="Uses developer (slug)")
    foundation = django_filters.CharFilter(
        method="using_foundation", label="Uses foundation (slug)"
    )
    version = django_filters.CharFilter(method="using_version", label="Uses version (identifier)")
    review_before = django_filters.DateFilter(
        field_name="next_review_on", lookup_expr="lt", label="Review due before"
    )

    class Meta:
        model = Application
        fields: list[str] = []

    def of_team(
        self, queryset: QuerySet[Application], name: str, value: str
    ) -> QuerySet[Application]:
        top = list(Team.objects.filter(slug=value).values_list("pk", flat=True))
        return queryset.filter(team__in=team_and_below(team_ids=top)) if top else queryset.none()

    @reusable
    def of_owner(
        self, queryset: ApplicationQuerySet, name: str, value: str
    ) -> QuerySet[Application]:
        return queryset.without_owner()

    @reusable
    def using_host(
        self, queryset: QuerySet[Application], name: str, value: str
    ) -> QuerySet[Application]:
        return queryset.filter(_applications_using(Q(offering__host__slug=value)))

    @reusable
    def using_developer(
        self, queryset: QuerySet[Application], name: str, value: str
    ) -> QuerySet[Application]:
        return queryset.filter(
            _applications_using(Q(offering__version__foundation__developer__slug=value))
        )

    @reusable
    def using_foundation(
        self, queryset: QuerySet[Application], name: str, value: str
    ) -> QuerySet[Application]:
        return queryset.filter(_applications_using(Q(offering__version__foundation__slug=value)))

    @reusable
    def using_version(
        self, queryset: QuerySet[Application], name: str, value: str
    ) -> QuerySet[Application]:
        return queryset.filter(_applications_using(Q(offering__version__identifier=value)))


def _applications_using(condition: Q) -> Q:
    today = day_of(now())
    dependencies = Dependency.objects.filter(
        condition, Q(until__isnull=True) | Q(until__gt=today), since__lte=today
    )
    return Q(pk__in=dependencies.values("application_id"))


class DependencyFilter(django_filters.FilterSet):  # type: ignore[misc]
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    team = django_filters.CharFilter(field_name="application__team__slug", label="Team (slug)")
    offering = django_filters.NumberFilter(field_name="offering_id", label="Offering (id)")
    host = django_filters.CharFilter(field_name="offering__host__slug", label="Host (slug)")
    api_id = django_filters.CharFilter(field_name="offering__api_id", label="Model ID")
    foundation = django_filters.CharFilter(
        field_name="offering__version__foundation__slug", label="Foundation (slug)"
    )
    developer = django_filters.CharFilter(
        field_name="offering__version__foundation__developer__slug", label="Developer (slug)"
    )
    role = django_filters.MultipleChoiceFilter(
        choices=Dependency.Role.choices, label="Role", distinct=False
    )
    known = django_filters.ChoiceFilter(
        field_name="origin", choices=Dependency.Origin.choices, label="Declared or observed"
    )
    reached = django_filters.ChoiceFilter(choices=Dependency.Reached.choices, label="Reached")
    live_on = django_filters.DateFilter(method="being_live", label="Active on (date)")

    class Meta:
        model = Dependency
        fields: list[str] = []

    @reusable
    def being_live(
        self, queryset: QuerySet[Dependency], name: str, value: date
    ) -> QuerySet[Dependency]:
        return queryset.filter(
            Q(until__isnull=True) | Q(until__gt=value),
            since__lte=value,
            application__status__in=Application.IN_SCOPE,
        )


class OfDependencyFilter(django_filters.FilterSet):  # type: ignore[misc]
    application = django_filters.CharFilter(
        field_name="dependency__application__slug", label="Application (slug)"
    )
    team = django_filters.CharFilter(
        field_name="dependency__application__team__slug", label="Team (slug)"
    )
    dependency = django_filters.NumberFilter(field_name="dependency_id", label="Dependency (id)")


class AdaptationFilter(OfDependencyFilter):
    kind = django_filters.MultipleChoiceFilter(
        choices=Adaptation.Kind.choices, label="Kind", distinct=False
    )
    moves = django_filters.ChoiceFilter(choices=Adaptation.Moves.choices, label="Reuse")

    class Meta:
        model = Adaptation
        fields: list[str] = []


class ExitPlanFilter(OfDependencyFilter):
    target = django_filters.NumberFilter(field_name="target_id", label="Target offering (id)")
    substitutability = django_filters.MultipleChoiceFilter(
        choices=ExitPlan.Substitutability.choices, label="Substitutability", distinct=False
    )
    reliance = django_filters.MultipleChoiceFilter(
        choices=ExitPlan.Reliance.choices, label="Reliance", distinct=False
    )
    test_before = django_filters.DateFilter(
        field_name="next_test_on", lookup_expr="lt", label="Test due before"
    )

    class Meta:
        model = ExitPlan
        fields: list[str] = []


class ExitTestFilter(OfDependencyFilter):
    target = django_filters.NumberFilter(field_name="target_id", label="Target offering (id)")
    result = django_filters.MultipleChoiceFilter(
        choices=ExitTest.Result.choices, label="Result", distinct=False
    )
    tested_after = django_filters.DateFilter(
        field_name="tested_on", lookup_expr="gte", label="Tested on or after"
    )
    tested_before = django_filters.DateFilter(
        field_name="tested_on", lookup_expr="lt", label="Tested before"
    )

    class Meta:
        model = ExitTest
        fields: list[str] = []
