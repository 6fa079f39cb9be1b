"""Notification preferences of users and team mailboxes."""

from datetime import datetime
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.delivery.digest_requests import DigestRequestError, request_digest
from apps.alerts.delivery.due_digests import schedule_of_preference
from apps.alerts.delivery.schedule import next_window
from apps.alerts.models import Cadence, Preference
from apps.alerts.preferences import set_preference
from apps.api.alerts.base import errors_as_problems
from apps.api.framework.problems import ApiConflictError
from apps.api.framework.validation import validate_data
from apps.api.framework.views import RegistryView
from apps.common.time import now

# name in the interface and label, by cadence
FREQUENCIES = {
    Cadence.DAILY: ("daily", "Daily"),
    Cadence.WORKING_DAYS: ("weekdays", "Weekdays"),
    Cadence.WEEKLY: ("weekly", "Weekly"),
    Cadence.AT_ONCE: ("immediate", "Immediately"),
    Cadence.URGENT: ("urgent_only", "Urgent only"),
    Cadence.NEVER: ("off", "Off"),
}


class FrequencyField(serializers.ChoiceField):
    """A `Cadence` under its name in the interface."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(FREQUENCIES.values()), **kwargs)

    def to_internal_value(self, data: Any) -> Cadence:
        name = super().to_internal_value(data)
        return next(cadence for cadence in FREQUENCIES if FREQUENCIES[cadence][0] == name)

    def to_representation(self, value: Any) -> str:
        return FREQUENCIES[Cadence(value)][0]


class NotificationPreferenceSerializer(serializers.Serializer[Any]):
    user = serializers.CharField(
        read_only=True, allow_null=True, help_text="Username; null for a team mailbox."
    )
    team = serializers.CharField(
        read_only=True, allow_null=True, help_text="Slug of the team; null for a user."
    )
    address = serializers.CharField(
        read_only=True,
        allow_blank=True,
        help_text="Email address that receives notifications; empty for none.",
    )
    frequency = FrequencyField(source="cadence")
    weekday = serializers.IntegerField(
        min_value=0,
        max_value=6,
        help_text="Weekday of the weekly digest, from 0 (Monday) to 6 (Sunday).",
    )
    hour = serializers.IntegerField(
        min_value=0, max_value=23, help_text="Hour of the digest, 0 to 23, in `time_zone`."
    )
    time_zone = serializers.CharField(
        max_length=64, help_text="Time zone, for example Europe/Zurich or UTC."
    )
    urgent_immediately = serializers.BooleanField(
        source="immediate", help_text="Whether urgent alerts are sent immediately."
    )
    send_when_empty = serializers.BooleanField(
        source="heartbeat", help_text="Whether a digest is sent even if nothing changed."
    )
    next_mail_at = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="Time of the next digest, if there is anything to report; null if no "
        "schedule is set.",
    )


class NotificationPreferenceView(RegistryView):
    """Notification preferences: PUT sets all fields, PATCH the fields sent."""

    def _save_preference(
        self, request: Request, *, partial: bool, team: Team | None = None
    ) -> Response:
        recipient: User | Team = team or self.user
        body = validate_data(
            NotificationPreferenceSerializer(
                _preference_body(recipient, at=now()), data=request.data, partial=partial
            )
        )
        with errors_as_problems("time_zone"):
            set_preference(by=self.user, at=now(), team=team, **body)
        return _preference_response(recipient)


class OwnNotificationPreferenceView(NotificationPreferenceView):
    is_personal = True

    @extend_schema(
        operation_id="notification_preferences_me", responses=NotificationPreferenceSerializer
    )
    def get(self, request: Request) -> Response:
        """Your notification preferences."""
        return _preference_response(self.user)

    @extend_schema(
        operation_id="notification_preferences_me_set",
        request=NotificationPreferenceSerializer,
        responses=NotificationPreferenceSerializer,
    )
    def put(self, request: Request) -> Response:
        """Set all your notification preferences."""
        return self._save_preference(request, partial=False)

    @extend_schema(
        operation_id="notification_preferences_me_change",
        request=NotificationPreferenceSerializer,
        responses=NotificationPreferenceSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the notification preferences sent."""
        return self._save_preference(request, partial=True)


class QueuedSummarySerializer(serializers.Serializer[Any]):
    n_alerts = serializers.IntegerField(help_text="Number of alerts in the summary.")


class SendSummaryView(RegistryView):
    is_personal = True

    @extend_schema(
        operation_id="notification_preferences_me_send_summary",
        request=None,
        responses={202: QueuedSummarySerializer},
    )
    def post(self, request: Request) -> Response:
        """Send yourself a summary of all open alerts that you were notified of, with the next run.
        Each alert is included once a day. The answer is 409 if no email can reach you."""
        try:
            n_alerts = request_digest(user=self.user, at=now())
        except DigestRequestError as error:
            raise ApiConflictError(str(error)) from None
        return Response({"n_alerts": n_alerts}, status=status.HTTP_202_ACCEPTED)


class TeamNotificationPreferenceView(NotificationPreferenceView):
    @extend_schema(
        operation_id="notification_preferences_team", responses=NotificationPreferenceSerializer
    )
    def get(self, request: Request, slug: str) -> Response:
        """Notification preferences of a team mailbox, for users who can view the team."""
        return _preference_response(self._load_team(slug))

    @extend_schema(
        operation_id="notification_preferences_team_set",
        request=NotificationPreferenceSerializer,
        responses=NotificationPreferenceSerializer,
    )
    def put(self, request: Request, slug: str) -> Response:
        """Set all notification preferences of a team mailbox. Requires the owner role on
        the team."""
        return self._save_preference(request, partial=False, team=self._load_owned_team(slug))

    @extend_schema(
        operation_id="notification_preferences_team_change",
        request=NotificationPreferenceSerializer,
        responses=NotificationPreferenceSerializer,
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change the notification preferences sent. Requires the owner role on the team."""
        return self._save_preference(request, partial=True, team=self._load_owned_team(slug))

    def _load_team(self, slug: str) -> Team:
        team = Team.objects.visible_to(self.user).filter(slug=slug).first()
        if team is None:
            raise Http404
        return team

    def _load_owned_team(self, slug: str) -> Team:
        team = self._load_team(slug)
        self.require(TeamRole.OWNER, team)
        return team


def _preference_response(recipient: User | Team) -> Response:
    return Response(NotificationPreferenceSerializer(_preference_body(recipient, at=now())).data)


def _preference_body(recipient: User | Team, *, at: datetime) -> dict[str, Any]:
    """Return the notification preferences of a user or team mailbox; defaults if none are
    stored."""
    is_team = isinstance(recipient, Team)
    preference = Preference.objects.filter(
        **({"team": recipient} if is_team else {"user": recipient})
    ).first()
    schedule = schedule_of_preference(
        preference, hour=recipient.digest_hour, time_zone=recipient.time_zone
    )
    return {
        "user": None if isinstance(recipient, Team) else recipient.get_username(),
        "team": recipient.slug if isinstance(recipient, Team) else None,
        "address": recipient.email,
        "cadence": schedule.cadence,
        "weekday": schedule.weekday,
        "hour": schedule.hour,
        "time_zone": schedule.time_zone,
        "immediate": schedule.immediate,
        "heartbeat": schedule.heartbeat,
        "next_mail_at": next_window(schedule, at) if schedule.has_windows else None,
    }
