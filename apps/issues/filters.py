"""Filters of lists of causes and issues, for pages and API alike."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.time import day_of, now, start_of
from apps.intake.models import Import
from apps.intake.queries import applications_of_import
from apps.inventory.models import Application
from apps.issues.models import Cause, CauseKind, CauseOffering, Issue, IssueQuerySet, Urgency

UNASSIGNED = "unassigned"
ME = "me"
# values of the filter `scope`: issues that the user owns; those of the user's teams and own ones
MINE = "mine"
MY_TEAMS = "teams"
ALL = "all"
# values of the filter `state` beside the states
UNRESOLVED = "unresolved"
SNOOZED = "snoozed"


class IssueFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filter of issues. `owner=me`, `owner=unassigned` and `scope` refer to the user of the
    request."""

    q = django_filters.CharFilter(method="search", label="Search (application, model or owner)")
    scope = django_filters.ChoiceFilter(
        method="in_scope",
        choices=[(MINE, "Mine"), (MY_TEAMS, "My teams"), (ALL, "All")],
        label="Scope",
    )
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
    imported_by = django_filters.NumberFilter(
        method="of_import", label="Import (ID, of its applications)"
    )
    due_before = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lt", label="Due before"
    )
    opened_since = django_filters.DateFilter(
        field_name="opened_at", method="since_day", label="Opened since"
    )
    resolved_since = django_filters.DateFilter(
        field_name="resolved_at", method="since_day", label="Resolved since"
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
            user = getattr(self.request, "user", None)
            return issues.none() if user is None else issues.assigned_to(user, on=self._today())
        return issues.filter(owner__username=value)

    def since_day(self, issues: IssueQuerySet, name: str, value: date) -> IssueQuerySet:
        return issues.filter(**{f"{name}__gte": start_of(value)})

    def of_import(self, issues: IssueQuerySet, name: str, value: Any) -> QuerySet[Issue]:
        user = getattr(self.request, "user", None)
        import_ = Import.objects.visible_to(user).filter(pk=value).first() if user else None
        if import_ is None:
            return issues.none()
        return issues.filter(application__in=applications_of_import(import_))

    def of_provider(self, issues: IssueQuerySet, name: str, value: str) -> QuerySet[Issue]:
        # not a join, which would count an issue once for each model ID
        return issues.filter(
            cause__in=CauseOffering.objects.filter(
                Q(offering__host__slug=value)
                | Q(offering__version__foundation__developer__slug=value)
            ).values("cause")
        )

    def in_scope(self, issues: IssueQuerySet, name: str, value: str) -> IssueQuerySet:
        user = getattr(self.request, "user", None)
        if value == ALL or not isinstance(user, User):
            return issues
        if value == MINE:
            return issues.assigned_to(user, on=self._today())
        return issues.filter(Q(owner=user) | Q(team__in=user.team_roles()))

    def search(self, issues: IssueQuerySet, name: str, value: str) -> IssueQuerySet:
        """Select issues by part of the name of their application or owner, or of a model of their
        cause."""
        text = " ".join(value.replace("\x00", "").split())[:100]
        people = User.objects.people().filter(
            Q(first_name__icontains=text)
            | Q(last_name__icontains=text)
            | Q(email__icontains=text)
            | Q(username__icontains=text)
        )
        offerings = Offering.objects.filter(
            Q(api_id__icontains=text)
            | Q(version__name__icontains=text)
            | Q(version__foundation__name__icontains=text)
        )
        return issues.filter(
            Q(application__in=Application.objects.filter(name__icontains=text).values("pk"))
            | Q(owner__in=people.values("pk"))
            | Q(
                cause__in=CauseOffering.objects.filter(offering__in=offerings.values("pk")).values(
                    "cause"
                )
            )
        )

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
