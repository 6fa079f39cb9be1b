"""What is kept of alerts: the alerts, since their key keeps them from being raised again; messages
for a while."""

from django.conf import settings
from django.db.models import F, Q

from apps.alerts.models import HandledStaleness
from apps.common.retention import (
    RetentionGroup,
    RetentionRule,
    TaskLimit,
    declare_retention,
    format_days,
    permanent_tables,
)


def _ledger_limit() -> str:
    return format_days(settings.LEDGER_DAYS or None)


declare_retention(
    RetentionRule(
        HandledStaleness,
        RetentionGroup.RUNS,
        ended=F("handled_at"),
        setting="RUN_DAYS",
        # without the row an assessment that still is as stale would be told again
        only=~Q(assessment__stale_since=F("stale_since")),
    ),
    TaskLimit("alerts_notice", RetentionGroup.LEDGER, "alerts.forget_old_messages", _ledger_limit),
    TaskLimit(
        "alerts_delivery", RetentionGroup.LEDGER, "alerts.forget_old_messages", _ledger_limit
    ),
    *permanent_tables(
        RetentionGroup.LEDGER,
        "what people answered and chose; an alert's key keeps it from being raised again",
        "alerts_alert",
        "alerts_alertpolicy",
        "alerts_alertsettings",
        "alerts_calendarfeed",
        "alerts_mute",
        "alerts_preference",
        "alerts_subscription",
        "alerts_tick",
        "alerts_webhook",
    ),
    *permanent_tables(
        RetentionGroup.LEDGER,
        "what was handled goes with the row it was about; without it that would be told again",
        "alerts_handleddiscrepancy",
        "alerts_handledevent",
        "alerts_handledflagevent",
        "alerts_handledrun",
    ),
)
