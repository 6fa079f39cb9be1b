"""Alerts, who was told of each, and the answers people give."""

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
from apps.api.framework.problems import ConflictError
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import ReadViewSet
from apps.api.inventory.applications import ReasonMixin, VisibleTeamField
from apps.common.time import now


def _load_notifications(user: User) -> ArraySubquery:
    """Who was told, as far as `user`, who may read the alert, may know:
    `Notice.objects.visible_to`, and the message itself only where `user` may open it."""
    opened: Any = F("delivery_id")
    if not user.can_read_all:
        mine = own(user, "delivery__user") | Q(delivery__team__in=user.team_roles())
        opened = Case(When(mine, then=opened))
    return ArraySubquery(
        Notice.objects.visible_to(user)
        .filter(alert=OuterRef("pk"))
        .order_by("pk")
        .annotate(opened=opened)
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
    user = serializers.CharField(allow_null=True, help_text="Username, of a person.")
    team = serializers.CharField(allow_null=True, help_text="Slug, of a team's mailbox.")
    webhook = serializers.CharField(allow_null=True, help_text="Name, of a webhook.")
    route = serializers.ChoiceField(choices=Notice.Why.choices)
    trigger = serializers.CharField(
        help_text="raised, resolved, escalated; woken, unmuted and assigned with a day."
    )
    owed_at = serializers.DateTimeField()
    delivery = serializers.IntegerField(
        allow_null=True,
        help_text="The message that carries it; null where none does, or it is not yours to open.",
    )
    state = serializers.ChoiceField(
        choices=Delivery.State.choices,
        allow_null=True,
        help_text="Of that message; null while none carries it.",
    )
    sent_at = serializers.DateTimeField(allow_null=True)
    skip_reason = serializers.CharField(
        allow_blank=True, help_text="Why no message carries it; empty otherwise."
    )


_RECIPIENT_STATES = tuple(AlertNotificationSerializer().fields)


def _recipient_row(notice: dict[str, Any]) -> dict[str, Any]:
    """In the order of the serializer, with moments that end in Z and the reason as a sentence.

    The database knows none of them.
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
        help_text="`event:17`, `offering:4@2027-01-15`: the same for everyone who is told of it.",
    )
    kind = serializers.ChoiceField(choices=list(KINDS.items()), read_only=True)
    severity = serializers.IntegerField(read_only=True, help_text="1 note to 5 severe.")
    team = serializers.CharField(
        source="team.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    user = serializers.CharField(
        source="user.username",
        read_only=True,
        allow_null=True,
        help_text="Whom of the team it falls to, if to one.",
    )
    source = serializers.CharField(  # type: ignore[assignment]
        source="source.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug; the subject of late, frozen and fresh.",
    )
    subject_kind = serializers.ChoiceField(
        choices=SubjectKind.choices, read_only=True, allow_blank=True
    )
    host = serializers.CharField(
        source="offering.host.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug; of the offering it speaks of.",
    )
    api_id = serializers.CharField(source="offering.api_id", read_only=True, allow_null=True)
    details = serializers.DictField(
        read_only=True,
        help_text="What the subject does not say by itself: the models of a back-fill, what is "
        "held of whom, "
        "since when a source is late or frozen, what expires.",
    )
    application_ids = serializers.ListField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="The party's applications it concerns.",
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
        help_text="Null where its cause went by itself.",
    )
    resolution = serializers.CharField(read_only=True)
    notifications = RecipientsField(
        source="told", read_only=True, help_text="Who is owed word of it, oldest first."
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
    until = serializers.DateField(help_text="First day on which it waits again; within 90 days.")


class AssignSerializer(serializers.Serializer[Any]):
    username = UserField(allow_null=True, help_text="Somebody who may see it; null takes it back.")


class ResolveSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, help_text="How it was settled.")


class MuteAlertSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(help_text="First day the mute no longer holds; within a year.")
    scope = serializers.ChoiceField(
        choices=MuteScope.choices,
        default=MuteScope.SUBJECT,
        help_text="This matter, or all about its model, the model's host, its only "
        "application, or of its kind.",
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        help_text="Mute the mailbox of this team, as one of its editors, and not your own mail.",
    )


class BulkRespondSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        allow_empty=False,
        max_length=MAX_BULK_RESPONSES,
    )
    action = serializers.ChoiceField(choices=AlertResponse.choices)
    until = serializers.DateField(
        required=False, help_text="For snooze: first day on which it waits again."
    )
    username = UserField(
        required=False, allow_null=True, help_text="For assign; null takes it back."
    )
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=300,
        help_text="For resolve: how it was settled.",
    )

    NEEDED = {
        AlertResponse.SNOOZE: "until",
        AlertResponse.ASSIGN: "username",
        AlertResponse.RESOLVE: "reason",
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = self.NEEDED.get(attrs["action"])
        if needed is not None and (needed not in attrs or attrs[needed] == ""):
            raise ValidationError({needed: f"Needed to {attrs['action']}."})
        return attrs


class RejectedAlertSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="alert_id")
    detail = serializers.CharField(source="sentence")


class BulkRespondResultSerializer(serializers.Serializer[Any]):
    updated = serializers.ListField(
        source="answered", child=serializers.IntegerField(), help_text="Ids."
    )
    unchanged = serializers.ListField(
        child=serializers.IntegerField(), help_text="Ids; they were so already."
    )
    rejected = RejectedAlertSerializer(source="refused", many=True)


class AlertActivitySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    who = serializers.CharField(help_text="A person by name, or the register itself.")
    what = serializers.CharField(help_text="As a predicate: `acknowledged it`.")
    reason = serializers.CharField(allow_blank=True)
    how = serializers.CharField(allow_blank=True, help_text="By which way, where not on the pages.")


class AlertViewSet(ReadViewSet[Alert]):
    """What the caller, or a team of the caller, was owed word of. Answered by editors of the team,
    whom it fell or was given to, and governance."""

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
        """Say that somebody is on it. Doing it twice changes nothing: the first name stays."""
        alert = self._answerable()
        reason = self.validated(AcknowledgeAlertSerializer).get("reason", "")
        given = {"reason": reason} if reason else {}
        return self.answer(actions.acknowledge_alert(alert=alert, by=self.user, at=now(), **given))

    @extend_schema(request=SnoozeSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Let it wait until a day, on which you are told again."""
        alert = self._answerable()
        asked = self.validated(SnoozeSerializer)
        with errors_as_problems("until"):
            return self.answer(
                actions.snooze_alert(alert=alert, until=asked["until"], by=self.user, at=now())
            )

    @extend_schema(request=AssignSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Give it to somebody who may see it, who is told; null takes it back."""
        alert = self._answerable()
        asked = self.validated(AssignSerializer)
        with errors_as_problems("username"):
            return self.answer(
                actions.assign_alert(alert=alert, to=asked["username"], by=self.user, at=now())
            )

    @extend_schema(request=ResolveSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Say that it is settled, and how. What still stands behind it raises it anew only when
        something changes."""
        alert = self._answerable()
        asked = self.validated(ResolveSerializer)
        with errors_as_problems("reason"):
            return self.answer(
                actions.resolve_alert(alert=alert, why=asked["reason"], by=self.user, at=now())
            )

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Whoever answered it: it waits again, as if it had been raised now."""
        return self.answer(actions.reopen_alert(alert=self._answerable(), by=self.user, at=now()))

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take back the answer that you gave last: what stood before stands again, also a snooze
        that was running. 409 where it was changed since, or never answered; `reopen/` opens it all
        the same."""
        alert = self._answerable()
        try:
            return self.answer(actions.undo_response(alert=alert, by=self.user, at=now()))
        except actions.InvalidResponseError as refusal:
            raise ConflictError(str(refusal)) from None

    @extend_schema(request=MuteAlertSerializer, responses={201: MuteSerializer})
    @action(detail=True, methods=["post"], is_personal=True)
    def mute(self, request: Request, pk: str) -> Response:
        """Keep your own mail about it back until a day; the answer is the mute. The alert stands as
        before."""
        alert = self.subject()
        asked = self.validated(MuteAlertSerializer)
        with errors_as_problems("scope"):
            what = mute_fields(alert, asked["scope"], user=self.user)
        with errors_as_problems("until"):
            made = actions.create_mute(
                by=self.user,
                team=asked.get("team"),
                until=asked["until"],
                at=now(),
                reason=asked["reason"],
                **what,
            )
        return Response(mute_body(made, self.user), status=status.HTTP_201_CREATED)

    @extend_schema(
        request=BulkRespondSerializer, responses=BulkRespondResultSerializer, filters=False
    )
    @action(detail=False, methods=["post"], url_path="bulk-respond", picks_fields=False)
    def bulk_respond(self, request: Request) -> Response:
        """Give the same answer to many, in one transaction; what cannot be answered is refused row
        by row."""
        asked = self.validated(BulkRespondSerializer)
        given = respond_to_alerts(
            alert_ids=asked["ids"],
            answer=asked["action"],
            by=self.user,
            at=now(),
            until=asked.get("until"),
            to=asked.get("username"),
            reason=asked.get("reason", ""),
        )
        return Response(BulkRespondResultSerializer(given).data)

    @extend_schema(responses=AlertActivitySerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def activity(self, request: Request, pk: str) -> Response:
        """Who answered what and when, the latest first, out of its history."""
        return Response(AlertActivitySerializer(alert_activity(self.subject()), many=True).data)

    def _answerable(self) -> Alert:
        """The alert, if the caller may answer it; before the body is looked at, so that nobody
        learns by a 400 what they may not do anyway."""
        alert = self.subject()
        if not actions.can_respond(self.user, alert):
            raise actions.AlertPermissionError(
                "Only an editor of the team, whom it fell or was given to, and governance may "
                "answer it."
                " Ask one of them."
            )
        return alert
