"""Rows of issues for pages and files."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from apps.accounts.models import User
from apps.issues.models import Issue, Urgency
from apps.issues.sentences import issue_text
from apps.issues.subjects import Subject, load_subjects
from apps.issues.urgency import issue_urgency

# the class of the mark beside an issue, as severities have it
_MARKS = {Urgency.NOW: 5, Urgency.THIS_MONTH: 4, Urgency.THIS_QUARTER: 3, Urgency.LATER: 1}
RELATIONS = ("cause", "application", "team", "owner")


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue of a list. `mark` is the class of its urgency, 1 to 5."""

    issue: Issue
    title: str
    advice: str
    urgency: Urgency
    mark: int
    is_snoozed: bool
    subject: Subject


def present_issues(issues: Iterable[Issue], *, today: date) -> list[IssueRow]:
    """Return rows of issues loaded with RELATIONS; a few statements for any number."""
    loaded = list(issues)
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
                _MARKS[urgency],
                issue.snoozed_until is not None and issue.snoozed_until > today,
                subjects[issue.cause.subject],
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
    "version": ("View version", "versions:detail"),
}
# what users without an organisation role find nothing at
_ORGANISATION_RECORDS = {"confirmation", "contract", "flag", "policy"}


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
