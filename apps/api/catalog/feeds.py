"""Polls of sources, and provider notices."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.alerts.base import require_governance
from apps.api.framework.problems import ApiConflictError
from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.feeds.filters import FeedRunFilter, ProviderNoticeFilter
from apps.feeds.models import FeedRun, ProviderNotice
from apps.feeds.provider_notices import close_notices, reopen_notices


class FeedRunSerializer(serializers.ModelSerializer[FeedRun]):
    source = serializers.CharField(
        source="source.slug", read_only=True, help_text="Slug of the source."
    )  # type: ignore[assignment]

    class Meta:
        model = FeedRun
        fields = [
            "id",
            "source",
            "status",
            "trigger",
            "step",
            "queued_at",
            "started_at",
            "finished_at",
            "observed_at",
            "http_status",
            "n_bytes",
            "digest",
            "rows",
            "rows_changed",
            "rows_vanished",
            "rows_quarantined",
            "rows_backfilled",
            "n_events",
            "held",
            "backfilled",
            "floated",
            "error",
        ]
        read_only_fields = fields


class FeedRunViewSet(ReadViewSet[FeedRun]):
    """Polls of sources, latest first."""

    model = FeedRun
    serializer_class = FeedRunSerializer
    filterset_class = FeedRunFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}


class ProviderNoticeSerializer(serializers.ModelSerializer[ProviderNotice]):
    source = serializers.CharField(
        source="source.slug", read_only=True, help_text="Slug of the source."
    )  # type: ignore[assignment]
    text = serializers.CharField(
        source="excerpt", read_only=True, help_text="Plain text, cut at 4,000 characters."
    )
    names = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="IDs of offerings and versions named in the notice.",
    )
    decided_by = serializers.CharField(
        source="decided_by.username", read_only=True, allow_null=True
    )

    class Meta:
        model = ProviderNotice
        fields = [
            "id",
            "source",
            "external_id",
            "title",
            "link",
            "published_at",
            "text",
            "names",
            "first_seen",
            "changed_at",
            "state",
            "outcome",
            "decided_by",
            "decided_at",
            "reason",
        ]
        read_only_fields = fields


class CloseNoticeSerializer(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(
        choices=[
            (one.value, one.label)
            for one in (ProviderNotice.Outcome.NOTHING, ProviderNotice.Outcome.DATE)
        ],
        default=ProviderNotice.Outcome.NOTHING.value,
    )
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Reason for the change, for the audit log.",
    )


class ProviderNoticeViewSet(ReadViewSet[ProviderNotice]):
    """Notices that providers publish in their feeds, latest first. They do not change the
    catalogue; governance users close each of them with an outcome."""

    model = ProviderNotice
    serializer_class = ProviderNoticeSerializer
    filterset_class = ProviderNoticeFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}

    @extend_schema(request=CloseNoticeSerializer, responses=ProviderNoticeSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Close a notice: no action needed, or its date was recorded. Requires the governance role.
        The answer is 409 if it is already closed."""
        notice = self._load_governed()
        data = self.validated(CloseNoticeSerializer)
        outcome = ProviderNotice.Outcome(data["outcome"])
        if not close_notices(
            notices=[notice.pk], outcome=outcome, by=self.user, reason=data.get("reason", "")
        ):
            raise ApiConflictError("This notice is already closed. Reopen it first.")
        return self.answer(notice)

    @extend_schema(request=None, responses=ProviderNoticeSerializer)
    @action(detail=True, methods=["post"], url_path="reopen")
    def reopen(self, request: Request, pk: str) -> Response:
        """Reopen a notice as unread. Requires the governance role. Repeating the request changes
        nothing."""
        notice = self._load_governed()
        reopen_notices(notices=[notice.pk], by=self.user)
        return self.answer(notice)

    def _load_governed(self) -> ProviderNotice:
        notice = self.subject()
        require_governance(self, "provider notices")
        return notice
