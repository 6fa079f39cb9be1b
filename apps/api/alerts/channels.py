"""Channels: Slack, Microsoft Teams and PagerDuty as destinations of alerts beside email."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.alerts.channels.changes import queue_test_message, require_manager, save_channel
from apps.alerts.channels.services import SERVICES
from apps.alerts.models import Channel, ChannelService, Webhook
from apps.api.alerts.base import KindsField, SeverityField, with_values
from apps.api.alerts.deliveries import DeliverySerializer
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import ReasonMixin
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now

MAX_SECRET_LENGTH = 2000
# a webhook is a resource of its own
SERVICE_CHOICES = [row for row in ChannelService.choices if row[0] != ChannelService.WEBHOOK]


class ChannelSerializer(ReasonMixin, serializers.ModelSerializer[Channel]):
    service = serializers.ChoiceField(
        choices=SERVICE_CHOICES,
        help_text="Service that receives the messages. It cannot be changed.",
    )
    destination = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=80,
        help_text="Slack: ID of the channel. PagerDuty: us or eu. Teams: empty.",
    )
    team = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Team.objects.all(),
        required=False,
        allow_null=True,
        help_text="Slug of the owning team: sends alerts of this team and its sub-teams.",
    )
    person = serializers.CharField(
        source="person.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the owner of a personal channel.",
    )
    personal = serializers.BooleanField(
        required=False,
        write_only=True,
        help_text="Whether the channel is your own and receives your notifications.",
    )
    role = serializers.ChoiceField(
        choices=Webhook.Role.choices,
        required=False,
        allow_blank=True,
        help_text="Organisation role that owns the channel; empty for a team or a person.",
    )
    kinds = KindsField(required=False)
    min_severity = SeverityField(required=False)
    secrets = serializers.DictField(
        child=serializers.CharField(max_length=MAX_SECRET_LENGTH, trim_whitespace=True),
        required=False,
        write_only=True,
        help_text="Secrets by name, never returned. Slack: bot_token, signing_secret. Teams: "
        "workflow_url. PagerDuty: routing_key. Those that are not named stay.",
    )
    credentials_set_at = serializers.DateTimeField(
        source="credential.set_at",
        read_only=True,
        allow_null=True,
        help_text="Time at which secrets were entered last; null if there are none.",
    )
    created_by = serializers.CharField(source="created_by.username", read_only=True)

    class Meta:
        model = Channel
        fields = [
            "id",
            "name",
            "service",
            "destination",
            "team",
            "person",
            "personal",
            "role",
            "kinds",
            "min_severity",
            "enabled",
            "disabled_reason",
            "secrets",
            "credentials_set_at",
            "created_by",
            "created_at",
            "last_sent_at",
            "reason",
        ]
        read_only_fields = ["id", "disabled_reason", "created_at", "last_sent_at"]


class ChannelViewSet(ReadViewSet[Channel]):
    """Channels of alerts beside email and webhooks, as far as you can view their owners. Owners of
    a team change its channels, governance those of teams and roles, and each person the own
    ones."""

    model = Channel
    serializer_class = ChannelSerializer
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}

    def get_queryset(self) -> "QuerySet[Channel]":
        # the own channels of a user are no matter of roles, so that no statement is shared
        return super().get_queryset()

    @extend_schema(responses={201: ChannelSerializer})
    def create(self, request: Request) -> Response:
        """Create a channel with its secrets. It belongs to a `team`, a `role` or, with `personal`,
        to you."""
        facts = self.validated(ChannelSerializer)
        channel = Channel(created_by=self.user, service=facts.pop("service"))
        self._save(channel, facts)
        return self.answer(channel, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a channel. Secrets that are not named stay."""
        channel = self._load_managed()
        facts = self.validated(ChannelSerializer, instance=channel, partial=True)
        if facts.pop("service", channel.service) != channel.service:
            raise ValidationError({"service": "The service cannot be changed. Add a channel."})
        self._save(channel, facts)
        return self.answer(channel)

    @extend_schema(operation_id="channels_test", request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"], url_path="test")
    def send_test(self, request: Request, pk: str) -> Response:
        """Queue a test message. deliveries/ID/ shows the outcome."""
        delivery = queue_test_message(channel=self._load_managed(), by=self.user, at=now())
        return Response(dict(DeliverySerializer(delivery).data), status=status.HTTP_202_ACCEPTED)

    def _save(self, channel: Channel, facts: dict[str, Any]) -> None:
        reason, secrets = facts.pop("reason", ""), facts.pop("secrets", None)
        owners = [
            name
            for name in ("team", "personal", "role")
            if facts.get(name) not in (None, "", False)
        ]
        if len(owners) > 1:
            raise ValidationError({"team": "Select a team, yourself or an organisation role."})
        if owners:
            channel.team = channel.person = None
            channel.role = ""
        if facts.pop("personal", False):
            channel.person = self.user
        if SERVICES[channel.service].destination_choices and not channel.destination:
            facts.setdefault("destination", "us")
        save_channel(
            channel=with_values(channel, facts),
            by=self.user,
            at=now(),
            secret_values=secrets,
            reason=reason,
        )

    def _load_managed(self) -> Channel:
        channel = self.subject()
        require_manager(self.user, channel)
        return channel
