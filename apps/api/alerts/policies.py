"""Alert rules: reminder days, escalation hours and price thresholds."""

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
SUBJECT = "alert rules"


class DaysField(serializers.ListField):
    """Numbers of days in descending order, without duplicates."""

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
        help_text="Days before a retirement date on which application owners are notified."
    )
    soft_milestones = DaysField(
        help_text="Days before an earliest retirement date on which application owners are "
        "notified."
    )

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
    """Alert rules by criticality of the application: four rows, which cannot be added or removed.
    All users can read them."""

    model = AlertPolicy
    serializer_class = AlertPolicySerializer

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the days and hours. Requires the governance role."""
        policy = self.subject()
        require_governance(self, SUBJECT)
        data = self.validated(AlertPolicySerializer, instance=policy, partial=True)
        names = (
            "milestones",
            "soft_milestones",
            "escalate_team_hours",
            "escalate_governance_hours",
        )
        facts = {name: data.get(name, getattr(policy, name)) for name in names}
        return self.answer(
            change_alert_policy(policy=policy, by=self.user, reason=data.get("reason", ""), **facts)
        )


class AlertSettingsSerializer(ReasonMixin, serializers.ModelSerializer[AlertSettings]):
    expiry_milestones = DaysField(
        help_text="Days before the expiry of acceptances, exit tests, waivers and approvals."
    )
    review_milestones = DaysField(help_text="Days before the due date of reviews and treatments.")
    escalate_from_severity = SeverityField(
        required=False,
        help_text="Lowest severity, 1 to 5, at which an alert without a response is escalated.",
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
    """Alert rules that do not depend on the application."""

    @extend_schema(operation_id="alert_settings", responses=AlertSettingsSerializer)
    def get(self, request: Request) -> Response:
        """Alert rules of the whole organisation. All users can read them."""
        return Response(AlertSettingsSerializer(self._load_settings()).data)

    @extend_schema(
        operation_id="alert_settings_change",
        request=AlertSettingsSerializer,
        responses=AlertSettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the alert rules. Requires the governance role."""
        require_governance(self, SUBJECT)
        data = validate_data(
            AlertSettingsSerializer(instance=self._load_settings(), data=request.data, partial=True)
        )
        return Response(AlertSettingsSerializer(change_alert_settings(by=self.user, **data)).data)

    def _load_settings(self) -> AlertSettings:
        return AlertSettings.objects.visible_to(self.user).get(pk=1)
