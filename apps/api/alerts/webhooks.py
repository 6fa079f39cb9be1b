"""Webhooks: URLs that receive alerts as signed JSON."""

from typing import Any

from django.utils.cache import patch_cache_control
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.alerts.delivery.webhooks import OLD_SECRET_DURATION, queue_test_request, webhook_secret
from apps.alerts.models import Webhook
from apps.alerts.preferences import save_webhook
from apps.api.alerts.base import (
    KindsField,
    SeverityField,
    errors_as_problems,
    require_governance,
    with_values,
)
from apps.api.alerts.deliveries import DeliverySerializer
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import ReasonMixin
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now


class WebhookSerializer(ReasonMixin, serializers.ModelSerializer[Webhook]):
    team = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Team.objects.all(),
        required=False,
        allow_null=True,
        help_text="Slug of a team: sends only alerts of this team and its sub-teams; "
        "null for all alerts.",
    )
    # the URL of a channel of another service is a secret, so that the column can be empty
    url = serializers.URLField(max_length=500)
    kinds = KindsField(required=False)
    min_severity = SeverityField(required=False)
    created_by = serializers.CharField(source="created_by.username", read_only=True)

    class Meta:
        model = Webhook
        fields = [
            "id",
            "name",
            "url",
            "team",
            "kinds",
            "min_severity",
            "enabled",
            "created_by",
            "created_at",
            "last_sent_at",
            "reason",
        ]
        read_only_fields = ["id", "created_at", "last_sent_at"]


class WebhookWithSecretSerializer(WebhookSerializer):
    secret = serializers.CharField(
        read_only=True,
        help_text="Secret for the verification of signatures. Shown only in this answer.",
    )

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class RotateSecretSerializer(ReasonMixin, serializers.Serializer[Any]):
    leaked = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Whether to revoke the previous secret immediately. Otherwise it also "
        "signs for one day.",
    )


class WebhookViewSet(ReadViewSet[Webhook]):
    """Webhooks, readable with an organisation role and changed by governance users. They are
    disabled, not deleted, because deliveries refer to them. docs/alerts.md describes how to verify
    a request."""

    model = Webhook
    serializer_class = WebhookSerializer
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}

    @extend_schema(responses={201: WebhookWithSecretSerializer})
    def create(self, request: Request) -> Response:
        """Create a webhook. Only this answer contains its secret."""
        require_governance(self, "webhooks")
        facts = self.validated(WebhookSerializer)
        reason = facts.pop("reason", "")
        webhook = Webhook(created_by=self.user, **facts)
        with errors_as_problems("url"):
            save_webhook(webhook=webhook, by=self.user, reason=reason)
        return self._respond_with_secret(webhook, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a webhook. The secret is unchanged."""
        webhook = self._load_governed()
        facts = self.validated(WebhookSerializer, instance=webhook, partial=True)
        reason = facts.pop("reason", "")
        with errors_as_problems("url"):
            save_webhook(webhook=with_values(webhook, facts), by=self.user, reason=reason)
        return self.answer(webhook)

    @extend_schema(request=RotateSecretSerializer, responses=WebhookWithSecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Replace the secret. Only this answer contains the new secret. The previous secret also
        signs for one day, so that the receiver can be updated, unless it `leaked`."""
        webhook = self._load_governed()
        data = self.validated(RotateSecretSerializer)
        old_until = None if data.pop("leaked") else now() + OLD_SECRET_DURATION
        with errors_as_problems("url"):
            save_webhook(
                webhook=webhook, by=self.user, new_secret=True, old_until=old_until, **data
            )
        return self._respond_with_secret(webhook)

    @extend_schema(request=ReasonMixin, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Disable a webhook. Pending requests to it are skipped. Repeating the request changes
        nothing."""
        webhook = self._load_governed()
        webhook.enabled = False
        with errors_as_problems("url"):
            save_webhook(webhook=webhook, by=self.user, **self.validated(ReasonMixin))
        return self.answer(webhook)

    @extend_schema(operation_id="webhooks_test", request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"], url_path="test")
    def send_test(self, request: Request, pk: str) -> Response:
        """Queue a signed request without alerts, to test the receiver. deliveries/ID/ shows the
        outcome."""
        delivery = queue_test_request(webhook=self._load_governed(), by=self.user, at=now())
        return Response(dict(DeliverySerializer(delivery).data), status=status.HTTP_202_ACCEPTED)

    def _load_governed(self) -> Webhook:
        webhook = self.subject()
        require_governance(self, "webhooks")
        return webhook

    def _respond_with_secret(self, webhook: Webhook, code: int = status.HTTP_200_OK) -> Response:
        response = self.answer(webhook, code)
        response.data["secret"] = webhook_secret(webhook)
        patch_cache_control(response, no_store=True)
        return response
