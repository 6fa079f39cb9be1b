"""Assessments of inherited risks."""

from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError as NotValid
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import TeamRole
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import ReadViewSet
from apps.api.governance.proposals import PROPOSED, proposal_response
from apps.api.inventory.applications import ReasonMixin
from apps.api.risks.base import (
    SEVERITY_ORDERS,
    AttachEvidenceSerializer,
    EvidenceIdsField,
    LevelField,
    UserField,
    today,
)
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.inventory.models import DecisionProposal, Dependency
from apps.risks.actions import assessments
from apps.risks.actions import evidence as actions_evidence
from apps.risks.filters import (
    AssessmentFilter,
)
from apps.risks.models import (
    Assessment,
    AssessmentEvidence,
    FoundationRisk,
    Treatment,
)


@extend_schema_field({"type": "integer", "description": "ID of a dependency that you can view."})
class VisibleDependencyField(serializers.PrimaryKeyRelatedField[Dependency]):
    def get_queryset(self) -> Any:
        return Dependency.objects.visible_to(self.context["request"].user).select_related(
            "application__team"
        )


MAX_SELECTED = 5000


class AssessmentSerializer(ReasonMixin, serializers.ModelSerializer[Assessment]):
    risk = serializers.PrimaryKeyRelatedField(queryset=FoundationRisk.objects.all())
    dependency = VisibleDependencyField(queryset=Dependency.objects.none())
    application = serializers.CharField(
        source="dependency.application.slug", read_only=True, help_text="Slug of the application."
    )
    template = serializers.CharField(source="risk.template.code", read_only=True, allow_null=True)
    version = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        default=0,
        help_text="Version that was read; 0 if there was none. The answer contains the next one.",
    )
    treatment = serializers.ChoiceField(
        choices=Treatment.choices,
        required=False,
        allow_blank=True,
        help_text="Treatment; use `assessments/accept/` for `accept`.",
    )
    inherent_likelihood = LevelField(read_only=True)
    inherent_impact = LevelField(read_only=True)
    current_likelihood = LevelField(
        required=False, allow_null=True, help_text="Likelihood with current controls, 1 to 5."
    )
    current_impact = LevelField(required=False, allow_null=True)
    residual_likelihood = LevelField(
        required=False, allow_null=True, help_text="Likelihood after the planned treatment, 1 to 5."
    )
    residual_impact = LevelField(required=False, allow_null=True)
    owner = UserField(required=False, allow_null=True)
    accepted_by = serializers.CharField(
        source="accepted_by.username", read_only=True, allow_null=True
    )
    revoked_by = serializers.CharField(
        source="revoked_by.username", read_only=True, allow_null=True
    )
    assessed_by = serializers.CharField(source="assessed_by.username", read_only=True)
    evidence = EvidenceIdsField()
    acceptance_in_force = serializers.BooleanField(read_only=True)

    class Meta:
        model = Assessment
        fields = [
            "id",
            "risk",
            "dependency",
            "application",
            "template",
            "version",
            "state",
            "not_applicable_because",
            "inherent_likelihood",
            "inherent_impact",
            "current_likelihood",
            "current_impact",
            "residual_likelihood",
            "residual_impact",
            "inherent",
            "current",
            "residual",
            "confidence",
            "treatment",
            "plan",
            "owner",
            "due_on",
            "accepted_by",
            "accepted_at",
            "accepted_until",
            "accept_reason",
            "acceptance_in_force",
            "revoked_by",
            "revoked_at",
            "revoke_reason",
            "stale_since",
            "stale_cause",
            "stale_because",
            "stale_event",
            "evidence",
            "assessed_by",
            "assessed_at",
            "created_at",
            "updated_at",
            "reason",
        ]
        read_only_fields = [
            "id",
            "state",
            "not_applicable_because",
            "inherent_likelihood",
            "inherent_impact",
            "inherent",
            "current",
            "residual",
            "accepted_at",
            "accepted_until",
            "accept_reason",
            "revoked_at",
            "revoke_reason",
            "stale_since",
            "stale_cause",
            "stale_because",
            "stale_event",
            "assessed_at",
            "created_at",
            "updated_at",
        ]
        # the action reports a simultaneous change by another user
        validators: list[Any] = []
        extra_kwargs = {
            "not_applicable_because": {"source": "not_applicable_reason"},
            "stale_because": {"source": "stale_reason"},
        }


