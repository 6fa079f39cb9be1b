"""What was seen of models in use, by whom, under which names, and which dependency it became."""

from rest_framework import serializers

from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.intake.filters import ObservationFilter
from apps.intake.models import Confidence, Observation


class ObservationSerializer(serializers.ModelSerializer[Observation]):
    application = serializers.CharField(
        source="application.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    service = serializers.CharField(
        source="service.name",
        read_only=True,
        allow_null=True,
        help_text="What the sender calls itself.",
    )
    confidence = EnumNameField(Confidence, read_only=True, help_text="How directly it was seen.")
    host = serializers.CharField(
        source="offering.host.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    api_id = serializers.CharField(source="offering.api_id", read_only=True, allow_null=True)
    served_version = serializers.CharField(
        source="served_version.identifier", read_only=True, allow_null=True, help_text="Identifier."
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


class ObservationViewSet(ReadViewSet[Observation]):
    """One row a sender, application and set of names, seen last first."""

    model = Observation
    serializer_class = ObservationSerializer
    filterset_class = ObservationFilter
    orders = {
        "-last_seen_at": Keyset(("-last_seen_at", "-id")),
        "-id": Keyset(("-id",)),
        "id": Keyset(("id",)),
    }
