"""Texts of reminders and of alerts about runways and stale assessments, for emails and pages; no
queries.

The shapes of `Alert.details`, by kind:

    milestone            {"soft": true} where the day is a 'not before'
    acceptance_expiring  {"what": risk or policy, "who": who accepted, "node": id (of a flag)}
    exit_test_expiring   {"what": offering it was tested for}
    waiver_expiring      {"what": campaign, "who": who waived}
    gate_waiver_expiring {"what": rule and model, "who": who granted}
    approval_expiring    {"what": target, "decision", "who": approver}
    review_due           {"what": application or selection}
    treatment_due        {"what": risk, "treatment"}
    mute_expiring        {"reason"}
    key_expiring         {"what": its name, "of": the program whose it is, empty where it is the
    recipient's own}
    runway_negative      {"effort_days": decimal text, "basis": "test" or "estimate", "soft": bool,
    and once it has
                         passed "over": the day}
    assessments_stale    {"n", "n_of": {application: n}, "ids", "named": [{"what", "because",
    "application": id}]}
"""

from collections.abc import Mapping
from datetime import date

from apps.alerts.kinds import issue_text, usage_discrepancy_text
from apps.alerts.models import Alert, DayKind, IssueAlertKind, SeenKind, StateKind, SubjectKind
from apps.alerts.text import counted, day, days, one_line

# {kind: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    DayKind.MILESTONE: (
        "Plan the move",
        "Choose a successor, test it and move before the day named.",
    ),
    StateKind.RUNWAY_NEGATIVE: (
        "Runway is negative",
        "Leaving takes longer than there is time left. Start now, shorten the move, or agree on "
        "what stops.",
    ),
    DayKind.EXIT_TEST_EXPIRING: (
        "Exit tests expire",
        "Repeat the test, or the fallback counts as untested.",
    ),
    DayKind.ACCEPTANCE_EXPIRING: (
        "Acceptances expire",
        "Assess anew: accept until another day, or treat the risk.",
    ),
    DayKind.WAIVER_EXPIRING: ("Waivers expire", "Finish the task, or ask for another day."),
    DayKind.GATE_WAIVER_EXPIRING: (
        "Waivers of the gate expire",
        "Mend what the gate finds, or ask for another waiver: builds may be stopped from that day "
        "on.",
    ),
    DayKind.APPROVAL_EXPIRING: (
        "Decisions expire",
        "Decide anew, or what stands on it stands there undecided.",
    ),
    StateKind.ASSESSMENTS_STALE: (
        "Assessments are stale",
        "Something they rest on has changed: assess them anew.",
    ),
    DayKind.TREATMENT_DUE: ("Treatments are due", "Do it, or give it another day."),
    DayKind.REVIEW_DUE: ("Reviews are due", "Review it, and set the day of the next review."),
    DayKind.KEY_EXPIRING: (
        "Keys expire",
        "Renew them, and give the new secret to the programs that use them: the old one works on "
        "for a while.",
    ),
    DayKind.MUTE_EXPIRING: (
        "Mutes expire",
        "Afterwards you are mailed again. Nothing to do, unless it should last.",
    ),
    **usage_discrepancy_text.GUIDANCE,
    **issue_text.GUIDANCE,
}


