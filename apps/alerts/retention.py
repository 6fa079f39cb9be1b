"""What is kept of alerts: the alerts, since their key keeps them from being raised again; messages for a while."""

from django.conf import settings
from django.db.models import F, Q

from apps.alerts.models import HandledStaleness
from apps.common.retention import Group, RetentionRule, TaskLimit, days_in_words, declare, kept_tables


def _ledger_limit() -> str:
    return days_in_words(settings.LEDGER_DAYS or None)


declare(
    RetentionRule(
        HandledStaleness,
        Group.RUNS,
        ended=F("handled_at"),
        setting="RUN_DAYS",
        # without the row an assessment that still is as stale would be told again
        only=~Q(assessment__stale_since=F("stale_since")),
    ),
    TaskLimit("alerts_notice", Group.LEDGER, "alerts.forget_old_messages", _ledger_limit),
    TaskLimit("alerts_delivery", Group.LEDGER, "alerts.forget_old_messages", _ledger_limit),
    *kept_tables(
        Group.LEDGER,
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
    *kept_tables(
        Group.LEDGER,
        "what was handled goes with the row it was about; without it that would be told again",
        "alerts_handleddiscrepancy",
        "alerts_handledevent",
        "alerts_handledflagevent",
        "alerts_handledrun",
    ),
)
