"""Filters of lists of alerts, deliveries and notifications, for pages and API alike."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.alerts.models import (
    KINDS,
    Alert,
    AlertQuerySet,
    Delivery,
    DeliveryQuerySet,
    Mute,
    Notice,
    NoticeQuerySet,
    Subscription,
)
from apps.common.time import day_of, now

ME = "me"


class AlertFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filter of alerts. `assigned_to=me` and `mine` refer to the user of the request."""

    state = django_filters.ChoiceFilter(choices=Alert.State.choices, label="State")
    kind = django_filters.ChoiceFilter(choices=list(KINDS.items()), label="Type")
    severity = django_filters.MultipleChoiceFilter(choices=Alert.SEVERITIES, label="Severity")
    team = django_filters.CharFilter(field_name="team__slug", label="Team (slug)")
    since = django_filters.IsoDateTimeFilter(
        field_name="raised_at", lookup_expr="gte", label="Raised from"
    )
    assigned_to = django_filters.CharFilter(
        method="of_assignee", label="Assigned to (username, or me)"
    )
    provider = django_filters.CharFilter(
        method="of_provider", label="Provider (slug, as host or developer)"
    )
    due_before = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lt", label="Due before"
    )
    due_within = django_filters.NumberFilter(
        method="due_in", min_value=0, max_value=3650, label="Due within (days)"
    )
    mine = django_filters.BooleanFilter(method="of_mine", label="Mine (assigned or routed to me)")

    class Meta:
        model = Alert
        fields: list[str] = []

    def of_assignee(self, alerts: AlertQuerySet, name: str, value: str) -> AlertQuerySet:
        if value == ME:
            return alerts.filter(assigned_to=self._find_user_id())
        return alerts.filter(assigned_to__username=value)

    def of_provider(self, alerts: AlertQuerySet, name: str, value: str) -> AlertQuerySet:
        return alerts.filter(
            Q(offering__host__slug=value) | Q(offering__version__foundation__developer__slug=value)
        )

    def due_in(self, alerts: AlertQuerySet, name: str, value: Decimal) -> AlertQuerySet:
        """Select alerts due within that many days from today, including past dates."""
        last_day: date = day_of(now()) + timedelta(days=int(value))
        return alerts.filter(due_on__lte=last_day)

    def of_mine(self, alerts: AlertQuerySet, name: str, value: bool) -> AlertQuerySet:
        """Select alerts assigned to the user, and unassigned ones that were routed to the user."""
        user_id = self._find_user_id()
        condition = Q(assigned_to=user_id) | Q(user=user_id, assigned_to=None)
        return alerts.filter(condition) if value else alerts.exclude(condition)

    def _find_user_id(self) -> Any:
        return getattr(getattr(self.request, "user", None), "pk", None)


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(choices=Delivery.State.choices, label="State")
    kind = django_filters.ChoiceFilter(choices=Delivery.Kind.choices, label="Type")
    team = django_filters.CharFilter(field_name="team__slug", label="Team (slug)")
    recipient = django_filters.CharFilter(
        method="to_recipient", label="Recipient (part of an address or name)"
    )
    since = django_filters.IsoDateTimeFilter(
        field_name="created_at", lookup_expr="gte", label="Created from"
    )

    class Meta:
        model = Delivery
        fields: list[str] = []

    def to_recipient(self, deliveries: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        return deliveries.filter(Q(address__icontains=value) | _match_recipient(value))


class NoticeFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filter of notifications without a message, by the reason: not sent, or still pending."""

    STATES = [("owed", "Pending"), ("carried", "Sent"), ("skipped", "Not sent")]

    state = django_filters.ChoiceFilter(method="in_state", choices=STATES, label="State")
    alert = django_filters.NumberFilter(field_name="alert_id", label="Alert (ID)")
    delivery = django_filters.NumberFilter(field_name="delivery_id", label="Delivery (ID)")
    user = django_filters.CharFilter(field_name="user__username", label="Recipient (username)")
    webhook = django_filters.CharFilter(
        field_name="webhook__name", label="Recipient (name of a webhook)"
    )
    carried = django_filters.ChoiceFilter(
        method="by_outcome",
        choices=[("owed", "Pending"), ("skipped", "Not sent")],
        label="Outcome",
    )
    route = django_filters.ChoiceFilter(field_name="why", choices=Notice.Why.choices, label="Route")
    team = django_filters.CharFilter(field_name="alert__team__slug", label="Team (slug)")
    recipient = django_filters.CharFilter(method="to_recipient", label="Recipient (part of a name)")

    class Meta:
        model = Notice
        fields: list[str] = []

    def in_state(self, notices: NoticeQuerySet, name: str, value: str) -> NoticeQuerySet:
        if value == "carried":
            return notices.filter(delivery__isnull=False)
        return (
            notices.owed()
            if value == "owed"
            else notices.filter(delivery__isnull=True).exclude(skip_reason="")
        )

    def by_outcome(self, notices: NoticeQuerySet, name: str, value: str) -> NoticeQuerySet:
        return (
            notices.filter(skip_reason="") if value == "owed" else notices.exclude(skip_reason="")
        )

    def to_recipient(self, notices: NoticeQuerySet, name: str, value: str) -> NoticeQuerySet:
        return notices.filter(_match_recipient(value))


class SubscriptionFilter(django_filters.FilterSet):  # type: ignore[misc]
    enabled = django_filters.BooleanFilter(label="Enabled")
    provider = django_filters.CharFilter(field_name="provider__slug", label="Provider (slug)")
    foundation = django_filters.CharFilter(field_name="foundation__slug", label="Foundation (slug)")
    team = django_filters.CharFilter(field_name="team__slug", label="Team (slug)")

    class Meta:
        model = Subscription
        fields: list[str] = []


class MuteFilter(django_filters.FilterSet):  # type: ignore[misc]
    holds = django_filters.BooleanFilter(method="holding", label="Active today")
    team = django_filters.CharFilter(field_name="team__slug", label="Mailbox of (slug)")
    user = django_filters.CharFilter(field_name="user__username", label="User (username)")

    class Meta:
        model = Mute
        fields: list[str] = []

    def holding(self, mutes: QuerySet[Mute], name: str, value: bool) -> QuerySet[Mute]:
        condition = Q(lifted_at__isnull=False) | Q(until__lte=day_of(now()))
        return mutes.exclude(condition) if value else mutes.filter(condition)


def _match_recipient(value: str) -> Q:
    return (
        Q(user__username__icontains=value)
        | Q(user__first_name__icontains=value)
        | Q(user__last_name__icontains=value)
        | Q(team__name__icontains=value)
        | Q(team__slug=value)
        | Q(webhook__name__icontains=value)
    )
