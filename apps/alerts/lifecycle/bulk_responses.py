"""Bulk responses: one response to many alerts, with a message for each alert that rejected it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter

from django.db import transaction

from apps.accounts.models import User
from apps.alerts.contacts import owned_alerts
from apps.alerts.lifecycle.responses import (
    AlertPermissionError,
    AlertResponse,
    InvalidResponseError,
    acknowledge_alerts,
    assign_alerts,
    assignable_alerts,
    check_assignment,
    check_snooze_date,
    clean_resolution,
    copy_response,
    lock_alerts,
    reopen_alert,
    require_respondent,
    require_unresolved,
    resolve_alerts,
    snooze_alerts,
)
from apps.alerts.lifecycle.undo import undo_response
from apps.alerts.models import Alert

# one transaction, and one report
MAX_BULK_RESPONSES = 500
_NOT_FOUND = "Alert not found. It does not exist or you do not have access."


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
    for acknowledge. The number of statements does not depend on the number of alerts, but for
    reopening and undo, which read the history of each.
    """
    if len(alert_ids) > MAX_BULK_RESPONSES:
        raise InvalidResponseError(f"Select at most {MAX_BULK_RESPONSES} alerts.")
    visible = owned_alerts(by) if by.is_contact else Alert.objects.visible_to(by)
    alerts = lock_alerts(list(visible.filter(pk__in=alert_ids).values_list("pk", flat=True)))
    old_states = {alert.pk: _copy_state(alert) for alert in alerts}
    rejected = [RejectedAlert(pk, _NOT_FOUND) for pk in set(alert_ids) - set(old_states)]
    request = _Request(response, by, at, until, to, reason)
    accepted = (
        _respond_one_by_one(alerts, request, rejected)
        if response in {AlertResponse.REOPEN, AlertResponse.UNDO}
        else _respond_together(alerts, request, rejected)
    )
    updated_ids = [alert.pk for alert in accepted if _copy_state(alert) != old_states[alert.pk]]
    unchanged_ids = [alert.pk for alert in accepted if _copy_state(alert) == old_states[alert.pk]]
    return BulkResponse(updated_ids, unchanged_ids, sorted(rejected, key=attrgetter("alert_id")))


@dataclass(frozen=True, slots=True)
class _Request:
    response: str
    by: User
    at: datetime
    until: date | None
    to: User | None
    reason: str


def _respond_together(
    alerts: Sequence[Alert], request: _Request, rejected: list[RejectedAlert]
) -> list[Alert]:
    """Respond to the alerts that take the response, and return them."""
    by, at = request.by, request.at
    is_assignment = request.response == AlertResponse.ASSIGN
    assignable = assignable_alerts(alerts, request.to) if is_assignment else ()
    accepted = []
    for alert in alerts:
        try:
            require_respondent(by, alert)
            _check_response(alert, request, assignable)
        except (InvalidResponseError, AlertPermissionError) as error:
            rejected.append(RejectedAlert(alert.pk, str(error)))
        else:
            accepted.append(alert)
    match request.response:
        case AlertResponse.ACKNOWLEDGE:
            acknowledge_alerts(accepted, by=by, at=at, reason=request.reason)
        case AlertResponse.SNOOZE if request.until is not None:
            snooze_alerts(accepted, until=request.until, by=by, at=at)
        case AlertResponse.ASSIGN:
            assign_alerts(accepted, to=request.to, by=by, at=at)
        case AlertResponse.RESOLVE if accepted:
            resolve_alerts(accepted, reason=clean_resolution(request.reason), by=by, at=at)
    return accepted


def _check_response(alert: Alert, request: _Request, assignable: Collection[int]) -> None:
    """Raise InvalidResponseError if the alert does not take the response."""
    match request.response:
        case AlertResponse.ACKNOWLEDGE:
            return
        case AlertResponse.SNOOZE:
            if request.until is None:
                raise InvalidResponseError("Enter the date until which the alerts are snoozed.")
            check_snooze_date(request.until, request.at)
            require_unresolved(alert, "snooze")
        case AlertResponse.ASSIGN:
            check_assignment(alert, request.to, assignable)
        case AlertResponse.RESOLVE:
            clean_resolution(request.reason)
        case _:
            valid = [value for value in AlertResponse.values if value != AlertResponse.COMMENT]
            raise InvalidResponseError(
                f'"{request.response}" is not a valid response. Use one of: {", ".join(valid)}.'
            )


def _respond_one_by_one(
    alerts: Sequence[Alert], request: _Request, rejected: list[RejectedAlert]
) -> list[Alert]:
    """Reopen the alerts or undo the last response to them, and return those that take it."""
    accepted = []
    is_undo = request.response == AlertResponse.UNDO
    for alert in alerts:
        # undone with the response to another alert about the same issue
        if not (is_undo and _has_followed(alert, _copy_state(alert))):
            change = undo_response if is_undo else reopen_alert
            try:
                change(alert=alert, by=request.by, at=request.at)
            except (InvalidResponseError, AlertPermissionError) as error:
                rejected.append(RejectedAlert(alert.pk, str(error)))
                continue
        accepted.append(alert)
    return accepted


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
