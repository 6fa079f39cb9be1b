"""What a response to an alert does to the issues that the alert notifies of: the same, in the same
transaction, for the unresolved ones to which the user can respond.

Every response locks the issues first, then the alerts, both in the order of their IDs, so that two
users who respond to an issue and to an alert about it do not wait for each other.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime

from django.db import connection

from apps.accounts.models import User
from apps.alerts.issues.links import link_records
from apps.alerts.models import Alert, AlertIssue
from apps.issues.bulk_responses import respond_to_group
from apps.issues.responses import IssueResponse, ResponseRequest

_LOCK_ISSUES = """
SELECT i.id FROM issues_issue i
WHERE i.id IN (SELECT issue_id FROM alerts_alertissue WHERE alert_id = ANY (%(alert_ids)s))
ORDER BY i.id FOR NO KEY UPDATE
"""
_LOCK_ALERTS = """
SELECT a.id FROM alerts_alert a
WHERE a.id = ANY (%(alert_ids)s) OR a.state <> 'resolved' AND a.id IN (
    SELECT alert_id FROM alerts_alertissue WHERE issue_id = ANY (%(issue_ids)s))
ORDER BY a.id FOR NO KEY UPDATE
"""


def lock_with_issues(alert_ids: Collection[int]) -> None:
    """Lock the alerts, the issues of which they notify, and the other live alerts about these.
    Links that the worker has not made yet are made before."""
    link_records(alert_ids=alert_ids)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ISSUES, {"alert_ids": list(alert_ids)})
        issue_ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_LOCK_ALERTS, {"alert_ids": list(alert_ids), "issue_ids": issue_ids})


def source_of(alert_id: int) -> str:
    """Return the name of the alert as the source of activity."""
    return f"alert:{alert_id}"


def acknowledge_issues(alerts: Sequence[Alert], *, by: User, at: datetime, reason: str) -> None:
    _respond(
        alerts, ResponseRequest(response=IssueResponse.ACKNOWLEDGE, by=by, at=at, reason=reason)
    )


def snooze_issues(alerts: Sequence[Alert], *, until: date, by: User, at: datetime) -> None:
    _respond(alerts, ResponseRequest(response=IssueResponse.SNOOZE, by=by, at=at, until=until))


def assign_issues(alerts: Sequence[Alert], *, to: User | None, by: User, at: datetime) -> None:
    _respond(alerts, ResponseRequest(response=IssueResponse.ASSIGN, by=by, at=at, to=to))


def resolve_issues(alerts: Sequence[Alert], *, reason: str, by: User, at: datetime) -> None:
    """Resolve the issues whose state no other record owns. A contact cannot resolve."""
    _respond(alerts, ResponseRequest(response=IssueResponse.RESOLVE, by=by, at=at, reason=reason))


def undo_issue_responses(alert: Alert, *, by: User, at: datetime) -> None:
    """Undo what the last response to the alert did to its issues, unless a user has responded to
    them since."""
    _respond([alert], ResponseRequest(response=IssueResponse.UNDO, by=by, at=at))


def _respond(alerts: Sequence[Alert], request: ResponseRequest) -> None:
    """Respond to the issues of the alerts; of several about one issue the first is the source."""
    links = (
        AlertIssue.objects.filter(alert__in=[alert.pk for alert in alerts])
        .order_by("alert_id")
        .values_list("issue_id", "alert_id")
    )
    sources: dict[int, str] = {}
    for issue_id, alert_id in links:
        sources.setdefault(issue_id, source_of(alert_id))
    if sources:
        respond_to_group(issue_ids=list(sources), request=replace(request, sources=sources))
