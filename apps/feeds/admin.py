"""Read-only Django admin of polls and quarantined rows, for superusers."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin
from apps.feeds.models import FeedRun, PollState, QuarantinedRow


@admin.register(FeedRun)
class FeedRunAdmin(ReadOnlyAdmin[FeedRun]):
    list_display = (
        "queued_at",
        "source",
        "status",
        "rows",
        "rows_changed",
        "rows_vanished",
        "rows_quarantined",
        "n_events",
    )
    list_select_related = ("source",)
    list_filter = ("status", "source")
    exclude = ("payload",)


@admin.register(PollState)
class PollStateAdmin(ReadOnlyAdmin[PollState]):
    list_display = (
        "source",
        "last_success_at",
        "last_attempt_at",
        "next_due_at",
        "failures",
        "suspect",
    )
    list_select_related = ("source",)


@admin.register(QuarantinedRow)
class QuarantinedRowAdmin(ReadOnlyAdmin[QuarantinedRow]):
    list_display = ("external_id", "source", "reason", "first_seen", "resolved_at")
    list_select_related = ("source",)
    list_filter = ("source",)
    search_fields = ("external_id", "reason")
