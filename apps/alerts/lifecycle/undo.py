"""Undo of the last response to an alert: restores the previous state from its history."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.alerts.issues import linked_issues
from apps.alerts.lifecycle.escalation import restart_escalation
from apps.alerts.lifecycle.responses import (
    AlertResponse,
    InvalidResponseError,
    copy_response,
    lock_alert,
    reopen_alert,
    save_responses,
)
from apps.alerts.models import Alert, Notice, SkipReason

# What a link in an email can do, and undo.
_LINK_RESPONSES = frozenset({AlertResponse.ACKNOWLEDGE, AlertResponse.SNOOZE, AlertResponse.ASSIGN})
# Fields that make up a response; the other fields are restored with them.
_STATE_FIELDS = ("state", "snoozed_until", "assigned_to_id")
_RESTORED_FIELDS = (
    *_STATE_FIELDS,
    "acknowledged_by_id",
    "acknowledged_at",
    "snoozed_by_id",
    "resolved_at",
    "resolved_by_id",
    "resolution",
    "resolution_text",
    "escalation",
    "escalate_at",
)


@transaction.atomic
def undo_response(*, alert: Alert, by: User, at: datetime, by_link: bool = False) -> Alert:
    """Undo the last response of `by` and restore the previous state, including a running snooze or
    an assignee. A second undo restores the response. A reopened alert without an escalation time
    escalates as if it had been created now.

    Refused if another user, or the registry, changed the alert later; `reopen_alert` opens it
    anyway. `by_link`: refused unless the link in an email could give the response."""
    locked_alert = lock_alert(alert, by)
    before, after = _find_last_response(locked_alert)
    if after is None:
        raise InvalidResponseError(
            "No user has responded to this alert, so there is nothing to undo."
        )
    user_id = _find_user_id(after)
    if user_id != by.pk:
        other_user = User.objects.filter(pk=user_id).first() if user_id is not None else None
        raise InvalidResponseError(
            f"{other_user or 'The registry'} changed this alert later. Reload the page; use Reopen "
            "to open it again."
        )
    if by_link and (before is None or _find_code(after) not in _LINK_RESPONSES):
        raise InvalidResponseError("Sign in to undo your last response to this alert.")
    if before is None:
        # The history has a retention period, so the earlier version may be missing.
        return reopen_alert(alert=alert, by=by, at=at)
    new_assignee_id = (
        locked_alert.assigned_to_id
        if locked_alert.assigned_to_id != before.assigned_to_id
        else None
    )
    for name in _RESTORED_FIELDS:
        if getattr(before, name) != getattr(after, name):
            setattr(locked_alert, name, getattr(before, name))
    if (
        locked_alert.state == Alert.State.OPEN
        and locked_alert.escalate_at is not None
        and locked_alert.escalate_at <= at
    ):
        restart_escalation([locked_alert], at=at)
    save_responses([locked_alert], by, AlertResponse.UNDO, "response undone")
    _restore_notices(locked_alert, new_assignee_id=new_assignee_id)
    linked_issues.undo_issue_responses(locked_alert, by=by, at=at)
    return copy_response(alert, locked_alert)


def _find_last_response(alert: Alert) -> tuple[Any, Any]:
    """Return (the version before the last response, the version that it made); None without a
    response."""
    history = Alert.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    rows = history.filter(pgh_obj_id=alert.pk).select_related("pgh_context").order_by("-pgh_id")
    after = None
    for row in rows.iterator(chunk_size=50):
        if after is not None and _copy_state(row) != _copy_state(after):
            return row, after
        after = row
    # The first stored version is a response only if earlier versions were purged.
    return None, after if after is not None and after.pgh_label != "insert" else None


def _copy_state(row: Any) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in _STATE_FIELDS)


def _find_user_id(row: Any) -> int | None:
    metadata = row.pgh_context.metadata if row.pgh_context is not None else {}
    return None if metadata.get("job") else metadata.get("user")


def _find_code(row: Any) -> str:
    metadata = row.pgh_context.metadata if row.pgh_context is not None else {}
    return str(metadata.get("code", ""))


def _restore_notices(alert: Alert, *, new_assignee_id: int | None) -> None:
    """Restore the notifications that the response had skipped, and skip those that it had
    created."""
    notices = Notice.objects.filter(alert=alert)
    if new_assignee_id is not None:
        assignments = notices.owed().filter(user=new_assignee_id, why=Notice.Why.ASSIGNED)
        assignments.update(skip_reason=SkipReason.UNASSIGNED)
    if alert.state == Alert.State.RESOLVED:
        notices.owed().update(skip_reason=SkipReason.RESOLVED)
        return
    restored_reasons = [SkipReason.RESOLVED]
    if alert.state == Alert.State.OPEN and alert.assigned_to_id is None:
        restored_reasons.append(SkipReason.ANSWERED)
    notices.filter(delivery=None, skip_reason__in=restored_reasons).update(skip_reason="")
