"""Responses of users to an alert: acknowledge, snooze, assign, resolve, reopen, mute.

A response moves the issues of which the alert notifies, and with them the other alerts about these.
The functions of several alerts take locked ones, and cost the same for any number; the `store_`
functions change the alerts only.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.contacts import owned_alerts, owns_alert
from apps.alerts.deputies import deputy_notices
from apps.alerts.issues import linked_issues
from apps.alerts.lifecycle.escalation import restart_escalation
from apps.alerts.models import Alert, Mute, Notice, NoticeQuerySet, Resolution, SkipReason
from apps.alerts.recipients import visible_teams
from apps.alerts.subscriptions import can_see_alert
from apps.common.database.bulk_writes import update_rows
from apps.common.errors import DomainError
from apps.common.history.context import audit_context
from apps.common.time import day_of

MAX_SNOOZE_DAYS = 90
MAX_MUTE_DAYS = 366
MAX_COMMENT_LENGTH = 2000


class AlertResponse(models.TextChoices):
    """An action of a user on an alert; the history stores it with each version that a response
    makes."""

    ACKNOWLEDGE = "acknowledge", "Acknowledge"
    SNOOZE = "snooze", "Snooze"
    ASSIGN = "assign", "Assign"
    RESOLVE = "resolve", "Resolve"
    REOPEN = "reopen", "Reopen"
    UNDO = "undo", "Undo the last response"
    COMMENT = "comment", "Comment"


class AlertPermissionError(PermissionDenied):
    """A response by a user who is neither recipient of the alert nor an editor of its team."""


class InvalidResponseError(DomainError):
    """A response that is not valid; the text is the correction."""


class AlreadyResolvedError(InvalidResponseError):
    """A response to a resolved alert; reopen it first."""


def can_respond(user: User, alert: Alert) -> bool:
    """Return whether the user can respond: governance, the user to whom it is routed or assigned,
    and editors of its team, as long as they can view it. Contacts, who act by the link in an email
    only, can respond to alerts about applications that they own."""
    if user.is_contact:
        return owns_alert(user, alert)
    if not user.is_active:
        return False
    if user.is_governance:
        return True
    if alert.team_id is None:
        return alert.user_id == user.pk
    is_recipient = user.pk in {alert.user_id, alert.assigned_to_id}
    return user.may(TeamRole.EDITOR, alert.team_id) or (
        is_recipient and alert.team_id in user.team_roles()
    )


def require_respondent(user: User, alert: Alert) -> None:
    """Raise AlertPermissionError unless the user can respond."""
    if not can_respond(user, alert):
        raise AlertPermissionError(
            f"You need the editor role on {alert.team} to respond to its alerts."
            if alert.team
            else "You need the governance role to respond to alerts of another user."
        )


def require_unresolved(alert: Alert, verb: str) -> None:
    """Raise AlreadyResolvedError for a resolved alert."""
    if alert.state == Alert.State.RESOLVED:
        raise AlreadyResolvedError(f"This alert is resolved. Reopen it before you {verb} it.")


def lock_alerts(alert_ids: Collection[int]) -> list[Alert]:
    """Return the alerts, locked together with their issues in the order of their IDs, so that two
    requests do not wait for each other; a fixed number of statements."""
    linked_issues.lock_with_issues(alert_ids)
    alerts = Alert.objects.select_for_update(of=("self",), no_key=True).select_related("team")
    return list(alerts.filter(pk__in=alert_ids).order_by("pk"))


def lock_alert(alert: Alert, by: User) -> Alert:
    """Return the alert, locked together with its issues, if `by` can respond to its current state;
    raises AlertPermissionError."""
    (locked_alert,) = lock_alerts([alert.pk])
    require_respondent(by, locked_alert)
    return locked_alert


_RESPONSE_FIELDS = (
    "state",
    "acknowledged_by_id",
    "acknowledged_at",
    "assigned_to_id",
    "snoozed_until",
    "snoozed_by_id",
    "resolved_at",
    "resolved_by_id",
    "resolution",
    "resolution_text",
    "escalation",
    "escalate_at",
    "details",
)


def copy_response(alert: Alert, locked_alert: Alert) -> Alert:
    """Copy the stored response onto the row that the caller holds."""
    for name in _RESPONSE_FIELDS:
        setattr(alert, name, getattr(locked_alert, name))
    return alert


@transaction.atomic
def acknowledge_alert(*, alert: Alert, by: User, at: datetime, reason: str = "") -> Alert:
    """Acknowledge the alert, with a `reason` if given. A second call changes nothing: the first
    user is kept."""
    locked_alert = lock_alert(alert, by)
    acknowledge_alerts([locked_alert], by=by, at=at, reason=reason)
    return copy_response(alert, locked_alert)


def acknowledge_alerts(alerts: Sequence[Alert], *, by: User, at: datetime, reason: str) -> None:
    """Acknowledge the locked alerts that need it, with their issues."""
    waiting = [alert for alert in alerts if alert.state in {Alert.State.OPEN, Alert.State.SNOOZED}]
    store_acknowledgements(waiting, by=by, at=at, reason=reason)
    linked_issues.acknowledge_issues(waiting, by=by, at=at, reason=reason)


def store_acknowledgements(
    alerts: Sequence[Alert], *, by: User, at: datetime, reason: str, follows: bool = False
) -> None:
    """Store an acknowledgement; `follows`: of all issues of the alerts."""
    for alert in alerts:
        alert.state = Alert.State.ACKNOWLEDGED
        alert.acknowledged_by, alert.acknowledged_at = by, at
        alert.snoozed_until, alert.escalate_at = None, None
    save_responses(
        alerts,
        by,
        AlertResponse.ACKNOWLEDGE,
        reason or "alert acknowledged",
        note=reason,
        follows=follows,
    )
    _skip_escalation_notices(alerts)


@transaction.atomic
def snooze_alert(*, alert: Alert, until: date, by: User, at: datetime) -> Alert:
    """Snooze the alert until a date, on which it reopens and `by` is notified."""
    check_snooze_date(until, at)
    locked_alert = lock_alert(alert, by)
    require_unresolved(locked_alert, "snooze")
    snooze_alerts([locked_alert], until=until, by=by, at=at)
    return copy_response(alert, locked_alert)


def check_snooze_date(until: date, at: datetime) -> None:
    """Raise InvalidResponseError unless alerts can be snoozed until this date."""
    days = (until - day_of(at)).days
    if days < 1:
        raise InvalidResponseError("Enter a date after today.")
    if days > MAX_SNOOZE_DAYS:
        raise InvalidResponseError(
            f"An alert can be snoozed for at most {MAX_SNOOZE_DAYS} days. Enter an earlier date, "
            "or resolve the alert with a reason."
        )


def snooze_alerts(alerts: Sequence[Alert], *, until: date, by: User, at: datetime) -> None:
    """Snooze the locked alerts, with their issues."""
    store_snoozes(alerts, until=until, by=by)
    linked_issues.snooze_issues(alerts, until=until, by=by, at=at)


def store_snoozes(alerts: Sequence[Alert], *, until: date, by: User, follows: bool = False) -> None:
    """Store a snooze; `follows`: of all issues of the alerts."""
    for alert in alerts:
        alert.state, alert.snoozed_until, alert.snoozed_by = Alert.State.SNOOZED, until, by
        alert.escalate_at = None
    save_responses(
        alerts, by, AlertResponse.SNOOZE, f"alert snoozed until {until}", follows=follows
    )
    _skip_escalation_notices(alerts)


def assignable_alerts(alerts: Sequence[Alert], to: User | None) -> frozenset[int]:
    """Return the IDs of the alerts that the user can view and so can be assigned; None: of all. A
    fixed number of statements."""
    alert_ids = frozenset(alert.pk for alert in alerts)
    if to is None:
        return alert_ids
    if to.is_contact:
        return frozenset(
            owned_alerts(to).filter(pk__in=alert_ids).order_by().values_list("pk", flat=True)
        )
    if not to.is_active:
        return frozenset()
    team_ids = visible_teams([to])[to.pk]
    return frozenset(alert.pk for alert in alerts if can_see_alert(to.pk, alert, team_ids))


@transaction.atomic
def assign_alert(*, alert: Alert, to: User | None, by: User, at: datetime) -> Alert:
    """Assign the alert to a user who can view it, and notify that user; None unassigns it. The
    current assignee is not notified again."""
    locked_alert = lock_alert(alert, by)
    check_assignment(locked_alert, to, assignable_alerts([locked_alert], to))
    assign_alerts([locked_alert], to=to, by=by, at=at)
    return copy_response(alert, locked_alert)


def check_assignment(alert: Alert, to: User | None, assignable: Collection[int]) -> None:
    """Raise InvalidResponseError if the user cannot view the alert, or if it is resolved."""
    require_unresolved(alert, "assign")
    if alert.pk not in assignable:
        raise InvalidResponseError(
            f"{to} cannot view this alert. Select a member of the team or a governance user."
        )


def assign_alerts(alerts: Sequence[Alert], *, to: User | None, by: User, at: datetime) -> None:
    """Assign the locked alerts, with their issues, and notify the assignee of each."""
    changed = [alert for alert in alerts if to is None or alert.assigned_to_id != to.pk]
    for alert in changed:
        alert.assigned_to = to
        alert.escalate_at = None
    if to is None:
        restart_escalation(changed, at=at)
    reason = f"alert assigned to {to.get_username()}" if to else "assignment removed"
    save_responses(changed, by, AlertResponse.ASSIGN, reason)
    if to is not None:
        _skip_escalation_notices(changed)
    if to is not None and to.pk != by.pk:
        notices = [
            Notice(
                alert=alert,
                user=to,
                why=Notice.Why.ASSIGNED,
                urgent=alert.urgent,
                owed_at=at,
                occasion=f"{Notice.Occasion.ASSIGNED} {at:%Y-%m-%d %H:%M}",
            )
            for alert in changed
        ]
        alerts_by_id = {alert.pk: alert for alert in changed}
        to_deputies = deputy_notices(notices, alerts_by_id, on=day_of(at))
        Notice.objects.bulk_create([*notices, *to_deputies], ignore_conflicts=True)
    linked_issues.assign_issues(changed, to=to, by=by, at=at)


@transaction.atomic
def comment_on_alert(*, alert: Alert, text: str, by: User) -> Alert:
    """Add a comment to the activity of an alert that notifies of no issue; otherwise comments
    belong to the issue."""
    text = text.strip()
    if not text:
        raise InvalidResponseError("Enter a comment.")
    if len(text) > MAX_COMMENT_LENGTH:
        raise InvalidResponseError(f"Enter a comment of at most {MAX_COMMENT_LENGTH} characters.")
    locked_alert = lock_alert(alert, by)
    # the history, which is the activity, has a version for each change
    n_comments = int(locked_alert.details.get("n_comments", 0))
    locked_alert.details = locked_alert.details | {"n_comments": n_comments + 1}
    save_responses([locked_alert], by, AlertResponse.COMMENT, "comment added", note=text)
    return copy_response(alert, locked_alert)


@transaction.atomic
def resolve_alert(*, alert: Alert, reason: str, by: User, at: datetime) -> Alert:
    """Resolve the alert by a user, with the reason. A cause that persists creates another alert
    only when something changes."""
    reason = clean_resolution(reason)
    locked_alert = lock_alert(alert, by)
    resolve_alerts([locked_alert], reason=reason, by=by, at=at)
    return copy_response(alert, locked_alert)


def clean_resolution(reason: str) -> str:
    """Return the reason in one line. Raises InvalidResponseError if it is empty."""
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidResponseError("Enter how the alert was resolved.")
    return reason


def resolve_alerts(alerts: Sequence[Alert], *, reason: str, by: User, at: datetime) -> None:
    """Resolve the locked alerts that are not resolved yet, with their issues."""
    live = [alert for alert in alerts if alert.state != Alert.State.RESOLVED]
    store_resolutions(live, by=by, at=at, reason=reason)
    linked_issues.resolve_issues(live, reason=reason, by=by, at=at)


def store_resolutions(
    alerts: Sequence[Alert],
    *,
    by: User,
    at: datetime,
    reason: str,
    resolution: Resolution = Resolution.BY_USER,
    follows: bool = False,
) -> None:
    """Store a resolution; `follows`: of all issues of the alerts."""
    for alert in alerts:
        alert.state = Alert.State.RESOLVED
        alert.resolved_by, alert.resolved_at = by, at
        alert.resolution, alert.resolution_text = resolution, reason[:300]
        alert.snoozed_until, alert.escalate_at = None, None
    save_responses(
        alerts,
        by,
        AlertResponse.RESOLVE,
        reason[:200],
        note=reason[:200] if follows else "",
        follows=follows,
    )
    # A queued message keeps the alert; messages written later leave it out.
    _owed_notices(alerts).update(skip_reason=SkipReason.RESOLVED)


@transaction.atomic
def reopen_alert(*, alert: Alert, by: User, at: datetime) -> Alert:
    """Reopen the alert after any response of any user, as if it had been created now."""
    locked_alert = lock_alert(alert, by)
    if locked_alert.state != Alert.State.OPEN:
        store_reopening(locked_alert, by=by, at=at)
        linked_issues.undo_issue_responses(locked_alert, by=by, at=at)
    return copy_response(alert, locked_alert)


def store_reopening(alert: Alert, *, by: User, at: datetime, follows: bool = False) -> None:
    """Store that the alert is open again; `follows`: as an issue of it."""
    alert.state = Alert.State.OPEN
    alert.acknowledged_by = alert.acknowledged_at = alert.snoozed_until = None
    alert.resolved_by = alert.resolved_at = None
    alert.resolution = alert.resolution_text = ""
    restart_escalation([alert], at=at)
    save_responses([alert], by, AlertResponse.REOPEN, "response undone", follows=follows)
    # Notifications that the response had skipped are pending again.
    skipped_notices = Notice.objects.filter(alert=alert, delivery=None)
    skipped_notices.filter(skip_reason=SkipReason.RESOLVED).update(skip_reason="")


def _owed_notices(alerts: Sequence[Alert]) -> NoticeQuerySet:
    return Notice.objects.owed().filter(alert__in=[alert.pk for alert in alerts])


def _skip_escalation_notices(alerts: Sequence[Alert]) -> None:
    """Skip pending escalation notifications, which the response has made unnecessary."""
    escalations = _owed_notices(alerts).filter(why=Notice.Why.ESCALATION)
    escalations.update(skip_reason=SkipReason.ANSWERED)


# key in `Alert.details`: the response follows those to all issues of the alert
FOLLOWS_ISSUES = "follows_issues"


def save_responses(
    alerts: Sequence[Alert],
    by: User,
    response: AlertResponse,
    reason: str,
    *,
    note: str = "",
    follows: bool = False,
) -> None:
    """Store all fields that a response may change, with its user and the `note` that the user
    wrote; one statement. `follows`: the response follows those to all issues of the alert, whose
    history it shares."""
    for alert in alerts:
        alert.details = {k: value for k, value in alert.details.items() if k != FOLLOWS_ISSUES}
        if follows and alert.state != Alert.State.OPEN:
            alert.details[FOLLOWS_ISSUES] = True
    context = (
        audit_context(user=by, reason=note)
        if follows
        else audit_context(user=by, reason=reason, code=response, note=note)
    )
    with context:
        update_rows(
            Alert,
            {
                alert.pk: {name: getattr(alert, name) for name in _RESPONSE_FIELDS}
                for alert in alerts
            },
        )


# --- mutes ----------------------------------------------------------------------------------------


@transaction.atomic
def create_mute(
    *, by: User, until: date, at: datetime, team: Team | None = None, reason: str = "", **scope: Any
) -> Mute:
    """Create a mute until a date: for the user, or for the mailbox of a team that the user can
    edit.

    `scope` is at least one of kind, provider, offering, application, subject."""
    days = (until - day_of(at)).days
    if days < 1:
        raise InvalidResponseError("Enter a date after today.")
    if days > MAX_MUTE_DAYS:
        raise InvalidResponseError("A mute can last at most one year. Enter an earlier date.")
    if not any(scope.values()):
        raise InvalidResponseError(
            "Select what to mute: an alert type, provider, model, application or alert."
        )
    if team is not None and not by.may(TeamRole.EDITOR, team):
        raise AlertPermissionError(f"You need the editor role on {team} to mute its mailbox.")
    with audit_context(user=by, reason=reason or "muted"):
        return Mute.objects.create(
            user=None if team else by,
            team=team,
            until=until,
            reason=reason[:300],
            created_by=by,
            created_at=at,
            **scope,
        )


@transaction.atomic
def end_mute(*, mute: Mute, by: User, at: datetime) -> bool:
    """Unmute; False if the mute has expired already."""
    is_own = mute.user_id == by.pk or (
        mute.team_id is not None and by.may(TeamRole.EDITOR, mute.team_id)
    )
    if not is_own and not by.is_governance:
        raise AlertPermissionError(
            "You can unmute only your own mutes and those of teams on which "
            "you have the editor role."
        )
    with audit_context(user=by, reason="unmuted"):
        return bool(Mute.objects.filter(pk=mute.pk, lifted_at=None).update(lifted_at=at))
