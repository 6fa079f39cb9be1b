"""Evidence: test results and documents."""

from datetime import date

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import TeamRole
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import ReasonMixin, VisibleApplicationField
from apps.api.risks.base import today
from apps.catalog.models import Offering, Version
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.inventory.models import Application
from apps.risks.actions import evidence as actions_evidence
from apps.risks.filters import (
    EvidenceFilter,
)
from apps.risks.models import (
    Evidence,
    RiskTemplate,
)


class EvidenceSerializer(ReasonMixin, serializers.ModelSerializer[Evidence]):
    application = VisibleApplicationField(
        slug_field="slug", queryset=Application.objects.none(), required=False, allow_null=True
    )
    version = serializers.SlugRelatedField(
        slug_field="identifier",
        queryset=Version.objects.all(),
        required=False,
        allow_null=True,
        help_text="Identifier of the version; null if the evidence is about something else.",
    )
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), required=False, allow_null=True
    )
    template = serializers.SlugRelatedField(
        slug_field="code",
        queryset=RiskTemplate.objects.all(),
        required=False,
        allow_null=True,
        help_text="Code of the risk template that it tests; null for none.",
    )
    recorded_by = serializers.CharField(
        source="recorded_by.username", read_only=True, allow_null=True
    )
    state = serializers.ChoiceField(
        choices=Evidence.State.choices, read_only=True, help_text="State as of today."
    )

    class Meta:
        model = Evidence
        fields = [
            "id",
            "kind",
            "tool",
            "run",
            "evaluator",
            "application",
            "version",
            "offering",
            "template",
            "dataset",
            "metric",
            "value",
            "threshold",
            "higher_is_better",
            "passed",
            "n",
            "run_on",
            "expires_on",
            "digest",
            "link",
            "note",
            "state",
            "recorded_by",
            "recorded_at",
            "reason",
        ]
        read_only_fields = ["id", "recorded_at"]


def _evidence_state(passed: bool | None, expires_on: date | None) -> str:
    return Evidence(passed=passed, expires_on=expires_on).state(today()).value


class EvidenceViewSet(ReadViewSet[Evidence]):
    """Evidence about an application, a version or an offering. Evidence is not changed; a new
    result is a new row."""

    model = Evidence
    serializer_class = EvidenceSerializer
    filterset_class = EvidenceFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    computed = {"state": ComputedField(("passed", "expires_on"), _evidence_state)}

    @extend_schema(responses={201: EvidenceSerializer})
    def create(self, request: Request) -> Response:
        """Record a result or document. Evidence about an application requires the editor role on
        its team; other evidence requires the governance role."""
        facts = self.validated(EvidenceSerializer)
        application = facts.get("application")
        if application is not None:
            self.require(TeamRole.EDITOR, application.team)
        elif not self.user.is_governance:
            raise PermissionDenied(
                "Evidence about a version or offering requires the governance role. "
                "Contact a governance user, or name your application."
            )
        evidence = actions_evidence.record_evidence(
            kind=facts.pop("kind"),
            run_on=facts.pop("run_on"),
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
            at=now(),
        )
        return self.answer(evidence, status.HTTP_201_CREATED)
