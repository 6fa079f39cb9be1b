"""Responses to a group of issues as one act, such as the response to an alert about all of them.
Set-based: the number of statements does not depend on the number of issues.

Issues to which the user cannot respond, and those that have the response already, are left as they
are. `source` names the act in the activity; `undo_group` undoes what has the same source.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.common.database.bulk_writes import update_rows
from apps.common.history.context import audit_context
from apps.issues.evaluation import queue_applications
from apps.issues.models import Activity, Issue
from apps.issues.owners import can_own
from apps.issues.receivers import call_receivers
from apps.issues.responses import (
    IssueResponse,
    can_respond,
    mark_acknowledged,
    mark_assigned,
    mark_resolved,
    response_columns,
    response_values,
    state_owner,
)
from apps.issues.undo import restore_values


def lock_group(issue_ids: Collection[int]) -> list[Issue]:
    """Return the issues, locked in the order of their IDs."""
    if not issue_ids:
        return []
    return list(
        Issue.objects.select_for_update(of=("self",), no_key=True)
        .select_related("cause", "team", "application")
        .filter(pk__in=issue_ids)
        .order_by("pk")
    )


@transaction.atomic
def acknowledge_group(
    *, issue_ids: Collection[int], by: User, at: datetime, reason: str, source: str
) -> list[Activity]:
    """Acknowledge the unresolved issues."""
    return _respond(
        _select_respondable(issue_ids, by),
        lambda issue: mark_acknowledged(issue, by=by, at=at),
        IssueResponse.ACKNOWLEDGE,
        Activity.Kind.ACKNOWLEDGED,
        by=by,
        at=at,
        text=reason,
        source=source,
    )


@transaction.atomic
def snooze_group(
    *, issue_ids: Collection[int], until: date, by: User, at: datetime, source: str
) -> list[Activity]:
    """Hide the unresolved issues until a date."""

    def mark(issue: Issue) -> bool:
        issue.snoozed_until, issue.snoozed_by = until, by
        return True

    return _respond(
        _select_respondable(issue_ids, by),
        mark,
        IssueResponse.SNOOZE,
        Activity.Kind.SNOOZED,
        by=by,
        at=at,
        source=source,
        until=until.isoformat(),
    )


@transaction.atomic
def assign_group(
    *, issue_ids: Collection[int], to: User | None, by: User, at: datetime, source: str
) -> list[Activity]:
    """Assign the unresolved issues that the user can view; None lets the owner follow the
    application again."""
    issues = [
        issue
        for issue in _select_respondable(issue_ids, by)
        if (to is None and issue.assigned_by_id is not None)
        or (to is not None and can_own(to, issue))
    ]
    if to is None:
        queue_applications([pk for issue in issues if (pk := issue.application_id) is not None])
    return _respond(
        issues,
        lambda issue: mark_assigned(issue, to=to, by=by),
        IssueResponse.ASSIGN,
        Activity.Kind.OWNER,
        by=by,
        at=at,
        source=source,
        new=to.pk if to else None,
    )


@transaction.atomic
def resolve_group(
    *, issue_ids: Collection[int], by: User, at: datetime, reason: str, source: str
) -> list[Activity]:
    """Resolve the issues whose state no other record owns."""
    return _respond(
        [issue for issue in _select_respondable(issue_ids, by) if not state_owner(issue)],
        lambda issue: mark_resolved(issue, by=by, at=at, reason=reason),
        IssueResponse.RESOLVE,
        Activity.Kind.RESOLVED,
        by=by,
        at=at,
        text=reason,
        source=source,
        resolution="by_user",
    )


@transaction.atomic
def undo_group(
    *, issue_ids: Collection[int], by: User, at: datetime, source: str
) -> list[Activity]:
    """Undo the last response to each issue, if it has this source; a second call restores it."""
    issues = [issue for issue in lock_group(issue_ids) if can_respond(by, issue)]
    last = {
        entry.issue_id: entry
        for entry in Activity.objects.filter(issue__in=issues, details__has_key="before")
        .order_by("issue_id", "-at", "-pk")
        .distinct("issue_id")
        if entry.details.get("source") == source
    }

    def mark(issue: Issue) -> bool:
        restore_values(issue, last[issue.pk])
        return True

    issues = [issue for issue in issues if issue.pk in last]
    # the facts may have changed since the response
    queue_applications([pk for issue in issues if (pk := issue.application_id) is not None])
    return _respond(
        issues, mark, IssueResponse.UNDO, Activity.Kind.UNDONE, by=by, at=at, source=source
    )


def _select_respondable(issue_ids: Collection[int], by: User) -> list[Issue]:
    return [
        issue
        for issue in lock_group(issue_ids)
        if issue.state != Issue.State.RESOLVED and can_respond(by, issue)
    ]


def _respond(
    issues: Sequence[Issue],
    mark: Callable[[Issue], bool],
    response: IssueResponse,
    kind: Activity.Kind,
    *,
    by: User,
    at: datetime,
    source: str,
    text: str = "",
    **details: Any,
) -> list[Activity]:
    """Store the issues that `mark` changes, with their activity."""
    changes: dict[int, dict[str, Any]] = {}
    entries: list[Activity] = []
    for issue in issues:
        before = response_values(issue)
        if not mark(issue):
            continue
        old_owner = {"old": before["owner_id"]} if kind == Activity.Kind.OWNER else {}
        # by the clock, as a save: the evaluation finds responses by it
        changes[issue.pk] = {**response_columns(issue), "updated_at": timezone.now()}
        entries.append(
            Activity(
                issue=issue,
                kind=kind,
                user=by,
                at=at,
                text=text,
                details={"before": before, "source": source, **old_owner, **details},
            )
        )
    if not entries:
        return []
    with audit_context(user=by, reason=text, code=response, note=text):
        update_rows(Issue, changes)
    Activity.objects.bulk_create(entries)
    call_receivers(entries)
    return entries
