"""Filters of the lists of the catalogue, for pages and the API.

Related records are given by slug; an unknown slug gives an empty list and no error.
"""

import django_filters
from django.db.models import Q, QuerySet

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.models import (
    Assertion,
    DateKind,
    Foundation,
    Incident,
    IncidentEnd,
    IncidentImpact,
    Lifecycle,
    ModelsKnown,
    Offering,
    Price,
    Product,
    Provider,
    ProviderEvent,
    ProviderRole,
    RetirementAnnouncement,
    Source,
    Version,
)
from apps.catalog.models.claims import Topic
from apps.catalog.models.incidents import IncidentQuerySet
from apps.catalog.models.offerings import Binding, OfferingKind
from apps.common.time import now


class ProviderFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    role = django_filters.ChoiceFilter(
        choices=ProviderRole.choices, method="having_role", label="Role"
    )
    parent = django_filters.CharFilter(field_name="parent__slug", label="Parent company (slug)")
    country = django_filters.CharFilter(lookup_expr="iexact", label="Country (two letters)")
    person_type = django_filters.ChoiceFilter(
        choices=Provider.Person.choices, label="Legal person or individual"
    )
    critical_third_party = django_filters.BooleanFilter(label="Critical third party")

    class Meta:
        model = Provider
        fields: list[str] = []

    def search(self, queryset: QuerySet[Provider], name: str, value: str) -> QuerySet[Provider]:
        return queryset.filter(
            Q(name__icontains=value) | Q(slug__icontains=value) | Q(legal_name__icontains=value)
        )

    def having_role(
        self, queryset: QuerySet[Provider], name: str, value: str
    ) -> QuerySet[Provider]:
        return queryset.filter(roles__contains=[value])


class ProductFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    vendor = django_filters.CharFilter(field_name="vendor__slug", label="Vendor (slug)")
    models_known = django_filters.ChoiceFilter(choices=ModelsKnown.choices, label="Models inside")

    class Meta:
        model = Product
        fields: list[str] = []

    def search(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        return queryset.filter(
            Q(name__icontains=value)
            | Q(slug__icontains=value)
            | Q(vendor__name__icontains=value)
            | Q(other_names__icontains=value)
        )


class FoundationFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    developer = django_filters.CharFilter(field_name="developer__slug", label="Developer (slug)")
    family = django_filters.CharFilter(lookup_expr="iexact", label="Family")
    open_weights = django_filters.BooleanFilter(label="Open weights")

    class Meta:
        model = Foundation
        fields: list[str] = []

    def search(self, queryset: QuerySet[Foundation], name: str, value: str) -> QuerySet[Foundation]:
        return queryset.filter(
            Q(name__icontains=value) | Q(line__icontains=value) | Q(family__icontains=value)
        )


class VersionFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    identifier = django_filters.CharFilter(label="Identifier")
    foundation = django_filters.CharFilter(field_name="foundation__slug", label="Foundation (slug)")
    developer = django_filters.CharFilter(
        field_name="foundation__developer__slug", label="Developer (slug)"
    )
    access = django_filters.ChoiceFilter(choices=Version.Access.choices, label="Access")
    moving = django_filters.BooleanFilter(label="Published only under an alias")
    released_from = django_filters.DateFilter(
        field_name="released_on", lookup_expr="gte", label="Released from"
    )
    released_before = django_filters.DateFilter(
        field_name="released_on", lookup_expr="lt", label="Released before"
    )

    class Meta:
        model = Version
        fields: list[str] = []

    def search(self, queryset: QuerySet[Version], name: str, value: str) -> QuerySet[Version]:
        return queryset.filter(Q(identifier__icontains=value) | Q(name__icontains=value))


class OfferingFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    host = django_filters.CharFilter(field_name="host__slug", label="Host (slug)")
    api_id = django_filters.CharFilter(label="Model ID, exactly as called")
    region = django_filters.CharFilter(field_name="region_scope", label="Region")
    tier = django_filters.CharFilter(field_name="service_tier", label="Service tier")
    version = django_filters.CharFilter(
        field_name="version__identifier", label="Version (identifier)"
    )
    foundation = django_filters.CharFilter(
        field_name="version__foundation__slug", label="Foundation (slug)"
    )
    developer = django_filters.CharFilter(
        field_name="version__foundation__developer__slug", label="Developer (slug)"
    )
    lifecycle = django_filters.MultipleChoiceFilter(choices=Lifecycle.choices, label="Lifecycle")
    date_kind = django_filters.ChoiceFilter(
        choices=DateKind.choices, label="Type of retirement date"
    )
    binding = django_filters.ChoiceFilter(choices=Binding.choices, label="Pinned or alias")
    category = django_filters.CharFilter(label="Category")
    has_end = django_filters.BooleanFilter(
        field_name="retires_on", lookup_expr="isnull", exclude=True, label="Has a retirement date"
    )
    ends_from = django_filters.DateFilter(
        field_name="retires_on", lookup_expr="gte", label="Retires from"
    )
    ends_before = django_filters.DateFilter(
        field_name="retires_on", lookup_expr="lt", label="Retires before"
    )
    resolved = django_filters.BooleanFilter(method="being_resolved", label="Identified")
    kind = django_filters.ChoiceFilter(choices=OfferingKind.choices, label="Type")

    class Meta:
        model = Offering
        fields: list[str] = []

    def search(self, queryset: QuerySet[Offering], name: str, value: str) -> QuerySet[Offering]:
        return queryset.filter(api_id__icontains=value)

    def being_resolved(
        self, queryset: QuerySet[Offering], name: str, value: bool
    ) -> QuerySet[Offering]:
        """Filter by identification. False: only models to identify, without aliases and entries
        that are not models."""
        if value:
            return queryset.filter(version__isnull=False)
        return queryset.filter(version__isnull=True, alias__isnull=True, not_a_model=False)


class PriceFilter(django_filters.FilterSet):  # type: ignore[misc]
    offering = django_filters.NumberFilter(field_name="offering_id", label="Offering (id)")
    host = django_filters.CharFilter(field_name="offering__host__slug", label="Host (slug)")
    api_id = django_filters.CharFilter(field_name="offering__api_id", label="Model ID")
    unit = django_filters.MultipleChoiceFilter(choices=list(PRICE_UNITS.items()), label="Unit")
    current = django_filters.BooleanFilter(method="being_current", label="Valid now")

    class Meta:
        model = Price
        fields: list[str] = []

    def being_current(self, queryset: QuerySet[Price], name: str, value: bool) -> QuerySet[Price]:
        today = Q(valid__contains=now())
        return queryset.filter(today if value else ~today)


class SourceFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Search")
    kind = django_filters.CharFilter(label="Adapter")
    enabled = django_filters.BooleanFilter(label="Polled")

    class Meta:
        model = Source
        fields: list[str] = []


class AssertionFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="external_id", lookup_expr="icontains", label="Search")
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    external_id = django_filters.CharFilter(label="ID in the feed")
    offering = django_filters.NumberFilter(field_name="offering_id", label="Offering (id)")
    topic = django_filters.ChoiceFilter(choices=Topic.choices, label="Topic")
    standing = django_filters.BooleanFilter(
        field_name="withdrawn_at", lookup_expr="isnull", label="Active source value"
    )
    missing = django_filters.BooleanFilter(
        field_name="missing_since",
        lookup_expr="isnull",
        exclude=True,
        label="No longer in the feed",
    )
    waiting = django_filters.BooleanFilter(
        field_name="pending_since",
        lookup_expr="isnull",
        exclude=True,
        label="On hold",
    )

    class Meta:
        model = Assertion
        fields: list[str] = []


class ProviderEventFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="external_id", lookup_expr="icontains", label="Search")
    kind = django_filters.MultipleChoiceFilter(choices=ProviderEvent.Kind.choices, label="Kind")
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    offering = django_filters.NumberFilter(field_name="offering_id", label="Offering (id)")
    host = django_filters.CharFilter(field_name="offering__host__slug", label="Host (slug)")
    provider = django_filters.CharFilter(
        field_name="provider__slug", label="Provider (slug) of events about it as a whole"
    )
    api_id = django_filters.CharFilter(field_name="offering__api_id", label="Model ID")
    developer = django_filters.CharFilter(
        field_name="offering__version__foundation__developer__slug", label="Developer (slug)"
    )
    foundation = django_filters.CharFilter(
        field_name="offering__version__foundation__slug", label="Foundation (slug)"
    )
    since = django_filters.IsoDateTimeFilter(
        field_name="detected_at", lookup_expr="gte", label="Detected from"
    )
    before = django_filters.IsoDateTimeFilter(
        field_name="detected_at", lookup_expr="lt", label="Detected before"
    )
    effective_from = django_filters.DateFilter(
        field_name="effective_on", lookup_expr="gte", label="Effective from"
    )
    effective_before = django_filters.DateFilter(
        field_name="effective_on", lookup_expr="lt", label="Effective before"
    )
    announcement = django_filters.NumberFilter(
        field_name="announced_offering__announcement_id", label="Announced retirement (id)"
    )

    class Meta:
        model = ProviderEvent
        fields: list[str] = []


class RetirementAnnouncementFilter(django_filters.FilterSet):  # type: ignore[misc]
    withdrawn = django_filters.BooleanFilter(
        field_name="withdrawn_at", lookup_expr="isnull", exclude=True, label="Withdrawn"
    )
    offering = django_filters.NumberFilter(
        field_name="announced_offerings__offering_id", label="Offering (id) that it covers"
    )
    version = django_filters.CharFilter(
        field_name="version__identifier", label="Version (identifier)"
    )
    foundation = django_filters.CharFilter(field_name="foundation__slug", label="Foundation (slug)")
    provider = django_filters.CharFilter(field_name="provider__slug", label="Provider (slug)")
    retires_from = django_filters.DateFilter(
        field_name="retires_on", lookup_expr="gte", label="Retires from"
    )
    retires_before = django_filters.DateFilter(
        field_name="retires_on", lookup_expr="lt", label="Retires before"
    )

    class Meta:
        model = RetirementAnnouncement
        fields: list[str] = []


class IncidentFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="title", lookup_expr="icontains", label="Search")
    host = django_filters.CharFilter(field_name="host__slug", label="Host (slug)")
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    impact = django_filters.ChoiceFilter(
        choices=IncidentImpact.choices, method="at_least", label="Highest impact at least"
    )
    ongoing = django_filters.BooleanFilter(
        field_name="ended_at", lookup_expr="isnull", label="Ongoing"
    )
    affects_models = django_filters.BooleanFilter(label="Concerns models")
    duplicates = django_filters.BooleanFilter(method="being_duplicates", label="Duplicate")
    since = django_filters.IsoDateTimeFilter(
        field_name="started_at", lookup_expr="gte", label="Started from"
    )
    before = django_filters.IsoDateTimeFilter(
        field_name="started_at", lookup_expr="lt", label="Started before"
    )

    class Meta:
        model = Incident
        fields: list[str] = []

    def at_least(self, queryset: IncidentQuerySet, name: str, value: str) -> IncidentQuerySet:
        return queryset.at_least(value)

    def being_duplicates(
        self, queryset: QuerySet[Incident], name: str, value: bool
    ) -> QuerySet[Incident]:
        duplicate = Q(end_reason=IncidentEnd.DUPLICATE)
        return queryset.filter(duplicate if value else ~duplicate)
