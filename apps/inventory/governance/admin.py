"""Contracts, documents, decisions and selections in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin, signed_in_user
from apps.common.time import day_of, now
from apps.inventory.actions.checks import ChangeConflictError
from apps.inventory.governance.annex_documents import RESPONSE_PERIOD
from apps.inventory.governance.approvals import TARGET_COLUMNS, record_decision, revoke_decision
from apps.inventory.models import (
    AnnexItem,
    Application,
    Approval,
    Contract,
    Criticality,
    Selection,
    SelectionCandidate,
)


@admin.register(Contract)
class ContractAdmin(OrganisationRoleAdmin[Contract]):
    list_display = ("ref", "party", "kind", "starts_on", "ends_on", "terms_read_on")
    list_select_related = ("party",)
    list_filter = ("kind", "exit_clause")
    search_fields = ("ref", "name", "party__name")
    autocomplete_fields = ("party", "overarching")


@admin.register(AnnexItem)
class AnnexItemAdmin(OrganisationRoleAdmin[AnnexItem]):
    list_display = ("foundation", "item", "status", "requested_on", "due_on", "received_on")
    list_select_related = ("foundation",)
    list_filter = ("status", "item")
    search_fields = ("foundation__name",)
    autocomplete_fields = ("foundation",)
    exclude = ("noted_by",)

    def save_model(self, request: HttpRequest, obj: AnnexItem, form: Any, change: bool) -> None:
        obj.noted_by = signed_in_user(request)
        if obj.status == AnnexItem.Status.REQUESTED:
            obj.requested_on = obj.requested_on or day_of(now())
            obj.due_on = obj.due_on or obj.requested_on + RESPONSE_PERIOD
        super().save_model(request, obj, form, change)


class ApprovalForm(forms.ModelForm):  # type: ignore[type-arg]
    """A decision's own reason is what the history keeps."""

    data_classes = forms.MultipleChoiceField(choices=Application.DataClass.choices, required=False)
    criticalities = forms.TypedMultipleChoiceField(
        choices=Criticality.choices, coerce=int, required=False
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if sum(cleaned.get(column) is not None for column in TARGET_COLUMNS.values()) != 1:
            raise ValidationError("Choose exactly one provider, foundation, version or offering.")
        return cleaned

    def _post_clean(self) -> None:
        """The action makes the row and validates it: here approver and day are not known yet."""


@admin.register(Approval)
class ApprovalAdmin(OrganisationRoleAdmin[Approval]):
    """Made here and revoked here, never changed: what was decided stays readable."""

    form = ApprovalForm
    list_display = ("what", "decision", "approver", "decided_on", "expires_on", "revoked_at")
    list_select_related = ("provider", "foundation", "version", "offering__host", "approver")
    list_filter = ("decision",)
    search_fields = (
        "provider__name",
        "foundation__name",
        "version__identifier",
        "offering__api_id",
    )
    autocomplete_fields = ("provider", "foundation", "version", "offering")
    fields = (
        "provider",
        "foundation",
        "version",
        "offering",
        "decision",
        "data_classes",
        "regions",
        "criticalities",
        "reason",
        "expires_on",
    )
    actions = ("revoke",)

    @admin.display(description="approval added")
    def what(self, approval: Approval) -> str:
        return str(approval.target)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # the list's action asks without a row
        return obj is None and self.may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Approvals are revoked, not deleted, so that they stay recorded."""
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What an action refuses is said on the form, and nothing of it is kept."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (ChangeConflictError, ValidationError) as refusal:
            words = refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]
            self.message_user(request, " ".join(words), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Approval, form: Any, change: bool) -> None:
        facts = form.cleaned_data
        target = next(
            facts[column] for column in TARGET_COLUMNS.values() if facts.get(column) is not None
        )
        approval = record_decision(
            target=target,
            at=now(),
            by=signed_in_user(request),
            **{
                name: facts[name]
                for name in (
                    "decision",
                    "reason",
                    "expires_on",
                    "data_classes",
                    "regions",
                    "criticalities",
                )
            },
        )
        obj.pk = approval.pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing hangs on a decision here."""

    @admin.action(description="Revoke selected approvals", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Approval]) -> None:
        for approval in queryset:
            try:
                revoke_decision(
                    approval=approval,
                    reason="revoked in the admin",
                    at=now(),
                    by=signed_in_user(request),
                )
            except ChangeConflictError as refusal:
                self.message_user(request, f"{approval.target}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{approval.target}: revoked.")


class CandidateInline(admin.TabularInline):  # type: ignore[type-arg]
    model = SelectionCandidate
    extra = 0
    can_delete = False
    fields = readonly_fields = ("foundation", "offering", "chosen", "scores", "note")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_add_permission


@admin.register(Selection)
class SelectionAdmin(ReadOnlyAdmin[Selection]):
    """Read here; drafted and decided over REST, since a decision takes the scorecards of its day
    with it."""

    list_display = ("title", "state", "decided_by", "decided_on", "review_on")
    list_select_related = ("decided_by",)
    list_filter = ("state",)
    search_fields = ("title", "purpose")
    inlines = (CandidateInline,)
