"""Incidents of hosts, as their status pages state them."""

from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from rest_framework import serializers

from apps.api.framework.views import BY_ID, ReadViewSet
from apps.catalog.filters import IncidentFilter
from apps.catalog.models import Incident, Offering, Version
from apps.common.database.keyset_pagination import Keyset


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    source = serializers.CharField(
        source="source.slug", read_only=True, help_text="Slug of the source."
    )  # type: ignore[assignment]
    host = serializers.CharField(source="host.slug", read_only=True, help_text="Slug of the host.")
    components = serializers.ListField(child=serializers.CharField(), read_only=True)
    regions = serializers.ListField(child=serializers.CharField(), read_only=True)
    updates = serializers.ListField(
        child=serializers.DictField(),
        read_only=True,
        help_text="Updates, newest first: `at` (null if unknown), `status`, `text`.",
    )
    versions = serializers.ListField(
        source="version_names",
        child=serializers.CharField(),
        read_only=True,
        help_text="Identifiers of the versions that it names; empty with `offerings`: whole host.",
    )
    offerings = serializers.ListField(
        source="offering_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of the offerings that it names.",
    )

    class Meta:
        model = Incident
        fields = [
            "id",
            "source",
            "host",
            "external_id",
            "title",
            "status",
            "impact",
            "highest_impact",
            "started_at",
            "ended_at",
            "end_reason",
            "duplicate_of",
            "components",
            "regions",
            "affects_models",
            "versions",
            "offerings",
            "url",
            "updates",
            "last_update_at",
            "reopened_at",
            "backfilled",
            "first_seen",
            "changed_at",
        ]
        read_only_fields = fields


class IncidentViewSet(ReadViewSet[Incident]):
    """Incidents of hosts, the latest start first. Each is one row: updates, edits and reopenings
    change it."""

    model = Incident
    serializer_class = IncidentSerializer
    filterset_class = IncidentFilter
    orders = {
        "-started_at": Keyset(("-started_at", "-id")),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }
    annotations: ClassVar[dict[str, Any]] = {
        "version_names": ArraySubquery(
            Version.objects.filter(incidents=OuterRef("pk"))
            .order_by("identifier")
            .values("identifier")
        ),
        "offering_ids": ArraySubquery(
            Offering.objects.filter(incidents=OuterRef("pk")).order_by("pk").values("pk")
        ),
    }