class RiskAcceptanceSerializer(AssessmentSerializer):
    until = serializers.DateField(
        help_text="Date on which the acceptance expires (not valid from this date; at most 2 "
        "years)."
    )
    because = serializers.CharField(max_length=2000, help_text="Reason for the acceptance.")

    class Meta(AssessmentSerializer.Meta):
        fields = [
            "risk",
            "dependency",
            "version",
            "until",
            "because",
            "current_likelihood",
            "current_impact",
            "residual_likelihood",
            "residual_impact",
            "confidence",
            "plan",
            "owner",
            "due_on",
        ]

    application = template = treatment = accepted_by = revoked_by = None  # type: ignore[assignment]
    inherent_likelihood = inherent_impact = None  # type: ignore[assignment]
    assessed_by = acceptance_in_force = evidence = reason = None  # type: ignore[assignment]


class RiskNotApplicableSerializer(RiskAcceptanceSerializer):
    class Meta(RiskAcceptanceSerializer.Meta):
        fields = ["risk", "dependency", "version", "because"]

    until = owner = None  # type: ignore[assignment]
    current_likelihood = current_impact = residual_likelihood = residual_impact = None  # type: ignore[assignment]


class RiskAcceptanceRevokedSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, help_text="Version that was read."
    )
    because = serializers.CharField(max_length=2000)


class AssessmentUndoneSerializer(ReasonMixin):
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, help_text="Version that was read."
    )


class DependencyReadSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField(min_value=1, max_value=2**62)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class BulkAssessmentSerializer(AssessmentSerializer):
    dependencies = DependencyReadSerializer(many=True, allow_empty=False)

    class Meta(AssessmentSerializer.Meta):
        fields = [
            "risk",
            "dependencies",
            "current_likelihood",
            "current_impact",
            "residual_likelihood",
            "residual_impact",
            "confidence",
            "treatment",
            "plan",
            "owner",
            "due_on",
            "reason",
        ]

    dependency = application = template = version = accepted_by = revoked_by = None  # type: ignore[assignment]
    inherent_likelihood = inherent_impact = None  # type: ignore[assignment]
    assessed_by = acceptance_in_force = evidence = None  # type: ignore[assignment]


class RejectedAssessmentSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField()
    reason = serializers.CharField()


class BulkAssessedSerializer(serializers.Serializer[Any]):
    assessed = serializers.ListField(
        child=serializers.IntegerField(), help_text="IDs of the assessed dependencies."
    )
    rejected = RejectedAssessmentSerializer(many=True)


def _is_in_force(treatment: str, revoked_at: Any, until: date | None) -> bool:
    return (
        treatment == Treatment.ACCEPT
        and revoked_at is None
        and until is not None
        and until > today()
    )


