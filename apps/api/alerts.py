from rest_framework import serializers

from apps.alerts.filters import AlertFilter, DeliveryFilter
from apps.alerts.models import Alert, Delivery
from apps.api.base import ReadViewSet
from apps.common.pagination import Keyset

LATEST_FIRST = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}


class AlertSerializer(serializers.ModelSerializer[Alert]):
    severity = serializers.IntegerField(read_only=True, help_text="1 note to 5 severe.")
    team = serializers.CharField(source="team.slug", read_only=True, allow_null=True, help_text="Slug.")
    user = serializers.CharField(source="user.username", read_only=True, allow_null=True)
    source = serializers.CharField(  # type: ignore[assignment]
        source="source.slug", read_only=True, allow_null=True, help_text="Slug; the subject of late, frozen and fresh."
    )
    details = serializers.DictField(
        read_only=True,
        help_text="What the subject does not say by itself: the models of a back-fill, what is held of whom, "
        "since when a source is late or frozen.",
    )
    acknowledged_by = serializers.CharField(source="acknowledged_by.username", read_only=True, allow_null=True)
    application_ids = serializers.ListField(
        child=serializers.IntegerField(), read_only=True, help_text="The recipient's applications it concerns."
    )

    class Meta:
        model = Alert
        fields = [
            "id", "key", "kind", "severity", "event", "flag", "run", "source", "details", "team", "user",
            "application_ids", "state", "delivery", "raised_at", "acknowledged_by",
        ]  # fmt: skip
        read_only_fields = fields


class AlertViewSet(ReadViewSet[Alert]):
    """What the caller, or a team of the caller, was owed word of."""

    model = Alert
    serializer_class = AlertSerializer
    filterset_class = AlertFilter
    orders = LATEST_FIRST


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    team = serializers.CharField(source="team.slug", read_only=True, allow_null=True, help_text="Slug.")
    user = serializers.CharField(source="user.username", read_only=True, allow_null=True)

    class Meta:
        model = Delivery
        fields = [
            "id", "team", "user", "address", "message_id", "subject", "state", "reason", "attempts", "due_at",
            "sent_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class DeliveryViewSet(ReadViewSet[Delivery]):
    """The ledger of mail: what was sent to whom, and what was not and why."""

    model = Delivery
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    orders = LATEST_FIRST
