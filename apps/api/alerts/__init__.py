"""Alerts over REST, one module per resource."""

from apps.api.alerts.alerts import AlertViewSet
from apps.api.alerts.calendar import CalendarFeedViewSet, CalendarView
from apps.api.alerts.deliveries import DeliveryViewSet, NoticeViewSet
from apps.api.alerts.lines import AlertPolicyViewSet, AlertSettingsView
from apps.api.alerts.mutes import MuteViewSet
from apps.api.alerts.preferences import (
    AskForMailView,
    OwnMailPreferenceView,
    TeamMailPreferenceView,
)
from apps.api.alerts.secret_feeds import SecretAlertsView, SecretCalendarView, SecretChangesView
from apps.api.alerts.subscriptions import SubscriptionViewSet
from apps.api.alerts.webhooks import WebhookViewSet

__all__ = [
    "AlertPolicyViewSet",
    "AlertSettingsView",
    "AlertViewSet",
    "AskForMailView",
    "CalendarFeedViewSet",
    "CalendarView",
    "DeliveryViewSet",
    "MuteViewSet",
    "NoticeViewSet",
    "OwnMailPreferenceView",
    "SecretAlertsView",
    "SecretCalendarView",
    "SecretChangesView",
    "SubscriptionViewSet",
    "TeamMailPreferenceView",
    "WebhookViewSet",
]
