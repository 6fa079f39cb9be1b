"""Alerts and the ledger are read here; only a failed delivery may be sent again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin import ReadOnlyAdmin
from apps.accounts.models import User
from apps.alerts.actions import AlertPermissionError, requeue_delivery
from apps.alerts.models import Alert, Delivery, Mute, Notice, Preference, Subscription
from apps.common.time import now


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    show_full_result_count = False
    list_display = ("key", "severity", "state", "team", "user", "raised_at")
    list_filter = ("state", "kind", "severity")
    list_select_related = ("team", "user")
    search_fields = ("key",)
    date_hierarchy = "raised_at"


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    show_full_result_count = False
    list_display = (
        "alert",
        "user",
        "team",
        "webhook",
        "why",
        "occasion",
        "owed_at",
        "delivery",
        "skip_reason",
    )
    list_filter = ("why",)
    list_select_related = ("alert", "user", "team", "webhook", "delivery")
    date_hierarchy = "owed_at"


@admin.register(Preference)
class PreferenceAdmin(ReadOnlyAdmin[Preference]):
    list_display = ("user", "team", "cadence", "weekday", "immediate", "heartbeat", "served_at")
    list_filter = ("cadence", "heartbeat")
    list_select_related = ("user", "team")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin[Subscription]):
    list_display = (
        "name",
        "user",
        "provider",
        "foundation",
        "team",
        "min_severity",
        "max_days_left",
        "enabled",
    )
    list_select_related = ("user", "provider", "foundation", "team")


@admin.register(Mute)
class MuteAdmin(ReadOnlyAdmin[Mute]):
    list_display = ("user", "team", "kind", "subject", "until", "reason", "created_by", "lifted_at")
    list_select_related = ("user", "team", "created_by")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    show_full_result_count = False
    list_display = (
        "subject",
        "address",
        "state",
        "attempts",
        "due_at",
        "sent_at",
        "skip_reason",
        "reason",
    )
    list_filter = ("state",)
    search_fields = ("subject", "address", "message_id")
    date_hierarchy = "created_at"
    actions = ("send_again",)

    @admin.action(description="Retry failed deliveries")
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        if not isinstance(request.user, User):
            return
        try:
            n = sum(requeue_delivery(delivery=row, at=now(), by=request.user) for row in queryset)
        except AlertPermissionError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(
                request,
                f"{n} failed deliveries will be retried. Other deliveries were not changed.",
            )
