"""The admin: every organisation role can view, governance and administrators can change.

Changes are in the history with the user and the reason given in the form.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from apps.accounts.actions import revoke_token
from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEventKind, ApiToken, Membership, Team, User
from apps.accounts.roles import OrganisationRole
from apps.accounts.sign_in.email_change import record_email_change
from apps.common.history.context import audit_context
from apps.common.time import now


def may_enter(request: HttpRequest) -> bool:
    """Return whether the user can enter: with an organisation role, or `is_staff` without one."""
    user = request.user
    return bool(user.is_active and (user.is_staff or getattr(user, "can_read_all", False)))


# every office works here, so that nobody has to keep is_staff in step with it
admin.site.has_permission = may_enter  # type: ignore[method-assign]


def signed_in_user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


class ReasonForm(forms.ModelForm):  # type: ignore[type-arg]
    """Adds the reason that the history keeps."""

    reason = forms.CharField(
        required=False, max_length=500, help_text="Reason for the change, shown in the history."
    )


class OrganisationRoleAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """Visible to every organisation role, changed by governance and administrators."""

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


class ReadOnlyAdmin[M: Model](OrganisationRoleAdmin[M]):
    """Visible to every organisation role; written by jobs only."""

    form = forms.ModelForm

    def may_change(self, request: HttpRequest) -> bool:
        return False


class AdministratorAdmin[M: Model](OrganisationRoleAdmin[M]):
    """Users and their tokens; changed by administrators only."""

    def may_change(self, request: HttpRequest) -> bool:
        user = signed_in_user(request)
        return user.is_active and (
            user.is_superuser or user.organisation_role == OrganisationRole.ADMIN
        )


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_governance", False))

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


@admin.register(Team)
class TeamAdmin(OrganisationRoleAdmin[Team]):
    list_display = ("name", "slug", "parent", "email")
    list_select_related = ("parent",)
    search_fields = ("name", "slug")
    autocomplete_fields = ("parent",)
    prepopulated_fields: ClassVar[dict[str, Sequence[str]]] = {"slug": ("name",)}
    inlines = (MembershipInline,)


@admin.register(User)
class UserAdmin(AdministratorAdmin[User], DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    list_display = ("username", "email", "organisation_role", "is_active", "last_login")
    list_filter = ("organisation_role", "is_active")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "time_zone", "digest_hour")}),
        ("May", {"fields": ("is_active", "organisation_role", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets: Any = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "email", "usable_password", "password1", "password2"),
            },
        ),
        ("May", {"fields": ("organisation_role",)}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the fields that only a superuser can change."""
        return (
            self.readonly_fields
            if signed_in_user(request).is_superuser
            else (*self.readonly_fields, "is_superuser")
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser's password and address are the key to everything: only superusers touch
        them."""
        if obj is not None and obj.is_superuser and not signed_in_user(request).is_superuser:
            return False
        # programs have no password to set, and a page of their own
        if obj is not None and obj.is_service:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            record_email_change(
                user=obj, old=form.initial["email"], by=signed_in_user(request), request=request
            )

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            record_event(
                AccountEventKind.PASSWORD_CHANGED,
                request=request,
                user=User.objects.get(pk=id),
                actor=signed_in_user(request),
            )
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are deactivated, not deleted, because the history and values they entered name
        them."""
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(AdministratorAdmin[ApiToken]):
    """Seen and revoked here; created where the person can copy it."""

    form = forms.ModelForm
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
    readonly_fields = fields
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Revoke selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> HttpResponse | None:
        moment = now()
        n_revoked = sum(
            revoke_token(token=token, at=moment, by=signed_in_user(request)) for token in queryset
        )
        self.message_user(request, f"{n_revoked} tokens revoked.", messages.SUCCESS)
        return None
