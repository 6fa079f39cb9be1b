"""The Django admin: a read-only view of stored records for superusers.

Changes are made on pages, by REST and by commands.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.accounts.models import ApiToken, Membership, Team, User


class ReadOnlyAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """Admin of records that superusers only view. The site makes every admin read-only
    (admin_site.py)."""

    show_full_result_count = False
    # disables the deletion of selected rows
    actions: Any = None


class ReadOnlyInline[Child: Model, Parent: Model](admin.TabularInline):  # type: ignore[type-arg]
    """Rows shown with their parent record."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True: who may view the record may view its rows."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(ReadOnlyInline[Membership, Team]):
    model = Membership


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin[Team]):
    list_display = ("name", "slug", "parent", "email")
    list_select_related = ("parent",)
    search_fields = ("name", "slug")
    inlines = (MembershipInline,)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin[User]):
    list_display = ("username", "email", "organisation_role", "is_active", "last_login")
    list_filter = ("organisation_role", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    # excludes the password hash, and Django's own permissions, which the registry does not use
    exclude = ("password", "groups", "user_permissions")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin[ApiToken]):
    list_display = (
        "name",
        "prefix",
        "user",
        "team",
        "scopes",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_select_related = ("user", "team")
    list_filter = ("revoked_at",)
    search_fields = ("name", "prefix", "user__username")
    # all fields except the digests
    fields = (
        "user",
        "name",
        "prefix",
        "scopes",
        "team",
        "per_minute",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
        "old_until",
        "old_last_used_at",
    )
