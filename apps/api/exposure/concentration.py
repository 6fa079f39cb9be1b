"""Concentration and single points of failure, of the organisation or of the caller's teams."""

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
from apps.exposure.models import Basis, EngineState, Layer, MinimalCutSet
from apps.exposure.node_names import NodeName, node_names
from apps.exposure.queries.concentration import (
    LayerTable,
    layer_table,
    slugs_without_primary,
    slugs_without_weight,
    visible_team_ids,
)
from apps.exposure.queries.open_weights import (
    OpenWeightPosture,
    OpenWeightState,
    current_posture,
)
from apps.inventory.models import Application

# rows that a response lists by name; further rows are only counted
MAX_NAMED = 200
MAX_SELECTED_APPLICATIONS = 50


class BucketSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField()
    key = serializers.CharField(help_text="Key of the item, as in `shares`.")
    slug = serializers.CharField(
        help_text="Slug of the provider or foundation; identifier of a version; "
        "host/region for a region."
    )
    name = serializers.CharField()
    share = serializers.FloatField(
        help_text="Share of the covered weight, 0 to 1; 0 for a parent company, which is "
        "counted separately."
    )
    n_applications = serializers.IntegerField(
        help_text="Number of applications that depend on the item under its usual failure mode."
    )
    n_critical = serializers.IntegerField()
    critical_share = serializers.DecimalField(
        7, 6, help_text="Share of all critical applications in scope, 0 to 1."
    )
    tolerance = serializers.DecimalField(
        24,
        15,
        allow_null=True,
        help_text="Lowest tolerance for the critical share; null without a policy.",
    )
    over = serializers.BooleanField(help_text="Whether the critical share is above the tolerance.")


class OpenWeightStateSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=OpenWeightState.choices)
    share = serializers.FloatField(
        allow_null=True, help_text="Share of the weight, 0 to 1; null if nothing has a weight."
    )
    n = serializers.IntegerField(help_text="Number of active primary models.")


class OpenWeightPostureSerializer(serializers.Serializer[Any]):
    covered = serializers.FloatField(
        allow_null=True,
        help_text="Share of the weight on open weights, or with an open-weight model that keeps "
        "all that the dependency is known to use; null if nothing has a weight.",
    )
    total_weight = serializers.FloatField()
    states = OpenWeightStateSerializer(
        many=True,
        help_text="Every primary model in one state. Unknown values, and dependencies of whose use "
        "nothing is known, are unknown.",
    )


class ConcentrationSerializer(serializers.Serializer[Any]):
    layer = serializers.ChoiceField(choices=Layer.choices)
    weight = serializers.ChoiceField(choices=Basis.choices)
    on = serializers.DateField(
        allow_null=True, help_text="Date of the data; null before the first refresh."
    )
    whole_organisation = serializers.BooleanField(
        help_text="Whether the whole organisation is counted; false for the applications "
        "of your teams only."
    )
    n_applications = serializers.IntegerField(help_text="Number of applications in scope.")
    n_critical = serializers.IntegerField()
    total_weight = serializers.FloatField()
    none_weight = serializers.FloatField(
        help_text="Weight of primary models without this layer (for example, no gateway)."
    )
    covered_weight = serializers.FloatField(help_text="Total weight that `shares` refer to.")
    unknown = serializers.FloatField(
        allow_null=True, help_text="Share of the weight on unresolved offerings, 0 to 1."
    )
    shares = serializers.DictField(
        child=serializers.FloatField(),
        help_text="Share of the covered weight by item, as {key: share}.",
    )
    cr1 = serializers.FloatField(allow_null=True)
    cr3 = serializers.FloatField(allow_null=True)
    hhi = serializers.FloatField(allow_null=True)
    hhi_best = serializers.FloatField(
        allow_null=True, help_text="Best case: each unresolved offering is an item of its own."
    )
    hhi_worst = serializers.FloatField(
        allow_null=True,
        help_text="Worst case: all unresolved offerings belong to the largest item.",
    )
    n2 = serializers.FloatField(allow_null=True, help_text="Effective number of items, 1/HHI.")
    n1 = serializers.FloatField(
        allow_null=True, help_text="Effective number of items by entropy, exp(entropy)."
    )
    missing_weight = serializers.ListField(
        child=serializers.CharField(),
        help_text=f"Slugs of applications without this weight, the first {MAX_NAMED}.",
    )
    n_missing_weight = serializers.IntegerField()
    undeclared = serializers.ListField(
        child=serializers.CharField(),
        help_text="Slugs of applications in scope without an active primary model, the "
        f"first {MAX_NAMED}.",
    )
    n_undeclared = serializers.IntegerField()
    contribution = serializers.DictField(
        child=serializers.FloatField(),
        help_text="HHI contribution of the requested applications, by slug.",
    )
    marginal = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        help_text="Marginal HHI: HHI minus the HHI without the application, by slug.",
    )
    tolerance = serializers.DecimalField(24, 15, allow_null=True)
    open_weights = OpenWeightPostureSerializer(
        help_text="Open-weight posture, by the same weight; the same for every layer. That of an "
        "organisation with more than 5,000 applications is measured every hour."
    )
    rows = BucketSerializer(many=True, help_text=f"Items by critical share, the first {MAX_NAMED}.")


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
        summary="Concentration of the portfolio on each item of a layer",
        parameters=[
            OpenApiParameter("layer", str, enum=Layer.values, default=Layer.DEVELOPER.value),
            OpenApiParameter("weight", str, enum=Basis.values, default=Basis.COUNT.value),
            OpenApiParameter(
                "application",
                str,
                many=True,
                description="Slugs of applications whose HHI contribution and marginal "
                "HHI are returned, up to 50.",
            ),
        ],
        responses=ConcentrationSerializer,
    )
    def get(self, request: Request) -> Response:
        """Active primary models in scope, weighted by traffic share: of the whole organisation for
        organisation roles, otherwise of your teams. `shares` leave out models without the layer.
        Unresolved models are counted separately."""
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
        measurement = measure_layer(layer, basis, team_ids=team_ids)
        table = layer_table(layer=layer, user=self.user, limit=None if self.is_file else MAX_NAMED)
        indices = measurement.indices
        nodes = node_names([*indices.shares, *(row.node_id for row in table.rows)])
        contribution, marginal = self._load_contributions(
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
                "total_weight": indices.total_weight,
                "none_weight": indices.none_weight,
                "covered_weight": indices.covered_weight,
                "unknown": indices.unknown,
                "shares": {
                    nodes[pk].name: share for pk, share in indices.shares.items() if pk in nodes
                },
                "cr1": indices.cr1,
                "cr3": indices.cr3,
                "hhi": indices.hhi,
                "hhi_best": indices.hhi_best,
                "hhi_worst": indices.hhi_worst,
                "n2": indices.n2,
                "n1": indices.n1,
                "missing_weight": slugs_without_weight(basis, team_ids=team_ids, limit=MAX_NAMED)
                if measurement.n_missing_weight
                else [],
                "n_missing_weight": measurement.n_missing_weight,
                "undeclared": slugs_without_primary(team_ids=team_ids, limit=MAX_NAMED)
                if measurement.n_undeclared
                else [],
                "n_undeclared": measurement.n_undeclared,
                "contribution": contribution,
                "marginal": marginal,
                "tolerance": table.tolerance,
                "open_weights": _posture_body(current_posture(basis, team_ids=team_ids)),
                "rows": _build_rows(table, indices.shares, nodes),
            }
        )

    def _load_contributions(
        self, layer: Layer, basis: Basis, team_ids: Collection[int] | None, slugs: list[str]
    ) -> tuple[dict[str, float], dict[str, float | None]]:
        """Return the contributions and marginals of the named applications that the caller can
        view, by slug."""
        if not slugs:
            return {}, {}
        slug_by_id = dict(
            Application.objects.visible_to(self.user)
            .filter(slug__in=slugs)
            .values_list("pk", "slug")
        )
        rows = contributions(layer, basis, team_ids=team_ids, application_ids=list(slug_by_id))
        return (
            {slug_by_id[row.application_id]: row.contribution for row in rows},
            {slug_by_id[row.application_id]: row.marginal for row in rows},
        )


