"""Rates and losses are set here; what-ifs, simulated losses and the days that were written down are
read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin
from apps.exposure.models import (
    BaseLoss,
    ConcentrationSnapshot,
    Cut,
    EventRate,
    LossRun,
    Scenario,
    ScenarioRun,
)


@admin.register(EventRate)
class EventRateAdmin(OrganisationRoleAdmin[EventRate]):
    """A figure of the organisation's own takes the place of an assumption; switch a rate off rather
    than delete it."""

    list_display = (
        "kind",
        "node_kind",
        "node",
        "rate",
        "low",
        "high",
        "once",
        "assumption",
        "enabled",
    )
    list_select_related = ("node",)
    list_filter = ("kind", "assumption", "enabled")
    raw_id_fields = ("node",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BaseLoss)
class BaseLossAdmin(OrganisationRoleAdmin[BaseLoss]):
    list_display = ("kind", "criticality", "amount", "chance", "placeholder")
    list_filter = ("kind", "placeholder")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Every kind has a loss for every criticality; 0 says that it costs nothing."""
        return False

    def save_model(self, request: HttpRequest, obj: BaseLoss, form: Any, change: bool) -> None:
        """Save the figure; a figure set by a user is no longer a placeholder."""
        if {"amount", "chance"} & set(form.changed_data):
            obj.placeholder = False
        super().save_model(request, obj, form, change)


@admin.register(Scenario)
class ScenarioAdmin(ReadOnlyAdmin[Scenario]):
    list_display = ("name", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("name",)


@admin.register(ScenarioRun)
class ScenarioRunAdmin(ReadOnlyAdmin[ScenarioRun]):
    list_display = ("scenario", "state", "as_of", "whole_organisation", "asked_by", "queued_at")
    list_select_related = ("scenario", "asked_by")
    list_filter = ("state",)


@admin.register(LossRun)
class LossRunAdmin(ReadOnlyAdmin[LossRun]):
    list_display = ("queued_at", "state", "as_of", "years", "seed", "asked_by")
    list_select_related = ("asked_by",)
    list_filter = ("state",)


@admin.register(ConcentrationSnapshot)
class ConcentrationSnapshotAdmin(ReadOnlyAdmin[ConcentrationSnapshot]):
    list_display = ("day", "layer", "basis", "hhi", "cr1", "n_applications")
    list_filter = ("layer", "basis")
    date_hierarchy = "day"


@admin.register(Cut)
class CutAdmin(ReadOnlyAdmin[Cut]):
    list_display = ("node_ids", "share", "as_of")
