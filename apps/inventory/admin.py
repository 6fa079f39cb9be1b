"""Admin of applications, dependencies and exits for organisation roles; teams work on the pages.

Inconsistent data is saved: after each save the findings of the application are shown as warnings.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.accounts.admin import OrganisationRoleAdmin, ReasonForm, signed_in_user
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.actions.applications import retire_application
from apps.inventory.actions.checks import ChangeConflictError
from apps.inventory.actions.dependencies import confirm_dependency, overlapping_dependencies
from apps.inventory.findings import Severity, findings_about, findings_of_application
from apps.inventory.governance.admin import (
    AnnexItemAdmin,
    ApprovalAdmin,
    ContractAdmin,
    SelectionAdmin,
)
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest

_LEVELS = {
    Severity.ALARM: messages.ERROR,
    Severity.WARNING: messages.WARNING,
    Severity.NOTE: messages.INFO,
}


class InventoryAdmin[M: Model](OrganisationRoleAdmin[M]):
    """Shows what the person may see, and after a save the findings about it."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        manager: Any = self.model._default_manager
        queryset: QuerySet[Any] = manager.visible_to(request.user).order_by(
            *self.get_ordering(request)
        )
        return queryset

    def concerned(self, obj: Any) -> tuple[Application, int | None]:
        """(the application to look at, the dependency that was saved or None)."""
        raise NotImplementedError

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        application, dependency_id = self.concerned(form.instance)
        findings = findings_of_application(application=application, on=day_of(now()))
        for finding in (
            findings if dependency_id is None else findings_about(findings, dependency_id)
        ):
            self.message_user(request, finding.sentence, _LEVELS[finding.severity])


@admin.register(Application)
class ApplicationAdmin(InventoryAdmin[Application]):
    list_display = ("name", "team", "criticality", "status", "next_review_on")
    list_select_related = ("team",)
    list_filter = ("status", "criticality", "ai_act_class", "data_classification")
    search_fields = ("name", "slug")
    autocomplete_fields = ("team",)
    readonly_fields = ("merged_into",)
    actions = ("retire",)

    def concerned(self, obj: Application) -> tuple[Application, int | None]:
        return obj, None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An application is retired, so that its history stays."""
        return False

    @admin.action(
        description="Retire selected applications and end their dependencies",
        permissions=["change"],
    )
    def retire(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        today = day_of(now())
        for application in queryset:
            retire_application(
                application=application,
                on=today,
                by=signed_in_user(request),
                reason="retired in the admin",
            )
        self.message_user(request, "The dependencies end today.", messages.SUCCESS)


class DependencyForm(ReasonForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        row = self.instance
        names = ("application", "offering", "role", "since")
        if not any(name in self.errors for name in (*names, "until", "via_party")):
            for name in (*names, "until", "via_party"):
                setattr(row, name, cleaned.get(name, getattr(row, name)))
            if overlapping_dependencies(row).exists():
                raise ValidationError(
                    "This dependency is already declared for that period. Edit or end it."
                )
        return cleaned


class AdaptationInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Adaptation
    extra = 0
    fields = ("kind", "name", "artefact_ref", "moves", "invested_days", "invested_cost")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_governance", False))

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


@admin.register(Dependency)
class DependencyAdmin(InventoryAdmin[Dependency]):
    form = DependencyForm
    list_display = ("application", "role", "offering", "since", "until", "known", "confirmed_on")
    list_select_related = ("application", "offering__host")
    list_filter = ("role", "known", "reached", "binding")
    search_fields = ("application__name", "offering__api_id")
    autocomplete_fields = ("application", "offering", "via_party")
    inlines = (AdaptationInline,)
    actions = ("confirm",)

    def concerned(self, obj: Dependency) -> tuple[Application, int | None]:
        return obj.application, obj.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A dependency ends, so that its history stays."""
        return False

    @admin.action(
        description="Confirm that the selected dependencies are used", permissions=["change"]
    )
    def confirm(self, request: HttpRequest, queryset: QuerySet[Dependency]) -> None:
        today, n_confirmed = day_of(now()), 0
        for dependency in queryset:
            try:
                confirm_dependency(
                    dependency=dependency,
                    on=today,
                    by=signed_in_user(request),
                    reason="confirmed in the admin",
                )
                n_confirmed += 1
            except ChangeConflictError as refusal:
                self.message_user(request, f"{dependency}: {refusal}", messages.WARNING)
        self.message_user(
            request,
            pluralize(
                n_confirmed, "1 dependency confirmed.", f"{n_confirmed} dependencies confirmed."
            ),
            messages.SUCCESS,
        )


class TargetForm(ReasonForm):
    def clean_target(self) -> Any:
        target, dependency = self.cleaned_data.get("target"), self.cleaned_data.get("dependency")
        if target is not None and dependency is not None and target.pk == dependency.offering_id:
            raise ValidationError(
                "The target is the offering in use today. Choose the offering to migrate to."
            )
        return target


class OfDependencyAdmin[M: Model](InventoryAdmin[M]):
    search_fields = ("dependency__application__name", "dependency__offering__api_id")

    def concerned(self, obj: Any) -> tuple[Application, int | None]:
        return obj.dependency.application, obj.dependency_id


@admin.register(Adaptation)
class AdaptationAdmin(OfDependencyAdmin[Adaptation]):
    list_display = ("__str__", "dependency", "kind", "moves", "invested_days", "invested_cost")
    list_select_related = ("dependency__application",)
    list_filter = ("kind", "moves")
    autocomplete_fields = ("dependency",)


class ExitPlanForm(TargetForm):
    # the plan has a column of that name; the history's reason stands beside it
    reason = forms.ChoiceField(  # type: ignore[assignment]
        choices=[("", "---------"), *ExitPlan.Reason.choices],
        required=False,
        help_text="Reason why the service is hard to substitute.",
    )
    history_reason = forms.CharField(
        required=False, max_length=500, help_text="Reason for the change, shown in the history."
    )


@admin.register(ExitPlan)
class ExitPlanAdmin(OfDependencyAdmin[ExitPlan]):
    form = ExitPlanForm
    list_display = ("dependency", "target", "substitutability", "estimated_days", "next_test_on")
    list_select_related = ("dependency__application", "target__host")
    list_filter = ("substitutability",)
    autocomplete_fields = ("dependency", "target")

    def audit_context(
        self, request: HttpRequest, form: Any = None, otherwise: str = "changed in the admin"
    ) -> Any:
        entered_reason = form.cleaned_data.get("history_reason", "") if form is not None else ""
        return super().audit_context(request, None, entered_reason or otherwise)


@admin.register(ExitTest)
class ExitTestAdmin(OfDependencyAdmin[ExitTest]):
    form = TargetForm
    list_display = ("dependency", "target", "tested_on", "result", "effort_days", "expires_on")
    list_select_related = ("dependency__application", "target__host")
    list_filter = ("result",)
    autocomplete_fields = ("dependency", "target", "tested_version")
    readonly_fields = ("recorded_by",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A test is corrected and expires; it is not taken away."""
        return False

    def save_model(self, request: HttpRequest, obj: ExitTest, form: Any, change: bool) -> None:
        if not change:
            obj.recorded_by = signed_in_user(request)
        super().save_model(request, obj, form, change)


__all__ = [
    "AdaptationAdmin",
    "AnnexItemAdmin",
    "ApplicationAdmin",
    "ApprovalAdmin",
    "ContractAdmin",
    "DependencyAdmin",
    "ExitPlanAdmin",
    "ExitTestAdmin",
    "SelectionAdmin",
]
