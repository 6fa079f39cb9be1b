"""Derivations: relationships between versions."""

import django_filters
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers

from apps.api.framework.record_views import RecordViewSet, record_schema
from apps.api.framework.views import BY_ID
from apps.catalog.models import Derivation
from apps.catalog.records.identities import DerivationRecord
from apps.common.database.keyset_pagination import Keyset


class DerivationFilter(django_filters.FilterSet):  # type: ignore[misc]
    child = django_filters.CharFilter(field_name="child__identifier", label="Child")
    parent = django_filters.CharFilter(field_name="parent__identifier", label="Parent")
    kind = django_filters.ChoiceFilter(choices=Derivation.Kind.choices, label="Kind")

    class Meta:
        model = Derivation
        fields: list[str] = []


class DerivationSerializer(serializers.ModelSerializer[Derivation]):
    child = serializers.CharField(source="child.identifier", read_only=True)
    parent = serializers.CharField(source="parent.identifier", read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Derivation
        fields = ["id", "child", "parent", "kind", "source_url", "source_on"]
        read_only_fields = fields


@extend_schema_view(**record_schema(DerivationRecord, DerivationSerializer))
class DerivationViewSet(RecordViewSet[Derivation]):
    """Relationships between versions. All kinds except `next_generation` pass on weights or
    behaviour."""

    model = Derivation
    record = DerivationRecord()
    serializer_class = DerivationSerializer
    filterset_class = DerivationFilter
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}
