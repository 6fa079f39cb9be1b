"""Aliases, regions and notice policies."""

import django_filters
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers

from apps.api.framework.record_views import (
    RecordCreationViewSet,
    RecordDeletionMixin,
    RecordViewSet,
    record_schema,
)
from apps.api.framework.views import BY_ID
from apps.catalog.models import Alias, NoticePolicy, OfferingRegion, Region
from apps.catalog.records.hosting import OfferingRegionRecord, RegionRecord
from apps.catalog.records.identities import AliasRecord
from apps.catalog.records.providers import NoticePolicyRecord
from apps.common.database.keyset_pagination import Keyset


class AliasFilter(django_filters.FilterSet):  # type: ignore[misc]
    identifier = django_filters.CharFilter(label="Identifier")
    foundation = django_filters.CharFilter(field_name="foundation__slug", label="Foundation (slug)")
    version = django_filters.CharFilter(
        field_name="version__identifier", label="Version (identifier)"
    )
    kind = django_filters.ChoiceFilter(choices=Alias.Kind.choices, label="Kind")

    class Meta:
        model = Alias
        fields: list[str] = []


class AliasSerializer(serializers.ModelSerializer[Alias]):
    foundation = serializers.CharField(
        source="foundation.slug", read_only=True, help_text="Slug of the foundation."
    )
    version = serializers.CharField(
        source="version.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier of the version to which it points; null for a family.",
    )

    class Meta:
        model = Alias
        fields = [
            "id",
            "identifier",
            "foundation",
            "version",
            "kind",
            "synonym_of",
            "names",
            "aliases",
            "repositories",
            "source_url",
            "source_on",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


@extend_schema_view(**record_schema(AliasRecord, AliasSerializer))
class AliasViewSet(RecordViewSet[Alias]):
    """Aliases: names that point to a version, and families. An alias that points to another version
    moves its offerings, which is a provider event."""

    model = Alias
    record = AliasRecord()
    serializer_class = AliasSerializer
    filterset_class = AliasFilter
    orders = {
        "id": BY_ID,
        "-id": Keyset(("-id",)),
        "identifier": Keyset(("identifier",)),
        "-identifier": Keyset(("-identifier",)),
    }


class RegionFilter(django_filters.FilterSet):  # type: ignore[misc]
    host = django_filters.CharFilter(field_name="host__slug", label="Host (slug)")
    name = django_filters.CharFilter(label="Name")

    class Meta:
        model = Region
        fields: list[str] = []


class RegionSerializer(serializers.ModelSerializer[Region]):
    host = serializers.CharField(source="host.slug", read_only=True, help_text="Slug of the host.")

    class Meta:
        model = Region
        fields = ["id", "host", "name", "source_url", "source_on"]
        read_only_fields = fields


@extend_schema_view(**record_schema(RegionRecord, RegionSerializer))
class RegionViewSet(RecordViewSet[Region]):
    """Regions of hosts."""

    model = Region
    record = RegionRecord()
    serializer_class = RegionSerializer
    filterset_class = RegionFilter


class OfferingRegionFilter(django_filters.FilterSet):  # type: ignore[misc]
    offering = django_filters.NumberFilter(field_name="offering_id", label="Offering (id)")
    region = django_filters.NumberFilter(field_name="region_id", label="Region (id)")

    class Meta:
        model = OfferingRegion
        fields: list[str] = []


class OfferingRegionSerializer(serializers.ModelSerializer[OfferingRegion]):
    name = serializers.CharField(
        source="region.name", read_only=True, help_text="Name of the region."
    )

    class Meta:
        model = OfferingRegion
        fields = ["id", "offering", "region", "name"]
        read_only_fields = fields


@extend_schema_view(
    **record_schema(OfferingRegionRecord, OfferingRegionSerializer, methods=("create", "destroy"))
)
class OfferingRegionViewSet(RecordDeletionMixin, RecordCreationViewSet[OfferingRegion]):
    """Regions in which a host serves an offering."""

    model = OfferingRegion
    record = OfferingRegionRecord()
    serializer_class = OfferingRegionSerializer
    filterset_class = OfferingRegionFilter


class NoticePolicyFilter(django_filters.FilterSet):  # type: ignore[misc]
    provider = django_filters.CharFilter(field_name="provider__slug", label="Provider (slug)")
    scope = django_filters.ChoiceFilter(choices=NoticePolicy.Scope.choices, label="Applies to")

    class Meta:
        model = NoticePolicy
        fields: list[str] = []


class NoticePolicySerializer(serializers.ModelSerializer[NoticePolicy]):
    provider = serializers.CharField(
        source="provider.slug", read_only=True, help_text="Slug of the provider."
    )

    class Meta:
        model = NoticePolicy
        fields = [
            "id",
            "provider",
            "scope",
            "notice_days",
            "life_days",
            "source_url",
            "source_on",
            "note",
        ]
        read_only_fields = fields


@extend_schema_view(**record_schema(NoticePolicyRecord, NoticePolicySerializer))
class NoticePolicyViewSet(RecordViewSet[NoticePolicy]):
    """Notice policies that providers have published, from which earliest retirements follow."""

    model = NoticePolicy
    record = NoticePolicyRecord()
    serializer_class = NoticePolicySerializer
    filterset_class = NoticePolicyFilter
