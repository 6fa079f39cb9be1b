"""Observed usage: models in use, by service and names, and the dependency of each."""

from rest_framework import serializers

from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.intake.filters import ObservationFilter
from apps.intake.models import Confidence, Observation


class ObservationSerializer(serializers.ModelSerializer[Observation]):
    application = serializers.CharField(
        source="application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application; null if unknown.",
    )
    service = serializers.CharField(
        source="service.name",
        read_only=True,
        allow_null=True,
        help_text="Name of the service, as it reports itself.",
    )
    confidence = EnumNameField(
        Confidence, read_only=True, help_text="Confidence: how directly the usage was observed."
    )
    host = serializers.CharField(
        source="offering.host.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the host; null if unresolved.",
    )
    api_id = serializers.CharField(source="offering.api_id", read_only=True, allow_null=True)
    served_version = serializers.CharField(
        source="served_version.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier of the version; null if unresolved.",
    )

    class Meta:
        model = Observation
        fields = [
            "id",
            "stream",
            "application",
            "service",
            "environment",
            "alias",
            "requested",
            "served",
            "provider",
            "region",
            "gateway",
            "role",
            "fallback_order",
            "confidence",
            "places",
            "facts",
            "state",
            "offering",
            "host",
            "api_id",
            "served_version",
            "dependency",
            "why",
            "first_seen_at",
            "last_seen_at",
            "missing_since",
            "seen_in",
        ]
        read_only_fields = fields
        extra_kwargs = {"why": {"source": "explanation"}}


class ObservationViewSet(ReadViewSet[Observation]):
    """One row per service, application and set of names, latest observation first."""

    model = Observation
    serializer_class = ObservationSerializer
    filterset_class = ObservationFilter
    orders = {
        "-last_seen_at": Keyset(("-last_seen_at", "-id")),
        "-id": Keyset(("-id",)),
        "id": Keyset(("id",)),
    }
