"""Alerts about issues that no other alert tells of: a retired model that is still used, a violated
or expired approval, a fallback that retires with its primary model, a late migration.

An issue raises an alert when it opens, and again every REMINDER_DAYS until its fact is gone or the
gap is accepted.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from apps.alerts.kinds.issue_text import INCIDENT_FACTS
from apps.alerts.kinds.provider_events import AffectedParty
from apps.alerts.kinds.severity import is_urgent, issue_severity
from apps.alerts.lifecycle.creation import (
    ALERT_BATCH_SIZE,
    AlertDraft,
    alert_key,
    store_alerts,
)
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, IssueAlertKind, Resolution, SubjectKind
from apps.alerts.recipients import application_owners
from apps.catalog.claims.precedence import CONFIRMATION_LIMIT
from apps.common.database.statements import compose_statement, fetch_row_batches, load_statement
from apps.common.time import day_of
from apps.issues.subjects import load_subjects

# one run at a time; the number is only the name of this lock
ISSUES_LOCK = 7301022
REMINDER_DAYS = 30

# the kinds that follow from the fact of an issue alone
FACT_KINDS = (
    IssueAlertKind.RETIRED_MODEL_IN_USE,
    IssueAlertKind.APPROVAL_VIOLATED,
    IssueAlertKind.FALLBACK_RETIRES,
    IssueAlertKind.MIGRATION_LATE,
    IssueAlertKind.INCIDENT,
)

# A migration that has neither begun nor a task by its start date no longer fits before the
# retirement. Without a known effort the start date is the finish date.
_IS_LATE = """(i.state IN ('open', 'acknowledged') AND i.start_by < %(day)s::date
    AND i.due_on > %(day)s::date)"""
# A critical application that has nothing tested to switch to is notified of an incident at once;
# others only where somebody subscribed to incidents.
_IS_UNPREPARED = """(i.criticality = 0 AND i.details ->> 'fallback' <> 'tested')"""
_DUE_ISSUES = compose_statement(
    load_statement("alerts", "due_issues"), is_late=_IS_LATE, is_unprepared=_IS_UNPREPARED
)
_ENDED_ALERTS = compose_statement(load_statement("alerts", "ended_issue_alerts"), is_late=_IS_LATE)


@dataclass(frozen=True, slots=True)
class DueIssue:
    """An issue whose alert is due. `kind` is that of the alert; `grounds` are those of an approval
    violation; `earlier_ids` are the live alerts that it replaces. `facts` are the details of the
    issue as JSON; `is_on_request`: only subscribers are notified."""

    issue_id: int
    kind: str
    subject: str
    application_id: int
    team_id: int
    criticality: int
    due_on: date | None
    is_earliest: bool
    offering_id: int | None
    facts: str
    is_on_request: bool
    grounds: list[str]
    earlier_ids: list[int]


def _statement_parameters(at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "day": day_of(at),
        "kinds": [str(kind) for kind in FACT_KINDS],
        "reminder_days": REMINDER_DAYS,
        "confirmation_days": CONFIRMATION_LIMIT.days,
    }


_DUE_KINDS = f"""
SELECT kind FROM ({_DUE_ISSUES}) due
UNION
SELECT '' WHERE EXISTS ({_ENDED_ALERTS})
"""


def find_due_kinds(*, at: datetime) -> set[str]:
    """Return the kinds of the alerts that are due, and an empty string if alerts have ended:
    without any of them `raise_issue_alerts` has nothing to do. One statement.

    A late migration is due only if no alert about the retirement of the model has told of it."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE_KINDS, _statement_parameters(at))
        return {kind for (kind,) in cursor.fetchall()}


@transaction.atomic
def raise_issue_alerts(*, at: datetime) -> int:
    """Resolve alerts whose issue has ended, and raise those that are due; return the number of new
    alerts."""
    parameters = _statement_parameters(at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ISSUES_LOCK])
    _resolve_ended(parameters, at=at)
    # the first run of a large portfolio raises several alerts for each ten applications
    batches = fetch_row_batches(DueIssue, _DUE_ISSUES, parameters, size=ALERT_BATCH_SIZE)
    return sum(_raise_batch(due_issues, at=at) for due_issues in batches)


def _raise_batch(due_issues: Sequence[DueIssue], *, at: datetime) -> int:
    """Raise the alerts of these issues, and return the number of new ones."""
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


def _resolve_ended(parameters: dict[str, Any], *, at: datetime) -> None:
    """Resolve the alerts whose fact has ended, or that another alert continues."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDED_ALERTS, parameters)
        rows = cursor.fetchall()
    ids_by_outcome: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for alert_id, resolution, is_quiet in rows:
        ids_by_outcome[resolution, is_quiet].append(alert_id)
    for (resolution, is_quiet), ids in ids_by_outcome.items():
        resolve_alerts(ids, resolution=Resolution(resolution), at=at, notify=not is_quiet)


def _issue_alert_draft(
    issue: DueIssue, name: str, party: AffectedParty, *, at: datetime
) -> AlertDraft:
    kind = IssueAlertKind(issue.kind)
    severity = issue_severity(kind, criticality=issue.criticality, soft=issue.is_earliest)
    details: dict[str, Any] = {"name": name}
    if issue.is_earliest:
        details["soft"] = True
    if kind == IssueAlertKind.APPROVAL_VIOLATED:
        details["grounds"] = issue.grounds
        details["approval"] = int(issue.subject.removeprefix("approval:"))
    if kind == IssueAlertKind.INCIDENT:
        facts = json.loads(issue.facts)
        details |= {name: facts[name] for name in INCIDENT_FACTS}
    alert = Alert(
        # the time makes the key of a fact that returns on the same day another one
        key=alert_key(f"issue:{issue.issue_id}", kind, party.key, milestone=f"{at:%Y-%m-%dT%H:%M}"),
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
    if issue.is_on_request:
        return AlertDraft(alert, on_request=True)
    return AlertDraft(alert, others=party.others, criticality=issue.criticality)
