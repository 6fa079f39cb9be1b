"""Subscriptions to alerts beyond those that users must receive, with a preview of their number."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.alerts.filters import SubscriptionFilter
from apps.alerts.models import Subscription
from apps.alerts.preferences import check_subscription, delete_subscription, save_subscription
from apps.alerts.subscription_preview import PREVIEW_DAYS, preview_subscription
from apps.api.alerts.base import KindsField, SeverityField, errors_as_problems, with_values
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import VisibleTeamField
from apps.catalog.models import Foundation, Provider
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now


class SubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    provider = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Provider.objects.all(),
        required=False,
        allow_null=True,
        help_text="Slug of a provider, as host or developer.",
    )
    foundation = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Foundation.objects.all(),
        required=False,
        allow_null=True,
        help_text="Slug of a foundation.",
    )
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        allow_null=True,
        help_text="Slug of a team, including its sub-teams.",
    )
    kinds = KindsField(required=False)
    min_severity = SeverityField(required=False)

    class Meta:
        model = Subscription
        fields = [
            "id",
            "name",
            "provider",
            "foundation",
            "team",
            "kinds",
            "min_severity",
            "max_days_left",
            "enabled",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {"max_days_left": {"min_value": 0, "max_value": 3650}}


class PreviewSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(help_text="Length of the period in days.")
    sentence = serializers.CharField(
        help_text="Summary, for example `Would have sent you 3 emails in the last 30 "
        "days, about 11 alerts.`"
    )
    n_mails = serializers.IntegerField()
    n_alerts = serializers.IntegerField()
    n_anyway = serializers.IntegerField(
        help_text="Alerts that you also received without the subscription."
    )
    moments = serializers.ListField(
        child=serializers.DateTimeField(), help_text="Times of the emails, latest first."
    )
    is_cut = serializers.BooleanField(help_text="Whether more alerts match than were counted.")


class SubscriptionViewSet(ReadViewSet[Subscription]):
    """Your subscriptions; a token acts for its user. An alert must match all filters of a
    subscription. Alerts that you cannot view are not sent."""

    is_personal = True
    model = Subscription
    serializer_class = SubscriptionSerializer
    filterset_class = SubscriptionFilter
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}

    @extend_schema(responses={201: SubscriptionSerializer})
    def create(self, request: Request) -> Response:
        """Create a subscription. `preview/` shows beforehand what it would send."""
        subscription = Subscription(user=self.user, **self.validated(SubscriptionSerializer))
        with errors_as_problems():
            stored_subscription = save_subscription(subscription=subscription, by=self.user)
        return self.answer(stored_subscription, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a subscription, or disable it with `enabled`."""
        subscription = self.subject()
        facts = self.validated(SubscriptionSerializer, instance=subscription, partial=True)
        with errors_as_problems():
            save_subscription(subscription=with_values(subscription, facts), by=self.user)
        return self.answer(subscription)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a subscription; the audit log keeps it."""
        delete_subscription(subscription=self.subject(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="subscriptions_preview_unsaved", responses=PreviewSerializer, filters=False
    )
    @action(detail=False, methods=["post"], url_path="preview", picks_fields=False)
    def preview_unsaved(self, request: Request) -> Response:
        """Alerts that such a subscription would have sent in the last 30 days. Nothing is
        stored."""
        subscription = Subscription(user=self.user, **self.validated(SubscriptionSerializer))
        with errors_as_problems():
            check_subscription(subscription, by=self.user)
        return self._preview_response(subscription)

    @extend_schema(responses=PreviewSerializer, parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def preview(self, request: Request, pk: str) -> Response:
        """Alerts that the stored subscription would have sent in the last 30 days, enabled
        or not."""
        return self._preview_response(self.subject())

    def _preview_response(self, subscription: Subscription) -> Response:
        preview = preview_subscription(subscription, user=self.user, at=now())
        body = {
            "days": PREVIEW_DAYS,
            "sentence": str(preview),
            "n_mails": preview.n_mails,
            "n_alerts": preview.n_alerts,
            "n_anyway": preview.n_anyway,
            "moments": preview.moments,
            "is_cut": preview.is_cut,
        }
        return Response(PreviewSerializer(body).data)