def _posture_body(posture: OpenWeightPosture) -> dict[str, Any]:
    return {
        "covered": posture.covered,
        "total_weight": posture.total_weight,
        "states": [
            {"state": state.value, "share": posture.share(state), "n": posture.counts[state]}
            for state in OpenWeightState
        ],
    }


def _build_rows(table: LayerTable, shares: Any, nodes: dict[int, NodeName]) -> list[dict[str, Any]]:
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
        help_text="Number of applications without a sufficient alternative."
    )
    cushioned = serializers.IntegerField(
        help_text="Number of applications with an untested alternative only."
    )
    n_critical = serializers.IntegerField(help_text="Number of critical applications among both.")
    points = serializers.IntegerField(help_text="Weight of both, by criticality.")


class CutSerializer(serializers.Serializer[Any]):
    nodes = serializers.ListField(
        child=serializers.CharField(), help_text="Keys of the items that fail together."
    )
    share = serializers.FloatField(
        help_text="Share of the critical weight that the set stops, 0 to 1."
    )
    on = serializers.DateField()


class SinglePointsSerializer(serializers.Serializer[Any]):
    on = serializers.DateField(allow_null=True)
    whole_organisation = serializers.BooleanField()
    sets = CutSerializer(
        many=True,
        help_text="Minimal cut sets that stop the threshold of critical weight; only for "
        "the whole organisation.",
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
        summary="Single points of failure",
        parameters=[
            OpenApiParameter("kind", str, many=True, enum=[label for label, _ in KINDS]),
            OpenApiParameter("cursor", str),
            OpenApiParameter("page_size", int),
        ],
        responses=SinglePointsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Items that stop at least one application under their usual failure mode, by number of
        critical applications."""
        question = SinglePointsQuestion(data={"kind": request.query_params.getlist("kind")})
        validate_data(question)
        labels = set(question.validated_data["kind"])
        kinds = [kind for kind in NodeKind if kind.label in labels] if labels else None
        size, position = KeysetPagination().size(request), read_cursor(request, 3)
        after = None if position is None else (position[0], position[1], position[2])
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
        has_more, points = len(points) > size, points[:size]
        cuts = list(MinimalCutSet.objects.all()[:MAX_NAMED]) if team_ids is None else []
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
                "next": next_link(request, _cursor_values(points[-1])) if has_more else None,
                "results": [_point_body(point, nodes[point.node_id]) for point in points],
            }
        )


def _cursor_values(point: SinglePoint) -> tuple[int, int, int]:
    return point.n_critical, point.exposed + point.cushioned, point.node_id


def _point_body(point: SinglePoint, node: NodeName) -> dict[str, Any]:
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
