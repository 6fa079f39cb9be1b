"""Sentences about causes and issues, for pages, emails and REST."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.accounts.models import User
from apps.common.text import format_date, pluralize
from apps.feeds.models import Health
from apps.intake.models import Discrepancy
from apps.inventory.findings import finding_sentence
from apps.issues.models import Activity, Cause, CauseKind, Issue, IssueResolution
from apps.issues.subjects import Subject


@dataclass(frozen=True, slots=True)
class IssueText:
    """What a reader sees of an issue: `title` is the fact with its date, `advice` what to do."""

    title: str
    advice: str


def issue_text(issue: Issue, subject: Subject, today: date) -> IssueText:
    """Return the text of an issue whose cause is loaded."""
    return IssueText(
        title=cause_title(
            issue.cause, subject, today, due_on=issue.due_on, is_earliest=issue.is_earliest
        ),
        advice=_ADVICE[CauseKind(issue.cause.kind)](issue, today),
    )


def cause_title(
    cause: Cause,
    subject: Subject,
    today: date,
    *,
    due_on: date | None = None,
    is_earliest: bool = False,
) -> str:
    """Return the fact as one sentence without a full stop, with the date if there is one."""
    return _TITLES[CauseKind(cause.kind)](cause, subject.name, due_on, is_earliest, today)


def _retirement_title(
    cause: Cause, name: str, due_on: date | None, is_earliest: bool, today: date
) -> str:
    if due_on is None:
        return f"{name} is retired and still used"
    if is_earliest:
        return f"{name} retires no earlier than {format_date(due_on)}"
    if due_on <= today:
        return f"{name} retired on {format_date(due_on)} and is still used"
    return f"{name} retires on {format_date(due_on)}"


def _fallback_title(
    cause: Cause, name: str, due_on: date | None, is_earliest: bool, today: date
) -> str:
    when = f"on {format_date(due_on)}, " if due_on else ""
    return f"The fallback {name} retires {when}with or before the primary model"


_DEADLINE_TITLES = {
    "application_review": "The review of {name} is due",
    "selection_review": "The review of the selection record {name} is due",
    "exit_test": "The exit test of {name} expires",
    "treatment": "The treatment of {name} is due",
    "risk_acceptance": "The acceptance of {name} expires",
    "contract": "The contract {name} must be renewed or terminated",
}


def _deadline_title(
    cause: Cause, name: str, due_on: date | None, is_earliest: bool, today: date
) -> str:
    title = _DEADLINE_TITLES.get(cause.subtype, "{name} is due").format(name=name)
    return f"{title} on {format_date(due_on)}" if due_on else title


def _dated(future: str, past: str) -> Callable[..., str]:
    def title(cause: Cause, name: str, due_on: date | None, is_earliest: bool, today: date) -> str:
        template = past if due_on is not None and due_on <= today else future
        return template.format(name=name, date=format_date(due_on) if due_on else "")

    return title


def _plain(template: str) -> Callable[..., str]:
    def title(cause: Cause, name: str, due_on: date | None, is_earliest: bool, today: date) -> str:
        return template.format(name=name)

    return title


_TITLES: Mapping[CauseKind, Callable[..., str]] = {
    CauseKind.RETIREMENT: _retirement_title,
    CauseKind.PRICE_CHANGE: _dated(
        "The price of {name} rises on {date}", "The price of {name} rose on {date}"
    ),
    CauseKind.INCIDENT: _plain("{name} had an outage"),
    CauseKind.EXPOSURE_FLAG: _plain("Above tolerance: {name}"),
    CauseKind.APPROVAL_VIOLATION: _plain("{name} is used against its approval"),
    CauseKind.APPROVAL_EXPIRY: _dated(
        "The approval of {name} expires on {date}", "The approval of {name} expired on {date}"
    ),
    CauseKind.DEADLINE: _deadline_title,
    CauseKind.FALLBACK_RETIRES: _fallback_title,
    CauseKind.STALE_ASSESSMENT: _plain("Assessments of {name} are stale"),
    CauseKind.USAGE_DISCREPANCY: _plain("Observed usage differs from the declaration"),
    CauseKind.MIGRATION_TASK: _plain("Migration task: {name}"),
    CauseKind.FEED_REVIEW: _plain("The feed {name} needs a review"),
    CauseKind.MISSING_DATA: _plain("Data of {name} is missing or wrong"),
    CauseKind.TOLERANCE_CHANGE: _plain("The tolerance of {name} was loosened"),
    CauseKind.TOKEN_EXPIRY: _dated(
        "The API token {name} expires on {date}", "The API token {name} expired on {date}"
    ),
}


# --- advice ---------------------------------------------------------------------------------------


def _retirement_advice(issue: Issue, today: date) -> str:
    if issue.due_on is None or (issue.due_on <= today and not issue.is_earliest):
        return "Calls might fail or reach another model. Migrate now."
    if issue.start_by is None or issue.details.get("effort_days") is None:
        return "The migration effort is unknown. Record an exit plan, then migrate in time."
    days = (today - issue.start_by).days
    if issue.state == Issue.State.IN_PROGRESS and issue.finish_by is not None:
        return f"The migration must be finished by {format_date(issue.finish_by)}."
    if days > 0:
        return (
            f"The migration should have started {days} days ago. Start it now, shorten it, or "
            "plan for downtime."
            if days > 1
            else "The migration should have started yesterday. Start it now."
        )
    return f"Start the migration by {format_date(issue.start_by)}."


def _violation_advice(issue: Issue, today: date) -> str:
    if issue.details.get("blocked"):
        return "The model is blocked. Migrate the dependency, or request another approval."
    if not issue.details.get("is_certain", True):
        return (
            "The approval is restricted, and data of the application is missing to decide. "
            "Complete the data classification and region."
        )
    return "The approval is restricted. Migrate the dependency, or request another approval."


_FEED_ADVICE = {
    Health.SUSPECT: "Accept or reject the changes on hold. Undecided changes apply after 7 days.",
    Health.LATE: "The feed has not been read in time. Check the connection.",
    Health.FROZEN: "The feed responds but does not change. Check whether it is still maintained.",
}


def _feed_advice(issue: Issue, today: date) -> str:
    health = issue.details.get("health", "")
    return _FEED_ADVICE.get(health, "Check the feed.")


def _discrepancy_advice(issue: Issue, today: date) -> str:
    kind = issue.details.get("type", "")
    label = dict(Discrepancy.Kind.choices).get(kind, "Discrepancy")
    return f"{label}. Declare what is used, correct the dependency, or dismiss the discrepancy."


def _missing_data_advice(issue: Issue, today: date) -> str:
    facts = issue.details.get("facts") or [{}]
    return " ".join(finding_sentence(issue.details["code"], fact) for fact in facts[:3])


def _flag_advice(issue: Issue, today: date) -> str:
    n = issue.details.get("n_applications", 0)
    return pluralize(
        n,
        "1 application is concerned. Reduce the exposure, or accept it until a date.",
        f"{n} applications are concerned. Reduce the exposure, or accept it until a date.",
    )


def _fixed(sentence: str) -> Callable[[Issue, date], str]:
    def advice(issue: Issue, today: date) -> str:
        return sentence

    return advice


_ADVICE: Mapping[CauseKind, Callable[[Issue, date], str]] = {
    CauseKind.RETIREMENT: _retirement_advice,
    CauseKind.PRICE_CHANGE: _fixed("Check the cost of the application, and resolve the issue."),
    CauseKind.INCIDENT: _fixed("Check whether the application was affected."),
    CauseKind.EXPOSURE_FLAG: _flag_advice,
    CauseKind.APPROVAL_VIOLATION: _violation_advice,
    CauseKind.APPROVAL_EXPIRY: _fixed("Renew the approval, or migrate what depends on it."),
    CauseKind.DEADLINE: _fixed("Complete it, or set another date."),
    CauseKind.FALLBACK_RETIRES: _fixed("Choose another fallback, which is served for longer."),
    CauseKind.STALE_ASSESSMENT: _fixed("The basis of the assessments has changed. Reassess."),
    CauseKind.USAGE_DISCREPANCY: _discrepancy_advice,
    CauseKind.MIGRATION_TASK: _fixed("Complete the steps of the migration task."),
    CauseKind.FEED_REVIEW: _feed_advice,
    CauseKind.MISSING_DATA: _missing_data_advice,
    CauseKind.TOLERANCE_CHANGE: _fixed("A second governance user must confirm or reject it."),
    CauseKind.TOKEN_EXPIRY: _fixed("Rotate the token before it expires."),
}


# --- activity -------------------------------------------------------------------------------------


def activity_sentence(entry: Activity, names: Mapping[int, str]) -> str:
    """Return one entry of the timeline as a sentence; `names` are those of users."""
    who = names.get(entry.user_id, "A user") if entry.user_id else "The registry"
    details: Mapping[str, Any] = entry.details
    match entry.kind:
        case Activity.Kind.OPENED:
            return "The issue was opened."
        case Activity.Kind.REOPENED:
            return f"{who} reopened the issue." if entry.user_id else "The issue was reopened."
        case Activity.Kind.DATES:
            return f"The date changed from {_day(details['old'])} to {_day(details['new'])}."
        case Activity.Kind.STATE:
            old, new = _state(details["old"]), _state(details["new"])
            return f"The state changed from {old} to {new}."
        case Activity.Kind.OWNER:
            new_owner = names.get(details.get("new") or 0, "")
            if not new_owner:
                return f"{who} removed the assignment."
            if entry.user_id:
                return f"{who} assigned the issue to {new_owner}."
            return f"The owner is now {new_owner}."
        case Activity.Kind.ACKNOWLEDGED:
            return f"{who} acknowledged the issue."
        case Activity.Kind.SNOOZED:
            return f"{who} snoozed the issue until {_day(details['until'])}."
        case Activity.Kind.ACCEPTED:
            return f"{who} accepted the gap until {_day(details['until'])}."
        case Activity.Kind.ACCEPTANCE_REVOKED:
            return f"{who} revoked the acceptance."
        case Activity.Kind.COMMENT:
            return f"{who} commented."
        case Activity.Kind.UNDONE:
            return f"{who} undid a response."
    resolution = details.get("resolution", "")
    if entry.user_id:
        return f"{who} resolved the issue."
    label = IssueResolution(resolution).label if resolution else "The cause has ended"
    return f"The issue was resolved: {label[0].lower()}{label[1:]}."


def activity_user_names(entries: Iterable[Activity]) -> dict[int, str]:
    """Return {user: name} of all users whom the entries name; one statement."""
    ids: set[int] = set()
    for entry in entries:
        if entry.user_id is not None:
            ids.add(entry.user_id)
        if entry.kind == Activity.Kind.OWNER:
            ids |= {pk for pk in (entry.details.get("old"), entry.details.get("new")) if pk}
    return {user.pk: str(user) for user in User.objects.filter(pk__in=ids)}


def _day(text: str | None) -> str:
    return format_date(date.fromisoformat(text)) if text else "no date"


def _state(value: str) -> str:
    return Issue.State(value).label.lower()
