"""Texts of reminders and of alerts about runways and stale assessments, for emails and pages; no
queries.

The shapes of `Alert.details`, by kind:

    milestone            {"soft": true} for an earliest retirement date
    acceptance_expiring  {"what": risk or policy, "who": name of the user, "node": id (of a flag)}
    exit_test_expiring   {"what": offering of the target}
    waiver_expiring      {"what": campaign, "who": name of the user}
    gate_waiver_expiring {"what": rule and model, "who": name of the user}
    approval_expiring    {"what": target, "decision", "who": approver}
    stage_begins         {"what": offering and stage}
    review_due           {"what": application or selection}
    treatment_due        {"what": risk, "treatment"}
    mute_expiring        {"reason"}
    key_expiring         {"what": its name, "of": the name of the service account, empty for the
    recipient's own token}
    runway_negative      {"effort_days": decimal text, "basis": "test" or "estimate", "soft": bool,
    and once it has
                         passed "over": the day}
    assessments_stale    {"n", "n_of": {application: n}, "ids", "named": [{"what", "because",
    "application": id}]}
"""

from collections.abc import Mapping, Sequence
from datetime import date

from apps.alerts.kinds import issue_text, task_text, usage_discrepancy_text
from apps.alerts.models import (
    Alert,
    DayKind,
    IssueAlertKind,
    PersonKind,
    SeenKind,
    StateKind,
    SubjectKind,
    TaskKind,
)
from apps.alerts.text import counted, days, long_day, one_line

# {kind: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    DayKind.MILESTONE: (
        "Upcoming retirements",
        "Choose a replacement, test it and migrate before the date.",
    ),
    StateKind.RUNWAY_NEGATIVE: (
        "Negative runway",
        "Migration takes longer than the time left. Start now, shorten it, or plan for downtime.",
    ),
    DayKind.EXIT_TEST_EXPIRING: (
        "Exit tests expiring",
        "Repeat the test. From the date on, the alternative counts as untested.",
    ),
    DayKind.ACCEPTANCE_EXPIRING: (
        "Acceptances expiring",
        "Reassess: accept until another date, or treat the risk.",
    ),
    DayKind.WAIVER_EXPIRING: ("Deferrals expiring", "Complete the task, or set another date."),
    DayKind.GATE_WAIVER_EXPIRING: (
        "Waivers expiring",
        "Correct what the release gate reports, or request another waiver.",
    ),
    DayKind.APPROVAL_EXPIRING: (
        "Approvals expiring",
        "Renew the approval, or migrate the applications that depend on it.",
    ),
    StateKind.ASSESSMENTS_STALE: ("Assessments stale", "The basis has changed. Reassess."),
    DayKind.TREATMENT_DUE: ("Treatments due", "Complete the treatment, or set another date."),
    DayKind.REVIEW_DUE: ("Reviews due", "Complete the review, and set the date of the next one."),
    DayKind.KEY_EXPIRING: (
        "API tokens expiring",
        "Rotate the token, and update its clients. The old token stays valid for some time.",
    ),
    DayKind.STAGE_BEGINS: (
        "Stages of models",
        "Check what changes for you: new customers, training, or the price.",
    ),
    DayKind.MUTE_EXPIRING: ("Mutes expiring", "No action needed. Emails resume on that date."),
    **usage_discrepancy_text.GUIDANCE,
    **issue_text.GUIDANCE,
    **task_text.GUIDANCE,
}


def reminder_heading(alert: Alert, *, name: str, on: date) -> str:
    """Return the alert as one sentence on the day `on`: `gpt-4o on OpenAI retires in 30 days, on 24
    December 2026`.

    `name` is the name of the offering, or of the application for alerts about an application; empty
    without one."""
    if alert.kind in SeenKind:
        return usage_discrepancy_text.discrepancy_heading(alert, name=name)
    if alert.kind in IssueAlertKind or alert.kind in PersonKind:
        return issue_text.issue_heading(alert, name=name)
    if alert.kind in TaskKind:
        return task_text.task_heading(alert, name=name, on=on)
    if alert.kind == DayKind.MILESTONE:
        return f"{name} {reminder_predicate(alert, on=on)}"
    if alert.kind == StateKind.RUNWAY_NEGATIVE:
        return _runway_heading(alert, name)
    if alert.kind == StateKind.ASSESSMENTS_STALE:
        n = int(alert.details.get("n", 0))
        return f"{counted(n, 'assessment')} {'is' if n == 1 else 'are'} stale"
    return f"{_describe_subject(alert, name)} {reminder_predicate(alert, on=on)}"


