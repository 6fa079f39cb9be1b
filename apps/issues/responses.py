"""Responses of users to an issue: acknowledge, snooze, accept, assign, comment, resolve, reopen.

Each locks the issue, checks the user on the locked row, and records an activity, which it passes
to the receivers. `change_issue` decides and changes the loaded row only; `bulk_responses.py`
applies it to many issues at a time. `undo.py` undoes the last response.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.database.bulk_writes import update_rows
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
    CauseKind.PROPOSED_USE_CASE: "proposed use case",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRequest:
    """One response, to one issue or to many.

    `until` is for snooze and accept, `to` for assign (None: the owner follows the application
    again). `is_confirmed`: `by` has read what the assignment to a contact who does not own the
    application means (`owners.contact_warning`). `source` names the act in the activity; `sources`
    do so for each issue, such as the alert that was responded to.
    """

    response: IssueResponse
    by: User
    at: datetime
    until: date | None = None
    to: User | None = None
    is_confirmed: bool = False
    reason: str = ""
    resolution: str = IssueResolution.BY_USER
    source: str = ""
    sources: Mapping[int, str] = field(default_factory=dict)

    def source_of(self, issue: Issue) -> str:
        return self.sources.get(issue.pk, self.source)


def change_issue(issue: Issue, request: ResponseRequest) -> bool:
    """Change the loaded issue as requested, without storing it; return whether it has changed.

    The one place that decides which response an issue takes: responses to one issue, bulk
    responses, their preview and responses to alerts call it. Cause, team and application should be
    loaded. Raises DomainError if the issue rejects the response.
    """
    require_respondent(request.by, issue)
    if request.by.is_contact and request.response not in _CONTACT_RESPONSES:
        raise ForbiddenError("You need an account to respond to an issue in this way.")
    if request.response not in _CHANGES:
        raise DomainError(
            f'"{request.response}" is not a valid response. Use one of: '
            f"{', '.join(IssueResponse.values)}.",
            field="action",
        )
    return _CHANGES[request.response](issue, request)


def _acknowledge(issue: Issue, request: ResponseRequest) -> bool:
    _require_unresolved(issue, "acknowledge")
    # the first user is kept
    if issue.acknowledged_at is not None:
        return False
    issue.acknowledged_by, issue.acknowledged_at = request.by, request.at
    issue.snoozed_until = issue.snoozed_by = None
    if issue.state == Issue.State.OPEN:
        issue.state = Issue.State.ACKNOWLEDGED
    return True


def _snooze(issue: Issue, request: ResponseRequest) -> bool:
    until = _require_date(request)
    if (until - day_of(request.at)).days > MAX_SNOOZE_DAYS:
        raise DomainError(
            f"An issue can be snoozed for at most {MAX_SNOOZE_DAYS} days. Enter an earlier date, "
            "or accept the gap with a reason.",
            field="until",
        )
    _require_unresolved(issue, "snooze")
    if issue.snoozed_until == until:
        return False
    issue.snoozed_until, issue.snoozed_by = until, request.by
    return True


def _accept(issue: Issue, request: ResponseRequest) -> bool:
    until = _require_date(request)
    if not request.reason.strip():
        raise DomainError("Enter a reason: an auditor will ask for it.", field="reason")
    if (until - day_of(request.at)).days > MAX_ACCEPTANCE_DAYS:
        raise DomainError(
            "A gap can be accepted for at most one year. Enter an earlier date.", field="until"
        )
    _require_unresolved(issue, "accept")
    if owner := state_owner(issue):
        raise ConflictError(f"Accept the {owner} itself. The issue follows it.")
    if not can_accept(request.by, issue):
        raise ForbiddenError(
            f"You need the owner role on {issue.team} to accept this gap."
            if issue.team
            else "You need the governance role to accept a gap of the organisation."
        )
    issue.accepted_until, issue.accepted_by = until, request.by
    issue.accepted_reason = request.reason.strip()
    issue.state, issue.act_by = Issue.State.ACCEPTED, until
    issue.snoozed_until = issue.snoozed_by = None
    return True


def _revoke(issue: Issue, request: ResponseRequest) -> bool:
    if issue.accepted_until is None or issue.state == Issue.State.RESOLVED:
        raise ConflictError("This gap is not accepted, so there is nothing to revoke.")
    issue.accepted_until = issue.accepted_by = None
    issue.accepted_reason = ""
    issue.state = (
        Issue.State.ACKNOWLEDGED if issue.acknowledged_at is not None else Issue.State.OPEN
    )
    issue.act_by = act_by_until_evaluated(issue, day_of(request.at))
    return True


def _assign(issue: Issue, request: ResponseRequest) -> bool:
    _require_unresolved(issue, "assign")
    to = request.to
    if request.by.is_contact and to != request.by:
        raise ForbiddenError("You can assign this issue to yourself only.")
    if to is None:
        if issue.assigned_by_id is None:
            return False
        issue.owner = issue.assigned_by = None
        return True
    if issue.owner_id == to.pk and issue.assigned_by_id is not None:
        return False
    require_owner(to, issue, by=request.by, is_confirmed=request.is_confirmed)
    issue.owner, issue.assigned_by = to, request.by
    return True


def _resolve(issue: Issue, request: ResponseRequest) -> bool:
    if not request.reason.strip():
        raise DomainError("Enter how the issue was resolved.", field="reason")
    if owner := state_owner(issue):
        raise ConflictError(f"Resolve the {owner} itself. The issue follows it.")
    if issue.state == Issue.State.RESOLVED:
        return False
    issue.state = Issue.State.RESOLVED
    issue.resolved_at, issue.resolved_by = request.at, request.by
    issue.resolution, issue.resolution_reason = request.resolution, request.reason.strip()
    issue.snoozed_until = issue.snoozed_by = None
    return True


def _reopen(issue: Issue, request: ResponseRequest) -> bool:
    if issue.state == Issue.State.RESOLVED and issue.cause.closed_at is not None:
        raise ConflictError("The cause has ended. The issue opens by itself if it returns.")
    issue.state = Issue.State.OPEN
    issue.acknowledged_by = issue.acknowledged_at = None
    issue.snoozed_until = issue.snoozed_by = None
    issue.accepted_until = issue.accepted_by = None
    issue.resolved_at = issue.resolved_by = None
    issue.accepted_reason = issue.resolution = issue.resolution_reason = ""
    issue.act_by = act_by_until_evaluated(issue, day_of(request.at))
    return True


_CHANGES: Mapping[IssueResponse, Callable[[Issue, ResponseRequest], bool]] = {
    IssueResponse.ACKNOWLEDGE: _acknowledge,
    IssueResponse.SNOOZE: _snooze,
    IssueResponse.ACCEPT: _accept,
    IssueResponse.REVOKE: _revoke,
    IssueResponse.ASSIGN: _assign,
    IssueResponse.RESOLVE: _resolve,
    IssueResponse.REOPEN: _reopen,
}
# what a contact can do by the link in an email
_CONTACT_RESPONSES = {IssueResponse.ACKNOWLEDGE, IssueResponse.SNOOZE, IssueResponse.ASSIGN}
_KINDS = {
    IssueResponse.ACKNOWLEDGE: Activity.Kind.ACKNOWLEDGED,
    IssueResponse.SNOOZE: Activity.Kind.SNOOZED,
    IssueResponse.ACCEPT: Activity.Kind.ACCEPTED,
    IssueResponse.REVOKE: Activity.Kind.ACCEPTANCE_REVOKED,
    IssueResponse.ASSIGN: Activity.Kind.OWNER,
    IssueResponse.RESOLVE: Activity.Kind.RESOLVED,
    IssueResponse.REOPEN: Activity.Kind.REOPENED,
    IssueResponse.UNDO: Activity.Kind.UNDONE,
}


def _require_date(request: ResponseRequest) -> date:
    if request.until is None:
        raise DomainError("Enter a date.", field="until")
    if request.until <= day_of(request.at):
        raise DomainError("Enter a date after today.", field="until")
    return request.until


def _require_unresolved(issue: Issue, verb: str) -> None:
    if issue.state == Issue.State.RESOLVED:
        raise ConflictError(f"This issue is resolved. Reopen it before you {verb} it.")


def response_activity(
    issue: Issue, request: ResponseRequest, before: Mapping[str, Any]
) -> Activity:
    """Return the entry of the timeline for a change of the issue, not stored; `before` are the
    values that it had."""
    details: dict[str, Any] = {"before": before}
    if source := request.source_of(issue):
        details["source"] = source
    match request.response:
        case IssueResponse.SNOOZE | IssueResponse.ACCEPT if request.until is not None:
            details["until"] = request.until.isoformat()
        case IssueResponse.ASSIGN:
            details |= {
                "old": before["owner_id"],
                "new": request.to.pk if request.to is not None else None,
            }
        case IssueResponse.RESOLVE:
            details["resolution"] = request.resolution
    return Activity(
        issue=issue,
        kind=_KINDS[request.response],
        user=request.by,
        at=request.at,
        text=request.reason.strip(),
        details=details,
    )


def store_responses(
    changes: Sequence[tuple[Issue, Mapping[str, Any]]], request: ResponseRequest
) -> list[Activity]:
    """Store issues that were changed as requested, each with the values before, and their activity;
    a fixed number of statements. The receivers get the activity."""
    if not changes:
        return []
    # by the clock, as a save: the evaluation finds responses by it
    stored_at = timezone.now()
    for issue, _ in changes:
        issue.updated_at = stored_at
    entries = [response_activity(issue, request, before) for issue, before in changes]
    with audit_context(
        user=request.by,
        reason=_history_reason(request),
        code=request.response,
        note=request.reason.strip(),
    ):
        update_rows(
            Issue,
            {
                issue.pk: {**response_columns(issue), "updated_at": issue.updated_at}
                for issue, _ in changes
            },
        )
    if _is_evaluated(request):
        # issues of the organisation are evaluated every minute
        queue_applications(pk for issue, _ in changes if (pk := issue.application_id) is not None)
    Activity.objects.bulk_create(entries)
    call_receivers(entries)
    return entries


def _is_evaluated(request: ResponseRequest) -> bool:
    """Return whether only the fact knows owner, state and dates after this response."""
    if request.response == IssueResponse.ASSIGN:
        return request.to is None
    return request.response in {IssueResponse.REVOKE, IssueResponse.REOPEN, IssueResponse.UNDO}


def _history_reason(request: ResponseRequest) -> str:
    match request.response:
        case IssueResponse.ACKNOWLEDGE:
            return "issue acknowledged"
        case IssueResponse.SNOOZE:
            return f"issue snoozed until {request.until}"
        case IssueResponse.ACCEPT:
            return f"gap accepted until {request.until}"
        case IssueResponse.REVOKE:
            return "acceptance revoked"
        case IssueResponse.ASSIGN:
            return f"assigned to {request.to}" if request.to else "assignment removed"
        case IssueResponse.RESOLVE:
            return "issue resolved"
        case IssueResponse.UNDO:
            return "response undone"
    return "issue reopened"


def lock_issues(issue_ids: Collection[int]) -> list[Issue]:
    """Return the issues, locked in the order of their IDs, so that two requests do not wait for
    each other."""
    if not issue_ids:
        return []
    return list(
        Issue.objects.select_for_update(of=("self",), no_key=True)
        .select_related("cause", "team", "application")
        .filter(pk__in=issue_ids)
        .order_by("pk")
    )


@transaction.atomic
def _respond(issue: Issue, request: ResponseRequest) -> Issue:
    (stored,) = lock_issues([issue.pk])
    before = response_values(stored)
    if change_issue(stored, request):
        store_responses([(stored, before)], request)
    return stored


def acknowledge_issue(*, issue: Issue, by: User, at: datetime, reason: str = "") -> Issue:
    """Acknowledge the issue. A second call changes nothing: the first user is kept."""
    return _respond(
        issue, ResponseRequest(response=IssueResponse.ACKNOWLEDGE, by=by, at=at, reason=reason)
    )


def snooze_issue(*, issue: Issue, until: date, by: User, at: datetime) -> Issue:
    """Hide the issue from the inbox until a date. A second call with the same date changes
    nothing."""
    return _respond(
        issue, ResponseRequest(response=IssueResponse.SNOOZE, by=by, at=at, until=until)
    )


def accept_issue(*, issue: Issue, until: date, reason: str, by: User, at: datetime) -> Issue:
    """Accept the gap until a date, with a reason."""
    return _respond(
        issue,
        ResponseRequest(response=IssueResponse.ACCEPT, by=by, at=at, until=until, reason=reason),
    )


def revoke_acceptance(*, issue: Issue, by: User, at: datetime, reason: str = "") -> Issue:
    """Revoke the acceptance: the issue is open or acknowledged again."""
    return _respond(
        issue, ResponseRequest(response=IssueResponse.REVOKE, by=by, at=at, reason=reason)
    )


def assign_issue(
    *,
    issue: Issue,
    to: User | None,
    by: User,
    at: datetime,
    is_confirmed: bool = False,
) -> Issue:
    """Assign the issue to a user who can view it, or to a contact; None lets the owner follow the
    application again."""
    return _respond(
        issue,
        ResponseRequest(
            response=IssueResponse.ASSIGN, by=by, at=at, to=to, is_confirmed=is_confirmed
        ),
    )


def resolve_issue(
    *,
    issue: Issue,
    by: User,
    at: datetime,
    reason: str,
    resolution: str = IssueResolution.BY_USER,
) -> Issue:
    """Resolve the issue with a reason. It opens again only if the fact changes."""
    return _respond(
        issue,
        ResponseRequest(
            response=IssueResponse.RESOLVE, by=by, at=at, reason=reason, resolution=resolution
        ),
    )


def reopen_issue(*, issue: Issue, by: User, at: datetime, reason: str = "") -> Issue:
    """Open the issue again after any response."""
    return _respond(
        issue, ResponseRequest(response=IssueResponse.REOPEN, by=by, at=at, reason=reason)
    )


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
