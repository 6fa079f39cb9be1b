"""Delivery status of alerts: one line per recipient with the outcome of its message, for the
pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.accounts.models import User
from apps.alerts.models import Notice
from apps.alerts.models.outcomes import delivery_sentence, skip_sentence

# Recipients of one alert that a list names; the others are counted.
MAX_NAMED_RECIPIENTS = 3
# Notifications that the page of one alert lists.
MAX_LISTED_NOTICES = 200


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """The status of one recipient: sent, pending or not sent. `delivery_id` is 0 if the reader must
    not open it."""

    name: str
    why: str
    occasion: str
    state: str
    reason: str
    at: datetime
    delivery_id: int = 0

    @property
    def outcome(self) -> str:
        """Return the outcome: `notified`, `not notified`, `pending` or `failed`."""
        words = {"sent": "notified", "skipped": "not notified", "failed": "failed"}
        return words.get(self.state, "pending")

    @property
    def why_words(self) -> str:
        return Notice.Why(self.why).label

    @property
    def occasion_words(self) -> str:
        return occasion_label(self.occasion)


def occasion_label(occasion: str) -> str:
    """Format an occasion such as `woken 2026-12-01` for readers."""
    trigger = occasion.partition(" ")[0]
    return Notice.Occasion(trigger).label if trigger in Notice.Occasion else trigger


_RECIPIENT_STATUS = """
SELECT n.alert_id, n.name, n.why, n.occasion, n.state, n.skip_reason, n.skip_details::text,
       n.not_sent, n.failure, n.at, n.delivery_id, n.n
FROM (
    SELECT n.alert_id, n.id, n.why, n.occasion,
           coalesce(t.name, person_name(u.first_name, u.last_name, u.username), w.name) AS name,
           CASE WHEN n.skip_reason <> '' THEN 'skipped' WHEN d.id IS NULL THEN 'owed'
                ELSE d.state END AS state,
           n.skip_reason, n.skip_details, coalesce(d.skip_reason, '') AS not_sent,
           coalesce(d.reason, '') AS failure,
           coalesce(d.sent_at, d.created_at, n.owed_at) AS at,
           -- the message itself can be opened by its recipient alone, and by governance
           CASE WHEN %(everything)s OR d.user_id = %(user)s OR d.team_id = ANY (%(teams)s) THEN d.id
               ELSE 0 END
               AS delivery_id,
           row_number() OVER alert AS place, count(*) OVER (PARTITION BY n.alert_id) AS n
    FROM alerts_notice n JOIN alerts_alert a ON a.id = n.alert_id
    LEFT JOIN alerts_delivery d ON d.id = n.delivery_id
    LEFT JOIN accounts_user u ON u.id = n.user_id LEFT JOIN accounts_team t ON t.id = n.team_id
    LEFT JOIN alerts_webhook w ON w.id = n.webhook_id
    -- notifications of alerts without a team are personal
    WHERE n.alert_id = ANY (%(ids)s) AND (%(everything)s OR a.team_id IS NOT NULL
        OR n.user_id = %(user)s)
    WINDOW alert AS (PARTITION BY n.alert_id ORDER BY n.id)
) n
-- at most this many recipients of each alert are listed
WHERE n.place <= %(most)s
ORDER BY n.alert_id, n.id
"""


@dataclass(frozen=True, slots=True)
class RecipientList:
    """The first recipients of one alert, with or without a message so far, and their number."""

    named: tuple[RecipientStatus, ...] = ()
    n: int = 0

    @property
    def n_more(self) -> int:
        return self.n - len(self.named)


def recipients_of_alerts(
    alert_ids: Sequence[int], *, user: User, limit: int = MAX_NAMED_RECIPIENTS
) -> dict[int, RecipientList]:
    """Return {alert: its recipients}, limited to what `user`, who can view these alerts, may know;
    one statement.

    Of an alert about the organisation, users see only their own line, unless they can view
    everything."""
    if not alert_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _RECIPIENT_STATUS,
            {
                "ids": list(alert_ids),
                "most": limit,
                "user": user.pk,
                "everything": user.can_read_all,
                "teams": [] if user.can_read_all else list(user.team_roles()),
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    statuses: dict[int, list[RecipientStatus]] = {}
    n_of: dict[int, int] = {}
    for (
        alert_id,
        name,
        route,
        occasion,
        state,
        skip_reason,
        details,
        not_sent,
        failure,
        at,
        delivery_id,
        n,
    ) in rows:
        reason = skip_sentence(skip_reason, json.loads(details)) or delivery_sentence(
            not_sent, failure
        )
        statuses.setdefault(alert_id, []).append(
            RecipientStatus(name, route, occasion, state, reason, at, delivery_id or 0)
        )
        n_of[alert_id] = n
    return {
        pk: RecipientList(tuple(alert_statuses), n_of[pk])
        for pk, alert_statuses in statuses.items()
    }


# --- totals ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeliveryTotals:
    """Number of notifications by outcome: the parts add up to the total."""

    n_owed: int = 0
    n_sent: int = 0
    n_failed: int = 0
    n_skipped: int = 0
    n_waiting: int = 0


_DELIVERY_TOTALS = """
SELECT count(*), count(*) FILTER (WHERE d.state = 'sent'),
    count(*) FILTER (WHERE d.state = 'failed'),
       count(*) FILTER (WHERE n.skip_reason <> '' OR d.state = 'skipped')
FROM alerts_notice n LEFT JOIN alerts_delivery d ON d.id = n.delivery_id
WHERE %(everything)s OR n.user_id = %(user)s OR EXISTS (
    SELECT 1 FROM alerts_alert a WHERE a.id = n.alert_id AND a.team_id = ANY (%(teams)s))
"""


def delivery_totals(user: User) -> DeliveryTotals:
    """Count all notifications that `user` can view, as `Notice.objects.visible_to`; one
    statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DELIVERY_TOTALS,
            {
                "user": user.pk,
                "everything": user.can_read_all,
                "teams": [] if user.can_read_all else list(user.team_roles()),
            },
        )
        n_owed, n_sent, n_failed, n_skipped = cursor.fetchone()
    return DeliveryTotals(
        n_owed, n_sent, n_failed, n_skipped, n_owed - n_sent - n_failed - n_skipped
    )
