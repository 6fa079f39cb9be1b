"""What responses to issues do to the alerts that notify of them: an alert whose issues all have a
response gets that response, so that it escalates no further. When one of them loses it again, the
alert is open again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from apps.accounts.models import User
from apps.alerts.issues.linked_issues import source_of
from apps.alerts.issues.links import link_records
from apps.alerts.lifecycle.responses import (
    FOLLOWS_ISSUES,
    store_acknowledgements,
    store_reopening,
    store_resolutions,
    store_snoozes,
)
from apps.alerts.models import Alert, Resolution
from apps.common.database.statements import fetch_rows
from apps.common.time import day_of
from apps.issues.models import Activity
from apps.issues.receivers import register_receiver

_RESPONSES = frozenset(
    {
        Activity.Kind.ACKNOWLEDGED,
        Activity.Kind.SNOOZED,
        Activity.Kind.ACCEPTED,
        Activity.Kind.RESOLVED,
        Activity.Kind.ACCEPTANCE_REVOKED,
        Activity.Kind.REOPENED,
        Activity.Kind.UNDONE,
    }
)

# Live alerts about these issues, and those that follow their issues. A response that goes further
# counts as the earlier one: accepted as snoozed, snoozed as acknowledged.
_SHARED_RESPONSES = """
SELECT l.alert_id, bool_and(r.is_over) AS are_over,
       bool_and(r.is_over OR r.is_hidden) AS are_hidden,
       bool_and(r.is_over OR r.is_hidden OR r.is_acknowledged) AS are_acknowledged,
       min(i.snoozed_until) FILTER (WHERE r.is_hidden AND NOT r.is_over) AS hidden_until
FROM alerts_alertissue l
JOIN issues_issue i ON i.id = l.issue_id
CROSS JOIN LATERAL (
    SELECT i.state IN ('resolved', 'accepted') AS is_over,
           coalesce(i.snoozed_until > %(day)s::date, false) AS is_hidden,
           i.acknowledged_at IS NOT NULL OR i.state IN ('acknowledged', 'in_progress')
               AS is_acknowledged
) r
WHERE l.alert_id = ANY (%(alert_ids)s)
GROUP BY l.alert_id
"""


@dataclass(frozen=True, slots=True)
class SharedResponse:
    """What all issues of an alert have in common. `hidden_until` is the first date on which one of
    the snoozed issues returns."""

    alert_id: int
    are_over: bool
    are_hidden: bool
    are_acknowledged: bool
    hidden_until: date | None


def follow_issues(entries: Sequence[Activity]) -> None:
    """Give the alerts about these issues the response that all their issues have."""
    responses = [entry for entry in entries if entry.kind in _RESPONSES and entry.user is not None]
    if not responses:
        return
    last = responses[-1]
    issue_ids = {entry.issue_id for entry in responses}
    link_records(issue_ids=issue_ids)
    alerts = _lock_alerts(issue_ids, sources={entry.details.get("source") for entry in responses})
    if not alerts:
        return
    rows = fetch_rows(
        SharedResponse, _SHARED_RESPONSES, {"alert_ids": list(alerts), "day": day_of(last.at)}
    )
    for row in rows:
        assert last.user is not None
        _follow(alerts[row.alert_id], row, by=last.user, at=last.at, reason=last.text)


def _lock_alerts(issue_ids: Collection[int], *, sources: Collection[object]) -> Mapping[int, Alert]:
    """Lock the alerts about the issues in the order of their IDs, without those whose response
    moved the issues."""
    linked = Alert.objects.filter(issue_links__issue__in=issue_ids).order_by().values("pk")
    alerts = (
        Alert.objects.select_for_update(no_key=True)
        .filter(
            ~Q(state=Alert.State.RESOLVED) | Q(**{f"details__{FOLLOWS_ISSUES}": True}),
            pk__in=linked,
        )
        .order_by("pk")
    )
    return {alert.pk: alert for alert in alerts if source_of(alert.pk) not in sources}


def _follow(alert: Alert, shared: SharedResponse, *, by: User, at: datetime, reason: str) -> None:
    is_resolved = alert.state == Alert.State.RESOLVED
    if shared.are_over:
        if not is_resolved:
            store_resolutions(
                [alert],
                by=by,
                at=at,
                reason=reason,
                resolution=Resolution.ISSUE_RESOLVED,
                follows=True,
            )
        return
    if is_resolved:
        store_reopening(alert, by=by, at=at, follows=True)
    if shared.are_hidden and shared.hidden_until is not None:
        if (alert.state, alert.snoozed_until) != (Alert.State.SNOOZED, shared.hidden_until):
            store_snoozes([alert], until=shared.hidden_until, by=by, follows=True)
    elif shared.are_acknowledged:
        if alert.state != Alert.State.ACKNOWLEDGED:
            store_acknowledgements([alert], by=by, at=at, reason=reason, follows=True)
    elif alert.details.get(FOLLOWS_ISSUES):
        store_reopening(alert, by=by, at=at, follows=True)


register_receiver(follow_issues)
