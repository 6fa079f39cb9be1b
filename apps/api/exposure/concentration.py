"""Where the portfolio is concentrated, and what alone can stop it; of the organisation, or of the
caller's teams."""

from collections.abc import Collection
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.exposure.flags import KINDS
from apps.api.framework.file_responses import FileRows
from apps.api.framework.pagination import KeysetPagination
from apps.api.framework.result_cursors import next_link, read_cursor
from apps.api.framework.validation import FORMAT_PARAMETERS, PAGING_PARAMETERS, validate_data
from apps.api.framework.views import RegistryView
from apps.catalog.models import NodeKind
from apps.exposure.engine.concentration import contributions, measure_layer
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.single_points import SinglePoint, single_points, team_points
from apps.exposure.models import Basis, Cut, EngineState, Layer
from apps.exposure.node_names import NodeName, node_names
from apps.exposure.queries.concentration import (
    LayerTable,
    layer_table,
    slugs_without_primary,
    slugs_without_weight,
    visible_team_ids,
)
from apps.inventory.models import Application

# what one answer names; the rest is counted
MAX_NAMED = 200
MAX_SELECTED_APPLICATIONS = 50


class BucketSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField()
    key = serializers.CharField(help_text="As in `shares`.")
    slug = serializers.CharField(
        help_text="Of the party or foundation; a version's identifier, host/region."
    )
    name = serializers.CharField()
    share = serializers.FloatField(
        help_text="Of the covered weight; 0 for a corporate parent, which counts beside."
    )
    n_applications = serializers.IntegerField(
        help_text="Standing there under its usual threat, each once."
    )
    n_critical = serializers.IntegerField()
    critical_share = serializers.DecimalField(7, 6, help_text="Of all critical ones in scope.")
    tolerance = serializers.DecimalField(
        24, 15, allow_null=True, help_text="The lowest line on the critical share."
    )
    over = serializers.BooleanField(help_text="The critical share is above the tolerance.")


class ConcentrationSerializer(serializers.Serializer[Any]):
    layer = serializers.ChoiceField(choices=Layer.choices)
    weight = serializers.ChoiceField(choices=Basis.choices)
    on = serializers.DateField(
        allow_null=True, help_text="The day it speaks of; null before the first refresh."
    )
    whole_organisation = serializers.BooleanField(
        help_text="False: computed over your teams' applications."
    )
    n_applications = serializers.IntegerField(help_text="In scope.")
    n_critical = serializers.IntegerField()
    total_weight = serializers.FloatField()
    none_weight = serializers.FloatField(
        help_text="Of paths that the layer does not apply to: no gateway, no vendor."
    )
    covered_weight = serializers.FloatField(help_text="What shares are parts of.")
    unknown = serializers.FloatField(
        allow_null=True, help_text="Part on offerings that nobody has placed."
    )
    shares = serializers.DictField(
        child=serializers.FloatField(), help_text="{node: part of the covered weight}."
    )
    cr1 = serializers.FloatField(allow_null=True)
    cr3 = serializers.FloatField(allow_null=True)
    hhi = serializers.FloatField(allow_null=True)
    hhi_best = serializers.FloatField(
        allow_null=True, help_text="Each unresolved offering a node of its own."
    )
    hhi_worst = serializers.FloatField(
        allow_null=True, help_text="All of the unknown on the largest node."
    )
    n2 = serializers.FloatField(allow_null=True, help_text="Effective number of nodes, 1/HHI.")
    n1 = serializers.FloatField(allow_null=True, help_text="exp(entropy).")
    missing_weight = serializers.ListField(
        child=serializers.CharField(),
        help_text=f"Slugs without this weight on record, the first {MAX_NAMED}.",
    )
    n_missing_weight = serializers.IntegerField()
    undeclared = serializers.ListField(
        child=serializers.CharField(),
        help_text=f"Slugs in scope without a live primary, the first {MAX_NAMED}.",
    )
    n_undeclared = serializers.IntegerField()
    contribution = serializers.DictField(
        child=serializers.FloatField(), help_text="Of the applications asked for."
    )
    marginal = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="HHI minus the HHI without it."
    )
    tolerance = serializers.DecimalField(24, 15, allow_null=True)
    rows = BucketSerializer(many=True, help_text=f"The first {MAX_NAMED} by critical share.")


