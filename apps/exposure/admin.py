"""The organisation's lines are set here; flags are read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin import OfficeAdmin, ReadOnlyAdmin
from apps.exposure.models import ExposureFlag, Tolerance


@admin.register(Tolerance)
class ToleranceAdmin(OfficeAdmin[Tolerance]):
    list_display = ("layer", "max_critical_share", "enabled", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A line with flags stays on record; switch it off instead."""
        return False


@admin.register(ExposureFlag)
class ExposureFlagAdmin(ReadOnlyAdmin[ExposureFlag]):
    list_display = ("tolerance", "node", "state", "value", "limit", "opened_at", "resolved_at")
    list_select_related = ("tolerance", "node")
    list_filter = ("state", "tolerance")
