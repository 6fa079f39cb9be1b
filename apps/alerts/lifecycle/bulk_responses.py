"""Bulk responses: one response to many alerts, with a message for each alert that rejected it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from apps.accounts.models import User
from apps.alerts.contacts import owned_alerts
from apps.alerts.issues.linked_issues import lock_with_issues
from apps.alerts.lifecycle.responses import (
    AlertPermissionError,
    AlertResponse,
    InvalidResponseError,
    acknowledge_alert,
    assign_alert,
    copy_response,
    reopen_alert,
    resolve_alert,
    snooze_alert,
)
from apps.alerts.lifecycle.undo import undo_response
from apps.alerts.models import Alert

# one transaction, and one report
MAX_BULK_RESPONSES = 500


@dataclass(frozen=True, slots=True)
class RejectedAlert:
    alert_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class BulkResponse:
    """The result: every requested ID is in one of the three lists; `unchanged` had that response
    already."""

    answered: Sequence[int]
    unchanged: Sequence[int]
    refused: Sequence[RejectedAlert]


@transaction.atomic
def respond_to_alerts(
    *,
    alert_ids: Sequence[int],
    response: str,
    by: User,
    at: datetime,
    until: date | None = None,
    to: User | None = None,
    reason: str = "",
) -> BulkResponse:
    """Apply the response to each alert that `by` may respond to; the others are rejected one by
    one. All changes are stored together, or (on an error) none of them.

    `until` is for snooze, `to` for assign (None: unassign), `reason` for resolve and, optionally,
    for acknowledge. Costs a few statements a row."""
    if len(alert_ids) > MAX_BULK_RESPONSES:
        raise InvalidResponseError(f"Select at most {MAX_BULK_RESPONSES} alerts.")
    updated_ids: list[int] = []
    unchanged_ids: list[int] = []
    rejected: list[RejectedAlert] = []
    visible = owned_alerts(by) if by.is_contact else Alert.objects.visible_to(by)
    alerts = {row.pk: row for row in visible.filter(pk__in=alert_ids).order_by("pk")}
    # Always in the same order, so that two concurrent requests do not deadlock.
    lock_with_issues(alerts)
    for pk in sorted(set(alert_ids)):
        if pk not in alerts:
            rejected.append(
                RejectedAlert(pk, "Alert not found. It does not exist or you do not have access.")
            )
            continue
        old_state = _copy_state(alerts[pk])
        if response == AlertResponse.UNDO and _has_followed(alerts[pk], old_state):
            # undone with the response to another alert about the same issue
            updated_ids.append(pk)
            continue
        try:
            _apply_response(response, alerts[pk], by=by, at=at, until=until, to=to, reason=reason)
        except (InvalidResponseError, AlertPermissionError) as error:
            rejected.append(RejectedAlert(pk, str(error)))
        else:
            (unchanged_ids if _copy_state(alerts[pk]) == old_state else updated_ids).append(pk)
    return BulkResponse(updated_ids, unchanged_ids, rejected)


def _apply_response(
    response: str,
    alert: Alert,
    *,
    by: User,
    at: datetime,
    until: date | None,
    to: User | None,
    reason: str,
) -> None:
    """Apply the response to one alert. Raise InvalidResponseError for an unknown response or a
    missing date."""
    match response:
        case AlertResponse.ACKNOWLEDGE:
            acknowledge_alert(alert=alert, by=by, at=at, reason=reason)
        case AlertResponse.SNOOZE:
            if until is None:
                raise InvalidResponseError("Enter the date until which the alerts are snoozed.")
            snooze_alert(alert=alert, until=until, by=by, at=at)
        case AlertResponse.ASSIGN:
            assign_alert(alert=alert, to=to, by=by, at=at)
        case AlertResponse.RESOLVE:
            resolve_alert(alert=alert, reason=reason, by=by, at=at)
        case AlertResponse.REOPEN:
            reopen_alert(alert=alert, by=by, at=at)
        case AlertResponse.UNDO:
            undo_response(alert=alert, by=by, at=at)
        case _:
            valid = [value for value in AlertResponse.values if value != AlertResponse.COMMENT]
            raise InvalidResponseError(
                f'"{response}" is not a valid response. Use one of: {", ".join(valid)}.'
            )


def _has_followed(alert: Alert, old_state: tuple[object, ...]) -> bool:
    """Return whether an earlier response of this request has changed the alert."""
    stored = Alert.objects.get(pk=alert.pk)
    if _copy_state(stored) == old_state:
        return False
    copy_response(alert, stored)
    return True


def _copy_state(alert: Alert) -> tuple[object, ...]:
    return (alert.state, alert.snoozed_until, alert.assigned_to_id)


__all__ = [
    "MAX_BULK_RESPONSES",
    "AlertResponse",
    "BulkResponse",
    "RejectedAlert",
    "respond_to_alerts",
]
