"""Contracts, documents of developers, approvals and selections in the admin."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.inventory.models import AnnexItem, Approval, Contract, Selection, SelectionCandidate


@admin.register(Contract)
class ContractAdmin(ReadOnlyAdmin[Contract]):
    list_display = ("ref", "party", "kind", "starts_on", "ends_on", "terms_read_on")
    list_select_related = ("party",)
    list_filter = ("kind", "exit_clause")
    search_fields = ("ref", "name", "party__name")


@admin.register(AnnexItem)
class AnnexItemAdmin(ReadOnlyAdmin[AnnexItem]):
    list_display = ("foundation", "item", "status", "requested_on", "due_on", "received_on")
    list_select_related = ("foundation",)
    list_filter = ("status", "item")
    search_fields = ("foundation__name",)


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin[Approval]):
    list_display = (
        "approved_item",
        "decision",
        "approver",
        "decided_on",
        "expires_on",
        "revoked_at",
    )
    list_select_related = ("provider", "foundation", "version", "offering__host", "approver")
    list_filter = ("decision",)
    search_fields = (
        "provider__name",
        "foundation__name",
        "version__identifier",
        "offering__api_id",
    )

    @admin.display(description="approval of")
    def approved_item(self, approval: Approval) -> str:
        return str(approval.target)


class CandidateInline(ReadOnlyInline[SelectionCandidate, Selection]):
    model = SelectionCandidate
    fields = ("foundation", "offering", "chosen", "scores", "note")


@admin.register(Selection)
class SelectionAdmin(ReadOnlyAdmin[Selection]):
    list_display = ("title", "state", "decided_by", "decided_on", "review_on")
    list_select_related = ("decided_by",)
    list_filter = ("state",)
    search_fields = ("title", "purpose")
    inlines = (CandidateInline,)
