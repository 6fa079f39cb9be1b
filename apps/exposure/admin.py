"""The organisation's lines and how exposure is measured are set here; flags are read and decided
about."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin, signed_in_user
from apps.common.text import pluralize
from apps.common.time import now
from apps.exposure import admin_campaigns, admin_scenarios
from apps.exposure.actions.decisions import accept_flag, acknowledge_flag, revoke_acceptance
from apps.exposure.actions.policies import POLICY_FIELDS, change_policy
from apps.exposure.models import ExposureFlag, ExposureSettings, FlagEvent, Policy
from apps.inventory.actions.checks import ChangeConflictError

# Django finds the registrations of this module alone
__all__ = ["admin_campaigns", "admin_scenarios"]


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A policy's own `reason` explains its tolerance; the history asks for another."""

    change_reason = forms.CharField(
        required=False, max_length=500, help_text="Reason for the change, shown in the history."
    )


@admin.register(Policy)
class PolicyAdmin(OrganisationRoleAdmin[Policy]):
    form = PolicyForm
    list_display = ("name", "measure", "tolerance", "enabled", "updated_at")
    list_filter = ("enabled", "measure")
    search_fields = ("slug", "name")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A policy with flags is not deleted; disable it instead."""
        return False

    def audit_context(
        self, request: HttpRequest, form: Any = None, otherwise: str = "changed in the admin"
    ) -> Any:
        reason = (form.cleaned_data.get("change_reason") if form is not None else "") or otherwise
        return super().audit_context(request, otherwise=reason)

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        """Save through the action, so that disabling a policy resolves its flags."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        facts = {
            name: form.cleaned_data[name] for name in form.changed_data if name in POLICY_FIELDS
        }
        reason = form.cleaned_data.get("change_reason") or "changed in the admin"
        change_policy(policy=obj, facts=facts, at=now(), by=signed_in_user(request), reason=reason)


class FlagEventInline(admin.TabularInline):  # type: ignore[type-arg]
    model = FlagEvent
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "kind", "value", "by", "reason")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DecisionForm(ActionForm):
    """Shown beside the list of actions; an acceptance needs both fields, revoking it the reason."""

    reason = forms.CharField(required=False, max_length=500)
    until = forms.DateField(required=False, label="Accept until")


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
    action_form = DecisionForm
    actions = ("acknowledge", "accept", "revoke")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_governance", False))

    @admin.action(description="Acknowledge selected flags", permissions=["decide"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[ExposureFlag]) -> None:
        reason = request.POST.get("reason", "")
        self._each(
            request,
            queryset,
            lambda flag: acknowledge_flag(
                flag=flag, at=now(), by=signed_in_user(request), reason=reason
            ),
            "acknowledged",
        )

    @admin.action(description="Accept selected flags until a date", permissions=["decide"])
    def accept(self, request: HttpRequest, queryset: QuerySet[ExposureFlag]) -> None:
        try:
            until = forms.DateField().clean(request.POST.get("until", ""))
        except ValidationError:
            self.message_user(request, "Enter the expiry date beside the action.", messages.ERROR)
            return
        reason = request.POST.get("reason", "")
        self._each(
            request,
            queryset,
            lambda flag: accept_flag(
                flag=flag, until=until, reason=reason, at=now(), by=signed_in_user(request)
            ),
            f"accepted until {until:%Y-%m-%d}",
        )

    @admin.action(description="Revoke the acceptance of selected flags", permissions=["decide"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ExposureFlag]) -> None:
        reason = request.POST.get("reason", "")
        self._each(
            request,
            queryset,
            lambda flag: revoke_acceptance(
                flag=flag, reason=reason, at=now(), by=signed_in_user(request)
            ),
            "reopened",
        )

    def _each(
        self, request: HttpRequest, queryset: QuerySet[ExposureFlag], decide: Any, done: str
    ) -> None:
        """One refusal leaves the others decided, and says itself."""
        n_done = 0
        for flag in queryset.order_by("pk"):
            try:
                decide(flag)
            except ChangeConflictError as refusal:
                self.message_user(request, f"Flag {flag.pk}: {refusal}", messages.ERROR)
            except ValidationError as slip:
                self.message_user(request, " ".join(slip.messages), messages.ERROR)
                return
            else:
                n_done += 1
        if n_done:
            self.message_user(
                request,
                pluralize(n_done, f"1 flag {done}.", f"{n_done} flags {done}."),
                messages.SUCCESS,
            )


@admin.register(ExposureSettings)
class ExposureSettingsAdmin(OrganisationRoleAdmin[ExposureSettings]):
    list_display = ("__str__", "horizon_days", "test_validity_days", "cut_threshold", "updated_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only one row can exist; without it the defaults apply."""
        return super().has_add_permission(request, obj) and not ExposureSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: ExposureSettings, form: Any, change: bool
    ) -> None:
        obj.pk = ExposureSettings.ONLY
        super().save_model(request, obj, form, change)