class ConcentrationQuestion(serializers.Serializer[Any]):
    layer = serializers.ChoiceField(choices=Layer.choices, default=Layer.DEVELOPER)
    weight = serializers.ChoiceField(choices=Basis.choices, default=Basis.COUNT)
    application = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=MAX_SELECTED_APPLICATIONS,
        default=list,
    )


class ConcentrationView(RegistryView):
    # a file holds every row of the layer
    files = {"get": FileRows(BucketSerializer, "rows")}

    @extend_schema(
        operation_id="concentration",
        summary="How much stands on each developer, host, foundation, ... and how concentrated "
        "that is",
        parameters=[
            OpenApiParameter("layer", str, enum=Layer.values, default=Layer.DEVELOPER.value),
            OpenApiParameter("weight", str, enum=Basis.values, default=Basis.COUNT.value),
            OpenApiParameter(
                "application",
                str,
                many=True,
                description="Slugs whose contribution and marginal are wanted, up to 50.",
            ),
        ],
        responses=ConcentrationSerializer,
    )
    def get(self, request: Request) -> Response:
        """Live primaries in scope, weighed by traffic share; the whole organisation for its
        offices, else the caller's teams. Shares leave out what the layer does not apply to; the
        unknown is a bucket of its own."""
        question = ConcentrationQuestion(
            data={
                **request.query_params.dict(),
                "application": request.query_params.getlist("application"),
            }
        )
        validate_data(
            question,
            extra_names=FORMAT_PARAMETERS
            if not self.is_file
            else (*FORMAT_PARAMETERS, *PAGING_PARAMETERS),
        )
        layer, basis = (
            Layer(question.validated_data["layer"]),
            Basis(question.validated_data["weight"]),
        )
        team_ids = visible_team_ids(self.user)
        measured = measure_layer(layer, basis, team_ids=team_ids)
        table = layer_table(layer=layer, user=self.user, limit=None if self.is_file else MAX_NAMED)
        found = measured.indices
        nodes = node_names([*found.shares, *(row.node_id for row in table.rows)])
        contribution, marginal = self._parts(
            layer, basis, team_ids, question.validated_data["application"]
        )
        return Response(
            {
                "layer": layer.value,
                "weight": basis.value,
                "on": table.as_of,
                "whole_organisation": table.whole_organisation,
                "n_applications": table.n_applications,
                "n_critical": table.n_critical,
                "total_weight": found.total_weight,
                "none_weight": found.none_weight,
                "covered_weight": found.covered_weight,
                "unknown": found.unknown,
                "shares": {
                    nodes[pk].name: share for pk, share in found.shares.items() if pk in nodes
                },
                "cr1": found.cr1,
                "cr3": found.cr3,
                "hhi": found.hhi,
                "hhi_best": found.hhi_best,
                "hhi_worst": found.hhi_worst,
                "n2": found.n2,
                "n1": found.n1,
                "missing_weight": slugs_without_weight(basis, team_ids=team_ids, limit=MAX_NAMED)
                if measured.n_missing_weight
                else [],
                "n_missing_weight": measured.n_missing_weight,
                "undeclared": slugs_without_primary(team_ids=team_ids, limit=MAX_NAMED)
                if measured.n_undeclared
                else [],
                "n_undeclared": measured.n_undeclared,
                "contribution": contribution,
                "marginal": marginal,
                "tolerance": table.tolerance,
                "rows": _rows(table, found.shares, nodes),
            }
        )

    def _parts(
        self, layer: Layer, basis: Basis, team_ids: Collection[int] | None, slugs: list[str]
    ) -> tuple[dict[str, float], dict[str, float | None]]:
        """(contributions, marginals) of the named applications that the caller may see, by slug."""
        if not slugs:
            return {}, {}
        asked = dict(
            Application.objects.visible_to(self.user)
            .filter(slug__in=slugs)
            .values_list("pk", "slug")
        )
        parts = contributions(layer, basis, team_ids=team_ids, application_ids=list(asked))
        return (
            {asked[part.application_id]: part.contribution for part in parts},
            {asked[part.application_id]: part.marginal for part in parts},
        )


