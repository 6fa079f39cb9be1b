"""Undo of the last response to an issue: restores the values before it."""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Activity, Issue
from apps.issues.receivers import call_receivers
from apps.issues.responses import IssueResponse, lock_issue, response_values, save_response

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
    last = stored.activity.filter(details__has_key="before").order_by("-at", "-pk").first()
    if last is None:
        raise ConflictError("No user has responded to this issue, so there is nothing to undo.")
    if last.user_id != by.pk:
        raise ConflictError(
            f"{last.user or 'The registry'} responded to this issue later. Reload the page; use "
            "Reopen to open it again."
        )
    if by_link and last.kind not in _LINK_KINDS:
        raise ConflictError("Sign in to undo your last response to this issue.")
    before = response_values(stored)
    restore_values(stored, last)
    save_response(stored, by, IssueResponse.UNDO, "response undone")
    entry = Activity.objects.create(
        issue=stored, kind=Activity.Kind.UNDONE, user=by, at=at, details={"before": before}
    )
    if stored.application_id is not None:
        # the fact may have changed since the response
        evaluate_issues(at=at, application_ids=[stored.application_id])
        stored.refresh_from_db()
    call_receivers([entry])
    return stored


def restore_values(issue: Issue, response: Activity) -> None:
    """Give the issue the values that it had before the response."""
    for name, value in response.details["before"].items():
        setattr(issue, name, _parse(name, value))


def _parse(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DATES:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name in _TIMES else value
