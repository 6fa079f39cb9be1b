"""Evidence: test results and documents."""

from dataclasses import asdict
from datetime import date
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
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
from apps.risks.errors import RiskChangeError
from apps.risks.evaluations.comparison import (
    CapaGap,
    DifferenceMethod,
    OverlapGap,
    OverlapMeasure,
)
from apps.risks.filters import (
    EvidenceFilter,
)
from apps.risks.models import (
    Evidence,
    RiskTemplate,
)
from apps.risks.queries.compared_runs import comparable_runs, compare_runs

# of losses and of gains in an answer
MAX_CHANGES = 1_000


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


class IntervalSerializer(serializers.Serializer[Any]):
    low = serializers.FloatField()
    high = serializers.FloatField()


class ItemChangeSerializer(serializers.Serializer[Any]):
    item = serializers.CharField(help_text="ID of the item; a digest (#…) if it has none.")
    place = serializers.CharField(source="label", help_text="Place of the item in the file.")
    old = serializers.FloatField()
    new = serializers.FloatField()


class ErrorOverlapSerializer(serializers.Serializer[Any]):
    measure = serializers.ChoiceField(
        choices=OverlapMeasure.choices,
        help_text="`capa`: CAPA of hard predictions; `error_consistency` where the number of "
        "options or an answer is unknown.",
    )
    value = serializers.FloatField(help_text="1: the same errors; 0: as independent models.")
    interval = IntervalSerializer()
    n = serializers.IntegerField()
    observed = serializers.FloatField(help_text="Share of items on which the models agree.")
    expected = serializers.FloatField(help_text="Share by chance, given both accuracies.")


class ResultComparisonSerializer(serializers.Serializer[Any]):
    """Two runs on the items that both have; intervals are 95 %."""

    a = serializers.IntegerField(help_text="Evidence of the old model.")
    b = serializers.IntegerField(help_text="Evidence of the new model.")
    n = serializers.IntegerField(help_text="Items with a result in both runs.")
    n_only_old = serializers.IntegerField()
    n_only_new = serializers.IntegerField()
    n_without_result = serializers.IntegerField()
    is_binary = serializers.BooleanField(help_text="Whether all scores are 0 or 1.")
    old_mean = serializers.FloatField(allow_null=True)
    new_mean = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True, help_text="New minus old.")
    interval = IntervalSerializer(allow_null=True)
    method = serializers.ChoiceField(choices=DifferenceMethod.choices, allow_null=True)
    n_losses = serializers.IntegerField()
    n_gains = serializers.IntegerField()
    losses = ItemChangeSerializer(many=True, help_text="Items that got worse, at most 1,000.")
    gains = ItemChangeSerializer(many=True, help_text="Items that got better, at most 1,000.")
    p_value = serializers.FloatField(
        allow_null=True, help_text="McNemar's exact test; null unless all scores are 0 or 1."
    )
    n_both_wrong = serializers.IntegerField(allow_null=True)
    n_same_wrong_answer = serializers.IntegerField(
        allow_null=True, help_text="Null if an answer is unknown."
    )
    overlap = ErrorOverlapSerializer(allow_null=True)
    overlap_gap = serializers.ChoiceField(
        choices=OverlapGap.choices,
        allow_null=True,
        help_text="Reason why no overlap of errors is stated.",
    )
    capa_gap = serializers.ChoiceField(
        choices=CapaGap.choices,
        allow_null=True,
        help_text="Reason why the overlap is not CAPA: unknown options, or unknown wrong answers.",
    )


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

    @extend_schema(
        summary="Compare two runs of one suite",
        responses=ResultComparisonSerializer,
        parameters=[
            OpenApiParameter("a", int, required=True, description="Evidence of the old model."),
            OpenApiParameter("b", int, required=True, description="Evidence of the new model."),
        ],
        filters=False,
    )
    @action(detail=False, pagination_class=None, filterset_class=None, picks_fields=False)
    def compare(self, request: Request) -> Response:
        """Difference of two models on one suite with its interval, losses and gains per item, and
        the overlap of errors corrected for chance. Both runs need results of single items."""
        old, new = (self._find_run(name) for name in ("a", "b"))
        try:
            compared = compare_runs(old, new)
        except RiskChangeError as error:
            raise ValidationError({"b": str(error)}) from None
        comparison = compared.comparison
        body = asdict(comparison) | {
            "a": old.pk,
            "b": new.pk,
            "n_losses": len(comparison.losses),
            "n_gains": len(comparison.gains),
            "losses": comparison.losses[:MAX_CHANGES],
            "gains": comparison.gains[:MAX_CHANGES],
        }
        return Response(ResultComparisonSerializer(body).data)

    def _find_run(self, name: str) -> Evidence:
        raw_pk = self.request.query_params.get(name, "")
        if not (raw_pk.isdecimal() and len(raw_pk) < 19):
            raise ValidationError({name: "Enter the ID of evidence with results of single items."})
        run = comparable_runs(self.user).filter(pk=int(raw_pk)).first()
        if run is None:
            raise Http404
        return run

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
