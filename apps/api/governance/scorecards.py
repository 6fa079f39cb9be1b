"""Facts about providers and foundations, alone and side by side. No grade, no total, no ranking."""

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
        allow_null=True, help_text="Number, text, boolean or list; null in a gap."
    )
    unit = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    source_url = serializers.CharField(allow_blank=True)
    as_of = serializers.DateField(allow_null=True)
    gap = serializers.BooleanField(help_text="Nobody knows, or nobody has looked.")
    why_gap = serializers.CharField(allow_blank=True)


class ScorecardSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="provider or foundation.")
    slug = serializers.CharField()
    name = serializers.CharField()
    on = serializers.DateField()
    whole_organisation = serializers.BooleanField(
        help_text="False: own applications are those you may see."
    )
    n_gaps = serializers.IntegerField()
    facts = FactSerializer(many=True)


class ScorecardColumnSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="provider or foundation.")
    slug = serializers.CharField()
    name = serializers.CharField()
    n_gaps = serializers.IntegerField()


class CandidateFactSerializer(FactSerializer):
    """A line of the file."""

    candidate = serializers.CharField(help_text="Slug.")


class ScorecardRowSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    cells = FactSerializer(many=True, help_text="In the order of the columns.")


class ScorecardComparisonSerializer(serializers.Serializer[Any]):
    on = serializers.DateField()
    columns = ScorecardColumnSerializer(many=True)
    rows = ScorecardRowSerializer(many=True)


class _ScorecardView(RegistryView):
    files = {"get": FileRows(FactSerializer, "facts")}

    def one(self, cards: list[Scorecard]) -> Response:
        if not cards:
            raise Http404
        return Response(ScorecardSerializer(cards[0]).data)


class FoundationScorecardView(_ScorecardView):
    @extend_schema(
        operation_id="foundation_scorecard",
        summary="What is known of a foundation",
        responses=ScorecardSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Facts with source and gaps. What contracts say is for the offices; own applications are
        those the caller may see."""
        ids = (
            Foundation.objects.visible_to(self.user).filter(slug=slug).values_list("pk", flat=True)
        )
        return self.one(foundation_scorecards(foundations=list(ids), user=self.user, on=today()))


class ProviderScorecardView(_ScorecardView):
    @extend_schema(
        operation_id="provider_scorecard",
        summary="What is known of a provider",
        responses=ScorecardSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """As developer and as host."""
        ids = Provider.objects.visible_to(self.user).filter(slug=slug).values_list("pk", flat=True)
        return self.one(provider_scorecards(providers=list(ids), user=self.user, on=today()))


class ScorecardComparisonView(RegistryView):
    files = {"get": FileRows(CandidateFactSerializer, "facts")}

    @extend_schema(
        operation_id="scorecard_comparison",
        summary="Candidates side by side",
        parameters=[
            OpenApiParameter(
                "foundation",
                str,
                many=True,
                description=f"Slug, once for each; at most {MAX_CANDIDATES}.",
            ),
            OpenApiParameter(
                "provider",
                str,
                many=True,
                description="Slug, once for each; instead of foundations.",
            ),
        ],
        responses=ScorecardComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        """Rows of facts, columns of candidates in the order asked for."""
        foundations = self._ids(Foundation, "foundation")
        providers = self._ids(Provider, "provider")
        if bool(foundations) == bool(providers):
            raise serializers.ValidationError(
                "Name foundations, or providers: at least one of one kind."
            )
        if len(foundations) + len(providers) > MAX_CANDIDATES:
            raise serializers.ValidationError(
                f"At most {MAX_CANDIDATES} are compared side by side. Name fewer."
            )
        found = compare(user=self.user, on=today(), foundations=foundations, providers=providers)
        if self.is_file:
            cells = [
                (column.slug, cell)
                for row in found.rows
                for column, cell in zip(found.columns, row.cells, strict=True)
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
                {"on": today(), "columns": found.columns, "rows": found.rows}
            ).data
        )

    def _ids(self, model: type[Foundation] | type[Provider], name: str) -> list[int]:
        slugs = [*dict.fromkeys(self.request.query_params.getlist(name))][: MAX_CANDIDATES + 1]
        objects: Any = model._default_manager
        ids = dict(objects.visible_to(self.user).filter(slug__in=slugs).values_list("slug", "pk"))
        if missing := [slug for slug in slugs if slug not in ids]:
            raise serializers.ValidationError({name: f"There is no {name} '{missing[0]}'."})
        return [ids[slug] for slug in slugs]
