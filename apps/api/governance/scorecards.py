"""Facts about providers and foundations, alone and side by side. No scores and no ranking."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.file_responses import FileRows
from apps.api.framework.views import RegistryView
from apps.api.inventory.applications import today
from apps.catalog.models import Foundation, Provider
from apps.exposure.diligence.scorecard_facts import Scorecard
from apps.exposure.diligence.scorecards import (
    MAX_CANDIDATES,
    compare,
    foundation_scorecards,
    provider_scorecards,
)


class FactSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.JSONField(
        allow_null=True, help_text="Value: number, text, boolean or list; null for a gap."
    )
    unit = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    source_url = serializers.CharField(allow_blank=True)
    as_of = serializers.DateField(allow_null=True)
    gap = serializers.BooleanField(help_text="Reason for the gap: unknown, or not assessed.")
    why_gap = serializers.CharField(allow_blank=True)


class ScorecardSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="Kind of candidate: provider or foundation.")
    slug = serializers.CharField()
    name = serializers.CharField()
    on = serializers.DateField()
    whole_organisation = serializers.BooleanField(
        help_text="Whether your applications are those of the whole organisation; false "
        "for those that you can view."
    )
    n_gaps = serializers.IntegerField()
    facts = FactSerializer(many=True)


class ScorecardColumnSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="Kind of candidate: provider or foundation.")
    slug = serializers.CharField()
    name = serializers.CharField()
    n_gaps = serializers.IntegerField()


class CandidateFactSerializer(FactSerializer):
    """A row of the file."""

    candidate = serializers.CharField(help_text="Slug of the candidate.")


class ScorecardRowSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    cells = FactSerializer(many=True, help_text="Facts in the order of the columns.")


class ScorecardComparisonSerializer(serializers.Serializer[Any]):
    on = serializers.DateField()
    columns = ScorecardColumnSerializer(many=True)
    rows = ScorecardRowSerializer(many=True)


class _ScorecardView(RegistryView):
    files = {"get": FileRows(FactSerializer, "facts")}

    def card_response(self, cards: list[Scorecard]) -> Response:
        if not cards:
            raise Http404
        return Response(ScorecardSerializer(cards[0]).data)


class FoundationScorecardView(_ScorecardView):
    @extend_schema(
        operation_id="foundation_scorecard",
        summary="Scorecard of a foundation",
        responses=ScorecardSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Facts with their source, and gaps. Facts from contracts require an organisation role.
        Applications are those that the caller can view."""
        ids = (
            Foundation.objects.visible_to(self.user).filter(slug=slug).values_list("pk", flat=True)
        )
        return self.card_response(
            foundation_scorecards(foundations=list(ids), user=self.user, on=today())
        )


class ProviderScorecardView(_ScorecardView):
    @extend_schema(
        operation_id="provider_scorecard",
        summary="Scorecard of a provider",
        responses=ScorecardSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Facts about the provider as developer and as host, with their source, and gaps."""
        ids = Provider.objects.visible_to(self.user).filter(slug=slug).values_list("pk", flat=True)
        return self.card_response(
            provider_scorecards(providers=list(ids), user=self.user, on=today())
        )


class ScorecardComparisonView(RegistryView):
    files = {"get": FileRows(CandidateFactSerializer, "facts")}

    @extend_schema(
        operation_id="scorecard_comparison",
        summary="Comparison of candidates",
        parameters=[
            OpenApiParameter(
                "foundation",
                str,
                many=True,
                description=f"Slug of a foundation, repeated for each; at most {MAX_CANDIDATES}.",
            ),
            OpenApiParameter(
                "provider",
                str,
                many=True,
                description="Slug of a provider, repeated for each; instead of foundations.",
            ),
        ],
        responses=ScorecardComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        """Facts as rows, candidates as columns in the requested order."""
        foundations = self._find_ids(Foundation, "foundation")
        providers = self._find_ids(Provider, "provider")
        if bool(foundations) == bool(providers):
            raise serializers.ValidationError(
                "Enter at least one foundation, or at least one provider."
            )
        if len(foundations) + len(providers) > MAX_CANDIDATES:
            raise serializers.ValidationError(
                f"At most {MAX_CANDIDATES} candidates can be compared. Enter fewer."
            )
        comparison = compare(
            user=self.user, on=today(), foundations=foundations, providers=providers
        )
        if self.is_file:
            cells = [
                (column.slug, cell)
                for row in comparison.rows
                for column, cell in zip(comparison.columns, row.cells, strict=True)
            ]
            return Response(
                {
                    "facts": [
                        {"candidate": slug, **FactSerializer(cell).data} for slug, cell in cells
                    ]
                }
            )
        return Response(
            ScorecardComparisonSerializer(
                {"on": today(), "columns": comparison.columns, "rows": comparison.rows}
            ).data
        )

    def _find_ids(self, model: type[Foundation] | type[Provider], name: str) -> list[int]:
        slugs = [*dict.fromkeys(self.request.query_params.getlist(name))][: MAX_CANDIDATES + 1]
        objects: Any = model._default_manager
        ids = dict(objects.visible_to(self.user).filter(slug__in=slugs).values_list("slug", "pk"))
        if unknown_slugs := [slug for slug in slugs if slug not in ids]:
            raise serializers.ValidationError(
                {name: f'No {name} "{unknown_slugs[0]}" found. Check the slug.'}
            )
        return [ids[slug] for slug in slugs]
