"""Responses of users to an issue: acknowledge, snooze, accept, assign, comment, resolve, reopen.

Each locks the issue, checks the user on the locked row, and records an activity, which it passes
to the receivers. The `mark_` functions change the row only. `undo.py` undoes the last response.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import models, transaction

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.issues.evaluation import queue_applications
from apps.issues.models import Activity, CauseKind, Issue, IssueResolution
from apps.issues.owners import can_own, owns_application, require_owner
from apps.issues.receivers import call_receivers

MAX_SNOOZE_DAYS = 90
MAX_ACCEPTANCE_DAYS = 366

# the record that owns the state of these issues has acts of its own
_STATE_OWNERS = {
    CauseKind.EXPOSURE_FLAG: "exposure flag",
    CauseKind.USAGE_DISCREPANCY: "discrepancy",
    CauseKind.STALE_ASSESSMENT: "assessment",
    CauseKind.TOLERANCE_CHANGE: "proposal",
}


class IssueResponse(models.TextChoices):
    """A response of a user to an issue; the history stores it as `code`."""

    ACKNOWLEDGE = "acknowledge", "Acknowledge"
    SNOOZE = "snooze", "Snooze"
    ACCEPT = "accept", "Accept until a date"
    REVOKE = "revoke", "Revoke the acceptance"
    ASSIGN = "assign", "Assign"
    COMMENT = "comment", "Comment"
    RESOLVE = "resolve", "Resolve"
    REOPEN = "reopen", "Reopen"
    UNDO = "undo", "Undo the last response"


def state_owner(issue: Issue) -> str:
    """Return the record that is accepted and resolved instead of the issue; empty: the issue
    itself. The cause should be loaded."""
    return _STATE_OWNERS.get(CauseKind(issue.cause.kind), "")


def can_respond(user: User, issue: Issue) -> bool:
    """Return whether the user can respond: governance, editors of the issue's team, and its
    owner as long as the owner can view it. Contacts, who act by the link in an email only, can
    respond to issues of applications that they own, and to those assigned to them."""
    if user.is_contact:
        is_owner = issue.owner_id == user.pk and issue.application_id is not None
        return is_owner or owns_application(user, issue)
    if not user.is_active:
        return False
    if user.is_governance:
        return True
    if issue.team_id is None:
        return issue.owner_id == user.pk
    is_owner = issue.owner_id == user.pk and issue.team_id in user.team_roles()
    return is_owner or user.may(TeamRole.EDITOR, issue.team_id)


def can_accept(user: User, issue: Issue) -> bool:
    """Return whether the user can accept the gap: governance, and owners of the issue's team."""
    return user.is_governance or (
        issue.team_id is not None and user.may(TeamRole.OWNER, issue.team_id)
    )


def can_comment(user: User, issue: Issue) -> bool:
    """Return whether the user can comment: members of the issue's team, its owner and
    governance. An auditor reads."""
    return can_respond(user, issue) or (
        user.is_active and issue.team_id is not None and issue.team_id in user.team_roles()
    )


def require_commentator(user: User, issue: Issue) -> None:
    """Raise ForbiddenError unless the user can comment; the team of the issue should be loaded."""
    if not can_comment(user, issue):
        raise ForbiddenError(
            f"You need a role on {issue.team} to comment on its issues."
            if issue.team
            else "You need the governance role to comment on issues of the organisation."
        )


def require_respondent(user: User, issue: Issue) -> None:
    """Raise ForbiddenError unless the user can respond; the team of the issue should be loaded."""
    if can_respond(user, issue):
        return
    raise ForbiddenError(
        f"You need the editor role on {issue.team} to respond to its issues."
        if issue.team
        else "You need the governance role to respond to issues of the organisation."
    )


def lock_issue(issue: Issue, by: User, *, permits_contact: bool = False) -> Issue:
    """Return the issue, locked, if `by` can respond to it; raises ForbiddenError.
    `permits_contact`: the response is one of those that contacts can give."""
    stored = (
        Issue.objects.select_for_update(of=("self",), no_key=True)
        .select_related("cause", "team", "application")
        .get(pk=issue.pk)
    )
    require_respondent(by, stored)
    if by.is_contact and not permits_contact:
        raise ForbiddenError("You need an account to respond to an issue in this way.")
    return stored


