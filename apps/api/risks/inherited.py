"""Inherited risks: derived, read and counted."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError as NotValid
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.validation import filter_errors
from apps.api.framework.views import ReadViewSet
from apps.api.risks.base import RiskCountsSerializer, risk_counts, today
from apps.api.risks.templates import ModifierSerializer
from apps.catalog.models import NodeKind, Via
from apps.common.database.keyset_pagination import InvalidCursorError, Keyset
from apps.inventory.models import Application, Criticality, Dependency
from apps.risks.filters import (
    InheritedRiskFilter,
)
from apps.risks.models import (
    Confidence,
    FoundationRisk,
    Treatment,
)
from apps.risks.models.catalogue import Layer
from apps.risks.queries.conditions import STATES
from apps.risks.queries.inherited import InheritedRisk, inherited_risk, inherited_risks
from apps.risks.queries.reach import total_reach


class LevelSerializer(serializers.Serializer[Any]):
    likelihood = serializers.IntegerField()
    impact = serializers.IntegerField()
    score = serializers.IntegerField()


class InheritedRiskSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(
        source="key", help_text="ID of risk and dependency, for example 12-345."
    )
    risk = serializers.IntegerField(source="risk_id")
    dependency = serializers.IntegerField(source="dependency_id")
    template = serializers.CharField(
        allow_blank=True, help_text="Code of the template; empty for a risk of its own."
    )
    title = serializers.CharField()
    layer = serializers.ChoiceField(choices=Layer.choices, allow_blank=True)
    rule = serializers.CharField(
        allow_blank=True, help_text="Rule that raised the risk; empty for none."
    )
    facts = serializers.CharField(allow_blank=True)
    confidence = serializers.ChoiceField(choices=Confidence.choices)
    node_kind = serializers.ChoiceField(choices=[(kind.label, kind.label) for kind in NodeKind])
    node_ref = serializers.IntegerField()
    node_name = serializers.CharField(allow_blank=True)
    via = serializers.ChoiceField(
        choices=[(via.label, via.label) for via in Via],
        allow_null=True,
        help_text="Relationship of the offering to the item; null if the item is the "
        "provider through which it is called.",
    )
    depth = serializers.IntegerField(allow_null=True)
    application = serializers.CharField(help_text="Slug of the application.")
    application_name = serializers.CharField()
    team = serializers.CharField(help_text="Slug of the team.")
    criticality = EnumNameField(Criticality)
    role = serializers.ChoiceField(choices=Dependency.Role.choices)
    offering = serializers.IntegerField(source="offering_id")
    api_id = serializers.CharField()
    host = serializers.CharField(help_text="Slug of the host.")
    inherent = LevelSerializer(help_text="Inherent levels of the risk.")
    adjusted = LevelSerializer(help_text="Levels after adaptations of the dependency.")
    adjustments = ModifierSerializer(many=True, source="steps")
    adaptations = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=STATES)
    assessment = serializers.IntegerField(source="assessment_id", allow_null=True)
    version = serializers.IntegerField(
        source="assessment_version",
        help_text="Version to send with an assessment; 0 if unassessed.",
    )
    treatment = serializers.ChoiceField(choices=Treatment.choices, allow_blank=True)
    current = LevelSerializer(allow_null=True)
    residual = LevelSerializer(allow_null=True)
    owner = serializers.CharField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    accepted_until = serializers.DateField(
        allow_null=True, help_text="Expiry date of an acceptance in force; null without one."
    )
    stale_because = serializers.CharField(source="stale_reason", allow_blank=True)


_PAIR = OpenApiParameter(
    "id", str, OpenApiParameter.PATH, description="ID of risk and dependency, for example 12-345."
)
_APPLICATION = OpenApiParameter(
    "application", str, description="Slug of an application; all that you can view if absent."
)


@extend_schema_view(
    list=extend_schema(summary="Inherited risks, most severe first"),
    retrieve=extend_schema(summary="One inherited risk", parameters=[_PAIR]),
)
class InheritedRiskViewSet(ReadViewSet[FoundationRisk]):
    """Inherited risks: a risk of a foundation on a dependency. They are derived from the
    dependencies of today and not stored; only decisions are, as assessments."""

    model = FoundationRisk
    serializer_class = InheritedRiskSerializer
    filterset_class = InheritedRiskFilter
    orders = {"-inherent": Keyset(("-inherent", "-id"))}
    lookup_value_regex = "[0-9]{1,18}-[0-9]{1,18}"
    picks_fields = False

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        filterset = InheritedRiskFilter(
            request.query_params, FoundationRisk.objects.none(), request=request
        )
        if not filterset.is_valid():
            raise NotValid(filter_errors(filterset))
        pagination = self.pagination_class()
        pagination.order(request, self.orders)
        try:
            page = inherited_risks(
                user=self.user,
                on=today(),
                query=filterset.narrowed,
                size=pagination.size(request),
                cursor=request.query_params.get(pagination.cursor_param, ""),
            )
        except InvalidCursorError as error:
            raise NotValid({pagination.cursor_param: str(error)}) from error
        return Response(pagination.body(request, page, [_risk_body(row) for row in page.rows]))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        risk, dependency = (int(number) for number in str(self.kwargs["pk"]).split("-"))
        row = inherited_risk(user=self.user, risk_id=risk, dependency_id=dependency, on=today())
        if row is None:
            raise Http404
        return Response(_risk_body(row))

    @extend_schema(responses=RiskCountsSerializer, parameters=[_APPLICATION], filters=False)
    @action(detail=False, pagination_class=None, filterset_class=None, picks_fields=False)
    def totals(self, request: Request) -> Response:
        """Number of inherited and of assessed risks, of those the caller can view."""
        slug = request.query_params.get("application", "")
        if slug and not Application.objects.visible_to(self.user).filter(slug=slug).exists():
            raise Http404
        return Response(risk_counts(total_reach(user=self.user, on=today(), application=slug)))


def _risk_body(row: InheritedRisk) -> dict[str, Any]:
    return dict(InheritedRiskSerializer(row).data)
