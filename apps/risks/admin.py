"""Admin of risks for organisation roles: own templates and risks can be edited, built-in ones and
those of rules are read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin, signed_in_user
from apps.common.time import now
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


class OrganisationRoleInline[Child: Model, Parent: Model](admin.TabularInline):  # type: ignore[type-arg]
    """Read with the row it belongs to; changed by governance where that row may be changed."""

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


class ModifierInline(OrganisationRoleInline[Modifier, RiskTemplate]):
    model = Modifier


class MappingInline(OrganisationRoleInline[TemplateMapping, RiskTemplate]):
    model = TemplateMapping
    autocomplete_fields = ("entry",)


@admin.register(Taxonomy)
class TaxonomyAdmin(ReadOnlyAdmin[Taxonomy]):
    list_display = ("name", "version", "licence", "holds")


@admin.register(TaxonomyEntry)
class TaxonomyEntryAdmin(ReadOnlyAdmin[TaxonomyEntry]):
    list_display = ("code", "name", "taxonomy")
    list_select_related = ("taxonomy",)
    list_filter = ("taxonomy",)
    search_fields = ("code", "name")


@admin.register(RiskTemplate)
class RiskTemplateAdmin(OrganisationRoleAdmin[RiskTemplate]):
    """A template of the release is read; make an own one to say it differently."""

    list_display = ("code", "title", "layer", "usual_likelihood", "usual_impact", "built_in")
    list_filter = ("layer", "built_in")
    search_fields = ("code", "title")
    inlines = (ModifierInline, MappingInline)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request) and not (obj is not None and obj.built_in)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request) and obj is not None and not obj.built_in


class RiskEvidenceInline(OrganisationRoleInline[RiskEvidence, FoundationRisk]):
    model = RiskEvidence
    raw_id_fields = ("evidence",)


@admin.register(FoundationRisk)
class FoundationRiskAdmin(OrganisationRoleAdmin[FoundationRisk]):
    """Levels, owner and words are edited here; closing and dismissing are actions with a reason of
    their own."""

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
    autocomplete_fields = ("template", "owner")
    raw_id_fields = ("node",)
    readonly_fields = (
        "inherent",
        "rule",
        "opened_at",
        "changed_at",
        "closed_at",
        "closed_reason",
        "dismissed_at",
        "dismissed_by",
        "dismissed_reason",
    )
    inlines = (RiskEvidenceInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a rule states is the rule's."""
        ruled = (
            ("template", "node", "title", "facts", "source_url")
            if obj is not None and obj.rule
            else ()
        )
        return (*self.readonly_fields, *ruled)

    def save_model(
        self, request: HttpRequest, obj: FoundationRisk, form: Any, change: bool
    ) -> None:
        if not change:
            obj.opened_at = obj.changed_at = now()
        elif {"likelihood", "impact"} & set(form.changed_data):
            obj.changed_at = now()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A risk is closed or dismissed, so that its history stays."""
        return False


class AssessmentEvidenceInline(OrganisationRoleInline[AssessmentEvidence, Assessment]):
    model = AssessmentEvidence
    raw_id_fields = ("evidence",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Assessment)
class AssessmentAdmin(ReadOnlyAdmin[Assessment]):
    """Decided by the teams, on the pages and in the API, where the version that was read is
    checked."""

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
class EvidenceAdmin(OrganisationRoleAdmin[Evidence]):
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
    autocomplete_fields = ("application", "version", "offering", "template")
    exclude = ("recorded_by", "recorded_at")

    def save_model(self, request: HttpRequest, obj: Evidence, form: Any, change: bool) -> None:
        if not change:
            obj.recorded_at, obj.recorded_by = now(), signed_in_user(request)
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A result stays as it was recorded; a new result is a new row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(HandledEvent)
class HandledEventAdmin(ReadOnlyAdmin[HandledEvent]):
    list_display = ("event", "handled_at", "n_assessments")
    list_select_related = ("event",)
