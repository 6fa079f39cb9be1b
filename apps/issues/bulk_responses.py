"""Bulk responses: one response to many issues, with a reason for each issue that rejects it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import DomainError
from apps.issues import responses
from apps.issues.models import Issue
from apps.issues.receivers import collect_activity
from apps.issues.responses import IssueResponse
from apps.issues.undo import undo_response

# one transaction, and one report
MAX_BULK_RESPONSES = 500


@dataclass(frozen=True, slots=True)
class RejectedIssue:
    issue_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """IDs of the issues that were updated, and those that rejected the response."""

    updated: Sequence[int]
    rejected: Sequence[RejectedIssue]


@transaction.atomic
def respond_to_issues(
    *,
    issue_ids: Sequence[int],
    response: str,
    by: User,
    at: datetime,
    until: date | None = None,
    to: User | None = None,
    is_confirmed: bool = False,
    reason: str = "",
) -> BulkOutcome:
    """Apply the response to each issue that `by` can respond to, in one transaction.

    `until` is for snooze and accept, `to` for assign (None: follow the application) with
    `is_confirmed` as in `assign_issue`, `reason` for accept, resolve and, optionally, acknowledge.
    A few statements for each issue.
    """
    if len(issue_ids) > MAX_BULK_RESPONSES:
        raise DomainError(f"Select at most {MAX_BULK_RESPONSES} issues.", field="ids")
    if until is None and response in {IssueResponse.SNOOZE, IssueResponse.ACCEPT}:
        raise DomainError("Enter a date.", field="until")
    updated: list[int] = []
    rejected: list[RejectedIssue] = []
    # always in the same order, so that two requests do not wait for each other
    issues = {
        issue.pk: issue
        for issue in Issue.objects.visible_to(by).filter(pk__in=issue_ids).order_by("pk")
    }
    with collect_activity():
        for pk in sorted(set(issue_ids)):
            if pk not in issues:
                rejected.append(
                    RejectedIssue(
                        pk, "Issue not found. It does not exist or you do not have access."
                    )
                )
                continue
            try:
                with transaction.atomic():
                    _respond(
                        issues[pk],
                        response,
                        by=by,
                        at=at,
                        until=until,
                        to=to,
                        is_confirmed=is_confirmed,
                        reason=reason,
                    )
            except DomainError as error:
                rejected.append(RejectedIssue(pk, str(error)))
            else:
                updated.append(pk)
    return BulkOutcome(updated, rejected)


def _respond(
    issue: Issue,
    response: str,
    *,
    by: User,
    at: datetime,
    until: date | None,
    to: User | None,
    is_confirmed: bool,
    reason: str,
) -> None:
    match response:
        case IssueResponse.ACKNOWLEDGE:
            responses.acknowledge_issue(issue=issue, by=by, at=at, reason=reason)
        case IssueResponse.SNOOZE if until is not None:
            responses.snooze_issue(issue=issue, until=until, by=by, at=at)
        case IssueResponse.ACCEPT if until is not None:
            responses.accept_issue(issue=issue, until=until, reason=reason, by=by, at=at)
        case IssueResponse.REVOKE:
            responses.revoke_acceptance(issue=issue, by=by, at=at, reason=reason)
        case IssueResponse.ASSIGN:
            responses.assign_issue(issue=issue, to=to, by=by, at=at, is_confirmed=is_confirmed)
        case IssueResponse.RESOLVE:
            responses.resolve_issue(issue=issue, by=by, at=at, reason=reason)
        case IssueResponse.REOPEN:
            responses.reopen_issue(issue=issue, by=by, at=at, reason=reason)
        case IssueResponse.UNDO:
            undo_response(issue=issue, by=by, at=at)
        case _:
            raise DomainError(
                f'"{response}" is not a valid response. Use one of: '
                f"{', '.join(IssueResponse.values)}.",
                field="action",
            )
