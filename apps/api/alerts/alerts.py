"""Alerts, their notifications and the responses to them."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import JSONObject
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team, User, own
from apps.alerts import actions
from apps.alerts.filters import AlertFilter
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.lifecycle.bulk_responses import MAX_BULK_RESPONSES, respond_to_alerts
from apps.alerts.lifecycle.mutes import MuteScope, mute_fields
from apps.alerts.lifecycle.responses import AlertResponse
from apps.alerts.models import KINDS, Alert, Delivery, Notice, SubjectKind
from apps.alerts.models.outcomes import resolution_sentence, skip_sentence
from apps.api.alerts.base import LATEST_FIRST, UserField, errors_as_problems
from apps.api.alerts.mutes import MuteSerializer, mute_body
from apps.api.framework.export_formats import AlertsAtomRenderer
from apps.api.framework.file_responses import FileRows
from apps.api.framework.problems import ApiConflictError
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import ReadViewSet
from apps.api.inventory.applications import ReasonMixin, VisibleTeamField
from apps.common.time import now


def _load_notifications(user: User) -> ArraySubquery:
    """Return the notifications of each alert that `user` can view.

    `user` can read the alert. The delivery is included only if `user` can open it.
    """
    visible_delivery: Any = F("delivery_id")
    if not user.can_read_all:
        own_deliveries = own(user, "delivery__user") | Q(delivery__team__in=user.team_roles())
        visible_delivery = Case(When(own_deliveries, then=visible_delivery))
    return ArraySubquery(
        Notice.objects.visible_to(user)
        .filter(alert=OuterRef("pk"))
        .order_by("pk")
        .annotate(opened=visible_delivery)
        .values(
            json=JSONObject(
                user="user__username",
                team="team__slug",
                webhook="webhook__name",
                route=F("why"),
                trigger=F("occasion"),
                owed_at="owed_at",
                delivery="opened",
                state="delivery__state",
                sent_at="delivery__sent_at",
                skip_code="skip_reason",
                skip_details="skip_details",
            )
        )
    )


class AlertNotificationSerializer(serializers.Serializer[Any]):
    user = serializers.CharField(
        allow_null=True, help_text="Username of the recipient; null for a team or webhook."
    )
    team = serializers.CharField(
        allow_null=True,
        help_text="Slug of the team whose mailbox is the recipient; null for a user or webhook.",
    )
    webhook = serializers.CharField(
        allow_null=True,
        help_text="Name of the webhook or other channel that is the recipient; null for a user or "
        "team.",
    )
    route = serializers.ChoiceField(choices=Notice.Why.choices)
    trigger = serializers.CharField(
        help_text="Reason for the notification: raised, resolved, escalated; woken, "
        "unmuted or assigned, followed by a date."
    )
    owed_at = serializers.DateTimeField()
    delivery = serializers.IntegerField(
        allow_null=True,
        help_text="ID of the delivery; null while none exists, or if you cannot open it.",
    )
    state = serializers.ChoiceField(
        choices=Delivery.State.choices,
        allow_null=True,
        help_text="State of the delivery; null while none exists.",
    )
    sent_at = serializers.DateTimeField(allow_null=True)
    skip_reason = serializers.CharField(
        allow_blank=True,
        help_text="Reason why no delivery was made, as a sentence; empty otherwise.",
    )


_RECIPIENT_STATES = tuple(AlertNotificationSerializer().fields)


def _recipient_row(notice: dict[str, Any]) -> dict[str, Any]:
    """Return the fields in the order of the serializer, with times that end in Z and the reason as
    a sentence.

    The database formats neither.
    """
    notice = {**notice, "skip_reason": skip_sentence(notice["skip_code"], notice["skip_details"])}
    return {
        name: value.replace("+00:00", "Z") if name.endswith("_at") and value else value
        for name, value in ((name, notice[name]) for name in _RECIPIENT_STATES)
    }


@extend_schema_field(AlertNotificationSerializer(many=True))
class RecipientsField(serializers.ListField):
    pass


class AlertSerializer(serializers.ModelSerializer[Alert]):
    subject = serializers.CharField(
        read_only=True,
        help_text="Subject of the alert, for example `event:17` or "
        "`offering:4@2027-01-15`. Alerts of other teams about the same fact "
        "have the same subject.",
    )
    kind = serializers.ChoiceField(choices=list(KINDS.items()), read_only=True)
    severity = serializers.IntegerField(
        read_only=True, help_text="Severity from 1 (info) to 5 (urgent)."
    )
    team = serializers.CharField(
        source="team.slug", read_only=True, allow_null=True, help_text="Slug of the team."
    )
    user = serializers.CharField(
        source="user.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the responsible owner; null if the whole team is responsible.",
    )
    source = serializers.CharField(  # type: ignore[assignment]
        source="source.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the feed, for alerts about a feed; null otherwise.",
    )
    subject_kind = serializers.ChoiceField(
        choices=SubjectKind.choices, read_only=True, allow_blank=True
    )
    host = serializers.CharField(
        source="offering.host.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the host of the offering; null if the alert is not about one.",
    )
    api_id = serializers.CharField(source="offering.api_id", read_only=True, allow_null=True)
    details = serializers.DictField(
        read_only=True,
        help_text="Further facts: models of a late publication, changes on hold, the "
        "time since which a feed is late or not updating, or what expires.",
    )
    application_ids = serializers.ListField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of the affected applications of the team.",
    )
    acknowledged_by = serializers.CharField(
        source="acknowledged_by.username", read_only=True, allow_null=True
    )
    assigned_to = serializers.CharField(
        source="assigned_to.username", read_only=True, allow_null=True
    )
    snoozed_by = serializers.CharField(
        source="snoozed_by.username", read_only=True, allow_null=True
    )
    resolved_by = serializers.CharField(
        source="resolved_by.username",
        read_only=True,
        allow_null=True,
        help_text="Username; null if the alert was resolved automatically.",
    )
    resolution = serializers.CharField(read_only=True)
    notifications = RecipientsField(
        source="told", read_only=True, help_text="Notifications for this alert, oldest first."
    )

    class Meta:
        model = Alert
        fields = [
            "id",
            "key",
            "subject",
            "kind",
            "severity",
            "urgent",
            "event",
            "flag",
            "run",
            "source",
            "subject_kind",
            "subject_id",
            "offering",
            "host",
            "api_id",
            "milestone",
            "due_on",
            "details",
            "team",
            "user",
            "application_ids",
            "state",
            "raised_at",
            "acknowledged_by",
            "acknowledged_at",
            "assigned_to",
            "snoozed_until",
            "snoozed_by",
            "resolved_at",
            "resolved_by",
            "resolution",
            "escalation",
            "escalate_at",
            "notifications",
        ]
        read_only_fields = fields


class AcknowledgeAlertSerializer(ReasonMixin):
    pass


class SnoozeSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(
        help_text="Date on which the alert becomes open again, within 90 days."
    )


class AssignSerializer(serializers.Serializer[Any]):
    username = UserField(
        allow_null=True,
        help_text="Username of a user who can view the alert; null removes the assignment.",
    )


class ResolveSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, help_text="Reason for the resolution.")


class MuteAlertSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(help_text="Date on which the mute ends, within one year.")
    scope = serializers.ChoiceField(
        choices=MuteScope.choices,
        default=MuteScope.SUBJECT,
        help_text="Scope of the mute: this subject, or all alerts about its model, the host "
        "of the model, its only application, or alerts of its type.",
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        help_text="Slug of a team whose mailbox is muted instead of your own email. "
        "Requires the editor role on it.",
    )


class BulkRespondSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        allow_empty=False,
        max_length=MAX_BULK_RESPONSES,
    )
    action = serializers.ChoiceField(
        choices=[
            (response.value, response.label)
            for response in AlertResponse
            if response != AlertResponse.COMMENT
        ]
    )
    until = serializers.DateField(
        required=False, help_text="For `snooze`: date on which the alert becomes open again."
    )
    username = UserField(
        required=False,
        allow_null=True,
        help_text="For `assign`: username; null removes the assignment.",
    )
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=300,
        help_text="For `resolve`: reason for the resolution.",
    )

    NEEDED = {
        AlertResponse.SNOOZE: "until",
        AlertResponse.ASSIGN: "username",
        AlertResponse.RESOLVE: "reason",
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        required_field = self.NEEDED.get(attrs["action"])
        if required_field is not None and (
            required_field not in attrs or attrs[required_field] == ""
        ):
            raise ValidationError(
                {required_field: f"This field is required to {attrs['action']} alerts."}
            )
        return attrs


class RejectedAlertSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="alert_id")
    detail = serializers.CharField(source="sentence")


class BulkRespondResultSerializer(serializers.Serializer[Any]):
    updated = serializers.ListField(
        source="answered", child=serializers.IntegerField(), help_text="IDs of the updated alerts."
    )
    unchanged = serializers.ListField(
        child=serializers.IntegerField(), help_text="IDs of alerts that were already in this state."
    )
    rejected = RejectedAlertSerializer(source="refused", many=True)


class AlertActivitySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    who = serializers.CharField(help_text="Name of the user, or the registry itself.")
    what = serializers.CharField(
        help_text="Activity as a predicate, for example `acknowledged it`."
    )
    reason = serializers.CharField(allow_blank=True)
    how = serializers.CharField(
        allow_blank=True, help_text="Channel of the activity; empty for the web pages."
    )


class AlertViewSet(ReadViewSet[Alert]):
    """Alerts of which the caller, or a team of the caller, was notified. Editors of the team, the
    responsible or assigned user, and governance users can respond to them."""

    model = Alert
    serializer_class = AlertSerializer
    feed_renderers = (AlertsAtomRenderer,)
    filterset_class = AlertFilter
    orders = LATEST_FIRST
    files = {"activity": FileRows(AlertActivitySerializer)}
    computed = {
        "subject": ComputedField(("key",), lambda key: key.partition("|")[0]),
        "resolution": ComputedField(("resolution", "resolution_text"), resolution_sentence),
        "notifications": ComputedField(
            ("told",), lambda told: [_recipient_row(notice) for notice in told]
        ),
    }

    def get_queryset(self) -> QuerySet[Alert]:
        alerts = super().get_queryset()
        return (
            alerts
            if getattr(self, "swagger_fake_view", False)
            else alerts.annotate(told=_load_notifications(self.user))
        )

    @extend_schema(request=AcknowledgeAlertSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Acknowledge an alert. Repeating the request changes nothing: the first user is kept."""
        alert = self._load_alert_for_response()
        reason = self.validated(AcknowledgeAlertSerializer).get("reason", "")
        optional_reason = {"reason": reason} if reason else {}
        return self.answer(
            actions.acknowledge_alert(alert=alert, by=self.user, at=now(), **optional_reason)
        )

    @extend_schema(request=SnoozeSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Snooze an alert until a date, on which you are notified again."""
        alert = self._load_alert_for_response()
        data = self.validated(SnoozeSerializer)
        with errors_as_problems("until"):
            return self.answer(
                actions.snooze_alert(alert=alert, until=data["until"], by=self.user, at=now())
            )

    @extend_schema(request=AssignSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Assign an alert to a user who can view it and is notified; null removes the
        assignment."""
        alert = self._load_alert_for_response()
        data = self.validated(AssignSerializer)
        with errors_as_problems("username"):
            return self.answer(
                actions.assign_alert(alert=alert, to=data["username"], by=self.user, at=now())
            )

    @extend_schema(request=ResolveSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Resolve an alert, with a reason. A condition that continues raises it again only after a
        change."""
        alert = self._load_alert_for_response()
        data = self.validated(ResolveSerializer)
        with errors_as_problems("reason"):
            return self.answer(
                actions.resolve_alert(alert=alert, reason=data["reason"], by=self.user, at=now())
            )

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Reopen an alert, as if it had been raised now."""
        return self.answer(
            actions.reopen_alert(alert=self._load_alert_for_response(), by=self.user, at=now())
        )

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Undo your last response and restore the state before it, including a running snooze. The
        answer is 409 if another user changed the alert later, or if you have not responded;
        `reopen/` opens the alert in either case."""
        alert = self._load_alert_for_response()
        try:
            return self.answer(actions.undo_response(alert=alert, by=self.user, at=now()))
        except actions.InvalidResponseError as error:
            raise ApiConflictError(str(error)) from None

    @extend_schema(request=MuteAlertSerializer, responses={201: MuteSerializer})
    @action(detail=True, methods=["post"], is_personal=True)
    def mute(self, request: Request, pk: str) -> Response:
        """Mute your email about the alert until a date. The answer is the mute. The state of the
        alert is unchanged."""
        alert = self.subject()
        data = self.validated(MuteAlertSerializer)
        with errors_as_problems("scope"):
            scope_fields = mute_fields(alert, data["scope"], user=self.user)
        with errors_as_problems("until"):
            mute = actions.create_mute(
                by=self.user,
                team=data.get("team"),
                until=data["until"],
                at=now(),
                reason=data["reason"],
                **scope_fields,
            )
        return Response(mute_body(mute, self.user), status=status.HTTP_201_CREATED)

    @extend_schema(
        request=BulkRespondSerializer, responses=BulkRespondResultSerializer, filters=False
    )
    @action(detail=False, methods=["post"], url_path="bulk-respond", picks_fields=False)
    def bulk_respond(self, request: Request) -> Response:
        """Give many alerts the same response in one transaction. Alerts that cannot be updated are
        listed in `rejected`."""
        data = self.validated(BulkRespondSerializer)
        result = respond_to_alerts(
            alert_ids=data["ids"],
            response=data["action"],
            by=self.user,
            at=now(),
            until=data.get("until"),
            to=data.get("username"),
            reason=data.get("reason", ""),
        )
        return Response(BulkRespondResultSerializer(result).data)

    @extend_schema(responses=AlertActivitySerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def activity(self, request: Request, pk: str) -> Response:
        """Activity of an alert, latest first."""
        return Response(AlertActivitySerializer(alert_activity(self.subject()), many=True).data)

    def _load_alert_for_response(self) -> Alert:
        """Return the alert if the caller can respond to it.

        The permission is checked before the body, so that an error in the body reveals nothing.
        """
        alert = self.subject()
        if not actions.can_respond(self.user, alert):
            raise actions.AlertPermissionError(
                f"You need the editor role on {alert.team} to respond to its alerts."
                if alert.team
                else "You need the governance role to respond to this alert."
            )
        return alert
