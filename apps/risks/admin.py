"""Risks in the admin: the organisation's own templates can be edited, everything else is
read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin, ReadOnlyInline
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


class TemplateInline[Child: Model](admin.TabularInline):  # type: ignore[type-arg]
    """Records of a risk template, which governance can edit unless the template is built in."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_governance", False)) and not getattr(
            obj, "built_in", False
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    has_delete_permission = has_change_permission


class ModifierInline(TemplateInline[Modifier]):
    model = Modifier


class MappingInline(TemplateInline[TemplateMapping]):
    model = TemplateMapping
    autocomplete_fields = ("entry",)


@admin.register(Taxonomy)
class TaxonomyAdmin(ReadOnlyAdmin[Taxonomy]):
    list_display = ("name", "version", "licence", "coverage")


@admin.register(TaxonomyEntry)
class TaxonomyEntryAdmin(OrganisationRoleAdmin[TaxonomyEntry]):
    """Taxonomy entries, readable for all organisation roles, since the editor of risk templates
    searches them."""

    list_display = ("code", "name", "taxonomy")
    list_select_related = ("taxonomy",)
    list_filter = ("taxonomy",)
    search_fields = ("code", "name")

    def may_change(self, request: HttpRequest) -> bool:
        return False


@admin.register(RiskTemplate)
class RiskTemplateAdmin(OrganisationRoleAdmin[RiskTemplate]):
    """Risk templates; a built-in one is read-only, but can be replaced by a template of your
    own."""

    list_display = ("code", "title", "layer", "usual_likelihood", "usual_impact", "built_in")
    list_filter = ("layer", "built_in")
    search_fields = ("code", "title")
    inlines = (ModifierInline, MappingInline)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request) and not (obj is not None and obj.built_in)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request) and obj is not None and not obj.built_in


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
