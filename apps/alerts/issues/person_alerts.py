"""Alerts about what another user gives to one person: an issue to work on, or a comment that
mentions the person. They are created in the transaction of the assignment or the comment.

An assignment is open until the person responds, or the issue ends or gets another owner. A comment
needs no response."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from apps.alerts.deputies import deputy_notices
from apps.alerts.issues.links import link_records
from apps.alerts.kinds.severity import issue_severity
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, party_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, Notice, PersonKind, Resolution, SkipReason, SubjectKind
from apps.common.time import day_of
from apps.inventory.models import Criticality
from apps.issues.models import Activity, CauseKind, CauseOffering, Issue, Urgency
from apps.issues.receivers import register_receiver
from apps.issues.sentences import issue_text
from apps.issues.subjects import load_subjects
from apps.issues.urgency import issue_urgency

_OWNER_CHANGES = frozenset({Activity.Kind.OWNER, Activity.Kind.UNDONE, Activity.Kind.REOPENED})


@dataclass(frozen=True, slots=True)
class _PersonFact:
    """What one entry gives to one person."""

    kind: PersonKind
    entry: Activity
    user_id: int


def notify_persons(entries: Sequence[Activity]) -> None:
    """Notify the persons to whom issues are assigned or whom comments mention, but not by
    themselves. An assignment through an alert has a notification of its own."""
    facts = [
        _PersonFact(PersonKind.ASSIGNED, entry, entry.details["new"])
        for entry in entries
        if entry.kind == Activity.Kind.OWNER
        and "source" not in entry.details
        and entry.details.get("new") not in {None, entry.user_id}
    ]
    comments = {entry.pk: entry for entry in entries if entry.kind == Activity.Kind.COMMENT}
    if comments:
        mentions = Activity.mentions.through.objects.filter(activity__in=comments).order_by("pk")
        facts += [
            _PersonFact(PersonKind.MENTIONED, comments[activity_id], user_id)
            for activity_id, user_id in mentions.values_list("activity_id", "user_id")
            if user_id != comments[activity_id].user_id
        ]
    changed = {entry.issue_id for entry in entries if entry.kind in _OWNER_CHANGES}
    if changed:
        _end_assignments(changed, at=entries[-1].at)
    if facts:
        _create_alerts(facts, at=entries[-1].at)


def _end_assignments(issue_ids: Collection[int], *, at: datetime) -> None:
    """Resolve the alerts about assignments to users who do not own the issue any more; a pending
    notification is not sent."""
    alerts = Alert.objects.live().filter(
        kind=PersonKind.ASSIGNED, subject_kind=SubjectKind.ISSUE, subject_id__in=issue_ids
    )
    assignees = list(alerts.order_by("pk").values_list("pk", "subject_id", "user_id"))
    if not assignees:
        return
    owners = dict(Issue.objects.filter(pk__in=issue_ids).values_list("pk", "owner_id"))
    ended = [pk for pk, issue_id, user_id in assignees if owners.get(issue_id or 0) != user_id]
    if ended:
        Notice.objects.owed().filter(alert__in=ended).update(skip_reason=SkipReason.UNASSIGNED)
        resolve_alerts(ended, resolution=Resolution.OVERTAKEN, at=at, notify=False)


def _create_alerts(facts: Sequence[_PersonFact], *, at: datetime) -> None:
    today = day_of(at)
    issues = Issue.objects.select_related("cause").in_bulk({fact.entry.issue_id for fact in facts})
    titles = _load_titles(issues.values(), today)
    offerings: Mapping[int, int] = _load_offerings({issue.cause_id for issue in issues.values()})
    alerts_by_fact = [
        (fact, _build_alert(fact, issues[fact.entry.issue_id], titles, offerings, at=at))
        for fact in facts
    ]
    store_alerts([AlertDraft(alert) for _, alert in alerts_by_fact], quiet=True)
    new_alerts = {alert.pk: alert for _, alert in alerts_by_fact if alert.pk is not None}
    notices = [
        Notice(
            alert_id=alert.pk,
            user_id=fact.user_id,
            why=Notice.Why.ASSIGNED if fact.kind == PersonKind.ASSIGNED else Notice.Why.MENTIONED,
            urgent=alert.urgent,
            owed_at=at,
        )
        for fact, alert in alerts_by_fact
        if alert.pk is not None
    ]
    notices += deputy_notices(notices, new_alerts, on=today)
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    link_records(alert_ids=new_alerts)


def _build_alert(
    fact: _PersonFact,
    issue: Issue,
    titles: Mapping[int, str],
    offerings: Mapping[int, int],
    *,
    at: datetime,
) -> Alert:
    is_assigned = fact.kind == PersonKind.ASSIGNED
    urgency = issue_urgency(
        act_by=issue.act_by,
        criticality=issue.criticality,
        state=issue.state,
        today=day_of(at),
    )
    level = Criticality.IMPORTANT if issue.criticality is None else issue.criticality
    return Alert(
        # each assignment and each comment is a trigger of its own
        key=alert_key(
            f"issue:{issue.pk}",
            fact.kind,
            party_key(issue.team_id, fact.user_id),
            milestone=f"activity:{fact.entry.pk}",
        ),
        kind=fact.kind,
        severity=issue_severity(fact.kind, criticality=level),
        subject_kind=SubjectKind.ISSUE,
        subject_id=issue.pk,
        offering_id=offerings.get(issue.cause_id),
        due_on=issue.due_on,
        urgent=is_assigned and urgency == Urgency.NOW,
        details={
            "name": titles[issue.pk],
            "by": fact.entry.user_id,
            "text": fact.entry.text,
            "is_retirement": issue.cause.kind == CauseKind.RETIREMENT,
        },
        team_id=issue.team_id,
        user_id=fact.user_id,
        application_ids=[issue.application_id] if issue.application_id is not None else [],
        state=Alert.State.OPEN if is_assigned else Alert.State.RESOLVED,
        raised_at=at,
    )


def _load_titles(issues: Iterable[Issue], today: date) -> dict[int, str]:
    """Return {issue: its fact as a sentence}."""
    issues = list(issues)
    subjects = load_subjects(issue.cause.subject for issue in issues)
    return {
        issue.pk: issue_text(issue, subjects[issue.cause.subject], today).title for issue in issues
    }


def _load_offerings(cause_ids: Collection[int]) -> dict[int, int]:
    """Return {cause: the first offering that it concerns}."""
    offerings: dict[int, list[int]] = defaultdict(list)
    rows = CauseOffering.objects.filter(cause__in=cause_ids).order_by("offering_id")
    for cause_id, offering_id in rows.values_list("cause_id", "offering_id"):
        offerings[cause_id].append(offering_id)
    return {cause_id: ids[0] for cause_id, ids in offerings.items()}


register_receiver(notify_persons)
