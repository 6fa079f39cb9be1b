"""Risk templates, with mitigating and aggravating factors and taxonomy mappings."""

from typing import Any

import django_filters
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef
from django.db.models.functions import JSONObject
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers

from apps.api.framework.record_views import RecordViewSet, record_schema
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
from apps.risks.records import ModifierRecord, RiskTemplateRecord, TemplateMappingRecord


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


@extend_schema_view(**record_schema(RiskTemplateRecord, RiskTemplateSerializer))
class RiskTemplateViewSet(RecordViewSet[RiskTemplate]):
    """Risk templates: kinds of risk that dependencies inherit from foundations, with mitigating and
    aggravating factors and taxonomy mappings."""

    model = RiskTemplate
    record = RiskTemplateRecord()
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


class RiskModifierFilter(django_filters.FilterSet):  # type: ignore[misc]
    template = django_filters.CharFilter(field_name="template__code", label="Template (code)")

    class Meta:
        model = Modifier
        fields: list[str] = []


class RiskModifierSerializer(serializers.ModelSerializer[Modifier]):
    template = serializers.CharField(
        source="template.code", read_only=True, help_text="Code of the risk template."
    )

    class Meta:
        model = Modifier
        fields = ["id", "template", "adaptation", "likelihood", "impact", "rationale"]
        read_only_fields = fields


@extend_schema_view(**record_schema(ModifierRecord, RiskModifierSerializer))
class RiskModifierViewSet(RecordViewSet[Modifier]):
    """Modifiers: the effect of adaptations on the risks of a template, in steps."""

    model = Modifier
    record = ModifierRecord()
    serializer_class = RiskModifierSerializer
    filterset_class = RiskModifierFilter


class RiskMappingFilter(django_filters.FilterSet):  # type: ignore[misc]
    template = django_filters.CharFilter(field_name="template__code", label="Template (code)")
    taxonomy = django_filters.CharFilter(
        field_name="entry__taxonomy__slug", label="Taxonomy (slug)"
    )

    class Meta:
        model = TemplateMapping
        fields: list[str] = []


class RiskMappingSerializer(serializers.ModelSerializer[TemplateMapping]):
    template = serializers.CharField(
        source="template.code", read_only=True, help_text="Code of the risk template."
    )
    entry = serializers.IntegerField(
        source="entry_id", read_only=True, help_text="ID of the entry of the taxonomy."
    )
    taxonomy = serializers.CharField(source="entry.taxonomy.slug", read_only=True)
    code = serializers.CharField(
        source="entry.code", read_only=True, help_text="Code of the entry."
    )

    class Meta:
        model = TemplateMapping
        fields = [
            "id",
            "template",
            "entry",
            "taxonomy",
            "code",
            "predicate",
            "justification",
            "author",
        ]
        read_only_fields = fields


@extend_schema_view(**record_schema(TemplateMappingRecord, RiskMappingSerializer))
class RiskMappingViewSet(RecordViewSet[TemplateMapping]):
    """Mappings of risk templates to entries of public taxonomies."""

    model = TemplateMapping
    record = TemplateMappingRecord()
    serializer_class = RiskMappingSerializer
    filterset_class = RiskMappingFilter