class AssessmentViewSet(ReadViewSet[Assessment]):
    """Assessments of inherited risks; a risk without one is unassessed. A change must state the
    version that was read. The answer is 409, with the later decision, if another user changed the
    assessment since."""

    model = Assessment
    serializer_class = AssessmentSerializer
    filterset_class = AssessmentFilter
    orders = {
        **SEVERITY_ORDERS,
        "due_on": Keyset(("due_on", "id")),
        "-due_on": Keyset(("-due_on", "-id")),
    }
    dated_orders = frozenset({"due_on", "-due_on"})
    annotations = {
        "evidence_ids": ArraySubquery(
            AssessmentEvidence.objects.filter(assessment=OuterRef("pk"))
            .order_by("evidence")
            .values("evidence")
        )
    }
    computed = {
        "acceptance_in_force": ComputedField(
            ("treatment", "revoked_at", "accepted_until"), _is_in_force
        )
    }

    @extend_schema(responses={200: AssessmentSerializer, 201: AssessmentSerializer})
    def create(self, request: Request) -> Response:
        """Assess an inherited risk, or assess it again. Requires the editor role on the
        application's team."""
        facts = self.validated(AssessmentSerializer)
        dependency, version = facts.pop("dependency"), facts.pop("version")
        self.require(TeamRole.EDITOR, dependency.application.team)
        assessment = assessments.assess_risk(
            risk=facts.pop("risk"),
            dependency=dependency,
            expected_version=version,
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
            at=now(),
        )
        return self.answer(assessment, status.HTTP_200_OK if version else status.HTTP_201_CREATED)

    @extend_schema(
        request=RiskAcceptanceSerializer, responses={200: AssessmentSerializer, 202: PROPOSED}
    )
    @action(detail=False, methods=["post"])
    def accept(self, request: Request) -> Response:
        """Accept a risk until a date. Requires the owner role on the application's team, or the
        governance role. The answer is 202 with a proposal if a second governance user must confirm
        the acceptance of a critical risk."""
        facts = self.validated(RiskAcceptanceSerializer)
        dependency = facts.pop("dependency")
        self.require(TeamRole.OWNER, dependency.application.team)
        at = now()
        outcome = assessments.submit_acceptance(
            risk=facts.pop("risk"),
            dependency=dependency,
            until=facts.pop("until"),
            reason=facts.pop("because"),
            expected_version=facts.pop("version"),
            facts=facts,
            by=self.user,
            at=at,
        )
        if isinstance(outcome, DecisionProposal):
            return proposal_response(outcome, at=at)
        return self.answer(outcome)

    @extend_schema(request=RiskNotApplicableSerializer, responses=AssessmentSerializer)
    @action(detail=False, methods=["post"], url_path="not-applicable")
    def not_applicable(self, request: Request) -> Response:
        """Record that a risk does not apply to this dependency, with a reason. Requires the editor
        role."""
        data = self.validated(RiskNotApplicableSerializer)
        self.require(TeamRole.EDITOR, data["dependency"].application.team)
        assessment = assessments.mark_not_applicable(
            risk=data["risk"],
            dependency=data["dependency"],
            reason=data["because"],
            expected_version=data["version"],
            by=self.user,
            at=now(),
        )
        return self.answer(assessment)

    @extend_schema(request=BulkAssessmentSerializer, responses=BulkAssessedSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Assess one risk for many dependencies. Those that cannot be edited, do not inherit the
        risk or were changed since are listed in `rejected`."""
        facts = self.validated(BulkAssessmentSerializer)
        if len(facts["dependencies"]) > MAX_SELECTED:
            raise NotValid(
                {
                    "dependencies": f"A request can contain at most {MAX_SELECTED} dependencies. "
                    "Send them in parts."
                }
            )
        version_by_dependency = {
            row["dependency"]: row["version"] for row in facts.pop("dependencies")
        }
        teams = dict(
            Dependency.objects.visible_to(self.user)
            .filter(pk__in=version_by_dependency)
            .order_by()
            .values_list("pk", "application__team_id")
        )
        rejection_reasons = dict.fromkeys(
            version_by_dependency.keys() - teams.keys(),
            "No dependency with this ID found. Check the ID.",
        )
        uneditable_ids = {
            pk for pk, team in teams.items() if not self.user.may(TeamRole.EDITOR, team)
        }
        rejection_reasons |= dict.fromkeys(
            uneditable_ids, "You need the editor role on the owning team to assess its risks."
        )
        outcome = assessments.assess_many(
            risk=facts.pop("risk"),
            expected_versions={
                pk: version
                for pk, version in version_by_dependency.items()
                if pk not in rejection_reasons
            },
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
            at=now(),
        )
        rejection_reasons |= outcome.refused
        return Response(
            {
                "assessed": sorted(assessment.dependency_id for assessment in outcome.assessed),
                "rejected": [
                    {"dependency": pk, "reason": rejection_reasons[pk]}
                    for pk in sorted(rejection_reasons)
                ],
            }
        )

    @extend_schema(request=RiskAcceptanceRevokedSerializer, responses=AssessmentSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Revoke an acceptance. Requires the owner role on the application's team, or the
        governance role."""
        assessment = self._load_with_role(TeamRole.OWNER)
        data = self.validated(RiskAcceptanceRevokedSerializer)
        assessment = assessments.revoke_acceptance(
            assessment=assessment,
            reason=data["because"],
            expected_version=data["version"],
            by=self.user,
            at=now(),
        )
        return self.answer(assessment)

    @extend_schema(
        request=AssessmentUndoneSerializer, responses={200: AssessmentSerializer, 204: None}
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Undo the last decision; 204 if it was the first one and the risk is unassessed again. An
        acceptance can be undone or restored by owners only."""
        assessment = self.subject("dependency__application__team")
        self.require(assessments.role_to_undo(assessment), assessment.dependency.application.team)
        data = self.validated(AssessmentUndoneSerializer)
        restored_assessment = assessments.undo_assessment(
            assessment=assessment,
            expected_version=data["version"],
            reason=data.get("reason", ""),
            by=self.user,
        )
        return (
            self.answer(restored_assessment)
            if restored_assessment
            else Response(status=status.HTTP_204_NO_CONTENT)
        )

    @extend_schema(request=AttachEvidenceSerializer, responses=AssessmentSerializer)
    @action(detail=True, methods=["post"])
    def attach(self, request: Request, pk: str) -> Response:
        """Attach recorded evidence to the assessment. Requires the editor role. Repeating the
        request changes nothing."""
        assessment = self._load_with_role(TeamRole.EDITOR)
        data = self.validated(AttachEvidenceSerializer)
        actions_evidence.attach_evidence(
            evidence=data["evidence"], assessment=assessment, by=self.user
        )
        return self.answer(assessment)

    def _load_with_role(self, role: TeamRole) -> Assessment:
        assessment = self.subject("dependency__application__team")
        self.require(role, assessment.dependency.application.team)
        return assessment
