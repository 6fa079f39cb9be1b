"""The organisation's own lines: at which days people are told, how soon silence is passed on, which
prices matter."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.alerts.models import AlertPolicy, AlertSettings
from apps.alerts.preferences import change_alert_policy, change_alert_settings
from apps.api.alerts.base import SeverityField, require_governance
from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.validation import validate_data
from apps.api.framework.views import ReadViewSet, RegistryView
from apps.api.inventory.applications import ReasonMixin
from apps.inventory.models import Criticality

MAX_REMINDER_DAYS = 3650
MAX_HOURS = 8760
SUBJECT = "when people are told"


class DaysField(serializers.ListField):
    """Days before something, kept falling, each once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            child=serializers.IntegerField(min_value=0, max_value=MAX_REMINDER_DAYS),
            required=False,
            max_length=24,
            **kwargs,
        )


class AlertPolicySerializer(ReasonMixin, serializers.ModelSerializer[AlertPolicy]):
    criticality = EnumNameField(Criticality, read_only=True)
    milestones = DaysField(
        help_text="Days before an end at which its applications' owners are told."
    )
    soft_milestones = DaysField(help_text="The same for a day before which a model does not end.")

    class Meta:
        model = AlertPolicy
        fields = [
            "id",
            "criticality",
            "milestones",
            "soft_milestones",
            "escalate_team_hours",
            "escalate_governance_hours",
            "reason",
        ]
        read_only_fields = ["id"]
        extra_kwargs = {
            "escalate_team_hours": {"min_value": 1, "max_value": MAX_HOURS},
            "escalate_governance_hours": {"min_value": 1, "max_value": MAX_HOURS},
        }


class AlertPolicyViewSet(ReadViewSet[AlertPolicy]):
    """What holds for applications of one criticality; four rows, always there. Everybody may read
    by which lines people are told."""

    model = AlertPolicy
    serializer_class = AlertPolicySerializer

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the days and hours; for governance."""
        policy = self.subject()
        require_governance(self, SUBJECT)
        asked = self.validated(AlertPolicySerializer, instance=policy, partial=True)
        names = (
            "milestones",
            "soft_milestones",
            "escalate_team_hours",
            "escalate_governance_hours",
        )
        facts = {name: asked.get(name, getattr(policy, name)) for name in names}
        return self.answer(
            change_alert_policy(
                policy=policy, by=self.user, reason=asked.get("reason", ""), **facts
            )
        )


class AlertSettingsSerializer(ReasonMixin, serializers.ModelSerializer[AlertSettings]):
    expiry_milestones = DaysField(
        help_text="Days before acceptances, tests, waivers and approvals end."
    )
    review_milestones = DaysField(help_text="Days before reviews and treatments are due.")
    escalate_from_severity = SeverityField(
        required=False, help_text="What is less grave is not passed on when nobody answers."
    )

    class Meta:
        model = AlertSettings
        fields = [
            "price_percent",
            "price_monthly_usd",
            "expiry_milestones",
            "review_milestones",
            "escalate_from_severity",
            "reason",
        ]
        extra_kwargs = {
            "price_percent": {"min_value": 0, "max_value": 1000},
            "price_monthly_usd": {"min_value": 0, "max_value": 1_000_000_000},
        }


class AlertSettingsView(RegistryView):
    """The lines that do not depend on the application."""

    @extend_schema(operation_id="alert_settings", responses=AlertSettingsSerializer)
    def get(self, request: Request) -> Response:
        """As they stand; for everybody who is signed in."""
        return Response(AlertSettingsSerializer(self._row()).data)

    @extend_schema(
        operation_id="alert_settings_change",
        request=AlertSettingsSerializer,
        responses=AlertSettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change some of them; for governance."""
        require_governance(self, SUBJECT)
        asked = validate_data(
            AlertSettingsSerializer(instance=self._row(), data=request.data, partial=True)
        )
        return Response(AlertSettingsSerializer(change_alert_settings(by=self.user, **asked)).data)

    def _row(self) -> AlertSettings:
        return AlertSettings.objects.visible_to(self.user).get(pk=1)
