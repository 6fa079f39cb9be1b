"""Bulk responses: one response to many issues, with a reason for each issue that rejects it.

Set-based: the number of statements does not depend on the number of issues. The list of issues, the
REST API and responses to alerts use it. `preview_responses` decides the same without storing it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import DomainError
from apps.issues.models import Activity, Issue
from apps.issues.owners import CONFIRMATION_FIELD, issues_concerning
from apps.issues.responses import (
    IssueResponse,
    ResponseRequest,
    change_issue,
    lock_issues,
    require_respondent,
    response_values,
    store_responses,
)
from apps.issues.undo import last_responses, restore_response

# one request, and one report
MAX_BULK_RESPONSES = 500
_NOT_FOUND = "Issue not found. It does not exist or you do not have access."


@dataclass(frozen=True, slots=True)
class RejectedIssue:
    issue_id: int
    reason: str
    # the user can confirm the response and send it again
    needs_confirmation: bool = False


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """IDs of the issues that have the response now, those of them that had it before, and those
    that rejected it."""

    updated: Sequence[int]
    unchanged: Sequence[int]
    rejected: Sequence[RejectedIssue]

    @property
    def n_changed(self) -> int:
        return len(self.updated) - len(self.unchanged)


def respond_to_issues(*, issue_ids: Sequence[int], request: ResponseRequest) -> BulkOutcome:
    """Give each issue that takes it the response, at most MAX_BULK_RESPONSES at a time."""
    _check_request(issue_ids, request)
    return respond_to_group(issue_ids=issue_ids, request=request)


@transaction.atomic
def respond_to_group(*, issue_ids: Collection[int], request: ResponseRequest) -> BulkOutcome:
    """Give each issue that takes it the response, any number of them: those of one alert, which
    cannot reject the response for all. Issues that the user cannot respond to are left as they
    are."""
    visible = issues_concerning(request.by).filter(pk__in=issue_ids).values_list("pk", flat=True)
    issues = lock_issues(list(visible))
    outcome, changes = _decide(issue_ids, issues, request)
    store_responses(changes, request)
    return outcome


def preview_responses(*, issue_ids: Sequence[int], request: ResponseRequest) -> BulkOutcome:
    """Return what `respond_to_issues` would do; nothing is stored or locked."""
    _check_request(issue_ids, request)
    issues = (
        issues_concerning(request.by)
        .filter(pk__in=issue_ids)
        .select_related("cause", "team", "application")
        .order_by("pk")
    )
    return _decide(issue_ids, list(issues), request)[0]


def name_bulk_response(request: ResponseRequest, act: UUID) -> ResponseRequest:
    """Return the request with the name of its act, by which it can be undone as a whole."""
    return replace(request, source=f"bulk:{act}")


def undo_bulk_response(*, act: UUID, by: User, at: datetime) -> BulkOutcome:
    """Undo a bulk response of `by` wherever it is still the last response."""
    request = name_bulk_response(ResponseRequest(response=IssueResponse.UNDO, by=by, at=at), act)
    entries = Activity.objects.filter(user=by, details__source=request.source)
    issue_ids = sorted(set(entries.values_list("issue", flat=True)))
    return respond_to_group(issue_ids=issue_ids, request=request)


def _check_request(issue_ids: Sequence[int], request: ResponseRequest) -> None:
    if len(issue_ids) > MAX_BULK_RESPONSES:
        raise DomainError(f"Select at most {MAX_BULK_RESPONSES} issues.", field="ids")
    if request.until is None and request.response in {IssueResponse.SNOOZE, IssueResponse.ACCEPT}:
        raise DomainError("Enter a date.", field="until")


def _decide(
    issue_ids: Collection[int], issues: Sequence[Issue], request: ResponseRequest
) -> tuple[BulkOutcome, list[tuple[Issue, Mapping[str, Any]]]]:
    """Change the loaded issues; return the outcome, and the changed ones with the values before."""
    is_undo = request.response == IssueResponse.UNDO
    last = last_responses([issue.pk for issue in issues]) if is_undo else {}
    found = {issue.pk: issue for issue in issues}
    changes: list[tuple[Issue, Mapping[str, Any]]] = []
    updated: list[int] = []
    unchanged: list[int] = []
    rejected: list[RejectedIssue] = []
    for pk in sorted(set(issue_ids)):
        if pk not in found:
            rejected.append(RejectedIssue(pk, _NOT_FOUND))
            continue
        issue = found[pk]
        before = response_values(issue)
        try:
            if is_undo:
                require_respondent(request.by, issue)
                restore_response(issue, last.get(pk), request)
            elif not change_issue(issue, request):
                unchanged.append(pk)
        except DomainError as error:
            needs_confirmation = error.field == CONFIRMATION_FIELD
            rejected.append(RejectedIssue(pk, str(error), needs_confirmation))
            continue
        updated.append(pk)
        if unchanged[-1:] != [pk]:
            changes.append((issue, before))
    return BulkOutcome(updated, unchanged, rejected), changes
