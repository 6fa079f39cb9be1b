"""Read-only Django admin of alerts and the delivery log, for superusers."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin
from apps.alerts.models import Alert, Delivery, Mute, Notice, Preference, Subscription


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    list_display = ("key", "severity", "state", "team", "user", "raised_at")
    list_filter = ("state", "kind", "severity")
    list_select_related = ("team", "user")
    search_fields = ("key",)
    date_hierarchy = "raised_at"


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
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
