"""The Django admin: a read-only view of stored records for superusers.

Changes are made on pages, by REST and by commands. Records without a page (versions, derivations,
aliases, regions, prices, notice policies, risk templates and the like) are edited here: their admin
derives from OrganisationRoleAdmin instead of ReadOnlyAdmin. Changes made here enter the history
with the user and the reason given in the form.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.accounts.models import ApiToken, Membership, Team, User
from apps.common.history.context import audit_context


def may_enter(request: HttpRequest) -> bool:
    """Return whether the user has an organisation role, or `is_staff` without one."""
    user = request.user
    return bool(user.is_active and (user.is_staff or getattr(user, "can_read_all", False)))


# an organisation role is sufficient, so that is_staff need not be synchronised with it
admin.site.has_permission = may_enter  # type: ignore[method-assign]


def signed_in_user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


class ReasonForm(forms.ModelForm):  # type: ignore[type-arg]
    """Adds a field for the reason that is stored in the history."""

    reason = forms.CharField(
        required=False, max_length=500, help_text="For the history: why, and where it is written."
    )


class OrganisationRoleAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """Admin of records without a page: changed by governance, viewed by all organisation roles."""

    form: Any = ReasonForm
    show_full_result_count = False
    save_on_top = True

    def may_read(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def may_change(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_governance", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may_read(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_read(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request)

    def audit_context(
        self, request: HttpRequest, form: Any = None, otherwise: str = "changed in the admin"
    ) -> Any:
        reason = (form.cleaned_data.get("reason") if form is not None else "") or otherwise
        return audit_context(user=signed_in_user(request), reason=reason)

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        with self.audit_context(request, form):
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with self.audit_context(request, form):
            super().save_related(request, form, formsets, change)

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        with self.audit_context(request, otherwise="deleted in the admin"):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with self.audit_context(request, otherwise="deleted in the admin"):
            super().delete_queryset(request, queryset)


class ReadOnlyAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """Admin of records that superusers only view; they are changed on pages, by REST, by commands
    or by jobs."""

    show_full_result_count = False
    # disables the deletion of selected rows
    actions: Any = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
