"""Provider notices that arrive by email, and the rules for their senders."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.alerts.base import require_governance
from apps.api.framework.validation import validate_data
from apps.api.framework.views import BY_ID, ReadViewSet, RegistryView
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.feeds.filters import ReceivedNoticeFilter
from apps.feeds.mailbox.decisions import (
    change_notice_mail_settings,
    dismiss_notice,
    reopen_notice,
)
from apps.feeds.models import NoticeAnnouncement, NoticeMailSettings, ReceivedNotice
from apps.feeds.models.received_notices import MAX_ALLOWED_SENDERS, state_of_notices


class ReceivedNoticeSerializer(serializers.ModelSerializer[ReceivedNotice]):
    state = serializers.ChoiceField(
        choices=ReceivedNotice.State.choices,
        read_only=True,
        help_text="`used` while an announcement made from it is not withdrawn.",
    )
    model_names = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Model IDs and names of the catalogue that the text contains, without the "
        "successor.",
    )
    host_slugs = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Slugs of hosts that it names."
    )
    announcements = serializers.ListField(
        source="announcement_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of the announcements made from it.",
    )
    dismissed_by = serializers.CharField(
        source="dismissed_by.username", read_only=True, allow_null=True
    )

    class Meta:
        model = ReceivedNotice
        fields = [
            "id",
            "message_id",
            "sender",
            "sender_name",
            "signed_by",
            "subject",
            "text",
            "received_at",
            "state",
            "model_names",
            "host_slugs",
            "retires_on",
            "date_kind",
            "successor",
            "successor_name",
            "source_url",
            "announcements",
            "dismissed_by",
            "dismissed_at",
            "dismissal_reason",
        ]
        read_only_fields = fields


class DismissNoticeSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Reason for the change, for the audit log.",
    )


class ReceivedNoticeViewSet(ReadViewSet[ReceivedNotice]):
    """Emails with provider notices, as drafts of announcements, latest first. Visible to users who
    may announce retirements. `retirement-announcements/` announces them."""

    model = ReceivedNotice
    serializer_class = ReceivedNoticeSerializer
    filterset_class = ReceivedNoticeFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    annotations = {
        "state": state_of_notices(),
        "announcement_ids": ArraySubquery(
            NoticeAnnouncement.objects.filter(notice=OuterRef("pk"))
            .order_by("announcement_id")
            .values("announcement_id")
        ),
    }

    @extend_schema(request=DismissNoticeSerializer, responses=ReceivedNoticeSerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """Dismiss a notice that needs no announcement. 409 if a retirement was announced from it.
        Repeating the request changes nothing."""
        notice = self._load_governed()
        body = self.validated(DismissNoticeSerializer)
        row = dismiss_notice(notice=notice, at=now(), by=self.user, reason=body.get("reason", ""))
        return self.answer(row)

    @extend_schema(request=None, responses=ReceivedNoticeSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Undo the dismissal of a notice. Repeating the request changes nothing."""
        return self.answer(reopen_notice(notice=self._load_governed(), by=self.user))

    def _load_governed(self) -> ReceivedNotice:
        notice = self.subject()
        require_governance(self, "received notices")
        return notice


class NoticeMailSettingsSerializer(serializers.ModelSerializer[NoticeMailSettings]):
    allowed_senders = serializers.ListField(
        child=serializers.CharField(max_length=254),
        allow_empty=True,
        max_length=MAX_ALLOWED_SENDERS,
        help_text="Email addresses, or domains for all of their addresses; empty: no email is "
        "accepted.",
    )

    class Meta:
        model = NoticeMailSettings
        fields = ["allowed_senders", "requires_dkim", "receiving_server"]


class NoticeMailSettingsView(RegistryView):
    """Rules for emails with provider notices, for the whole organisation."""

    reads = ()

    @extend_schema(operation_id="notice_mail_settings", responses=NoticeMailSettingsSerializer)
    def get(self, request: Request) -> Response:
        """Allowed senders and the check of their signatures. Requires the governance role."""
        require_governance(self, "the rules for received notices")
        return Response(NoticeMailSettingsSerializer(NoticeMailSettings.load()).data)

    @extend_schema(
        operation_id="notice_mail_settings_change",
        request=NoticeMailSettingsSerializer,
        responses=NoticeMailSettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the fields that are sent. Requires the governance role."""
        require_governance(self, "the rules for received notices")
        row = NoticeMailSettings.load()
        body = {
            "allowed_senders": row.allowed_senders,
            "requires_dkim": row.requires_dkim,
            "receiving_server": row.receiving_server,
            **validate_data(NoticeMailSettingsSerializer(data=request.data, partial=True)),
        }
        return Response(
            NoticeMailSettingsSerializer(change_notice_mail_settings(**body, by=self.user)).data
        )
