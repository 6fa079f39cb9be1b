"""Applications and dependencies, for the offices; teams work on the pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin import OfficeAdmin
from apps.inventory.models import Application, Dependency


@admin.register(Application)
class ApplicationAdmin(OfficeAdmin[Application]):
    list_display = ("name", "team", "criticality", "status", "next_review_on")
    list_select_related = ("team",)
    list_filter = ("status", "criticality")
    search_fields = ("name", "slug")
    autocomplete_fields = ("team",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An application is retired, so that its history stays."""
        return False


@admin.register(Dependency)
class DependencyAdmin(OfficeAdmin[Dependency]):
    list_display = ("application", "role", "offering", "since", "until", "known")
    list_select_related = ("application", "offering__host")
    list_filter = ("role", "known", "reached")
    search_fields = ("application__name", "offering__api_id")
    autocomplete_fields = ("application", "offering", "via_party")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A dependency ends, so that its history stays."""
        return False