@transaction.atomic
def acknowledge_issue(*, issue: Issue, by: User, at: datetime, reason: str = "") -> Issue:
    """Acknowledge the issue. A second call changes nothing: the first user is kept."""
    stored = lock_issue(issue, by, permits_contact=True)
    before = response_values(stored)
    _require_unresolved(stored, "acknowledge")
    if mark_acknowledged(stored, by=by, at=at):
        save_response(stored, by, IssueResponse.ACKNOWLEDGE, "issue acknowledged")
        _record(stored, Activity.Kind.ACKNOWLEDGED, by, at, before=before, text=reason)
    return stored


def mark_acknowledged(issue: Issue, *, by: User, at: datetime) -> bool:
    """Return whether the issue was not acknowledged before."""
    if issue.acknowledged_at is not None:
        return False
    issue.acknowledged_by, issue.acknowledged_at = by, at
    issue.snoozed_until = issue.snoozed_by = None
    if issue.state == Issue.State.OPEN:
        issue.state = Issue.State.ACKNOWLEDGED
    return True


@transaction.atomic
def snooze_issue(*, issue: Issue, until: date, by: User, at: datetime) -> Issue:
    """Hide the issue from the inbox until a date. A second call with the same date changes
    nothing."""
    days = (until - day_of(at)).days
    if days < 1:
        raise DomainError("Enter a date after today.", field="until")
    if days > MAX_SNOOZE_DAYS:
        raise DomainError(
            f"An issue can be snoozed for at most {MAX_SNOOZE_DAYS} days. Enter an earlier date, "
            "or accept the gap with a reason.",
            field="until",
        )
    stored = lock_issue(issue, by, permits_contact=True)
    before = response_values(stored)
    _require_unresolved(stored, "snooze")
    if stored.snoozed_until == until:
        return stored
    stored.snoozed_until, stored.snoozed_by = until, by
    save_response(stored, by, IssueResponse.SNOOZE, f"issue snoozed until {until}")
    _record(stored, Activity.Kind.SNOOZED, by, at, before=before, until=until.isoformat())
    return stored


@transaction.atomic
def accept_issue(*, issue: Issue, until: date, reason: str, by: User, at: datetime) -> Issue:
    """Accept the gap until a date, with a reason."""
    reason = reason.strip()
    if not reason:
        raise DomainError("Enter a reason: an auditor will ask for it.", field="reason")
    days = (until - day_of(at)).days
    if days < 1:
        raise DomainError("Enter a date after today.", field="until")
    if days > MAX_ACCEPTANCE_DAYS:
        raise DomainError(
            "A gap can be accepted for at most one year. Enter an earlier date.", field="until"
        )
    stored = lock_issue(issue, by)
    before = response_values(stored)
    _require_unresolved(stored, "accept")
    if owner := state_owner(stored):
        raise ConflictError(f"Accept the {owner} itself. The issue follows it.")
    if not can_accept(by, stored):
        raise ForbiddenError(
            f"You need the owner role on {stored.team} to accept this gap."
            if stored.team
            else "You need the governance role to accept a gap of the organisation."
        )
    stored.accepted_until, stored.accepted_by, stored.accepted_reason = until, by, reason
    stored.state, stored.act_by = Issue.State.ACCEPTED, until
    stored.snoozed_until = stored.snoozed_by = None
    save_response(stored, by, IssueResponse.ACCEPT, f"gap accepted until {until}", note=reason)
    _record(
        stored, Activity.Kind.ACCEPTED, by, at, before=before, text=reason, until=until.isoformat()
    )
    return stored


@transaction.atomic
def revoke_acceptance(*, issue: Issue, by: User, at: datetime, reason: str = "") -> Issue:
    """Revoke the acceptance: the issue is open or acknowledged again."""
    stored = lock_issue(issue, by)
    before = response_values(stored)
    if stored.accepted_until is None or stored.state == Issue.State.RESOLVED:
        raise ConflictError("This gap is not accepted, so there is nothing to revoke.")
    stored.accepted_until = stored.accepted_by = None
    stored.accepted_reason = ""
    stored.state = (
        Issue.State.ACKNOWLEDGED if stored.acknowledged_at is not None else Issue.State.OPEN
    )
    stored.act_by = act_by_until_evaluated(stored, day_of(at))
    save_response(stored, by, IssueResponse.REVOKE, "acceptance revoked", note=reason)
    _queue_evaluation(stored)
    _record(stored, Activity.Kind.ACCEPTANCE_REVOKED, by, at, before=before, text=reason)
    return stored


