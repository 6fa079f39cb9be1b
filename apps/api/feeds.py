from rest_framework import serializers

from apps.api.base import ReadViewSet
from apps.common.pagination import Keyset
from apps.feeds.filters import FeedRunFilter
from apps.feeds.models import FeedRun


class FeedRunSerializer(serializers.ModelSerializer[FeedRun]):
    source = serializers.CharField(source="source.slug", read_only=True, help_text="Slug.")  # type: ignore[assignment]

    class Meta:
        model = FeedRun
        fields = [
            "id", "source", "status", "trigger", "step", "queued_at", "started_at", "finished_at", "observed_at",
            "http_status", "n_bytes", "digest", "rows", "rows_changed", "rows_vanished", "rows_quarantined",
            "rows_backfilled", "n_events", "held", "backfilled", "floated", "error",
        ]  # fmt: skip
        read_only_fields = fields


class FeedRunViewSet(ReadViewSet[FeedRun]):
    """Polls, latest first."""

    model = FeedRun
    serializer_class = FeedRunSerializer
    filterset_class = FeedRunFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}
