"""Filters of lists of causes and issues, for pages and API alike."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.common.time import day_of, now
from apps.issues.models import Cause, CauseKind, Issue, IssueQuerySet, Urgency

UNASSIGNED = "unassigned"
ME = "me"
# values of the filter `state` beside the states
UNRESOLVED = "unresolved"
SNOOZED = "snoozed"


class IssueFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filter of issues. `owner=me`, `owner=unassigned` and `mine` refer to the user of the
    request."""

    state = django_filters.ChoiceFilter(
        method="in_state",
        choices=[(UNRESOLVED, "Unresolved"), (SNOOZED, "Snoozed"), *Issue.State.choices],
        label="State",
    )
    kind = django_filters.MultipleChoiceFilter(
        field_name="cause__kind", choices=CauseKind.choices, label="Type"
    )
    urgency = django_filters.MultipleChoiceFilter(
        method="of_urgency", choices=Urgency.choices, label="Urgency"
    )
    owner = django_filters.CharFilter(method="of_owner", label="Owner (username, me or unassigned)")
    person = django_filters.NumberFilter(field_name="owner_id", label="Owner (ID of the person)")
    team = django_filters.CharFilter(field_name="team__slug", label="Team (slug)")
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    provider = django_filters.CharFilter(
        method="of_provider", label="Provider (slug, as host or developer)"
    )
    cause = django_filters.NumberFilter(field_name="cause_id", label="Cause (ID)")
    due_before = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lt", label="Due before"
    )

    class Meta:
        model = Issue
        fields: list[str] = []

    def in_state(self, issues: IssueQuerySet, name: str, value: str) -> IssueQuerySet:
        if value == UNRESOLVED:
            return issues.unresolved()
        if value == SNOOZED:
            return issues.unresolved().filter(snoozed_until__gt=self._today())
        return issues.filter(state=value)

    def of_urgency(self, issues: IssueQuerySet, name: str, value: list[str]) -> IssueQuerySet:
        return issues.of_urgency(value, self._today()) if value else issues

    def of_owner(self, issues: IssueQuerySet, name: str, value: str) -> IssueQuerySet:
        if value == UNASSIGNED:
            return issues.filter(owner=None)
        if value == ME:
            return issues.filter(owner=getattr(getattr(self.request, "user", None), "pk", None))
        return issues.filter(owner__username=value)

    def of_provider(self, issues: IssueQuerySet, name: str, value: str) -> QuerySet[Issue]:
        return issues.filter(
            Q(cause__offerings__host__slug=value)
            | Q(cause__offerings__version__foundation__developer__slug=value)
        ).distinct()

    def _today(self) -> date:
        return day_of(now())


class CauseFilter(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.MultipleChoiceFilter(choices=CauseKind.choices, label="Type")
    open = django_filters.BooleanFilter(field_name="closed_at", lookup_expr="isnull", label="Open")
    due_before = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lt", label="Due before"
    )
    provider = django_filters.CharFilter(
        method="of_provider", label="Provider (slug, as host or developer)"
    )

    class Meta:
        model = Cause
        fields: list[str] = []

    def of_provider(self, causes: Any, name: str, value: str) -> Any:
        return causes.filter(
            Q(offerings__host__slug=value)
            | Q(offerings__version__foundation__developer__slug=value)
        ).distinct()
