"""Text of alerts about issues, for emails and pages alike. Plain Python.

`Alert.details` of every such kind: {"name": subject of the cause, "grounds": [...] of an approval
violation: blocked, expired, criticality, data_class, region; "approval": its ID}. The date of an
expired approval is that of its expiry; "soft": true for an earliest retirement date. Of an
incident also INCIDENT_FACTS, as in the details of its issue. Of kinds about
a person: {"name": the fact as a sentence, "by": ID of the user, "text": comment, "is_retirement"}.
Of a proposal {"name", "decision": its kind, "by": name of its author}.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.alerts.models import Alert, IssueAlertKind, PersonKind
from apps.alerts.text import long_day, one_line

# what an alert keeps of an incident
INCIDENT_FACTS = ("host", "title", "impact", "started_at", "components", "url", "fallback")
# what an email quotes of a comment
MAX_COMMENT_LENGTH = 300

# {group: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    IssueAlertKind.RETIRED_MODEL_IN_USE: (
        "Retired and still used",
        "Calls might fail or reach another model. Migrate now.",
    ),
    IssueAlertKind.APPROVAL_VIOLATED: (
        "Approval violations",
        "Migrate these dependencies, or request an approval.",
    ),
    IssueAlertKind.FALLBACK_RETIRES: (
        "Fallbacks that retire",
        "The fallback retires with or before the primary model. Choose another fallback.",
    ),
    IssueAlertKind.MIGRATION_LATE: (
        "Late migrations",
        "Start the migration now, shorten it, or plan for downtime.",
    ),
    IssueAlertKind.INCIDENT: (
        "Ongoing incidents",
        "Check whether calls fail. Switch to a fallback that works, or tell the users.",
    ),
    PersonKind.ASSIGNED: (
        "Assigned issues",
        "Acknowledge each issue, or assign it to another user.",
    ),
    PersonKind.MENTIONED: ("Comments", "Open the issue to answer."),
    IssueAlertKind.DECISION_PROPOSED: (
        "Decisions to confirm",
        "Confirm or reject them. Their authors cannot confirm them.",
    ),
    IssueAlertKind.USE_CASE_PROPOSED: (
        "Proposed use cases",
        "Accept or decline them, or ask a question.",
    ),
}
# a group of several, after their number
PLURAL_CLAUSES: Mapping[str, str] = {
    IssueAlertKind.RETIRED_MODEL_IN_USE: "retired models are still used",
    IssueAlertKind.APPROVAL_VIOLATED: "approvals are violated",
    IssueAlertKind.FALLBACK_RETIRES: "fallbacks retire with or before the primary model",
    IssueAlertKind.MIGRATION_LATE: "migrations should have started",
    IssueAlertKind.INCIDENT: "incidents are ongoing",
    PersonKind.ASSIGNED: "issues are assigned",
    PersonKind.MENTIONED: "comments with mentions",
    IssueAlertKind.DECISION_PROPOSED: "decisions wait for a second person",
    IssueAlertKind.USE_CASE_PROPOSED: "use cases are proposed",
}
_DECISIONS = {
    "tolerance": "Tolerance to confirm",
    "acceptance": "Acceptance to confirm",
    "block": "Block to confirm",
    "setting": "Setting to confirm",
}
_GROUNDS = {
    "blocked": "it is blocked",
    "expired": "the approval has expired",
    "criticality": "the criticality of the application is not allowed",
    "data_class": "the data classification of the application is not allowed",
    "region": "the region of the application is not allowed",
    "data_terms": "the data terms of the offering are not allowed",
}


def issue_subject(alert: Alert) -> str:
    """Return the subject of the cause: a version, or the target of an approval."""
    return one_line(alert.details.get("name", ""), max_length=120)


def issue_predicate(alert: Alert) -> str:
    """Return the fact, the subject of the cause being its subject: `retired on 20 October 2026 and
    is still used`."""
    match alert.kind:
        case IssueAlertKind.RETIRED_MODEL_IN_USE:
            if alert.due_on is None:
                return "is retired and is still used"
            return f"retired on {long_day(alert.due_on)} and is still used"
        case IssueAlertKind.FALLBACK_RETIRES:
            when = f" on {long_day(alert.due_on)}" if alert.due_on else ""
            return f"is a fallback and retires{when}, with or before the primary model"
        case IssueAlertKind.MIGRATION_LATE:
            verb = "retires no earlier than" if alert.details.get("soft") else "retires on"
            when = f"{verb} {long_day(alert.due_on)}" if alert.due_on else "retires"
            return f"{when}, and its migration should have started"
        case IssueAlertKind.INCIDENT:
            return incident_predicate(alert.details)
    if "expired" in alert.details.get("grounds", ()) and alert.due_on is not None:
        return f"is used although its approval expired on {long_day(alert.due_on)}"
    grounds = [_GROUNDS[name] for name in alert.details.get("grounds", []) if name in _GROUNDS]
    return f"is used against its approval: {', '.join(grounds) or 'it is restricted'}"


def incident_predicate(details: Mapping[str, Any]) -> str:
    """Return since when an incident is ongoing, with its impact: `is ongoing since 29 July 2026,
    19:49 UTC (critical)`."""
    started_at = datetime.fromisoformat(details["started_at"])
    return (
        f"is ongoing since {long_day(started_at.date())}, {started_at:%H:%M} UTC "
        f"({details['impact']})"
    )


_FALLBACKS = {
    "tested": "Switch to the tested fallback if calls fail.",
    "untested": "The fallback is not tested. Test it now, and switch if it works.",
    "same_party": "Every fallback depends on the same company. Plan for downtime.",
    "missing": "There is no fallback. Plan for downtime.",
}


def incident_sentences(alert: Alert) -> str:
    """Return what an email says of an incident: start, impact, components, status page, and what to
    do."""
    details = alert.details
    sentences = [f"The incident {incident_predicate(details)}."]
    if details["components"]:
        sentences.append(f"Components: {', '.join(details['components'])}.")
    sentences.append(_FALLBACKS[details["fallback"]])
    if details["url"]:
        sentences.append(f"Status page: {details['url']}")
    return one_line(" ".join(sentences), max_length=1000)


def issue_heading(alert: Alert, *, name: str) -> str:
    """Return the alert as one sentence; `name` is the only application that it concerns, or
    empty."""
    if alert.kind in PersonKind:
        label = PersonKind(alert.kind).label
        return f"{label}: {f'{name}: ' if name else ''}{issue_subject(alert)}"
    if alert.kind == IssueAlertKind.DECISION_PROPOSED:
        return f"{_DECISIONS[alert.details['decision']]}: {issue_subject(alert)}"
    if alert.kind == IssueAlertKind.USE_CASE_PROPOSED:
        return f"Proposed use case: {issue_subject(alert)}"
    sentence = f"{issue_subject(alert)} {issue_predicate(alert)}"
    return f"{name}: {sentence}" if name else sentence


def person_sentence(alert: Alert, *, by: str, to: str) -> str:
    """Return what the user `by` did: `Maren Vogt assigned the issue to you.`; `to` is the person
    whom the alert concerns, as the reader names them."""
    if alert.kind == PersonKind.ASSIGNED:
        return f"{by} assigned the issue to {to}."
    comment = one_line(alert.details.get("text", ""), max_length=MAX_COMMENT_LENGTH)
    return f'{by} mentioned {to} in a comment: "{comment}"'


def issue_path(alert: Alert) -> str:
    """Return where the issue is handled, from the root of the site."""
    return f"/issues/{alert.subject_id}/"