def reminder_heading(alert: Alert, *, name: str, on: date) -> str:
    """Return the heading of an alert on the day `on`: `gpt-4o at OpenAI ends in 30 days, on 24 Dec
    2026`.

    `name` is the name of the offering, or of the application for alerts about an application; empty
    without one."""
    if alert.kind in SeenKind:
        return usage_discrepancy_text.discrepancy_heading(alert, name=name)
    if alert.kind in IssueAlertKind:
        return issue_text.issue_heading(alert, name=name)
    if alert.kind == DayKind.MILESTONE:
        return f"{name} {reminder_predicate(alert, on=on)}"
    if alert.kind == StateKind.RUNWAY_NEGATIVE:
        effort = one_line(alert.details.get("effort_days", ""), max_length=12)
        retires_text = "may end any day from" if alert.details.get("soft") else "ends on"
        date_text = f" that {retires_text} {day(alert.due_on)}" if alert.due_on else ""
        return f"{name} needs {effort} days to leave a model{date_text}: too late to move in time"
    if alert.kind == StateKind.ASSESSMENTS_STALE:
        n = int(alert.details.get("n", 0))
        return f"{counted(n, 'assessment').capitalize()} {'is' if n == 1 else 'are'} stale"
    of_name = f" of {name}" if name and alert.kind != DayKind.REVIEW_DUE else ""
    return f"{reminder_subject(alert)}{of_name} {reminder_predicate(alert, on=on)}"


def reminder_subject(alert: Alert) -> str:
    """Return the subject of a sentence about the deadline."""
    details = alert.details
    subject_name = one_line(details.get("what", ""), max_length=120)
    person_name = one_line(details.get("who", ""), max_length=80)
    match alert.kind:
        case DayKind.ACCEPTANCE_EXPIRING:
            return f"{subject_name}: the acceptance by {person_name}"
        case DayKind.EXIT_TEST_EXPIRING:
            return f"The exit test for {subject_name}"
        case DayKind.WAIVER_EXPIRING | DayKind.GATE_WAIVER_EXPIRING:
            return f"{subject_name}: the waiver by {person_name}"
        case DayKind.APPROVAL_EXPIRING:
            decision = one_line(details.get("decision", ""), max_length=20)
            return f"{subject_name}: the decision '{decision}' by {person_name}"
        case DayKind.REVIEW_DUE:
            return f"The review of {subject_name}"
        case DayKind.TREATMENT_DUE:
            return f"{subject_name}: the treatment"
        case DayKind.KEY_EXPIRING:
            owner_name = one_line(details.get("of", ""), max_length=80)
            return (
                f"The key {subject_name} of {owner_name}"
                if owner_name
                else f"Your key {subject_name}"
            )
        case DayKind.MUTE_EXPIRING:
            reason = one_line(details.get("reason", ""), max_length=120)
            return f"Your mute ({reason})" if reason else "Your mute"
    return subject_name


def reminder_predicate(alert: Alert, *, on: date, is_plural: bool = False) -> str:
    """Return the predicate: `expires in 7 days, on 1 Dec 2026`; if `is_plural`, `expire in ...`."""
    due = alert.due_on
    if due is None:
        return "are due" if is_plural else "is due"
    days_left = (due - on).days
    if alert.kind == DayKind.MILESTONE:
        if alert.details.get("soft"):
            ahead = f"does not end before {day(due)}, in {days(days_left)}"
            return ahead if days_left > 0 else f"may end any day since {day(due)}"
        verb, past = ("end", "ended on") if is_plural else ("ends", "ended on")
    elif alert.kind in {DayKind.REVIEW_DUE, DayKind.TREATMENT_DUE}:
        verb = "are due" if is_plural else "is due"
        past = "have been due since" if is_plural else "has been due since"
    else:
        verb = "expire" if is_plural else "expires"
        past = "have expired on" if is_plural else "has expired on"
    if days_left > 0:
        return f"{verb} in {days(days_left)}, on {day(due)}"
    if days_left == 0:
        return f"{verb} today"
    return f"{past} {day(due)}"


def reminder_path(alert: Alert, *, slug: str = "") -> str:
    """Return the path of the page about the subject of the alert; `slug` is that of its only
    application, if it has one."""
    if alert.kind in SeenKind:
        return usage_discrepancy_text.discrepancies_path(slug=slug)
    if alert.kind in IssueAlertKind:
        return issue_text.issue_path(alert)
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
    "reminder_heading",
    "reminder_path",
    "reminder_predicate",
    "reminder_subject",
]
