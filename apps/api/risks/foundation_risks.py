"""Risks of foundations, changed by governance users."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Value
from django.db.models.functions import Coalesce, NullIf
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.views import ReadViewSet
from apps.api.inventory.applications import ReasonMixin
from apps.api.risks.base import (
    SEVERITY_ORDERS,
    AttachEvidenceSerializer,
    EvidenceIdsField,
    RiskCountsSerializer,
    UserField,
    risk_counts,
    today,
)
from apps.catalog.models import NodeKind
from apps.common.time import now
from apps.risks.actions import evidence as actions_evidence
from apps.risks.actions import foundation_risks
from apps.risks.actions.foundation_risks import ensure_node
from apps.risks.filters import (
    FoundationRiskFilter,
)
from apps.risks.models import (
    FoundationRisk,
    RiskEvidence,
    RiskTemplate,
)
from apps.risks.models.catalogue import Layer
from apps.risks.queries.node_names import NODE_NAME
from apps.risks.queries.reach import RiskReach, count_inheriting_applications, reach_per_risk


class FoundationRiskSerializer(ReasonMixin, serializers.ModelSerializer[FoundationRisk]):
    template = serializers.SlugRelatedField(
        slug_field="code",
        queryset=RiskTemplate.objects.all(),
        required=False,
        allow_null=True,
        help_text="Code of the risk template; absent for a risk with a title of its own.",
    )
    name = serializers.CharField(
        source="risk_name", read_only=True, help_text="Title of the risk, or of its template."
    )
    layer = serializers.ChoiceField(
        source="template.layer", choices=Layer.choices, read_only=True, allow_null=True
    )
    node_kind = EnumNameField(
        NodeKind, source="node.kind", help_text="Kind of item that has the risk."
    )
    node_ref = serializers.IntegerField(
        source="node.ref",
        min_value=1,
        max_value=2**62,
        help_text="ID of the offering, version, foundation, region or provider.",
    )
    node_name = serializers.CharField(read_only=True)
    likelihood = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=5,
        help_text="Inherent level, 1 to 5; the usual one of the template if absent.",
    )
    impact = serializers.IntegerField(
        required=False, min_value=1, max_value=5, help_text="Inherent level, 1 to 5."
    )
    owner = UserField(required=False, allow_null=True)
    evidence = EvidenceIdsField()
    dismissed_by = serializers.CharField(
        source="dismissed_by.username", read_only=True, allow_null=True
    )

    class Meta:
        model = FoundationRisk
        fields = [
            "id",
            "template",
            "title",
            "name",
            "description",
            "layer",
            "node_kind",
            "node_ref",
            "node_name",
            "likelihood",
            "impact",
            "inherent",
            "confidence",
            "inherits",
            "owner",
            "rule",
            "facts",
            "source_url",
            "review_on",
            "evidence",
            "opened_at",
            "changed_at",
            "closed_at",
            "closed_reason",
            "dismissed_at",
            "dismissed_by",
            "dismissed_reason",
            "created_at",
            "updated_at",
            "reason",
        ]
        read_only_fields = [
            "id",
            "inherent",
            "rule",
            "opened_at",
            "changed_at",
            "closed_at",
            "closed_reason",
            "dismissed_at",
            "dismissed_reason",
            "created_at",
            "updated_at",
        ]
        # a check of the model reports the same error
        validators: list[Any] = []


class FoundationRiskChangeSerializer(FoundationRiskSerializer):
    """Facts that can be changed. Item and template cannot be changed."""

    class Meta(FoundationRiskSerializer.Meta):
        fields = [
            "title",
            "description",
            "likelihood",
            "impact",
            "confidence",
            "inherits",
            "owner",
            "facts",
            "source_url",
            "review_on",
            "reason",
        ]

    template = name = layer = node_kind = node_ref = node_name = dismissed_by = evidence = None  # type: ignore[assignment]


class RiskEndedSerializer(serializers.Serializer[Any]):
    because = serializers.CharField(max_length=500, help_text="Reason, for the audit log.")


class RiskReachSerializer(RiskCountsSerializer):
    n_applications = serializers.IntegerField(
        help_text="Number of applications that inherit the risk."
    )


class FoundationRiskViewSet(ReadViewSet[FoundationRisk]):
    """Risks of an item, inherited by all dependent applications. All users can read them;
    governance users change them."""

    model = FoundationRisk
    serializer_class = FoundationRiskSerializer
    filterset_class = FoundationRiskFilter
    orders = SEVERITY_ORDERS
    annotations = {
        "evidence_ids": ArraySubquery(
            RiskEvidence.objects.filter(risk=OuterRef("pk")).order_by("evidence").values("evidence")
        ),
        "node_name": NODE_NAME,
        "risk_name": Coalesce(NullIf("title", Value("")), "template__title"),
    }

    @extend_schema(responses={201: FoundationRiskSerializer})
    def create(self, request: Request) -> Response:
        """Attach a template, or a risk with a title of its own, to an item. Requires the governance
        role."""
        self.require_governance()
        facts = self.validated(FoundationRiskSerializer)
        item = facts.pop("node")
        risk = foundation_risks.raise_risk(
            node=ensure_node(kind=NodeKind(item["kind"]), ref=item["ref"]),
            template=facts.pop("template", None),
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
            at=now(),
        )
        return self.answer(risk, status.HTTP_201_CREATED)

    @extend_schema(request=FoundationRiskChangeSerializer, responses=FoundationRiskSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a risk. Requires the governance role. New levels make its assessments stale."""
        risk = self._load_governed()
        facts = self.validated(FoundationRiskChangeSerializer, partial=True)
        risk = foundation_risks.change_risk(
            risk=risk, reason=facts.pop("reason", ""), facts=facts, by=self.user, at=now()
        )
        return self.answer(risk)

    @extend_schema(request=RiskEndedSerializer, responses=FoundationRiskSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Close a risk. Requires the governance role. A risk raised by a rule is dismissed
        instead."""
        risk, data = self._load_governed(), self.validated(RiskEndedSerializer)
        return self.answer(
            foundation_risks.close_risk(risk=risk, reason=data["because"], by=self.user, at=now())
        )

    @extend_schema(request=AttachEvidenceSerializer, responses=FoundationRiskSerializer)
    @action(detail=True, methods=["post"])
    def attach(self, request: Request, pk: str) -> Response:
        """Attach evidence about a version or an offering to the risk. Requires the governance role.
        Repeating the request changes nothing."""
        risk, data = self._load_governed(), self.validated(AttachEvidenceSerializer)
        actions_evidence.attach_evidence(evidence=data["evidence"], risk=risk, by=self.user)
        return self.answer(risk)

    @extend_schema(request=ReasonMixin, responses=FoundationRiskSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Reopen a closed risk. Requires the governance role."""
        risk, data = self._load_governed(), self.validated(ReasonMixin)
        return self.answer(
            foundation_risks.reopen_risk(
                risk=risk, reason=data.get("reason", ""), by=self.user, at=now()
            )
        )

    @extend_schema(request=RiskEndedSerializer, responses=FoundationRiskSerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """Dismiss a risk that a rule raised, until its conditions change. Requires the governance
        role."""
        risk, data = self._load_governed(), self.validated(RiskEndedSerializer)
        return self.answer(
            foundation_risks.dismiss_risk(risk=risk, reason=data["because"], by=self.user, at=now())
        )

    @extend_schema(request=ReasonMixin, responses=FoundationRiskSerializer)
    @action(detail=True, methods=["post"])
    def reinstate(self, request: Request, pk: str) -> Response:
        """Reinstate a dismissed risk. Requires the governance role."""
        risk, data = self._load_governed(), self.validated(ReasonMixin)
        return self.answer(
            foundation_risks.reinstate_risk(risk=risk, reason=data.get("reason", ""), by=self.user)
        )

    @extend_schema(responses=RiskReachSerializer, parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def reach(self, request: Request, pk: str) -> Response:
        """Number of dependencies that inherit the risk and of assessments, of those the caller can
        view."""
        risk = self.subject("template", "node")
        reach = reach_per_risk(user=self.user, on=today(), risk_ids=[risk.pk]).get(
            risk.pk, RiskReach()
        )
        n_applications = count_inheriting_applications(risk_id=risk.pk, user=self.user, on=today())
        return Response({**risk_counts(reach), "n_applications": n_applications})

    def require_governance(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(
                "You need the governance role to change risks of foundations. Contact a "
                "governance user."
            )

    def _load_governed(self) -> FoundationRisk:
        risk = self.subject("template", "node")
        self.require_governance()
        return risk