@transaction.atomic
def assign_issue(
    *,
    issue: Issue,
    to: User | None,
    by: User,
    at: datetime,
    is_confirmed: bool = False,
) -> Issue:
    """Assign the issue to a user who can view it, or to a contact; None lets the owner follow the
    application again.

    `is_confirmed`: `by` has read what the assignment to a contact who does not own the application
    means (`owners.contact_warning`).
    """
    stored = lock_issue(issue, by, permits_contact=True)
    before = response_values(stored)
    _require_unresolved(stored, "assign")
    if by.is_contact and to != by:
        raise ForbiddenError("You can assign this issue to yourself only.")
    if to is not None and _is_assigned(stored, to):
        return stored
    if to is not None:
        require_owner(to, stored, by=by, is_confirmed=is_confirmed)
    previous = stored.owner_id
    if not mark_assigned(stored, to=to, by=by):
        return stored
    save_response(
        stored, by, IssueResponse.ASSIGN, f"assigned to {to}" if to else "assignment removed"
    )
    if to is None:
        _queue_evaluation(stored)
    _record(
        stored, Activity.Kind.OWNER, by, at, before=before, old=previous, new=to.pk if to else None
    )
    return stored


@transaction.atomic
def accept_assignment(*, issue: Issue, by: User, at: datetime) -> Issue:
    """Confirm that `by`, who owns the issue, will do the work: it no longer follows the owner of
    the application, and is acknowledged. A second call changes nothing."""
    stored = lock_issue(issue, by, permits_contact=True)
    before = response_values(stored)
    _require_unresolved(stored, "accept")
    if stored.owner_id != by.pk:
        raise ConflictError(
            "This issue is not assigned to you any more. Assign it to yourself instead."
        )
    if stored.assigned_by_id is not None and stored.acknowledged_by_id == by.pk:
        return stored
    stored.assigned_by = stored.assigned_by or by
    if stored.acknowledged_at is None:
        stored.acknowledged_by, stored.acknowledged_at = by, at
    stored.snoozed_until = stored.snoozed_by = None
    if stored.state == Issue.State.OPEN:
        stored.state = Issue.State.ACKNOWLEDGED
    save_response(stored, by, IssueResponse.ASSIGN, "assignment accepted")
    _record(
        stored, Activity.Kind.OWNER, by, at, before=before, old=by.pk, new=by.pk, is_accepted=True
    )
    return stored


def mark_assigned(issue: Issue, *, to: User | None, by: User) -> bool:
    """Return whether the issue was not assigned to that user before."""
    if to is not None and _is_assigned(issue, to):
        return False
    issue.owner, issue.assigned_by = to, by if to is not None else None
    return True


def _is_assigned(issue: Issue, person: User) -> bool:
    return issue.owner_id == person.pk and issue.assigned_by_id is not None


@transaction.atomic
def comment_on_issue(
    *, issue: Issue, text: str, by: User, at: datetime, mentions: Collection[User] = ()
) -> Activity:
    """Add a comment, with the users whom it mentions."""
    require_commentator(by, issue)
    text = text.strip()
    if not text:
        raise DomainError("Enter a comment.", field="text")
    outsiders = [user for user in mentions if not can_own(user, issue)]
    if outsiders:
        raise DomainError(
            f"{outsiders[0]} cannot view this issue. Mention a member of the team.", field="text"
        )
    comment = Activity.objects.create(
        issue=issue, kind=Activity.Kind.COMMENT, user=by, at=at, text=text
    )
    comment.mentions.set(mentions)
    call_receivers([comment])
    return comment


