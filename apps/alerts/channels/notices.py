"""Notifications of channels that follow others: those of a user's own channel, and changes of the
incidents of PagerDuty. Notifications of channels of teams and roles are drafted with those of
webhooks (apps/alerts/subscriptions.py)."""

from datetime import datetime, timedelta

from django.db import connection

from apps.alerts.models import ChannelService, Webhook
from apps.common.database.statements import load_statement

_MIRROR = load_statement("alerts", "mirror_notices")
_INCIDENTS = load_statement("alerts", "incident_notices")
# Changes of alerts that PagerDuty is still told, such as after an outage.
MAX_CHANGE_AGE = timedelta(days=30)


def draft_following_notices(*, at: datetime) -> int:
    """Create the notifications that follow others, each once; at most three statements. Returns
    their number."""
    channels = list(
        Webhook.objects.filter(enabled=True)
        .exclude(service=ChannelService.WEBHOOK)
        .values_list("service", "person_id")
    )
    n_created = 0
    with connection.cursor() as cursor:
        if any(person_id is not None for _, person_id in channels):
            cursor.execute(_MIRROR)
            n_created += cursor.rowcount
        if any(service == ChannelService.PAGERDUTY for service, _ in channels):
            cursor.execute(_INCIDENTS, {"at": at, "since": at - MAX_CHANGE_AGE})
            n_created += cursor.rowcount
    return n_created
