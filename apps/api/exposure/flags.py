"""Exposure flags, exposure policies, and settings of exposure measurement."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, CharField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Concat, JSONObject
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.row_reader import ComputedField
from apps.api.framework.validation import validate_data
from apps.api.framework.views import BY_ID, ReadViewSet, RegistryView
from apps.api.governance.proposals import PROPOSED, proposal_response
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Region, Version
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.exposure.actions import decisions, policies
from apps.exposure.filters import ExposureFlagFilter, PolicyFilter
from apps.exposure.models import ExposureFlag, ExposureSettings, FlagEvent, Policy, StandingState
from apps.inventory.models import DecisionProposal

KINDS = [(kind.label, kind.label) for kind in NodeKind]


# --- flags ----------------------------------------------------------------------------------------


def _node_column(column: str) -> Case:
    """Return an expression for the `slug` or `name` of the item of a flag."""
    node_ref = OuterRef("node__ref")
    offering, region = Offering.objects.filter(pk=node_ref), Region.objects.filter(pk=node_ref)
    rows_by_kind = {
        NodeKind.FOUNDATION: Foundation.objects.filter(pk=node_ref).values(column),
        NodeKind.VERSION: Version.objects.filter(pk=node_ref).values(
            "identifier" if column == "slug" else "name"
        ),
        NodeKind.OFFERING: offering.annotate(text=Cast("pk", CharField())).values("text")
        if column == "slug"
        else offering.annotate(text=Concat("api_id", Value(" at "), "host__name")).values("text"),
        NodeKind.REGION: region.annotate(text=Concat("host__slug", Value("/"), "name")).values(
            "text"
        )
        if column == "slug"
        else region.annotate(text=Concat("name", Value(" of "), "host__name")).values("text"),
    }
    provider_value = Subquery(Provider.objects.filter(pk=node_ref).values(column)[:1])
    return Case(
        *(When(node__kind=kind, then=Subquery(rows[:1])) for kind, rows in rows_by_kind.items()),
        When(node__isnull=False, then=provider_value),
        output_field=CharField(),
    )


_EVENTS = ArraySubquery(
    FlagEvent.objects.filter(flag=OuterRef("pk"))
    .order_by("at", "pk")
    .annotate(who=F("by__username"))
    .values(
        json=JSONObject(
            kind="kind", at="at", value=Cast("value", CharField()), by="who", reason="reason"
        )
    )
)


class FlagEventSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text="Kind of event: opened, acknowledged, accepted, acceptance_revoked, "
        "worsened, acceptance_expired or resolved."
    )
    at = serializers.DateTimeField()
    value = serializers.CharField(help_text="Latest measurement, as a decimal.")
    by = serializers.CharField(allow_null=True, help_text="Username; null for automatic events.")
    reason = serializers.CharField(allow_blank=True)


@extend_schema_field(FlagEventSerializer(many=True))
class FlagEventsField(serializers.ListField):
    pass


class ExposureFlagSerializer(serializers.ModelSerializer[ExposureFlag]):
    policy = serializers.CharField(
        source="policy.slug", read_only=True, help_text="Slug of the policy."
    )
    policy_name = serializers.CharField(source="policy.name", read_only=True)
    measure = serializers.ChoiceField(
        source="policy.measure", choices=Policy.Measure.choices, read_only=True
    )
    kind = serializers.ChoiceField(
        source="node.kind",
        choices=KINDS,
        read_only=True,
        allow_null=True,
        help_text="Layer of the item; null without one.",
    )
    node = serializers.IntegerField(source="node_id", read_only=True, allow_null=True)
    slug = serializers.CharField(
        source="node_slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the provider or foundation; identifier of a version, "
        "host/region of a region, ID of an offering.",
    )
    name = serializers.CharField(source="node_name", read_only=True, allow_null=True)
    n_applications = serializers.IntegerField(
        read_only=True, help_text="Number of applications that the value counts."
    )
    application_ids = serializers.ListField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text=f"IDs of the most critical {ExposureFlag.NAMED} of the applications.",
    )
    acknowledged_by = serializers.CharField(
        source="acknowledged_by.username", read_only=True, allow_null=True
    )
    accepted_by = serializers.CharField(
        source="accepted_by.username", read_only=True, allow_null=True
    )
    events = FlagEventsField(
        source="flag_events", read_only=True, help_text="Events of the flag, oldest first."
    )

    class Meta:
        model = ExposureFlag
        fields = [
            "id",
            "policy",
            "policy_name",
            "measure",
            "kind",
            "node",
            "slug",
            "name",
            "state",
            "value",
            "limit",
            "n_applications",
            "application_ids",
            "opened_at",
            "resolved_at",
            "below_since",
            "acknowledged_by",
            "accepted_by",
            "accepted_until",
            "accepted_why",
            "ceiling",
            "events",
        ]
        read_only_fields = fields
        extra_kwargs = {"accepted_why": {"source": "accepted_reason"}}


class AcknowledgeSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="Reason, for the audit log."
    )


class AcceptSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(
        help_text="Date on which the acceptance expires (not valid from this date)."
    )
    reason = serializers.CharField(max_length=2000)


class RevokeSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class ExposureFlagViewSet(ReadViewSet[ExposureFlag]):
    """Exposure flags: measurements above a tolerance. Requires an organisation role."""

    model = ExposureFlag
    serializer_class = ExposureFlagSerializer
    filterset_class = ExposureFlagFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    annotations = {
        "node_slug": _node_column("slug"),
        "node_name": _node_column("name"),
        "flag_events": _EVENTS,
    }
    computed = {
        "kind": ComputedField(
            ("node__kind",), lambda number: None if number is None else NodeKind(number).label
        ),
    }

    @extend_schema(request=AcknowledgeSerializer, responses=ExposureFlagSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Acknowledge a flag. Requires the governance role. Repeating the request changes
        nothing."""
        flag = self.subject("policy")
        data = self.validated(AcknowledgeSerializer)
        return self.answer(
            decisions.acknowledge_flag(
                flag=flag, at=now(), by=self.user, reason=data.get("reason", "")
            )
        )

    @extend_schema(request=AcceptSerializer, responses=ExposureFlagSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """Accept a flag until a date and up to a ceiling, with a reason. Requires the governance
        role."""
        flag = self.subject("policy")
        data = self.validated(AcceptSerializer)
        return self.answer(
            decisions.accept_flag(
                flag=flag, until=data["until"], reason=data["reason"], at=now(), by=self.user
            )
        )

    @extend_schema(request=RevokeSerializer, responses=ExposureFlagSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Revoke the acceptance, with a reason: the flag is open again. Requires the governance
        role."""
        flag = self.subject("policy")
        data = self.validated(RevokeSerializer)
        return self.answer(
            decisions.revoke_acceptance(flag=flag, reason=data["reason"], at=now(), by=self.user)
        )


# --- policies -------------------------------------------------------------------------------------


class ExposurePolicySerializer(serializers.ModelSerializer[Policy]):
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=KINDS),
        required=False,
        help_text="Layers that the policy measures; empty with a predicate.",
    )
    states = serializers.ListField(
        child=serializers.ChoiceField(choices=StandingState.choices), required=False
    )
    change_reason = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Reason for the change, for the audit log.",
    )

    class Meta:
        model = Policy
        fields = [
            "id",
            "slug",
            "name",
            "kinds",
            "threat",
            "states",
            "predicate",
            "measure",
            "basis",
            "tolerance",
            "hysteresis",
            "clear_days",
            "enabled",
            "reason",
            "updated_at",
            "change_reason",
        ]
        read_only_fields = ["id", "updated_at"]


class ExposurePolicyViewSet(ReadViewSet[Policy]):
    """Exposure policies with their tolerances. Policies are disabled, not deleted, because flags
    refer to them."""

    model = Policy
    serializer_class = ExposurePolicySerializer
    filterset_class = PolicyFilter
    orders = {
        "slug": Keyset(("slug",)),
        "-slug": Keyset(("-slug",)),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }

    def get_queryset(self) -> QuerySet[Policy]:
        is_visible = not getattr(self, "swagger_fake_view", False) and self.user.can_read_all
        return Policy.objects.order_by() if is_visible else Policy.objects.none()

    @extend_schema(responses={201: ExposurePolicySerializer})
    def create(self, request: Request) -> Response:
        """Add a policy. Requires the governance role. Flags open at the next evaluation."""
        facts, reason = self._validate_facts(ExposurePolicySerializer)
        return self.answer(
            policies.add_policy(facts=facts, by=self.user, reason=reason), status.HTTP_201_CREATED
        )

    @extend_schema(responses={200: ExposurePolicySerializer, 202: PROPOSED})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change or disable a policy. Requires the governance role. Disabling a policy resolves its
        flags. If the tolerance is loosened while a measurement is above it, `change_reason` is
        required, and the answer is 202 with a proposal if a second user must confirm it."""
        policy = self.get_queryset().filter(pk=pk).first()
        if policy is None:
            raise Http404
        facts, reason = self._validate_facts(
            ExposurePolicySerializer, instance=policy, partial=True
        )
        at = now()
        outcome = policies.submit_policy_change(
            policy=policy, facts=facts, at=at, by=self.user, reason=reason
        )
        if isinstance(outcome, DecisionProposal):
            return proposal_response(outcome, at=at)
        return self.answer(outcome)

    def _validate_facts(
        self, serializer: type[ExposurePolicySerializer], **kwargs: Any
    ) -> tuple[dict[str, Any], str]:
        """Return the facts, and the reason for the audit log; the `reason` of a policy explains its
        tolerance."""
        facts = self.validated(serializer, **kwargs)
        return facts, facts.pop("change_reason", "")


# --- settings -------------------------------------------------------------------------------------


class ExposureSettingsSerializer(serializers.ModelSerializer[ExposureSettings]):
    criticality_points = serializers.DictField(
        child=serializers.IntegerField(min_value=0), required=False
    )
    required_grade = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=5)),
        required=False,
    )
    state_factor = serializers.DictField(child=serializers.CharField(), required=False)
    updated_at = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="Time of the last change; null while the defaults apply.",
    )
    reason = serializers.CharField(
        write_only=True, required=False, allow_blank=True, max_length=500
    )

    class Meta:
        model = ExposureSettings
        fields = [
            "statuses",
            "criticality_points",
            "required_grade",
            "test_validity_days",
            "horizon_days",
            "cut_kinds",
            "cut_threshold",
            "state_factor",
            "outage_impact",
            "outage_hours",
            "updated_at",
            "reason",
        ]
        read_only_fields = ["updated_at"]


class ExposureSettingsView(RegistryView):
    """Settings of exposure measurement, for the whole organisation."""

    @extend_schema(operation_id="exposure_settings", responses=ExposureSettingsSerializer)
    def get(self, request: Request) -> Response:
        """Settings of exposure measurement; the defaults until they are changed. Requires an
        organisation role."""
        return Response(ExposureSettingsSerializer(self._load_settings()).data)

    @extend_schema(
        operation_id="exposure_settings_change",
        request=ExposureSettingsSerializer,
        responses=ExposureSettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the settings. Requires the governance role. The next refresh recalculates all
        measurements."""
        facts = dict(
            validate_data(
                ExposureSettingsSerializer(
                    instance=self._load_settings(), data=request.data, partial=True
                )
            )
        )
        row = policies.change_settings(reason=facts.pop("reason", ""), facts=facts, by=self.user)
        return Response(ExposureSettingsSerializer(row).data)

    def _load_settings(self) -> ExposureSettings:
        if not self.user.can_read_all:
            raise Http404
        return (
            ExposureSettings.objects.filter(pk=ExposureSettings.ONLY).first() or ExposureSettings()
        )
