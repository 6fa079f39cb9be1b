"""Filters of lists of imports and of their rows, shared by pages and the API."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from apps.accounts.models import Team
from apps.accounts.queries import team_and_below
from apps.common.time import now
from apps.intake.billed_costs import next_month
from apps.intake.models import (
    AccountDeployment,
    BilledCost,
    CloudAccount,
    CloudPull,
    Discrepancy,
    Import,
    ImportRow,
    Observation,
    Service,
)
from apps.inventory.models import CRITICALITY_WORDS, Criticality


class ImportFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.MultipleChoiceFilter(choices=Import.State.choices, label="State")
    by = django_filters.CharFilter(field_name="by__username", label="Uploaded by (username)")
    kind = django_filters.ChoiceFilter(choices=Import.Kind.choices, label="Kind")
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )

    class Meta:
        model = Import
        fields: list[str] = []


class ImportRowFilter(django_filters.FilterSet):  # type: ignore[misc]
    outcome = django_filters.MultipleChoiceFilter(
        # DISTINCT would sort the rows of a large file with all their cells
        choices=ImportRow.Outcome.choices,
        label="Outcome",
        distinct=False,
    )

    left_out = django_filters.BooleanFilter(
        method="with_left_out", label="Imported without some cells"
    )

    class Meta:
        model = ImportRow
        fields: list[str] = []

    def with_left_out(
        self, rows: "QuerySet[ImportRow]", name: str, value: bool
    ) -> "QuerySet[ImportRow]":
        """Return the rows of which something is not imported, or those imported as a whole."""
        imported = rows.exclude(outcome=ImportRow.Outcome.REFUSED)
        return imported.exclude(reasons=[]) if value else imported.filter(reasons=[])


class ObservationFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="of_name", label="Name contains")
    state = django_filters.MultipleChoiceFilter(choices=Observation.State.choices, label="State")
    stream = django_filters.CharFilter(field_name="stream", label="Connection")
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    team = django_filters.CharFilter(method="of_team", label="Team (slug)")
    environment = django_filters.CharFilter(field_name="environment", label="Environment")
    days = django_filters.NumberFilter(method="within_days", label="Observed within days")

    class Meta:
        model = Observation
        fields: list[str] = []

    def of_name(
        self, queryset: QuerySet[Observation], name: str, value: str
    ) -> QuerySet[Observation]:
        return queryset.filter(
            Q(requested__icontains=value) | Q(served__icontains=value) | Q(alias__icontains=value)
        )

    def of_team(
        self, queryset: QuerySet[Observation], name: str, value: str
    ) -> QuerySet[Observation]:
        return queryset.filter(application__team__in=_list_team_ids(value))

    def within_days(
        self, queryset: QuerySet[Observation], name: str, value: Decimal
    ) -> QuerySet[Observation]:
        days = min(max(int(value), 0), 3660)
        return queryset.filter(last_seen_at__gte=now() - timedelta(days=days))


class CloudAccountFilter(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.ChoiceFilter(choices=CloudAccount.Kind.choices, label="Kind")
    enabled = django_filters.BooleanFilter(field_name="enabled", label="Pulled at its interval")

    class Meta:
        model = CloudAccount
        fields: list[str] = []


class CloudPullFilter(django_filters.FilterSet):  # type: ignore[misc]
    account = django_filters.NumberFilter(field_name="account_id", label="Account (ID)")
    state = django_filters.ChoiceFilter(choices=CloudPull.State.choices, label="State")

    class Meta:
        model = CloudPull
        fields: list[str] = []


class AccountDeploymentFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="of_name", label="Name or model contains")
    account = django_filters.NumberFilter(field_name="account_id", label="Account (ID)")
    kind = django_filters.ChoiceFilter(choices=AccountDeployment.Kind.choices, label="Type")
    region = django_filters.CharFilter(field_name="region", label="Region")
    gone = django_filters.BooleanFilter(
        field_name="gone_at", lookup_expr="isnull", exclude=True, label="Missing"
    )

    class Meta:
        model = AccountDeployment
        fields: list[str] = []

    def of_name(
        self, queryset: QuerySet[AccountDeployment], name: str, value: str
    ) -> QuerySet[AccountDeployment]:
        return queryset.filter(
            Q(name__icontains=value) | Q(model__icontains=value) | Q(service__icontains=value)
        )


class MonthFilter(django_filters.CharFilter):  # type: ignore[misc]
    """A filter by a month such as 2026-10."""

    field_class = forms.RegexField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            *args,
            regex=r"\A20\d\d-(0[1-9]|1[0-2])\Z",
            error_messages={"invalid": "Enter a month such as 2026-10."},
            **kwargs,
        )


class BilledCostFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(
        field_name="observation__application__name",
        lookup_expr="icontains",
        label="Application contains",
    )
    application = django_filters.CharFilter(method="of_application", label="Application (slug)")
    team = django_filters.CharFilter(method="of_team", label="Team (slug)")
    month = MonthFilter(method="of_month", label="Month")
    currency = django_filters.CharFilter(
        field_name="currency", lookup_expr="iexact", label="Currency"
    )

    class Meta:
        model = BilledCost
        fields: list[str] = []

    def of_application(
        self, queryset: QuerySet[BilledCost], name: str, value: str
    ) -> QuerySet[BilledCost]:
        return queryset.filter(
            Q(observation__application__slug=value)
            | Q(observation__application__merged_into__slug=value)
        )

    def of_team(
        self, queryset: QuerySet[BilledCost], name: str, value: str
    ) -> QuerySet[BilledCost]:
        return queryset.filter(observation__application__team__in=_list_team_ids(value))

    def of_month(
        self, queryset: QuerySet[BilledCost], name: str, value: str
    ) -> QuerySet[BilledCost]:
        month = date.fromisoformat(f"{value}-01")
        return queryset.filter(day__gte=month, day__lt=next_month(month))


class DiscrepancyFilter(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.MultipleChoiceFilter(choices=Discrepancy.Kind.choices, label="Kind")
    state = django_filters.ChoiceFilter(
        choices=[("open", "Open"), *Discrepancy.Closed.choices], method="of_state", label="State"
    )
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    team = django_filters.CharFilter(method="of_team", label="Team (slug)")
    criticality = django_filters.ChoiceFilter(
        choices=CRITICALITY_WORDS, method="of_criticality", label="Criticality"
    )

    class Meta:
        model = Discrepancy
        fields: list[str] = []

    def of_state(
        self, queryset: QuerySet[Discrepancy], name: str, value: str
    ) -> QuerySet[Discrepancy]:
        if value == "open":
            return queryset.filter(closed_at__isnull=True)
        return queryset.filter(closed_as=value)

    def of_team(
        self, queryset: QuerySet[Discrepancy], name: str, value: str
    ) -> QuerySet[Discrepancy]:
        return queryset.filter(application__team__in=_list_team_ids(value))

    def of_criticality(
        self, queryset: QuerySet[Discrepancy], name: str, value: str
    ) -> QuerySet[Discrepancy]:
        return queryset.filter(application__criticality=Criticality[value.upper()].value)


def _list_team_ids(slug: str) -> list[int]:
    """Return the ids of the team with this slug and of its sub-teams."""
    team_ids = list(Team.objects.filter(slug=slug).values_list("pk", flat=True))
    return list(team_and_below(team_ids=team_ids)) if team_ids else []


class ServiceFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Name contains")
    state = django_filters.ChoiceFilter(
        choices=[("waiting", "Not linked"), ("claimed", "Linked"), ("ignored", "Ignored")],
        method="of_state",
        label="State",
    )
    scope = django_filters.CharFilter(field_name="scope", label="Reported by")

    class Meta:
        model = Service
        fields: list[str] = []

    def of_state(self, queryset: QuerySet[Service], name: str, value: str) -> QuerySet[Service]:
        if value == "ignored":
            return queryset.filter(is_ignored=True)
        return queryset.filter(is_ignored=False, application__isnull=value == "waiting")
