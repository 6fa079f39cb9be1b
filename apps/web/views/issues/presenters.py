"""Rows of issues for pages and files."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from apps.accounts.models import User
from apps.alerts.queries import last_notifications
from apps.common.text import pluralize
from apps.issues.models import CauseKind, Issue, Urgency
from apps.issues.sentences import issue_text
from apps.issues.subjects import Subject, load_subjects
from apps.issues.urgency import issue_urgency
from apps.web.wording import day, from_today, number

# number of bars of an urgency
URGENCY_BARS = {Urgency.NOW: 4, Urgency.THIS_MONTH: 3, Urgency.THIS_QUARTER: 2, Urgency.LATER: 1}
RELATIONS = ("cause", "application", "team", "owner", "task__campaign")
# class of the mark of a state
_STATE_MARKS = {
    Issue.State.OPEN: "open",
    Issue.State.ACKNOWLEDGED: "",
    Issue.State.PLANNED: "part",
    Issue.State.IN_PROGRESS: "most",
    Issue.State.ACCEPTED: "done",
    Issue.State.RESOLVED: "done",
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Why a date to finish by is late, or what is known of it."""

    text: str
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue of a list. `notified_at` is the last notification, sent or pending; None: not
    notified."""

    issue: Issue
    title: str
    advice: str
    urgency: Urgency
    is_snoozed: bool
    subject: Subject
    timing: Timing
    notified_at: datetime | None

    @property
    def bars(self) -> int:
        return URGENCY_BARS[self.urgency]

    @property
    def mark(self) -> int:
        """Return the urgency on the scale of severities of alerts, 1 to 5."""
        return {4: 5, 3: 4, 2: 3}.get(self.bars, 1)

    @property
    def state_mark(self) -> str:
        return _STATE_MARKS[Issue.State(self.issue.state)]

    @property
    def finish_on(self) -> date | None:
        return self.issue.finish_by or self.issue.due_on

    @property
    def answer(self) -> str:
        """Return the response to the last notification."""
        if self.is_snoozed:
            return "snoozed"
        if self.issue.state == Issue.State.ACCEPTED:
            return "accepted"
        if self.issue.state == Issue.State.RESOLVED:
            return "resolved"
        if self.issue.acknowledged_at is not None:
            return "acknowledged"
        return "no response" if self.notified_at is not None else ""


def describe_timing(issue: Issue, today: date) -> Timing:
    """Return by how much an issue is late, or when its work must start."""
    if issue.state == Issue.State.RESOLVED:
        return Timing("")
    if issue.state == Issue.State.ACCEPTED and issue.accepted_until is not None:
        return Timing(f"accepted until {day(issue.accepted_until)}")
    due_on = issue.due_on
    if due_on is None:
        return Timing("")
    if due_on <= today and not issue.is_earliest:
        n = (today - due_on).days
        return Timing(pluralize(n, "1 day late", f"{number(n)} days late"), True)
    if issue.cause.kind != CauseKind.RETIREMENT:
        return Timing(from_today(due_on, today=today))
    effort = issue.details.get("effort_days")
    if effort is None or issue.start_by is None:
        return Timing("effort unknown")
    n_too_late = round(effort) - (due_on - today).days
    if n_too_late > 0:
        text = pluralize(n_too_late, "1 day too late", f"{number(n_too_late)} days too late")
        return Timing(text, True)
    is_late = issue.start_by < today and issue.state != Issue.State.IN_PROGRESS
    verb = "start was due" if is_late else "start by"
    return Timing(f"{verb} {day(issue.start_by)}", is_late)


def present_issues(issues: Iterable[Issue], *, today: date) -> list[IssueRow]:
    """Return rows of issues loaded with RELATIONS; a few statements for any number."""
    loaded = list(issues)
    notified = last_notifications([issue.pk for issue in loaded])
    subjects = load_subjects(issue.cause.subject for issue in loaded)
    rows = []
    for issue in loaded:
        text = issue_text(issue, subjects[issue.cause.subject], today)
        urgency = issue_urgency(
            act_by=issue.act_by,
            criticality=issue.criticality,
            state=issue.state,
            today=today,
        )
        rows.append(
            IssueRow(
                issue,
                text.title,
                text.advice,
                urgency,
                issue.snoozed_until is not None and issue.snoozed_until > today,
                subjects[issue.cause.subject],
                describe_timing(issue, today),
                notified.get(issue.pk),
            )
        )
    return rows


# {type of subject: (label of the link, route of a record by its ID)}
_RECORDS = {
    "approval": ("View approval", "approvals:detail"),
    "assessment": ("View inherited risks", ""),
    "campaign": ("View migration campaign", "campaigns:detail"),
    "contract": ("View contract", "contracts:detail"),
    "discrepancy": ("View discrepancies", ""),
    "flag": ("View exposure flag", "exposure-flags:detail"),
    "confirmation": ("View settings", "confirmation-settings:detail"),
    "foundation": ("View foundation", "foundations:detail"),
    "offering": ("View offering", "offerings:detail"),
    "policy": ("View tolerance", "exposure-policies:detail"),
    "provider": ("View provider", "providers:detail"),
    "risk": ("View inherited risks", ""),
    "selection": ("View selection record", "selections:detail"),
    "source": ("View feed", "feeds:detail"),
    "token": ("View API tokens", "tokens:list"),
    "use_case": ("View proposed use case", "use-cases:detail"),
    "version": ("View version", "versions:detail"),
}
# what users without an organisation role find nothing at
_ORGANISATION_RECORDS = {"confirmation", "contract", "flag", "policy", "use_case"}


@dataclass(frozen=True, slots=True)
class RecordLink:
    """Link to the record that an issue is about, where work on it is done."""

    label: str
    url: str


def record_link(issue: Issue, subject: Subject, user: User) -> RecordLink | None:
    """Return the link to the record of the issue, or None if there is no page for the user."""
    is_hidden = subject.type in _ORGANISATION_RECORDS and not user.can_read_all
    if subject.type not in _RECORDS or is_hidden or not subject.exists:
        return None
    if issue.details.get("kind") == "product" and subject.type == "offering":
        return RecordLink("View product", reverse("offerings:detail", args=[subject.pk]))
    if issue.cause.kind == CauseKind.MISSING_DATA and subject.type == "offering":
        url = reverse("offerings:choose-model-id", args=[subject.pk])
        return RecordLink("Choose the model ID", url)
    label, route = _RECORDS[subject.type]
    slug = issue.application.slug if issue.application is not None else ""
    match subject.type:
        case "risk" if "dependency" in issue.details:
            pks = (subject.pk, issue.details["dependency"])
            return RecordLink("View inherited risk", reverse("inherited-risks:detail", args=pks))
        case "assessment" | "risk":
            return RecordLink(label, f"{reverse('inherited-risks:list')}?application={slug}")
        case "discrepancy":
            return RecordLink(label, f"{reverse('discrepancies:list')}?application={slug}")
        case "foundation" | "policy" | "provider" | "source":
            slug = subject.canonical.partition(":")[2].partition("/")[0]
            return RecordLink(label, reverse(route, args=[slug]))
        case "token" | "confirmation":
            return RecordLink(label, reverse(route))
    return RecordLink(label, reverse(route, args=[subject.pk]))
