"""Links of alerts with the issues that they notify of.

Triggers of the database queue each new alert and issue, whatever code wrote it. Two runs that see
each other's records too late both find the pair later: the one whose record came last.
"""

from collections.abc import Collection

from django.db import connection, transaction

from apps.alerts.models import PendingLink
from apps.common.database.statements import compose_statement, load_statement
from apps.common.history.context import audit_context_of_consequences
from apps.common.time import now

LINK_BATCH_SIZE = 5000

_LINK_ISSUES = load_statement("alerts", "link_issues")
_LINK_NEW_ALERTS = compose_statement(_LINK_ISSUES, issues="true")
# not ANY, whose index the planner would read for each row
_LINK_NEW_ISSUES = compose_statement(
    _LINK_ISSUES, issues="i.id IN (SELECT unnest(%(issue_ids)s::bigint[]))"
)
_CARRY_RESPONSES = load_statement("alerts", "carry_responses")
_LINKABLE_ALERTS = load_statement("alerts", "linkable_alerts")
_TAKE_RECORDS = """
WITH taken AS (
    SELECT id FROM alerts_pendinglink ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM alerts_pendinglink p USING taken t WHERE p.id = t.id
RETURNING p.alert_id, p.issue_id
"""


def link_issues() -> int:
    """Link the alerts and issues that are new, and return the number of new links.

    The queue and the links change in one transaction for each batch, so that a run that is killed
    loses nothing and can be repeated. An empty queue costs one statement."""
    n_links = 0
    while PendingLink.objects.exists():
        batch = _link_batch()
        if batch is None:
            # another run has the rest
            break
        n_links += batch
    return n_links


@transaction.atomic
def _link_batch() -> int | None:
    """Link the next records of the queue; None if there are none."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_RECORDS, {"limit": LINK_BATCH_SIZE})
        taken = cursor.fetchall()
    if not taken:
        return None
    return link_records(
        alert_ids={alert_id for alert_id, _ in taken if alert_id is not None},
        issue_ids={issue_id for _, issue_id in taken if issue_id is not None},
    )


def link_records(
    *, alert_ids: Collection[int] = frozenset(), issue_ids: Collection[int] = frozenset()
) -> int:
    """Link these alerts with all issues, and these issues with all alerts; return the number of new
    links. One statement for alerts; for issues two, and one for responses.

    An issue that opens after its fact was responded to, such as after an upgrade, takes over the
    response."""
    n_links = 0
    with connection.cursor() as cursor:
        if alert_ids:
            cursor.execute(_LINK_NEW_ALERTS, {"alert_ids": sorted(alert_ids)})
            n_links += cursor.rowcount
        if issue_ids:
            parameters = {"issue_ids": sorted(issue_ids)}
            # a statement of its own, so that the planner knows their number
            cursor.execute(_LINKABLE_ALERTS, parameters)
            candidate_ids = [pk for (pk,) in cursor.fetchall()]
            if candidate_ids:
                cursor.execute(_LINK_NEW_ISSUES, {**parameters, "alert_ids": candidate_ids})
                n_links += cursor.rowcount
                with audit_context_of_consequences(job="issues", reason="responses to alerts kept"):
                    cursor.execute(_CARRY_RESPONSES, {**parameters, "at": now()})
    return n_links
