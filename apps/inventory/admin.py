"""Applications, dependencies and exits in the admin for superusers."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.inventory.governance import admin as governance_admin
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest

# Django imports only this module for registrations
__all__ = ["governance_admin"]


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin[Application]):
    list_display = ("name", "team", "criticality", "status", "next_review_on")
    list_select_related = ("team",)
    list_filter = ("status", "criticality", "ai_act_class", "data_classification")
    search_fields = ("name", "slug")


class AdaptationInline(ReadOnlyInline[Adaptation, Dependency]):
    model = Adaptation
    fields = ("kind", "name", "artefact_ref", "moves", "invested_days", "invested_cost")


@admin.register(Dependency)
class DependencyAdmin(ReadOnlyAdmin[Dependency]):
    list_display = ("application", "role", "offering", "since", "until", "origin", "confirmed_on")
    list_select_related = ("application", "offering__host")
    list_filter = ("role", "origin", "reached", "binding")
    search_fields = ("application__name", "offering__api_id")
    inlines = (AdaptationInline,)


@admin.register(Adaptation)
class AdaptationAdmin(ReadOnlyAdmin[Adaptation]):
    list_display = ("__str__", "dependency", "kind", "moves", "invested_days", "invested_cost")
    list_select_related = ("dependency__application",)
    list_filter = ("kind", "moves")
    search_fields = ("dependency__application__name", "dependency__offering__api_id")


@admin.register(ExitPlan)
class ExitPlanAdmin(ReadOnlyAdmin[ExitPlan]):
    list_display = ("dependency", "target", "substitutability", "estimated_days", "next_test_on")
    list_select_related = ("dependency__application", "target__host")
    list_filter = ("substitutability",)
    search_fields = ("dependency__application__name", "dependency__offering__api_id")


@admin.register(ExitTest)
class ExitTestAdmin(ReadOnlyAdmin[ExitTest]):
    list_display = ("dependency", "target", "tested_on", "result", "effort_days", "expires_on")
    list_select_related = ("dependency__application", "target__host")
    list_filter = ("result",)
    search_fields = ("dependency__application__name", "dependency__offering__api_id")
