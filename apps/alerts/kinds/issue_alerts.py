"""Alerts about issues that no other alert tells of: a retired model that is still used, a violated
approval, a fallback that retires with its primary model.

An issue raises an alert when it opens, and again every REMINDER_DAYS until its fact is gone or the
gap is accepted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from apps.alerts.kinds.provider_events import AffectedParty
from apps.alerts.kinds.severity import is_urgent, issue_severity
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, IssueAlertKind, Resolution, SubjectKind
from apps.alerts.recipients import application_owners
from apps.common.database.statements import fetch_rows, load_statement
from apps.common.time import day_of
from apps.issues.subjects import load_subjects

# one run at a time; the number is only the name of this lock
ISSUES_LOCK = 7301022
REMINDER_DAYS = 30

_DUE_ISSUES = load_statement("alerts", "due_issues")


@dataclass(frozen=True, slots=True)
class DueIssue:
    """An issue whose alert is due. `grounds` are those of an approval violation; `earlier_ids` are
    the live alerts that it replaces."""

    issue_id: int
    kind: str
    subject: str
    application_id: int
    team_id: int
    criticality: int
    due_on: date | None
    offering_id: int | None
    grounds: list[str]
    earlier_ids: list[int]


_ENDED = """
SELECT a.id
FROM alerts_alert a LEFT JOIN issues_issue i ON i.id = a.subject_id
WHERE a.kind = ANY (%(kinds)s) AND a.state <> 'resolved'
  AND (i.id IS NULL OR i.state IN ('resolved', 'accepted'))
"""


_IS_ANY_DUE = f"SELECT EXISTS ({_ENDED}) OR EXISTS ({_DUE_ISSUES})"


def raise_issue_alerts(*, at: datetime) -> int:
    """Resolve alerts whose issue has ended, and raise those that are due; return the number of new
    alerts. One statement if there are none."""
    parameters: dict[str, Any] = {
        "at": at,
        "day": day_of(at),
        "kinds": [str(kind) for kind in IssueAlertKind],
        "reminder_days": REMINDER_DAYS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_IS_ANY_DUE, parameters)
        is_any_due = cursor.fetchone()[0]
    return _raise_due_alerts(parameters, at=at) if is_any_due else 0


@transaction.atomic
def _raise_due_alerts(parameters: dict[str, Any], *, at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ISSUES_LOCK])
        cursor.execute(_ENDED, parameters)
        ended = [row[0] for row in cursor.fetchall()]
    resolve_alerts(ended, resolution=Resolution.ISSUE_RESOLVED, at=at)
    due_issues = fetch_rows(DueIssue, _DUE_ISSUES, parameters)
    if not due_issues:
        return 0
    owners = application_owners({issue.application_id for issue in due_issues})
    subjects = load_subjects(issue.subject for issue in due_issues)
    drafts = []
    for issue in due_issues:
        application = owners[issue.application_id]
        party = AffectedParty(application.team_id, application.first)
        party.add(issue.application_id, issue.criticality, is_primary=True, owners=application)
        drafts.append(_issue_alert_draft(issue, subjects[issue.subject].name, party, at=at))
    n_new = store_alerts(drafts)
    _resolve_earlier(due_issues, at=at)
    return n_new


def _resolve_earlier(due_issues: Sequence[DueIssue], *, at: datetime) -> None:
    """Resolve the alerts that a reminder replaces, without another message."""
    earlier = [pk for issue in due_issues for pk in issue.earlier_ids]
    resolve_alerts(earlier, resolution=Resolution.NEXT_MILESTONE, at=at, notify=False)


_KINDS: Mapping[str, IssueAlertKind] = {
    "retirement": IssueAlertKind.RETIRED_MODEL_IN_USE,
    "approval_violation": IssueAlertKind.APPROVAL_VIOLATED,
    "fallback_retires": IssueAlertKind.FALLBACK_RETIRES,
}


def _issue_alert_draft(
    issue: DueIssue, name: str, party: AffectedParty, *, at: datetime
) -> AlertDraft:
    kind = _KINDS[issue.kind]
    severity = issue_severity(kind, criticality=issue.criticality)
    details: dict[str, Any] = {"name": name}
    if kind == IssueAlertKind.APPROVAL_VIOLATED:
        details["grounds"] = issue.grounds
    alert = Alert(
        key=alert_key(f"issue:{issue.issue_id}", kind, party.key, milestone=day_of(at).isoformat()),
        kind=kind,
        severity=severity,
        subject_kind=SubjectKind.ISSUE,
        subject_id=issue.issue_id,
        offering_id=issue.offering_id,
        due_on=issue.due_on,
        urgent=is_urgent(kind, severity=severity),
        details=details,
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        raised_at=at,
    )
    return AlertDraft(alert, others=party.others, criticality=issue.criticality)
