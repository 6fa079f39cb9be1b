"""Approvals and their violations."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.file_responses import FileRows
from apps.api.framework.row_reader import ComputedField, EnumNameField
from apps.api.framework.validation import FORMAT_PARAMETERS, PAGING_PARAMETERS, validate_data
from apps.api.framework.views import BY_ID
from apps.api.governance.base import GovernedViewSet
from apps.api.governance.proposals import PROPOSED, proposal_response
from apps.api.inventory.applications import today
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Version
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.inventory.governance.approvals import (
    TARGET_COLUMNS,
    revoke_decision,
    submit_decision,
    submit_replacement,
)
from apps.inventory.governance.filters import ApprovalFilter
from apps.inventory.governance.violations import (
    DEFAULT_LIMIT,
    ApprovalViolation,
    approval_violations,
)
from apps.inventory.models import Application, Approval, Criticality, DecisionProposal

_WORDS = {level.value: level.name.lower() for level in Criticality}


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    provider = serializers.CharField(
        source="provider.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the provider; null if the approval is about something else.",
    )
    foundation = serializers.CharField(
        source="foundation.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the foundation; null if the approval is about something else.",
    )
    version = serializers.CharField(
        source="version.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier of the version; null if the approval is about something else.",
    )
    criticalities = serializers.ListField(child=EnumNameField(Criticality), read_only=True)
    approver = serializers.CharField(source="approver.username", read_only=True)
    revoked_by = serializers.CharField(
        source="revoked_by.username", read_only=True, allow_null=True
    )
    standing = serializers.BooleanField(
        source="expires_on", read_only=True, help_text="Whether the approval is in force today."
    )

    class Meta:
        model = Approval
        fields = [
            "id",
            "provider",
            "foundation",
            "version",
            "offering",
            "decision",
            "data_classes",
            "regions",
            "criticalities",
            "requires_no_training",
            "max_retention_days",
            "requires_zero_retention",
            "residencies",
            "terms_data_classes",
            "reason",
            "approver",
            "decided_on",
            "expires_on",
            "standing",
            "revoked_at",
            "revoked_by",
            "revoked_why",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields
        extra_kwargs = {"revoked_why": {"source": "revoked_reason"}}


class DecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=Approval.Decision.choices)
    reason = serializers.CharField(max_length=10_000)
    expires_on = serializers.DateField(
        required=False,
        help_text="Date on which the approval expires (not valid from this date). "
        "Required, except for status blocked.",
    )
    data_classes = serializers.ListField(
        child=serializers.ChoiceField(choices=Application.DataClass.choices),
        required=False,
        max_length=10,
    )
    regions = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=100
    )
    criticalities = serializers.ListField(
        child=EnumNameField(Criticality), required=False, max_length=10
    )
    requires_no_training = serializers.BooleanField(
        required=False, help_text="Whether inputs must not be used for training."
    )
    max_retention_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=100_000,
        help_text="Maximum retention in days; null for any.",
    )
    requires_zero_retention = serializers.BooleanField(
        required=False, help_text="Whether zero retention must be possible."
    )
    residencies = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        max_length=100,
        help_text="Regions in which the data must stay; empty for any.",
    )
    terms_data_classes = serializers.ListField(
        child=serializers.ChoiceField(choices=Application.DataClass.choices),
        required=False,
        max_length=10,
        help_text="Data classes to which the conditions on data terms apply; empty for all. An "
        "unknown term meets no condition.",
    )


class MakeDecisionSerializer(DecisionSerializer):
    """An approval of one `provider`, `foundation`, `version` or `offering`."""

    provider = serializers.SlugRelatedField(
        slug_field="slug", queryset=Provider.objects.all(), required=False
    )
    foundation = serializers.SlugRelatedField(
        slug_field="slug", queryset=Foundation.objects.all(), required=False
    )
    version = serializers.SlugRelatedField(
        slug_field="identifier", queryset=Version.objects.all(), required=False
    )
    offering = serializers.PrimaryKeyRelatedField(queryset=Offering.objects.all(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        target_names = [name for name in TARGET_COLUMNS.values() if name in attrs]
        if len(target_names) != 1:
            raise serializers.ValidationError(
                "Send exactly one provider, foundation, version or offering."
            )
        attrs["target"] = attrs.pop(target_names[0])
        return attrs


class RevokeDecisionSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=10_000)


class ViolationQuestion(serializers.Serializer[Any]):
    provider = serializers.SlugRelatedField(
        slug_field="slug", queryset=Provider.objects.all(), required=False
    )
    foundation = serializers.SlugRelatedField(
        slug_field="slug", queryset=Foundation.objects.all(), required=False
    )
    version = serializers.PrimaryKeyRelatedField(queryset=Version.objects.all(), required=False)
    offering = serializers.PrimaryKeyRelatedField(queryset=Offering.objects.all(), required=False)
    approval = serializers.PrimaryKeyRelatedField(queryset=Approval.objects.all(), required=False)
    limit = serializers.IntegerField(min_value=1, max_value=DEFAULT_LIMIT, default=DEFAULT_LIMIT)

    KINDS = {
        "foundation": NodeKind.FOUNDATION,
        "version": NodeKind.VERSION,
        "offering": NodeKind.OFFERING,
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        target_names = [name for name in ("provider", *self.KINDS) if name in attrs]
        if len(target_names) > 1:
            raise serializers.ValidationError(
                "Send at most one provider, foundation, version or offering."
            )
        return attrs


class ApprovalViolationSerializer(serializers.Serializer[ApprovalViolation]):
    dependency = serializers.IntegerField(source="dependency.pk")
    application = serializers.CharField(
        source="dependency.application.slug", help_text="Slug of the application."
    )
    team = serializers.CharField(
        source="dependency.application.team.slug", help_text="Slug of the team."
    )
    criticality = EnumNameField(Criticality, source="dependency.application.criticality")
    role = serializers.CharField(source="dependency.role")
    offering = serializers.IntegerField(source="dependency.offering_id")
    host = serializers.CharField(source="dependency.offering.host.slug")
    api_id = serializers.CharField(source="dependency.offering.api_id")
    approval = serializers.IntegerField(
        source="approval.pk", help_text="ID of the violated approval."
    )
    decision = serializers.CharField(source="approval.decision")
    target = serializers.CharField(
        source="approval.target", help_text="Name of the approved or blocked item."
    )
    why = serializers.ListField(child=serializers.CharField(), help_text="Reasons, as sentences.")
    certain = serializers.BooleanField(
        help_text="Whether the violation is certain; false if a missing fact would decide it."
    )


class ApprovalViolationsSerializer(serializers.Serializer[Any]):
    on = serializers.DateField()
    whole_organisation = serializers.BooleanField(
        help_text="Whether the whole organisation is counted; false for the applications "
        "that you can view only."
    )
    n_total = serializers.IntegerField()
    rows = ApprovalViolationSerializer(
        many=True, help_text="Violations, most critical applications first, up to `limit`."
    )


def _is_in_force(decided_on: Any, expires_on: Any, revoked_at: Any) -> bool:
    return (
        revoked_at is None
        and decided_on <= today()
        and (expires_on is None or expires_on > today())
    )


class ApprovalViewSet(GovernedViewSet[Approval]):
    """Approvals: which items can be used, for what and until when. All users can read them;
    governance users decide."""

    model = Approval
    serializer_class = ApprovalSerializer
    filterset_class = ApprovalFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    files = {"violations": FileRows(ApprovalViolationSerializer, "rows")}
    computed = {
        "standing": ComputedField(("decided_on", "expires_on", "revoked_at"), _is_in_force),
        "criticalities": ComputedField(
            ("criticalities",), lambda levels: [_WORDS.get(level, level) for level in levels]
        ),
    }

    @extend_schema(
        request=MakeDecisionSerializer, responses={201: ApprovalSerializer, 202: PROPOSED}
    )
    def create(self, request: Request) -> Response:
        """Record an approval. Requires the governance role. The answer is 409 if an approval of the
        item is in force, and 202 with a proposal if a second user must confirm a block."""
        self.require_governance()
        at = now()
        outcome = submit_decision(at=at, by=self.user, **self.validated(MakeDecisionSerializer))
        if isinstance(outcome, DecisionProposal):
            return proposal_response(outcome, at=at)
        return self.answer(outcome, status.HTTP_201_CREATED)

    @extend_schema(request=DecisionSerializer, responses={201: ApprovalSerializer, 202: PROPOSED})
    @action(detail=True, methods=["post"])
    def replace(self, request: Request, pk: str) -> Response:
        """Replace an approval. Requires the governance role. The new approval is the answer; the
        old one is kept as revoked. 202 with a proposal if a second user must confirm a block."""
        approval, at = self.governed("approver"), now()
        outcome = submit_replacement(
            approval=approval, at=at, by=self.user, **self.validated(DecisionSerializer)
        )
        if isinstance(outcome, DecisionProposal):
            return proposal_response(outcome, at=at)
        return self.answer(outcome, status.HTTP_201_CREATED)

    @extend_schema(request=RevokeDecisionSerializer, responses=ApprovalSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Revoke an approval. Requires the governance role."""
        approval = self.governed("approver")
        return self.answer(
            revoke_decision(
                approval=approval,
                at=now(),
                by=self.user,
                **self.validated(RevokeDecisionSerializer),
            )
        )

    @extend_schema(
        summary="Approval violations",
        parameters=[
            OpenApiParameter(
                "provider",
                str,
                description="Slug of a provider: dependencies on it as developer or host.",
            ),
            OpenApiParameter("foundation", str, description="Slug of a foundation."),
            OpenApiParameter("version", int, description="ID of a version."),
            OpenApiParameter("offering", int, description="ID of an offering."),
            OpenApiParameter("approval", int, description="ID of an approval."),
            OpenApiParameter(
                "limit", int, description=f"Maximum number of rows, up to {DEFAULT_LIMIT}."
            ),
        ],
        responses=ApprovalViolationsSerializer,
        filters=False,
    )
    @action(detail=False, pagination_class=None, filterset_class=None, picks_fields=False)
    def violations(self, request: Request) -> Response:
        """Active dependencies that violate an approval, with reasons, of applications that the
        caller can view. The narrowest approval applies (docs/compare.md)."""
        params = validate_data(
            ViolationQuestion(data=request.query_params),
            extra_names=(*PAGING_PARAMETERS, *FORMAT_PARAMETERS),
        )
        nodes = [
            (kind, params[name].pk)
            for name, kind in ViolationQuestion.KINDS.items()
            if name in params
        ]
        if "provider" in params:
            nodes = [
                (NodeKind.DEVELOPER, params["provider"].pk),
                (NodeKind.HOST, params["provider"].pk),
            ]
        violations = approval_violations(
            user=self.user,
            on=today(),
            nodes=nodes,
            approval=params["approval"].pk if "approval" in params else None,
            limit=params["limit"],
        )
        body = {
            "on": today(),
            "whole_organisation": self.user.can_read_all,
            "n_total": violations.n_total,
            "rows": violations.rows,
        }
        return Response(ApprovalViolationsSerializer(body).data)
