"""The delivery log, and the notifications of alerts."""

from typing import Any

from django.db.models import Case, F, Q, QuerySet, When
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import own
from apps.alerts.actions import requeue_delivery
from apps.alerts.delivery.status import delivery_totals
from apps.alerts.filters import DeliveryFilter, NoticeFilter
from apps.alerts.models import Delivery, Notice
from apps.alerts.models.outcomes import delivery_sentence, skip_sentence
from apps.api.alerts.base import LATEST_FIRST
from apps.api.framework.problems import ApiConflictError
from apps.api.framework.row_reader import ComputedField, RowReader
from apps.api.framework.views import BY_ID, Names, ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now

# a page of messages would weigh megabytes
DETAIL_ONLY_FIELDS = frozenset({"body_text"})


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    team = serializers.CharField(
        source="team.slug", read_only=True, allow_null=True, help_text="Slug of the team."
    )
    user = serializers.CharField(source="user.username", read_only=True, allow_null=True)
    webhook = serializers.CharField(
        source="webhook.name",
        read_only=True,
        allow_null=True,
        help_text="Name of the webhook or other channel; null otherwise.",
    )
    reason = serializers.CharField(
        source="skip_reason",
        read_only=True,
        help_text="Reason why the delivery failed or was skipped; empty otherwise.",
    )
    body_text = serializers.CharField(
        read_only=True,
        help_text="Text of the email, or JSON body of the request. Lists include "
        "it only if `fields` names it. URLs to respond and unsubscribe are "
        "added when the email is sent.",
    )

    class Meta:
        model = Delivery
        fields = [
            "id",
            "kind",
            "team",
            "user",
            "webhook",
            "address",
            "message_id",
            "thread",
            "subject",
            "state",
            "reason",
            "attempts",
            "due_at",
            "sent_at",
            "created_at",
            "body_text",
        ]
        read_only_fields = fields


class DeliveryViewSet(ReadViewSet[Delivery]):
    """Deliveries to you and to the mailboxes of your teams; all deliveries for organisation
    roles."""

    model = Delivery
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    orders = LATEST_FIRST
    computed = {"reason": ComputedField(("skip_reason", "reason"), delivery_sentence)}

    def requested_fields(self, reader: RowReader) -> Names:
        names = super().requested_fields(reader)
        if self.action == "list" and not self.request.query_params.get("fields"):
            return [name for name in names if name not in DETAIL_ONLY_FIELDS]
        return names

    @extend_schema(request=None, responses=DeliverySerializer)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: str) -> Response:
        """Resend a failed delivery with the same Message-ID. Requires the governance role. The
        answer is 409 if the delivery has not failed."""
        delivery = self.subject()
        if not requeue_delivery(delivery=delivery, at=now(), by=self.user):
            raise ApiConflictError("Only a failed delivery can be sent again. Check its state.")
        return self.answer(delivery)


# --- notifications --------------------------------------------------------------------------------


class NotificationSerializer(serializers.ModelSerializer[Notice]):
    user = serializers.CharField(
        source="user.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the recipient; null for a team or webhook.",
    )
    team = serializers.CharField(
        source="team.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the team whose mailbox is the recipient; null for a user or webhook.",
    )
    webhook = serializers.CharField(
        source="webhook.name",
        read_only=True,
        allow_null=True,
        help_text="Name of the webhook or other channel that is the recipient; null for a user or "
        "team.",
    )
    route = serializers.ChoiceField(source="why", choices=Notice.Why.choices, read_only=True)
    trigger = serializers.CharField(
        source="occasion",
        read_only=True,
        help_text="Reason for the notification: raised, resolved, escalated; woken, "
        "unmuted or assigned, followed by a date.",
    )
    application_ids = serializers.ListField(
        child=serializers.IntegerField(),
        read_only=True,
        allow_null=True,
        help_text="IDs of the affected applications; null for all those of the alert.",
    )
    state = serializers.ChoiceField(
        source="skip_reason",
        choices=NoticeFilter.STATES,
        read_only=True,
        help_text="Outcome: carried by a delivery, skipped for the reason in "
        "`skip_reason`, or owed.",
    )
    skip_reason = serializers.CharField(
        read_only=True, help_text="Reason why no delivery was made, as a sentence; empty otherwise."
    )
    delivery = serializers.IntegerField(
        source="opened",
        read_only=True,
        allow_null=True,
        help_text="ID of the delivery; null while none exists, or if you cannot open it.",
    )
    delivery_state = serializers.ChoiceField(
        source="delivery.state", choices=Delivery.State.choices, read_only=True, allow_null=True
    )
    sent_at = serializers.DateTimeField(source="delivery.sent_at", read_only=True, allow_null=True)

    class Meta:
        model = Notice
        fields = [
            "id",
            "alert",
            "user",
            "team",
            "webhook",
            "route",
            "trigger",
            "application_ids",
            "urgent",
            "owed_at",
            "state",
            "skip_reason",
            "mute",
            "delivery",
            "delivery_state",
            "sent_at",
        ]
        read_only_fields = fields


class NotificationSummarySerializer(serializers.Serializer[Any]):
    n_owed = serializers.IntegerField(help_text="All notifications; the sum of the other four.")
    n_sent = serializers.IntegerField()
    n_failed = serializers.IntegerField()
    n_skipped = serializers.IntegerField()
    n_waiting = serializers.IntegerField(
        help_text="Notifications without a delivery, or with one that is being sent."
    )


def _state(delivery_id: int | None, skip_reason: str) -> str:
    if delivery_id is not None:
        return "carried"
    return "skipped" if skip_reason else "owed"


class NotificationViewSet(ReadViewSet[Notice]):
    """Notifications of alerts to users, team mailboxes and webhooks, with the outcome of each."""

    model = Notice
    serializer_class = NotificationSerializer
    filterset_class = NoticeFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    computed = {
        "state": ComputedField(("delivery_id", "skip_reason"), _state),
        "skip_reason": ComputedField(("skip_reason", "skip_details"), skip_sentence),
    }

    def get_queryset(self) -> QuerySet[Notice]:
        notices = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return notices
        visible_delivery: Any = F("delivery_id")
        if not self.user.can_read_all:
            own_deliveries = own(self.user, "delivery__user") | Q(
                delivery__team__in=self.user.team_roles()
            )
            visible_delivery = Case(When(own_deliveries, then=visible_delivery))
        return notices.annotate(opened=visible_delivery)

    @extend_schema(responses=NotificationSummarySerializer, parameters=[], filters=False)
    @action(detail=False, pagination_class=None, filterset_class=None, picks_fields=False)
    def summary(self, request: Request) -> Response:
        """Number of notifications by outcome, of those the caller can view: owed = sent + failed +
        skipped + waiting."""
        return Response(NotificationSummarySerializer(delivery_totals(self.user)).data)
