"""Rows of issues for pages and files."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from apps.issues.models import Issue, Urgency
from apps.issues.sentences import issue_text
from apps.issues.subjects import load_subjects
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
            )
        )
    return rows
