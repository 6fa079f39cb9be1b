"""Sentences about causes and issues, for pages, emails and REST."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from apps.accounts.models import User
from apps.catalog.models.offerings import ID_NOT_KNOWN
from apps.catalog.retirements.due import due_text
from apps.common.text import format_date, pluralize
from apps.feeds.models import Health
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
    title = cause_title(
        issue.cause,
        subject,
        today,
        due_on=issue.due_on,
        is_earliest=issue.is_earliest,
        is_open=issue.state != Issue.State.RESOLVED,
        # issues of earlier releases do not say, and were written when the date alone counted
        is_confirmed=issue.details.get("is_confirmed", True),
        due_status=issue.details.get("due_status", ""),
    )
    return IssueText(title, _ADVICE[CauseKind(issue.cause.kind)](issue, today))


def cause_title(
    cause: Cause,
    subject: Subject,
    today: date,
    *,
    due_on: date | None = None,
    is_earliest: bool = False,
    is_open: bool = True,
    is_confirmed: bool = True,
    due_status: str = "",
) -> str:
    """Return the fact as one sentence without a full stop, with the date if there is one.
    `is_confirmed` and `due_status` as in `Fact`."""
    qualifier = cause.subject.partition("/")[2]
    fact = Fact(
        subject.name,
        cause.subtype,
        qualifier,
        due_on,
        is_earliest,
        is_open,
        today,
        is_confirmed,
        due_status,
    )
    return _capitalise(_TITLES[CauseKind(cause.kind)](fact))


def _capitalise(sentence: str) -> str:
    """Return the sentence with a capital letter, as after a deleted record as its first words; a
    model ID stays as it is."""
    return f"A{sentence[1:]}" if sentence.startswith("a deleted ") else sentence


@dataclass(frozen=True, slots=True)
class Fact:
    """What the title of an issue states. `name` is that of the subject, `qualifier` the part of the
    subject after the slash; `is_open`: the fact persists. `is_confirmed`: a retirement whose date
    has come happened; otherwise `due_status` is a `DueStatus`, or empty."""

    name: str
    subtype: str
    qualifier: str
    due_on: date | None
    is_earliest: bool
    is_open: bool
    today: date
    is_confirmed: bool = True
    due_status: str = ""

    @property
    def day(self) -> str:
        return format_date(self.due_on) if self.due_on is not None else "no date"

    @property
    def has_come(self) -> bool:
        return self.due_on is not None and self.due_on <= self.today


# --- titles ---------------------------------------------------------------------------------------


def _retirement_title(fact: Fact) -> str:
    if fact.due_on is None:
        return f"{fact.name} is retired and still used" if fact.is_open else f"{fact.name} retired"
    if fact.is_earliest:
        return f"{fact.name} retires no earlier than {fact.day}"
    if not fact.has_come:
        return f"{fact.name} retires on {fact.day}"
    if not fact.is_confirmed and fact.is_open:
        return f"{fact.name} is {due_text(fact.due_on, fact.due_status, fact.today)}"
    retired = f"{fact.name} retired on {fact.day}"
    return f"{retired} and is still used" if fact.is_open else retired


def _fallback_title(fact: Fact) -> str:
    if fact.is_earliest:
        verb = f"might retire from {fact.day}"
    else:
        verb = f"{'retired' if fact.has_come else 'retires'} on {fact.day}"
    return f"The fallback {fact.name} {verb}, with or before the primary model"


def _violation_title(fact: Fact) -> str:
    # only the violation of an expired approval has a date
    if fact.due_on is None:
        return f"{fact.name} is used against its approval"
    expired = f"The approval of {fact.name} expired on {fact.day}"
    return f"{expired}, and it is still used" if fact.is_open else expired


# {type of deadline: (title until its date, title from its date on)}
_DEADLINE_TITLES = {
    "application_review": ("The review of {name} is due on", "The review of {name} was due on"),
    "selection_review": (
        "The review of the selection record {name} is due on",
        "The review of the selection record {name} was due on",
    ),
    "exit_test": ("The exit test of {name} expires on", "The exit test of {name} expired on"),
    "treatment": ("The treatment of {name} is due on", "The treatment of {name} was due on"),
    "risk_acceptance": (
        "The acceptance of {name} expires on",
        "The acceptance of {name} expired on",
    ),
    "contract": (
        "The contract {name} must be renewed or terminated by",
        "The contract {name} had to be renewed or terminated by",
    ),
}
_DEADLINE_ADVICE = {
    "application_review": "Review the application and set the next review date.",
    "selection_review": "Review the selection record and set the next review date.",
    "exit_test": "Repeat the exit test and record its result.",
    "treatment": "Complete the treatment and reassess the risk, or set another date.",
    "risk_acceptance": "Treat the risk, or accept it again with a reason.",
    "contract": "Renew the contract, or terminate it within the notice period.",
}


def _deadline_title(fact: Fact) -> str:
    future, past = _DEADLINE_TITLES[fact.subtype]
    return f"{(past if fact.has_come else future).format(name=fact.name)} {fact.day}"


def _incident_title(fact: Fact) -> str:
    if not fact.is_open:
        return f"Incident at {fact.name}"
    since = f" since {fact.day}" if fact.due_on is not None else ""
    return f"Ongoing incident{since} at {fact.name}"


_FINDING_TITLES = {
    "fallback_is_primary": "A fallback of {name} is the primary model itself",
    "fallback_lacks": "A fallback of {name} lacks what its primary model is used for",
    "fallback_same_version": "A fallback of {name} is the same version as its primary model",
    "no_primary": "{name} has no primary model",
    "redirected": "{name} uses a model ID that is redirected",
    "retired_with_live": "{name} is retired but still uses models",
    "shares_do_not_sum": "The traffic shares of {name} do not add up",
    "shares_leave_nothing": "The traffic shares of {name} leave nothing for other primary models",
    "test_lapsed": "An exit test of {name} is not valid",
    "unresolved": "{name} uses an unresolved model",
}


def _missing_data_title(fact: Fact) -> str:
    if fact.subtype == "model_id":
        return f"The model ID of {fact.name.removesuffix(ID_NOT_KNOWN)} is not known"
    if fact.subtype == "product_models":
        verb = "retired" if fact.has_come else "retires"
        return f"{fact.name} may depend on a model that {verb} on {fact.day}"
    title = _FINDING_TITLES.get(fact.qualifier, "Data of {name} is missing or wrong")
    return title.format(name=fact.name)


_DECISION_TITLES = {
    "tolerance": "Tolerance to confirm: {name}",
    "acceptance": "Acceptance to confirm: {name}",
    "block": "Block to confirm: {name}",
    "setting": "Setting to confirm: {name}",
}


def _decision_title(fact: Fact) -> str:
    title = _DECISION_TITLES.get(fact.subtype, "Decision to confirm: {name}")
    return title.format(name=fact.name)


def _dated(future: str, past: str) -> Callable[[Fact], str]:
    def title(fact: Fact) -> str:
        return (past if fact.has_come else future).format(name=fact.name, date=fact.day)

    return title


def _plain(template: str) -> Callable[[Fact], str]:
    def title(fact: Fact) -> str:
        return template.format(name=fact.name)

    return title


_TITLES: Mapping[CauseKind, Callable[[Fact], str]] = {
    CauseKind.RETIREMENT: _retirement_title,
    CauseKind.PRICE_CHANGE: _dated(
        "The price of {name} rises on {date}", "The price of {name} rose on {date}"
    ),
    CauseKind.INCIDENT: _incident_title,
    CauseKind.EXPOSURE_FLAG: _plain("Above tolerance: {name}"),
    CauseKind.APPROVAL_VIOLATION: _violation_title,
    CauseKind.APPROVAL_EXPIRY: _dated(
        "The approval of {name} expires on {date}", "The approval of {name} expired on {date}"
    ),
    CauseKind.DEADLINE: _deadline_title,
    CauseKind.FALLBACK_RETIRES: _fallback_title,
    CauseKind.STALE_ASSESSMENT: _plain("Assessments of {name} are stale"),
    CauseKind.USAGE_DISCREPANCY: _plain("{name}"),
    CauseKind.MIGRATION_TASK: _plain("Migration task: {name}"),
    CauseKind.FEED_REVIEW: _plain("The feed {name} needs a review"),
    CauseKind.MISSING_DATA: _missing_data_title,
    CauseKind.TOLERANCE_CHANGE: _decision_title,
    CauseKind.TOKEN_EXPIRY: _dated(
        "The API token {name} expires on {date}", "The API token {name} expired on {date}"
    ),
    CauseKind.PROPOSED_USE_CASE: _plain("Proposed use case: {name}"),
}


# --- advice ---------------------------------------------------------------------------------------


def is_about_feature(issue: Issue) -> bool:
    """Return whether a feature of a host retires rather than a model."""
    return any(
        isinstance(row, dict) and row.get("is_feature")
        for row in issue.details.get("dependencies") or ()
    )


def _retirement_advice(issue: Issue, today: date) -> str:
    if is_about_feature(issue):
        return (
            "Stop using the feature before the date. Then remove it from the dependency, which "
            "resolves the issue."
        )
    if issue.due_on is None or (issue.due_on <= today and not issue.is_earliest):
        return "Calls might fail or reach another model. Migrate now."
    if issue.start_by is None or issue.details.get("effort_days") is None:
        return "The migration effort is unknown. Record an exit plan, then migrate in time."
    days = (today - issue.start_by).days
    if issue.state == Issue.State.IN_PROGRESS and issue.finish_by is not None:
        return f"The migration must be finished by {format_date(issue.finish_by)}."
    if days > 0:
        return pluralize(
            days,
            "The migration should have started yesterday. Start the migration now.",
            f"The migration should have started {days} days ago. Start now, shorten the "
            "migration, or plan for downtime.",
        )
    return f"Start the migration by {format_date(issue.start_by)}."


def _violation_advice(issue: Issue, today: date) -> str:
    if issue.details.get("blocked"):
        return "The model is blocked. Migrate the dependency, or request another approval."
    if issue.details.get("expired"):
        return "The approval has expired. Ask governance to renew it, or migrate the dependency."
    if not issue.details.get("is_certain", True):
        return (
            "The approval is restricted, and data is missing to decide. Complete the data "
            "classification and region of the application, and the data terms of the offering."
        )
    return "The approval is restricted. Migrate the dependency, or request another approval."


_FEED_ADVICE = {
    Health.SUSPECT: "Accept or reject the changes on hold. Undecided changes apply after 7 days.",
    Health.LATE: "The feed has not been read in time. Check the connection.",
    Health.FAILING: (
        "The feed has never been read. {error} Check its URL and the connection, or disable it."
    ),
    Health.FROZEN: "The feed responds but does not change. Check whether it is still maintained.",
}


def _feed_advice(issue: Issue, today: date) -> str:
    health = issue.details.get("health", "")
    advice = _FEED_ADVICE.get(health, "Check the feed.")
    return " ".join(advice.format(error=issue.details.get("error", "")).split())


def _missing_data_advice(issue: Issue, today: date) -> str:
    if issue.details.get("code") == "model_id_unknown":
        return _model_id_advice(issue)
    if issue.details.get("code") == "product_models":
        return _product_models_advice(issue, today)
    facts = issue.details.get("facts") or [{}]
    return " ".join(finding_sentence(issue.details["code"], fact) for fact in facts[:3])


def _model_id_advice(issue: Issue) -> str:
    """Return what is known of a name without a model ID, and what to do."""
    details = issue.details
    if details["kind"] == "product":
        return f"The models inside are not known. Ask {details['host']}, and record the answer."
    n = details["n_known"]
    where = f"at {details['host']}" if details["is_host_stated"] else "at any host"
    if not n:
        return f"No model ID {where} is known for it. Choose the model ID, or correct the name."
    return f"{_known_ids_sentence(details, n, where)} Choose the model ID."


def _known_ids_sentence(details: Mapping[str, Any], n: int, where: str) -> str:
    """Return how many of the `n` model IDs that a name may be are retired, or when the next one
    retires."""
    n_retired, next_on = details.get("n_retired", 0), details.get("next_on")
    if n_retired:
        of = pluralize(
            n,
            f"The only model ID known for it {where} is",
            f"{'All ' if n_retired == n else f'{n_retired:,} of '}{n:,} model IDs known for it "
            f"{where} {'is' if n_retired == 1 else 'are'}",
        )
        return f"{of} retired: calls might already fail."
    known = pluralize(
        n, f"1 model ID {where} is known for it.", f"{n:,} model IDs {where} are known for it."
    )
    if not next_on:
        return known
    on = format_date(date.fromisoformat(next_on))
    return f"{known} {pluralize(n, 'It', 'The next one')} retires on {on}."


_MAX_MODELS = 3


def _product_models_advice(issue: Issue, today: date) -> str:
    """Return which models of a product retire, and whom to ask."""
    models = issue.details["models"]
    facts = []
    for row in models[:_MAX_MODELS]:
        ends_on = date.fromisoformat(row["ends_on"]) if row["ends_on"] else None
        verb = "retired" if row["is_retired"] or (ends_on and ends_on <= today) else "retires"
        on = f" on {format_date(ends_on)}" if ends_on else ""
        where = f" at {row['host']}" if row["host"] else ""
        facts.append(f"{row['model']} {verb}{on}{where}")
    n = len(models) - len(facts)
    further = pluralize(n, ", and 1 further model", f", and {n} further models") if n else ""
    vendor = issue.details["host"]
    return f"{', '.join(facts)}{further}. Ask {vendor} which models the application uses."


_INCIDENT_ADVICE = {
    "tested": "Switch to the tested fallback if calls fail.",
    "untested": "The fallback was never tested successfully. Test it now, and switch if it works.",
    "same_party": (
        "Every fallback depends on the same company. Prepare a fallback elsewhere, or plan for "
        "downtime."
    ),
    "missing": "There is no fallback. Tell the users of the application, and plan for downtime.",
}


def _incident_advice(issue: Issue, today: date) -> str:
    """Return since when a host has the incident, its impact and components, and what to do."""
    if not issue.details:
        return "Check whether the application was affected."
    return f"{incident_facts(issue.details)} {_INCIDENT_ADVICE[issue.details['fallback']]}"


def incident_facts(details: Mapping[str, Any]) -> str:
    """Return start, impact and components of an incident: `Since 29 July 2026, 19:49 UTC. Impact:
    critical. Components: Claude API.`"""
    started_at = datetime.fromisoformat(details["started_at"])
    sentences = [
        f"Since {format_date(started_at.date())}, {started_at:%H:%M} UTC.",
        f"Impact: {details['impact']}.",
    ]
    if details["components"]:
        sentences.append(f"Components: {', '.join(details['components'])}.")
    return " ".join(sentences)


def _deadline_advice(issue: Issue, today: date) -> str:
    return _DEADLINE_ADVICE.get(issue.cause.subtype, "Complete the work, or set another date.")


def _flag_advice(issue: Issue, today: date) -> str:
    n = issue.details.get("n_applications", 0)
    return pluralize(
        n,
        "1 application is concerned. Reduce the exposure, or accept it until a date.",
        f"{n} applications are concerned. Reduce the exposure, or accept it until a date.",
    )


def _decision_advice(issue: Issue, today: date) -> str:
    advice = "A second governance user must confirm or reject it."
    application = issue.details.get("application", "")
    return f"The decision concerns {application}. {advice}" if application else advice


def _use_case_advice(issue: Issue, today: date) -> str:
    if issue.details.get("asked"):
        return "A question to the person who proposed it waits for an answer."
    return "Accept or decline the use case, or ask a question."


def _fixed(sentence: str) -> Callable[[Issue, date], str]:
    def advice(issue: Issue, today: date) -> str:
        return sentence

    return advice


_ADVICE: Mapping[CauseKind, Callable[[Issue, date], str]] = {
    CauseKind.RETIREMENT: _retirement_advice,
    CauseKind.PRICE_CHANGE: _fixed("Check the cost of the application, and resolve the issue."),
    CauseKind.INCIDENT: _incident_advice,
    CauseKind.EXPOSURE_FLAG: _flag_advice,
    CauseKind.APPROVAL_VIOLATION: _violation_advice,
    CauseKind.APPROVAL_EXPIRY: _fixed("Renew the approval, or migrate what depends on it."),
    CauseKind.DEADLINE: _deadline_advice,
    CauseKind.FALLBACK_RETIRES: _fixed("Choose another fallback, which is served for longer."),
    CauseKind.STALE_ASSESSMENT: _fixed(
        "The basis of the assessments has changed. Reassess the risk."
    ),
    CauseKind.USAGE_DISCREPANCY: _fixed(
        "Declare what is used, correct the dependency, or dismiss the discrepancy."
    ),
    CauseKind.MIGRATION_TASK: _fixed("Complete the steps of the migration task."),
    CauseKind.FEED_REVIEW: _feed_advice,
    CauseKind.MISSING_DATA: _missing_data_advice,
    CauseKind.TOLERANCE_CHANGE: _decision_advice,
    CauseKind.TOKEN_EXPIRY: _fixed("Rotate the token before it expires."),
    CauseKind.PROPOSED_USE_CASE: _use_case_advice,
}


# --- activity -------------------------------------------------------------------------------------


# why an assigned owner does not own the issue any more; compare_issues.sql decides
_OWNER_REASONS = {
    "closed": "{name} no longer has access",
    "left_team": "{name} can no longer view the issue",
    "left_application": "{name} no longer owns the application",
}


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
            if details.get("is_accepted"):
                return f"{who} accepted the assignment."
            if reason := details.get("reason"):
                leaver = names.get(details.get("old") or 0, "The owner")
                owner = f"the owner is now {new_owner}" if new_owner else "it is now unassigned"
                return f"{_OWNER_REASONS[reason].format(name=leaver)}, and {owner}."
            if not new_owner and entry.user_id:
                return f"{who} removed the assignment."
            if not new_owner:
                return "The issue is now unassigned."
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