@transaction.atomic
def resolve_issue(
    *,
    issue: Issue,
    by: User,
    at: datetime,
    reason: str,
    resolution: str = IssueResolution.BY_USER,
) -> Issue:
    """Resolve the issue with a reason. It opens again only if the fact changes."""
    reason = reason.strip()
    if not reason:
        raise DomainError("Enter how the issue was resolved.", field="reason")
    stored = lock_issue(issue, by)
    before = response_values(stored)
    if owner := state_owner(stored):
        raise ConflictError(f"Resolve the {owner} itself. The issue follows it.")
    if mark_resolved(stored, by=by, at=at, reason=reason, resolution=resolution):
        save_response(stored, by, IssueResponse.RESOLVE, "issue resolved", note=reason)
        _record(
            stored,
            Activity.Kind.RESOLVED,
            by,
            at,
            before=before,
            text=reason,
            resolution=resolution,
        )
    return stored


def mark_resolved(
    issue: Issue,
    *,
    by: User,
    at: datetime,
    reason: str,
    resolution: str = IssueResolution.BY_USER,
) -> bool:
    """Return whether the issue was not resolved before."""
    if issue.state == Issue.State.RESOLVED:
        return False
    issue.state = Issue.State.RESOLVED
    issue.resolved_at, issue.resolved_by = at, by
    issue.resolution, issue.resolution_reason = resolution, reason
    issue.snoozed_until = issue.snoozed_by = None
    return True


@transaction.atomic
def reopen_issue(*, issue: Issue, by: User, at: datetime, reason: str = "") -> Issue:
    """Open the issue again after any response."""
    stored = lock_issue(issue, by)
    before = response_values(stored)
    if stored.state == Issue.State.RESOLVED and stored.cause.closed_at is not None:
        raise ConflictError("The cause has ended. The issue opens by itself if it returns.")
    stored.state = Issue.State.OPEN
    stored.acknowledged_by = stored.acknowledged_at = None
    stored.snoozed_until = stored.snoozed_by = None
    stored.accepted_until = stored.accepted_by = None
    stored.resolved_at = stored.resolved_by = None
    stored.accepted_reason = stored.resolution = stored.resolution_reason = ""
    stored.act_by = act_by_until_evaluated(stored, day_of(at))
    save_response(stored, by, IssueResponse.REOPEN, "issue reopened", note=reason)
    _queue_evaluation(stored)
    _record(stored, Activity.Kind.REOPENED, by, at, before=before, text=reason)
    return stored


def _require_unresolved(issue: Issue, verb: str) -> None:
    if issue.state == Issue.State.RESOLVED:
        raise ConflictError(f"This issue is resolved. Reopen it before you {verb} it.")


def _queue_evaluation(issue: Issue) -> None:
    """Queue what only the fact knows: owner, state and dates without a response. Issues of the
    organisation are evaluated every minute."""
    if issue.application_id is not None:
        queue_applications([issue.application_id])


def act_by_until_evaluated(issue: Issue, today: date) -> date:
    """Return the date from which the issue is Now, until the next evaluation works it out."""
    return issue.due_on or today


RESPONSE_FIELDS = (
    "state",
    "owner",
    "assigned_by",
    "act_by",
    "acknowledged_by",
    "acknowledged_at",
    "snoozed_until",
    "snoozed_by",
    "accepted_until",
    "accepted_by",
    "accepted_reason",
    "resolved_at",
    "resolved_by",
    "resolution",
    "resolution_reason",
)


def save_response(
    issue: Issue, by: User, response: IssueResponse, reason: str, *, note: str = ""
) -> None:
    """Store the fields that a response can change, with its user and note in the history."""
    with audit_context(user=by, reason=reason, code=response, note=note):
        issue.save(update_fields=[*RESPONSE_FIELDS, "updated_at"])


def response_columns(issue: Issue) -> dict[str, Any]:
    """Return the fields that a response can change: {column: value}."""
    columns = sorted(
        f"{name}_id" if Issue._meta.get_field(name).is_relation else name
        for name in RESPONSE_FIELDS
    )
    return {name: getattr(issue, name) for name in columns}


def response_values(issue: Issue) -> dict[str, Any]:
    """Return the fields that a response can change, as JSON: {column: value}."""
    return {name: _as_json(value) for name, value in response_columns(issue).items()}


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _record(
    issue: Issue, kind: Activity.Kind, by: User, at: datetime, *, text: str = "", **details: Any
) -> Activity:
    entry = Activity.objects.create(
        issue=issue, kind=kind, user=by, at=at, text=text, details=details
    )
    call_receivers([entry])
    return entry
