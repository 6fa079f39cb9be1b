"""Filters of lists of polls, quarantined rows, provider notices and received notices, for pages and
API alike."""

from typing import Any

import django_filters
from django.db.models import Q

from apps.feeds.models import FeedRun, ProviderNotice, QuarantinedRow, ReceivedNotice
from apps.feeds.models.received_notices import state_of_notices


class FeedRunFilter(django_filters.FilterSet):  # type: ignore[misc]
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    status = django_filters.MultipleChoiceFilter(choices=FeedRun.Status.choices, label="Status")
    since = django_filters.IsoDateTimeFilter(
        field_name="queued_at", lookup_expr="gte", label="From"
    )
    before = django_filters.IsoDateTimeFilter(
        field_name="queued_at", lookup_expr="lt", label="Before"
    )

    class Meta:
        model = FeedRun
        fields: list[str] = []


class QuarantinedRowFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="external_id", lookup_expr="icontains", label="Search")
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    open = django_filters.BooleanFilter(
        field_name="resolved_at", lookup_expr="isnull", label="Still quarantined"
    )

    class Meta:
        model = QuarantinedRow
        fields: list[str] = []


class ProviderNoticeFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="containing", label="Search")
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    state = django_filters.MultipleChoiceFilter(choices=ProviderNotice.State.choices, label="State")
    named = django_filters.BooleanFilter(method="naming", label="Mentions a known model ID")
    name = django_filters.CharFilter(method="naming_this", label="Mentions this model ID")
    since = django_filters.IsoDateTimeFilter(
        field_name="first_seen", lookup_expr="gte", label="From"
    )

    class Meta:
        model = ProviderNotice
        fields: list[str] = []

    def containing(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(Q(title__icontains=value) | Q(excerpt__icontains=value))

    def naming(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.exclude(names=[]) if value else queryset.filter(names=[])

    def naming_this(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(names__contains=[value])


class ReceivedNoticeFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="containing", label="Search")
    state = django_filters.MultipleChoiceFilter(
        choices=ReceivedNotice.State.choices, method="in_states", label="State"
    )
    sender = django_filters.CharFilter(
        field_name="sender", lookup_expr="iexact", label="Email address of the sender"
    )
    since = django_filters.IsoDateTimeFilter(
        field_name="received_at", lookup_expr="gte", label="From"
    )

    class Meta:
        model = ReceivedNotice
        fields: list[str] = []

    def containing(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(
            Q(subject__icontains=value) | Q(sender__icontains=value) | Q(text__icontains=value)
        )

    def in_states(self, queryset: Any, name: str, value: list[str]) -> Any:
        return queryset.alias(state_filter=state_of_notices()).filter(state_filter__in=value)
