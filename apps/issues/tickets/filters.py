"""Filters of tickets and their connections, of pages and REST."""

import django_filters
from django.db.models import Q, QuerySet

from apps.issues.models import Ticket, TicketConnection, TicketProgress


class TicketConnectionFilter(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.ChoiceFilter(choices=TicketConnection.Kind.choices, label="Kind")
    enabled = django_filters.BooleanFilter(field_name="enabled", label="Enabled")

    class Meta:
        model = TicketConnection
        fields: list[str] = []


class TicketFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Key or title", max_length=100)
    connection = django_filters.NumberFilter(field_name="connection_id", label="Connection (ID)")
    state = django_filters.ChoiceFilter(choices=Ticket.State.choices, label="State")
    progress = django_filters.ChoiceFilter(choices=TicketProgress.choices, label="Progress")
    issue = django_filters.NumberFilter(field_name="issue_id", label="Issue (ID)")
    task = django_filters.NumberFilter(field_name="task_id", label="Migration task (ID)")
    campaign = django_filters.NumberFilter(
        field_name="task__campaign_id", label="Migration campaign (ID)"
    )

    class Meta:
        model = Ticket
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Ticket]", name: str, value: str) -> "QuerySet[Ticket]":
        return queryset.filter(Q(key__icontains=value) | Q(summary__icontains=value))
