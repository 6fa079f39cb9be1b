"""Risk templates, with mitigating and aggravating factors and taxonomy mappings."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef
from django.db.models.functions import JSONObject
from rest_framework import serializers

from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.inventory.models import Adaptation
from apps.risks.filters import (
    RiskTemplateFilter,
)
from apps.risks.models import (
    Modifier,
    RiskTemplate,
    TemplateMapping,
)


class ModifierSerializer(serializers.Serializer[Any]):
    adaptation = serializers.ChoiceField(choices=Adaptation.Kind.choices)
    likelihood = serializers.IntegerField(help_text="Change of the likelihood, in levels.")
    impact = serializers.IntegerField(help_text="Change of the impact, in levels.")
    why = serializers.CharField()


class TaxonomyMappingSerializer(serializers.Serializer[Any]):
    predicate = serializers.ChoiceField(
        choices=TemplateMapping.Match.choices,
        help_text="Predicate of SSSOM; broadMatch: the entry is broader.",
    )
    taxonomy = serializers.CharField(help_text="Slug of the taxonomy.")
    entry = serializers.CharField(help_text="Code of the entry.")
    name = serializers.CharField()
    justification = serializers.CharField()
    author = serializers.CharField()


class RiskTemplateSerializer(serializers.ModelSerializer[RiskTemplate]):
    stale_by = serializers.ListField(child=serializers.CharField(), read_only=True)
    suggested_tests = serializers.ListField(child=serializers.CharField(), read_only=True)
    suggested_treatments = serializers.ListField(child=serializers.CharField(), read_only=True)
    sources = serializers.ListField(child=serializers.CharField(), read_only=True)
    modifiers = ModifierSerializer(many=True, read_only=True, source="modifiers_json")
    mappings = TaxonomyMappingSerializer(many=True, read_only=True, source="mappings_json")

    class Meta:
        model = RiskTemplate
        fields = [
            "id",
            "code",
            "title",
            "description",
            "layer",
            "inherits_by_default",
            "applies_when",
            "usual_likelihood",
            "usual_impact",
            "stale_by",
            "suggested_tests",
            "suggested_treatments",
            "sources",
            "built_in",
            "modifiers",
            "mappings",
        ]
        read_only_fields = fields


class RiskTemplateViewSet(ReadViewSet[RiskTemplate]):
    """Risk templates: kinds of risk that dependencies inherit from foundations, with mitigating and
    aggravating factors and taxonomy mappings."""

    model = RiskTemplate
    serializer_class = RiskTemplateSerializer
    filterset_class = RiskTemplateFilter
    orders = {"code": Keyset(("code",)), "-code": Keyset(("-code",))}
    annotations = {
        "modifiers_json": ArraySubquery(
            Modifier.objects.filter(template=OuterRef("pk"))
            .order_by("adaptation")
            .values(
                data=JSONObject(
                    adaptation=F("adaptation"),
                    likelihood=F("likelihood"),
                    impact=F("impact"),
                    why=F("rationale"),
                )
            )
        ),
        "mappings_json": ArraySubquery(
            TemplateMapping.objects.filter(template=OuterRef("pk"))
            .order_by("entry__taxonomy__slug", "entry__code")
            .values(
                data=JSONObject(
                    predicate=F("predicate"),
                    taxonomy=F("entry__taxonomy__slug"),
                    entry=F("entry__code"),
                    name=F("entry__name"),
                    justification=F("justification"),
                    author=F("author"),
                )
            )
        ),
    }
