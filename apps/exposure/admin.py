"""Exposure in the admin: read-only for superusers."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.exposure.models import (
    BaseLoss,
    Campaign,
    CampaignTask,
    ConcentrationSnapshot,
    EventRate,
    ExposureFlag,
    ExposureSettings,
    FlagEvent,
    LossRun,
    MinimalCutSet,
    Policy,
    Scenario,
    ScenarioRun,
    TaskStep,
)


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin[Policy]):
    list_display = ("name", "measure", "tolerance", "enabled", "updated_at")
    list_filter = ("enabled", "measure")
    search_fields = ("slug", "name")


class FlagEventInline(ReadOnlyInline[FlagEvent, ExposureFlag]):
    model = FlagEvent
    fields = ("at", "kind", "value", "by", "reason")


@admin.register(ExposureFlag)
class ExposureFlagAdmin(ReadOnlyAdmin[ExposureFlag]):
    list_display = (
        "policy",
        "node",
        "state",
        "value",
        "limit",
        "n_applications",
        "opened_at",
        "resolved_at",
    )
    list_select_related = ("policy", "node")
    list_filter = ("state", "policy")
    inlines = (FlagEventInline,)


@admin.register(ExposureSettings)
class ExposureSettingsAdmin(ReadOnlyAdmin[ExposureSettings]):
    list_display = ("__str__", "horizon_days", "test_validity_days", "cut_threshold", "updated_at")


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin[Campaign]):
    list_display = ("title", "subject", "state", "due_on", "opened_at")
    list_select_related = ("subject__host",)
    list_filter = ("state",)
    search_fields = ("title", "subject__api_id")


class TaskStepInline(ReadOnlyInline[TaskStep, CampaignTask]):
    model = TaskStep
    fields = ("place", "title", "required", "done_on", "done_by", "note")


@admin.register(CampaignTask)
class CampaignTaskAdmin(ReadOnlyAdmin[CampaignTask]):
    list_display = (
        "campaign",
        "dependency",
        "owner",
        "state",
        "start_by",
        "finish_by",
        "waived_until",
    )
    list_select_related = ("campaign", "dependency__application", "owner")
    list_filter = ("state",)
    search_fields = ("campaign__title", "dependency__application__name")
    inlines = (TaskStepInline,)


@admin.register(EventRate)
class EventRateAdmin(ReadOnlyAdmin[EventRate]):
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


@admin.register(BaseLoss)
class BaseLossAdmin(ReadOnlyAdmin[BaseLoss]):
    list_display = ("kind", "criticality", "amount", "chance", "placeholder")
    list_filter = ("kind", "placeholder")


@admin.register(Scenario)
class ScenarioAdmin(ReadOnlyAdmin[Scenario]):
    list_display = ("name", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("name",)


@admin.register(ScenarioRun)
class ScenarioRunAdmin(ReadOnlyAdmin[ScenarioRun]):
    list_display = ("scenario", "state", "as_of", "whole_organisation", "requested_by", "queued_at")
    list_select_related = ("scenario", "requested_by")
    list_filter = ("state",)


@admin.register(LossRun)
class LossRunAdmin(ReadOnlyAdmin[LossRun]):
    list_display = ("queued_at", "state", "as_of", "years", "seed", "requested_by")
    list_select_related = ("requested_by",)
    list_filter = ("state",)


@admin.register(ConcentrationSnapshot)
class ConcentrationSnapshotAdmin(ReadOnlyAdmin[ConcentrationSnapshot]):
    list_display = ("day", "layer", "basis", "hhi", "cr1", "n_applications")
    list_filter = ("layer", "basis")
    date_hierarchy = "day"


@admin.register(MinimalCutSet)
class MinimalCutSetAdmin(ReadOnlyAdmin[MinimalCutSet]):
    list_display = ("node_ids", "share", "as_of")
