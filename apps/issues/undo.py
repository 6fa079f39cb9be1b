"""Undo of the last response to an issue: restores the values before it."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Activity, Issue
from apps.issues.responses import (
    IssueResponse,
    ResponseRequest,
    lock_issue,
    response_values,
    store_responses,
)

# what a link in an email can do, and undo
_LINK_KINDS = {Activity.Kind.ACKNOWLEDGED, Activity.Kind.SNOOZED, Activity.Kind.OWNER}
_DATES = {"act_by", "snoozed_until", "accepted_until"}
_TIMES = {"acknowledged_at", "resolved_at"}


@transaction.atomic
def undo_response(*, issue: Issue, by: User, at: datetime, by_link: bool = False) -> Issue:
    """Undo the last response of `by`. A second undo restores the response. `by_link`: only one that
    the link in an email could give.

    Raises ConflictError if there is none, or if another user responded later.
    """
    stored = lock_issue(issue, by, permits_contact=True)
    last = last_responses([stored.pk]).get(stored.pk)
    if by_link and last is not None and last.user_id == by.pk and last.kind not in _LINK_KINDS:
        raise ConflictError("Sign in to undo your last response to this issue.")
    request = ResponseRequest(response=IssueResponse.UNDO, by=by, at=at)
    before = response_values(stored)
    restore_response(stored, last, request)
    store_responses([(stored, before)], request)
    if stored.application_id is not None:
        # the fact may have changed since the response
        evaluate_issues(at=at, application_ids=[stored.application_id])
        stored.refresh_from_db()
    return stored


def last_responses(issue_ids: Collection[int]) -> dict[int, Activity]:
    """Return {issue: the last response of a user to it}; one statement."""
    entries = (
        Activity.objects.filter(issue__in=issue_ids, details__has_key="before")
        .select_related("user")
        .order_by("issue_id", "-at", "-pk")
        .distinct("issue_id")
    )
    return {entry.issue_id: entry for entry in entries}


def restore_response(issue: Issue, last: Activity | None, request: ResponseRequest) -> None:
    """Give the issue the values that it had before its last response, without storing them.

    With a source only a response with that source is undone, else only one of the same user. Raises
    ConflictError.
    """
    if last is None:
        raise ConflictError("No user has responded to this issue, so there is nothing to undo.")
    source = request.source_of(issue)
    is_other = last.details.get("source") != source if source else last.user_id != request.by.pk
    if is_other:
        raise ConflictError(
            f"{last.user or 'The registry'} responded to this issue later. Reload the page; use "
            "Reopen to open it again."
        )
    for name, value in last.details["before"].items():
        setattr(issue, name, _parse(name, value))


def _parse(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DATES:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name in _TIMES else value