def _runway_heading(alert: Alert, name: str) -> str:
    effort = one_line(alert.details.get("effort_days", ""), max_length=12)
    unit = "day" if effort == "1" else "days"
    if alert.due_on is None:
        return f"{name} cannot be migrated in time: the migration takes {effort} {unit}"
    verb = "retires no earlier than" if alert.details.get("soft") else "retires on"
    return (
        f"{name} cannot be migrated in time: the migration takes {effort} {unit}, and the model "
        f"{verb} {long_day(alert.due_on)}"
    )


def reminder_title(alert: Alert) -> str:
    """Return the name of the record that has the date; of a mute its reason."""
    if alert.kind == DayKind.MUTE_EXPIRING:
        return one_line(alert.details.get("reason", ""), max_length=120) or "Your mute"
    return one_line(alert.details.get("what", ""), max_length=120)


def _describe_subject(alert: Alert, application: str) -> str:
    """Return the subject of a sentence about the date: `The acceptance of FR-27 for Claims triage
    by Amara Nwosu`."""
    title = reminder_title(alert)
    of_application = f" for {application}" if application else ""
    match alert.kind:
        case DayKind.EXIT_TEST_EXPIRING:
            of_application = f" of {application}" if application else ""
            return f"The exit test{of_application} for {title}"
        case DayKind.STAGE_BEGINS:
            return f"The next stage of {title}{of_application}"
        case DayKind.REVIEW_DUE:
            return f"The review of {title}"
        case DayKind.TREATMENT_DUE:
            return f"The treatment of {title}{of_application}"
        case DayKind.WAIVER_EXPIRING:
            return f"The deferral{of_application} in {title}{_by(alert)}"
        case DayKind.GATE_WAIVER_EXPIRING:
            return f"The waiver of {title}{of_application}{_by(alert)}"
        case DayKind.ACCEPTANCE_EXPIRING:
            return f"The acceptance of {title}{of_application}{_by(alert)}"
        case DayKind.APPROVAL_EXPIRING:
            return f"The approval of {title} ({_decision(alert)}){_by(alert)}"
        case DayKind.KEY_EXPIRING:
            account = one_line(alert.details.get("of", ""), max_length=80)
            return f"The API token {title} of {account}" if account else f"Your API token {title}"
        case DayKind.MUTE_EXPIRING:
            reason = one_line(alert.details.get("reason", ""), max_length=120)
            return f"Your mute ({reason})" if reason else "Your mute"
    return title


def reminder_sentence(alerts: Sequence[Alert], *, on: date) -> str:
    """Return a sentence about the dates of alerts of one kind and day, whose titles name the
    records: `The acceptance by Amara Nwosu expires in 21 days, on 15 December 2026.`"""
    first = alerts[0]
    singular, plural = _NOUNS[DayKind(first.kind)]
    by = _by(first) if len({_by(alert) for alert in alerts}) == 1 else ""
    if len(alerts) > 1:
        subject = f"{len(alerts):,} {plural}{by}"
    elif first.kind == DayKind.APPROVAL_EXPIRING:
        subject = f"The approval ({_decision(first)}){by}"
    elif first.kind == DayKind.KEY_EXPIRING and first.details.get("of"):
        subject = f"The API token of {one_line(first.details['of'], max_length=80)}"
    elif first.kind in {DayKind.KEY_EXPIRING, DayKind.MUTE_EXPIRING}:
        subject = f"Your {singular}"
    else:
        subject = f"The {singular}{by}"
    return f"{subject} {reminder_predicate(first, on=on, is_plural=len(alerts) > 1)}."


