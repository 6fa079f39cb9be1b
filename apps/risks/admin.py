"""Risks in the admin: read-only for superusers."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.risks.models import (
    Assessment,
    AssessmentEvidence,
    Evidence,
    FoundationRisk,
    HandledEvent,
    Modifier,
    RiskEvidence,
    RiskTemplate,
    Taxonomy,
    TaxonomyEntry,
    TemplateMapping,
)


class ModifierInline(ReadOnlyInline[Modifier, RiskTemplate]):
    model = Modifier


class MappingInline(ReadOnlyInline[TemplateMapping, RiskTemplate]):
    model = TemplateMapping


@admin.register(Taxonomy)
class TaxonomyAdmin(ReadOnlyAdmin[Taxonomy]):
    list_display = ("name", "version", "licence", "coverage")


@admin.register(TaxonomyEntry)
class TaxonomyEntryAdmin(ReadOnlyAdmin[TaxonomyEntry]):
    list_display = ("code", "name", "taxonomy")
    list_select_related = ("taxonomy",)
    list_filter = ("taxonomy",)
    search_fields = ("code", "name")


@admin.register(RiskTemplate)
class RiskTemplateAdmin(ReadOnlyAdmin[RiskTemplate]):
    list_display = ("code", "title", "layer", "usual_likelihood", "usual_impact", "built_in")
    list_filter = ("layer", "built_in")
    search_fields = ("code", "title")
    inlines = (ModifierInline, MappingInline)


class RiskEvidenceInline(ReadOnlyInline[RiskEvidence, FoundationRisk]):
    model = RiskEvidence
    fields = ("evidence",)


@admin.register(FoundationRisk)
class FoundationRiskAdmin(ReadOnlyAdmin[FoundationRisk]):
    list_display = (
        "__str__",
        "node",
        "inherent",
        "confidence",
        "rule",
        "opened_at",
        "closed_at",
        "dismissed_at",
    )
    list_select_related = ("node", "template")
    list_filter = ("rule", "template__layer")
    search_fields = ("title", "template__code", "template__title", "facts")
    inlines = (RiskEvidenceInline,)


class AssessmentEvidenceInline(ReadOnlyInline[AssessmentEvidence, Assessment]):
    model = AssessmentEvidence
    fields = ("evidence",)


@admin.register(Assessment)
class AssessmentAdmin(ReadOnlyAdmin[Assessment]):
    list_display = (
        "risk",
        "dependency",
        "state",
        "treatment",
        "inherent",
        "residual",
        "owner",
        "due_on",
    )
    list_select_related = ("risk__template", "dependency__application", "owner")
    list_filter = ("state", "treatment", "stale_cause")
    search_fields = ("dependency__application__name", "risk__title", "risk__template__code")
    inlines = (AssessmentEvidenceInline,)


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin[Evidence]):
    list_display = (
        "kind",
        "tool",
        "application",
        "version",
        "offering",
        "metric",
        "passed",
        "run_on",
        "expires_on",
    )
    list_select_related = ("application", "version", "offering__host")
    list_filter = ("kind", "passed", "evaluator")
    search_fields = ("tool", "metric", "dataset", "application__name")


@admin.register(HandledEvent)
class HandledEventAdmin(ReadOnlyAdmin[HandledEvent]):
    list_display = ("event", "handled_at", "n_assessments")
    list_select_related = ("event",)
