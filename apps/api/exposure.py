"""Correlated exposure: concentration per layer, and the flags that passed their line."""

from typing import Any

from django.db.models import Case, CharField, OuterRef, Subquery, When
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.base import ReadViewSet, RegistryView
from apps.api.reading import Computed
from apps.catalog.models import Foundation, NodeKind, Provider
from apps.common.pagination import Keyset
from apps.common.time import day_of, now
from apps.exposure.filters import ExposureFlagFilter
from apps.exposure.models import ExposureFlag, Layer
from apps.exposure.queries import concentration


def _of_node(column: str) -> Case:
    """A column of the provider or foundation a flag's node names."""
    foundation = Subquery(Foundation.objects.filter(pk=OuterRef("node__ref")).values(column)[:1])
    provider = Subquery(Provider.objects.filter(pk=OuterRef("node__ref")).values(column)[:1])
    return Case(When(node__kind=NodeKind.FOUNDATION, then=foundation), default=provider, output_field=CharField())


class ExposureFlagSerializer(serializers.ModelSerializer[ExposureFlag]):
    layer = serializers.ChoiceField(source="tolerance.layer", choices=Layer.choices, read_only=True)
    node = serializers.IntegerField(source="node_id", read_only=True)
    slug = serializers.CharField(source="node_slug", read_only=True, help_text="Of the provider or foundation.")
    name = serializers.CharField(source="node_name", read_only=True)
    value = serializers.DecimalField(7, 6, read_only=True, help_text="Critical applications there, of all critical.")
    n_applications = serializers.IntegerField(source="application_ids", read_only=True)
    acknowledged_by = serializers.CharField(source="acknowledged_by.username", read_only=True, allow_null=True)

    class Meta:
        model = ExposureFlag
        fields = [
            "id", "layer", "node", "slug", "name", "state", "value", "limit", "n_applications", "application_ids",
            "opened_at", "resolved_at", "below_since", "acknowledged_by",
        ]  # fmt: skip
        read_only_fields = fields


class ExposureFlagViewSet(ReadViewSet[ExposureFlag]):
    """Nodes that carry more critical applications than tolerated; for governance, auditor and administrator."""

    model = ExposureFlag
    serializer_class = ExposureFlagSerializer
    filterset_class = ExposureFlagFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}
    annotations = {"node_slug": _of_node("slug"), "node_name": _of_node("name")}
    computed = {"n_applications": Computed(("application_ids",), len)}


class ConcentrationRowSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField(source="node_id")
    slug = serializers.CharField(help_text="Of the provider or foundation.")
    name = serializers.CharField()
    n_applications = serializers.IntegerField(help_text="Standing there by a live primary, each once.")
    n_critical = serializers.IntegerField()
    share = serializers.DecimalField(7, 6, help_text="Of all in scope; the shares of a layer may exceed one.")
    critical_share = serializers.DecimalField(7, 6, help_text="Of all critical ones in scope.")
    tolerance = serializers.DecimalField(4, 3, allow_null=True)
    over = serializers.BooleanField(help_text="The critical share is above the tolerance.")


class ConcentrationSerializer(serializers.Serializer[Any]):
    layer = serializers.ChoiceField(choices=Layer.choices)
    weight = serializers.ChoiceField(choices=["count"])
    on = serializers.DateField()
    whole_organisation = serializers.BooleanField(help_text="False: computed over the applications you may see.")
    n_applications = serializers.IntegerField(help_text="In pilot or production.")
    n_critical = serializers.IntegerField()
    tolerance = serializers.DecimalField(4, 3, allow_null=True)
    rows = ConcentrationRowSerializer(many=True)


class ConcentrationQuestion(serializers.Serializer[Any]):
    layer = serializers.ChoiceField(choices=Layer.choices, default=Layer.DEVELOPER)
    weight = serializers.ChoiceField(choices=["count"], default="count")


class ConcentrationView(RegistryView):
    @extend_schema(
        operation_id="concentration",
        summary="How much stands on each developer, host or foundation",
        parameters=[
            OpenApiParameter("layer", str, enum=Layer.values, default=Layer.DEVELOPER.value),
            OpenApiParameter("weight", str, enum=["count"], default="count"),
        ],
        responses=ConcentrationSerializer,
    )
    def get(self, request: Request) -> Response:
        """Counts applications, each once per node, by their live primary dependencies; the largest critical share
        first. The whole organisation for its offices, else what the caller may see."""
        question = ConcentrationQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        on = day_of(now())
        answer = concentration(layer=Layer(question.validated_data["layer"]), user=self.user, on=on)
        body = {
            "layer": answer.layer.value,
            "weight": question.validated_data["weight"],
            "on": on,
            "whole_organisation": answer.whole_organisation,
            "n_applications": answer.n_applications,
            "n_critical": answer.n_critical,
            "tolerance": answer.tolerance,
            "rows": [
                {
                    "node": row.node_id,
                    "slug": row.slug,
                    "name": row.name,
                    "n_applications": row.n_applications,
                    "n_critical": row.n_critical,
                    "share": row.share,
                    "critical_share": row.critical_share,
                    "tolerance": row.tolerance,
                    "over": row.over,
                }
                for row in answer.rows
            ],
        }
        return Response(body)