def _rows(table: LayerTable, shares: Any, nodes: dict[int, NodeName]) -> list[dict[str, Any]]:
    return [
        {
            "node": row.node_id,
            "key": nodes[row.node_id].name,
            "slug": row.slug,
            "name": row.name,
            "share": shares.get(row.node_id, 0.0),
            "n_applications": row.n_applications,
            "n_critical": row.n_critical,
            "critical_share": row.critical_share,
            "tolerance": row.tolerance,
            "over": row.over,
        }
        for row in table.rows
    ]


# --- single points of failure ---------------------------------------------------------------------


class SinglePointSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField()
    key = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    slug = serializers.CharField()
    name = serializers.CharField()
    exposed = serializers.IntegerField(
        help_text="Applications without a fallback that is good enough."
    )
    cushioned = serializers.IntegerField(help_text="Applications with an untested one only.")
    n_critical = serializers.IntegerField(help_text="Critical ones of both.")
    points = serializers.IntegerField(help_text="Weight of both by criticality.")


class CutSerializer(serializers.Serializer[Any]):
    nodes = serializers.ListField(
        child=serializers.CharField(), help_text="Keys; what fails together."
    )
    share = serializers.FloatField(help_text="Of the critical weight that it stops.")
    on = serializers.DateField()


class SinglePointsSerializer(serializers.Serializer[Any]):
    on = serializers.DateField(allow_null=True)
    whole_organisation = serializers.BooleanField()
    sets = CutSerializer(
        many=True,
        help_text="The smallest sets that stop the threshold of critical weight; of the "
        "organisation only.",
    )
    next = serializers.URLField(allow_null=True)
    results = SinglePointSerializer(many=True)


class SinglePointsQuestion(serializers.Serializer[Any]):
    kind = serializers.ListField(child=serializers.ChoiceField(choices=KINDS), default=list)


class SinglePointsView(RegistryView):
    reads = ("kind", *PAGING_PARAMETERS)
    files = {"get": FileRows(SinglePointSerializer)}

    @extend_schema(
        operation_id="single_points_of_failure",
        summary="What alone can stop an application",
        parameters=[
            OpenApiParameter("kind", str, many=True, enum=[label for label, _ in KINDS]),
            OpenApiParameter("cursor", str),
            OpenApiParameter("page_size", int),
        ],
        responses=SinglePointsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Nodes that stop at least one application under their usual threat: most critical
        applications first."""
        question = SinglePointsQuestion(data={"kind": request.query_params.getlist("kind")})
        validate_data(question)
        named = set(question.validated_data["kind"])
        kinds = [kind for kind in NodeKind if kind.label in named] if named else None
        size, place = KeysetPagination().size(request), read_cursor(request, 3)
        after = None if place is None else (place[0], place[1], place[2])
        team_ids = visible_team_ids(self.user)
        if team_ids is None:
            points = single_points(kinds=kinds, limit=size + 1, after=after)
        else:
            points = team_points(
                team_ids=team_ids,
                settings=engine_settings(),
                kinds=kinds,
                limit=size + 1,
                after=after,
            )
        more, points = len(points) > size, points[:size]
        cuts = list(Cut.objects.all()[:MAX_NAMED]) if team_ids is None else []
        nodes = node_names(
            {*(point.node_id for point in points), *(pk for cut in cuts for pk in cut.node_ids)}
        )
        return Response(
            {
                "on": EngineState.objects.values_list("as_of", flat=True).first(),
                "whole_organisation": team_ids is None,
                "sets": [
                    {
                        "nodes": [nodes[pk].name for pk in cut.node_ids if pk in nodes],
                        "share": cut.share,
                        "on": cut.as_of,
                    }
                    for cut in cuts
                ],
                "next": next_link(request, _place(points[-1])) if more else None,
                "results": [_point(point, nodes[point.node_id]) for point in points],
            }
        )


def _place(point: SinglePoint) -> tuple[int, int, int]:
    return point.n_critical, point.exposed + point.cushioned, point.node_id


def _point(point: SinglePoint, node: NodeName) -> dict[str, Any]:
    return {
        "node": point.node_id,
        "key": node.name,
        "kind": node.kind.label,
        "slug": node.name.partition(":")[2],
        "name": node.label,
        "exposed": point.exposed,
        "cushioned": point.cushioned,
        "n_critical": point.n_critical,
        "points": point.points,
    }
