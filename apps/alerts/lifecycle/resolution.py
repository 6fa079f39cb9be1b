"""Alert resolution: an alert is resolved when its cause ends, and recipients of a message about it
are notified of that once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from apps.alerts.models import Alert, Resolution, SkipReason

# A message locks the rows of its notifications while it is written, in the same order: pending
# notifications that are skipped here are in no later message.
_SKIP_NOTICES = """
WITH owed AS (
    SELECT id FROM alerts_notice
    WHERE alert_id = ANY (%(ids)s) AND delivery_id IS NULL AND skip_reason = ''
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE alerts_notice n SET skip_reason = %(passed)s FROM owed WHERE n.id = owed.id
"""

_CREATE_NOTICES = """
INSERT INTO alerts_notice
    (alert_id, user_id, team_id, webhook_id, why, occasion, application_ids, urgent, owed_at,
     skip_reason, skip_details)
-- one notification for each recipient that a message about the alert reached
SELECT DISTINCT ON (n.alert_id, n.user_id, n.team_id, n.webhook_id)
    n.alert_id, n.user_id, n.team_id, n.webhook_id, n.why, 'resolved',
    n.application_ids, false, %(at)s, '', '{}'
FROM alerts_notice n JOIN alerts_delivery d ON d.id = n.delivery_id
WHERE n.alert_id = ANY (%(ids)s) AND d.state IN ('queued', 'sending', 'sent')
    AND n.occasion <> 'resolved'
ORDER BY n.alert_id, n.user_id, n.team_id, n.webhook_id, n.id
ON CONFLICT DO NOTHING
"""


def resolve_alerts(
    alert_ids: Sequence[int], *, resolution: Resolution, at: datetime, notify: bool = True
) -> int:
    """Resolve live alerts whose cause has ended, and return their number. `notify` informs the
    recipients of an earlier message."""
    return (
        _resolve_live_alerts(alert_ids, resolution=resolution, at=at, notify=notify)
        if alert_ids
        else 0
    )


@transaction.atomic
def _resolve_live_alerts(
    alert_ids: Sequence[int], *, resolution: Resolution, at: datetime, notify: bool
) -> int:
    """Resolve those of the alerts that are live and return their number.

    Pending notifications are skipped. `notify` creates one for each recipient that was notified of
    the alert.
    """
    live_ids = list(
        Alert.objects.live()
        .filter(pk__in=alert_ids)
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if not live_ids:
        return 0
    Alert.objects.filter(pk__in=live_ids).update(
        state=Alert.State.RESOLVED,
        resolved_at=at,
        resolution=resolution,
        resolution_text="",
        escalate_at=None,
        snoozed_until=None,
    )
    with connection.cursor() as cursor:
        cursor.execute(_SKIP_NOTICES, {"ids": live_ids, "passed": SkipReason.PASSED})
        if notify:
            cursor.execute(_CREATE_NOTICES, {"ids": live_ids, "at": at})
    return len(live_ids)
