"""Retention of alerts. Alerts and responses are kept for ever, since the key of an alert prevents
that it is created again. Notifications and messages are kept for as long as they serve as proof of
what was sent to whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from apps.alerts.models import HandledStaleness, SlackRequest
from apps.common.retention import (
    RetentionGroup,
    RetentionRule,
    TaskLimit,
    declare_retention,
    format_days,
    permanent_tables,
)

# The next night continues with the remaining rows.
PURGE_BATCH_SIZE = 5000
MAX_PURGED_PER_NIGHT = 200_000

# Notifications of unresolved alerts or flags are kept: an old email may be the only proof that
# governance was notified. Pending and unsent ones are kept too.
_DELETE_NOTICES = """
WITH old AS (
    SELECT n.id FROM alerts_notice n JOIN alerts_alert a ON a.id = n.alert_id
    LEFT JOIN alerts_delivery d ON d.id = n.delivery_id
    LEFT JOIN exposure_exposureflag f
      ON f.id = coalesce(a.flag_id, CASE WHEN a.subject_kind = 'flag' THEN a.subject_id END)
    WHERE n.owed_at < %(before)s AND a.state = 'resolved' AND coalesce(a.resolved_at,
        a.raised_at) < %(before)s
      -- the flag of the alert is resolved, too
      AND (f.id IS NULL OR f.state = 'resolved' AND coalesce(f.resolved_at,
          f.opened_at) < %(before)s)
      -- skipped, or in a message that is final and old
      AND (d.id IS NULL AND n.skip_reason <> ''
           OR d.state IN ('sent', 'failed', 'skipped') AND coalesce(d.sent_at,
               d.created_at) < %(before)s)
    -- rows that another transaction has locked are deleted on a later night
    ORDER BY n.id LIMIT %(most)s FOR NO KEY UPDATE OF n SKIP LOCKED
)
DELETE FROM alerts_notice n USING old WHERE n.id = old.id
"""

# Messages with a stored notification are kept, and the last message of each recipient, which shows
# that the first summary was sent.
_DELETE_DELIVERIES = """
WITH old AS (
    SELECT d.id FROM alerts_delivery d
    WHERE d.created_at < %(before)s AND d.state IN ('sent', 'failed', 'skipped')
      AND coalesce(d.sent_at, d.created_at) < %(before)s
      AND NOT EXISTS (SELECT 1 FROM alerts_notice n WHERE n.delivery_id = d.id)
      -- messages to users and teams are kept if they are the last one; skipped ones and webhook
      -- calls have no such role
      AND (d.state = 'skipped' OR d.webhook_id IS NOT NULL
           OR EXISTS (SELECT 1 FROM alerts_delivery k
           WHERE k.user_id = d.user_id AND k.state <> 'skipped'
                        AND (k.created_at, k.id) > (d.created_at, d.id))
           OR EXISTS (SELECT 1 FROM alerts_delivery k
           WHERE k.team_id = d.team_id AND k.state <> 'skipped'
                        AND (k.created_at, k.id) > (d.created_at, d.id)))
    ORDER BY d.created_at, d.id LIMIT %(most)s FOR NO KEY UPDATE OF d SKIP LOCKED
)
DELETE FROM alerts_delivery d USING old WHERE d.id = old.id
"""


@dataclass(frozen=True, slots=True)
class PurgedMessages:
    n_notices: int = 0
    n_deliveries: int = 0


def purge_old_messages(
    *, at: datetime, keep_days: int, limit: int = MAX_PURGED_PER_NIGHT
) -> PurgedMessages:
    """Delete notifications of alerts that were resolved more than `keep_days` ago, and the messages
    left without any; at most `limit` of each. 0 days keep all. Safe to run twice concurrently."""
    if not keep_days:
        return PurgedMessages()
    cutoff = at - timedelta(days=keep_days)
    return PurgedMessages(
        _purge(_DELETE_NOTICES, cutoff, limit), _purge(_DELETE_DELIVERIES, cutoff, limit)
    )


def _purge(statement: str, cutoff: datetime, limit: int) -> int:
    n_deleted = 0
    while n_deleted < limit:
        batch_limit = min(PURGE_BATCH_SIZE, limit - n_deleted)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, {"before": cutoff, "most": batch_limit})
            n_in_batch = cursor.rowcount
        n_deleted += n_in_batch
        if n_in_batch < batch_limit:
            break
    return n_deleted


def _format_ledger_limit() -> str:
    return format_days(settings.LEDGER_DAYS or None)


declare_retention(
    RetentionRule(
        HandledStaleness,
        RetentionGroup.RUNS,
        ended=F("handled_at"),
        setting="RUN_DAYS",
        # Without the row, an assessment that is still stale would create another alert.
        only=~Q(assessment__stale_since=F("stale_since")),
    ),
    RetentionRule(
        SlackRequest,
        RetentionGroup.RUNS,
        ended=F("received_at"),
        setting="RUN_DAYS",
    ),
    TaskLimit(
        "alerts_notice", RetentionGroup.LEDGER, "alerts.forget_old_messages", _format_ledger_limit
    ),
    TaskLimit(
        "alerts_delivery", RetentionGroup.LEDGER, "alerts.forget_old_messages", _format_ledger_limit
    ),
    *permanent_tables(
        RetentionGroup.LEDGER,
        "what people answered and chose; an alert's key keeps it from being raised again",
        "alerts_alert",
        "alerts_alertissue",
        "alerts_alertpolicy",
        "alerts_alertsettings",
        "alerts_calendarfeed",
        "alerts_channelcredential",
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
    *permanent_tables(
        RetentionGroup.DERIVED,
        "queue of the links between alerts and issues; emptied by each run",
        "alerts_pendinglink",
    ),
)
