from rest_framework import serializers

from apps.accounts.filters import TeamFilter
from apps.accounts.models import Team
from apps.api.base import BY_ID, ReadViewSet
from apps.common.pagination import Keyset


class TeamSerializer(serializers.ModelSerializer[Team]):
    parent = serializers.CharField(source="parent.slug", read_only=True, allow_null=True, help_text="Slug.")  # type: ignore[assignment]

    class Meta:
        model = Team
        fields = ["id", "slug", "name", "parent", "email", "created_at", "updated_at"]
        read_only_fields = fields


class TeamViewSet(ReadViewSet[Team]):
    """The teams the caller belongs to, by membership or from above."""

    model = Team
    serializer_class = TeamSerializer
    filterset_class = TeamFilter
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]+"
    orders = {"slug": Keyset(("slug",)), "-slug": Keyset(("-slug",)), "id": BY_ID, "-id": Keyset(("-id",))}