_NOUNS: Mapping[DayKind, tuple[str, str]] = {
    DayKind.ACCEPTANCE_EXPIRING: ("acceptance", "acceptances"),
    DayKind.EXIT_TEST_EXPIRING: ("exit test", "exit tests"),
    DayKind.WAIVER_EXPIRING: ("deferral", "deferrals"),
    DayKind.GATE_WAIVER_EXPIRING: ("waiver", "waivers"),
    DayKind.APPROVAL_EXPIRING: ("approval", "approvals"),
    DayKind.REVIEW_DUE: ("review", "reviews"),
    DayKind.TREATMENT_DUE: ("treatment", "treatments"),
    DayKind.STAGE_BEGINS: ("stage", "stages"),
    DayKind.MUTE_EXPIRING: ("mute", "mutes"),
    DayKind.KEY_EXPIRING: ("API token", "API tokens"),
}


def reminder_nouns(kind: str) -> tuple[str, str]:
    """Return (singular, plural) of what has the date."""
    return _NOUNS[DayKind(kind)]


def is_due_kind(kind: str) -> bool:
    """Return whether its records are due on their date; the others expire, or begin."""
    return kind in {DayKind.REVIEW_DUE, DayKind.TREATMENT_DUE}


def plural_verb(kind: str) -> str:
    """Return what records of the kind do on their date: `expire`."""
    if kind == DayKind.STAGE_BEGINS:
        return "begin"
    return "are due" if is_due_kind(kind) else "expire"


def _by(alert: Alert) -> str:
    person_name = one_line(alert.details.get("who", ""), max_length=80)
    return f" by {person_name}" if person_name else ""


def _decision(alert: Alert) -> str:
    return one_line(alert.details.get("decision", ""), max_length=20)


def reminder_predicate(alert: Alert, *, on: date, is_plural: bool = False) -> str:
    """Return the predicate: `expires in 7 days, on 1 December 2026`; if `is_plural`, `expire in
    ...`."""
    due = alert.due_on
    if due is None:
        return "are due" if is_plural else "is due"
    days_left = (due - on).days
    if alert.kind == DayKind.MILESTONE and alert.details.get("soft"):
        if days_left > 0:
            return f"retires no earlier than {long_day(due)}, in {days(days_left)}"
        return f"can retire any day since {long_day(due)}"
    if alert.kind == DayKind.MILESTONE:
        verb, past = "retires", "retired on"
    elif alert.kind == DayKind.STAGE_BEGINS:
        verb, past = "begin" if is_plural else "begins", "began on"
    elif is_due_kind(alert.kind):
        verb = "are due" if is_plural else "is due"
        past = "were due on" if is_plural else "was due on"
    else:
        verb, past = "expire" if is_plural else "expires", "expired on"
    if days_left > 0:
        return f"{verb} in {days(days_left)}, on {long_day(due)}"
    if days_left == 0:
        return f"{verb} today"
    return f"{past} {long_day(due)}"


def reminder_path(alert: Alert, *, slug: str = "") -> str:
    """Return the path of the page about the subject of the alert; `slug` is that of its only
    application, if it has one."""
    if alert.kind in SeenKind:
        return usage_discrepancy_text.discrepancies_path(slug=slug)
    if alert.kind in IssueAlertKind or alert.kind in PersonKind:
        return issue_text.issue_path(alert)
    if alert.kind in TaskKind:
        return task_text.task_path(alert)
    application = f"/applications/{slug}/" if slug else "/applications/"
    match alert.subject_kind:
        case SubjectKind.OFFERING:
            return f"/offerings/{alert.subject_id}/"
        case SubjectKind.MUTE:
            return "/alerts/subscriptions/"
        case SubjectKind.KEY:
            return "/settings/programs/" if alert.details.get("of") else "/settings/keys/"
        case SubjectKind.WAIVER:
            return f"/gate/waivers/{alert.subject_id}/"
        case SubjectKind.FLAG | SubjectKind.APPROVAL | SubjectKind.SELECTION:
            return f"/alerts/{alert.pk}/"
    return application


__all__ = [
    "GUIDANCE",
    "is_due_kind",
    "plural_verb",
    "reminder_heading",
    "reminder_nouns",
    "reminder_path",
    "reminder_predicate",
    "reminder_sentence",
    "reminder_title",
]
