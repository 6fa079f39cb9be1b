"""The policy of the release gate, readable by all users and changed by governance users."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.validation import validate_data
from apps.api.framework.views import RegistryView
from apps.api.gate.serializers import SourceReadingSerializer
from apps.common.time import now
from apps.gate.actions import HorizonDays, change_gate_policy
from apps.gate.rules.catalogue_freshness import catalogue_state
from apps.gate.rules.definitions import Level, Rule
from apps.gate.rules.evaluation import PolicySnapshot
from apps.inventory.models import Criticality

_WORDS = {level.value: level.name.lower() for level in Criticality}


class LevelsSerializer(serializers.Serializer[Any]):
    """Level of each rule."""

    def get_fields(self) -> dict[str, Any]:
        return {
            str(rule): serializers.ChoiceField(
                choices=Level.choices, required=False, help_text=str(rule.label)
            )
            for rule in Rule
        }


class HorizonSerializer(serializers.Serializer[Any]):
    environment = serializers.CharField(
        max_length=60, help_text="Name of the environment, as pipelines send it; * for all others."
    )
    criticality = EnumNameField(Criticality)
    warning_days = serializers.IntegerField(
        min_value=0,
        max_value=1500,
        allow_null=True,
        help_text="FR003 warns if a model retires within this number of days.",
    )
    error_days = serializers.IntegerField(
        min_value=0,
        max_value=1500,
        allow_null=True,
        help_text="FR003 blocks if a model retires within this number of days; 0 for "
        "never. Both null: the rule of all environments applies.",
    )


class GatePolicySerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(read_only=True)
    levels = LevelsSerializer(required=False)
    horizons = HorizonSerializer(many=True, required=False)
    stale_after_days = serializers.IntegerField(required=False, min_value=1, max_value=366)
    requires_approval = serializers.BooleanField(required=False)
    evidence_days = serializers.IntegerField(required=False, min_value=1, max_value=3660)
    evidence_criticalities = serializers.ListField(
        child=EnumNameField(Criticality), required=False, max_length=10
    )
    keep_runs_days = serializers.IntegerField(required=False, min_value=7, max_value=3660)
    catalogue_as_of = serializers.DateTimeField(read_only=True, allow_null=True)
    catalogue_sources = SourceReadingSerializer(
        many=True,
        read_only=True,
        help_text="Up-to-date sources of retirement dates, newest first.",
    )
    can_decide = serializers.BooleanField(
        read_only=True,
        help_text="Whether the gate can decide; false if the catalogue is empty or not up to date.",
    )
    refusal = serializers.CharField(
        read_only=True,
        allow_blank=True,
        help_text="Reason why the gate cannot decide, and what to do; empty if it can.",
    )
    updated_at = serializers.DateTimeField(read_only=True)


class ChangePolicySerializer(GatePolicySerializer):
    expected_version = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="Version that was read. The change is rejected if another user changed "
        "the policy since.",
    )
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Reason for the change, for the audit log.",
    )


class GatePolicyView(RegistryView):
    @extend_schema(
        operation_id="gate_policy",
        summary="Policy of the release gate",
        responses=GatePolicySerializer,
    )
    def get(self, request: Request) -> Response:
        """Levels of the rules, days by environment and criticality, and the age from which sources
        count as not up to date."""
        return Response(self._policy_body())

    @extend_schema(
        operation_id="gate_policy_change",
        summary="Change the policy of the release gate",
        request=ChangePolicySerializer,
        responses=GatePolicySerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the fields sent. Requires the governance role. The version increases by 1."""
        if not self.user.is_governance:
            raise PermissionDenied(
                "You need the governance or administrator role to change the gate "
                "policy. Contact a governance user."
            )
        data = dict(
            validate_data(
                ChangePolicySerializer(data=request.data),
                ignored_names=GatePolicySerializer().fields,
            )
        )
        change_gate_policy(
            by=self.user,
            levels=data.pop("levels", None),
            days=[HorizonDays(**row) for row in data.pop("horizons", ())],
            expected_version=data.pop("expected_version", None),
            reason=data.pop("reason", ""),
            fields=data,
        )
        return Response(self._policy_body())

    @staticmethod
    def _policy_body() -> dict[str, Any]:
        """Return the gate policy with its horizons, and whether the catalogue is fresh enough to
        decide."""
        rules = PolicySnapshot.load()
        policy = rules.policy
        state = catalogue_state(at=now(), stale_after_days=policy.stale_after_days)
        return {
            "version": policy.version,
            "levels": policy.levels,
            "horizons": [
                {
                    "environment": row.environment,
                    "criticality": _WORDS[row.criticality],
                    "warning_days": row.warning_days,
                    "error_days": row.error_days,
                }
                for row in rules.horizons
            ],
            "stale_after_days": policy.stale_after_days,
            "requires_approval": policy.requires_approval,
            "evidence_days": policy.evidence_days,
            "evidence_criticalities": [_WORDS[level] for level in policy.evidence_criticalities],
            "keep_runs_days": policy.keep_runs_days,
            "catalogue_as_of": state.as_of,
            "catalogue_sources": state.sources,
            "can_decide": not state.refusal,
            "refusal": state.refusal,
            "updated_at": policy.updated_at,
        }
