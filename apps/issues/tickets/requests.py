"""Requests for tickets: from one issue, one migration task, or the tasks of a migration. A worker
creates them (`work.py`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Team, User
from apps.accounts.queries import teams_and_above
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.history.context import audit_context
from apps.common.text import format_date
from apps.common.time import day_of
from apps.exposure.campaigns.bulk_assignment import selected_tasks
from apps.exposure.campaigns.reach import task_target
from apps.exposure.models import Campaign, CampaignTask
from apps.issues.models import Issue, Ticket, TicketConnection
from apps.issues.models.tickets import new_mark
from apps.issues.responses import can_respond, lock_issue
from apps.issues.sentences import issue_text
from apps.issues.subjects import load_subjects
from apps.issues.tickets.jira.fields import fields_to_enter

MAX_BULK_TICKETS = 500
MAX_SUMMARY_LENGTH = 255
_ENTERED_FIELDS = {"summary", "description", "due_on", "assignee_address", "field_values"}
TASK_RELATIONS = (
    "campaign__subject",
    "campaign__target__host",
    "dependency__application__team",
    "dependency__offering__host",
    "owner",
    "target__host",
)


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """What a new ticket says, before a user changes it."""

    summary: str
    description: str
    due_on: date | None
    assignee_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRequest:
    """A new ticket as a user entered it."""

    connection: TicketConnection
    summary: str
    description: str = ""
    due_on: date | None = None
    assignee_address: str = ""
    field_values: Mapping[str, str] | None = None


def ticket_connections(user: User, team: Team | int | None) -> "list[TicketConnection]":
    """Return the enabled connections that the user can view and that serve this team; None: the
    organisation."""
    connections = TicketConnection.objects.visible_to(user).filter(enabled=True)
    serving = Q(team=None)
    if team is not None:
        team_id = team if isinstance(team, int) else team.pk
        serving |= Q(team__in=teams_and_above([team_id]))
    return list(connections.filter(serving).order_by("name"))


def draft_for_issue(issue: Issue, *, at: datetime) -> TicketDraft:
    """Return title, description with the link, date and assignee for an issue; cause, application
    and owner should be loaded."""
    subject = load_subjects([issue.cause.subject])[issue.cause.subject]
    text = issue_text(issue, subject, day_of(at))
    name = issue.application.name if issue.application else "Organisation"
    lines = [f"{text.title}.", text.advice, ""]
    if issue.application:
        lines.append(f"Application: {name}")
    lines += _date_lines(issue.start_by, issue.finish_by or issue.due_on)
    return TicketDraft(
        summary=_shorten(f"{name}: {text.title}"),
        description="\n".join([*lines, f"Foundation Registry: {issue_url(issue.pk)}"]),
        due_on=issue.finish_by or issue.due_on,
        assignee_address=_address_of(issue.owner),
    )


def draft_for_task(task: CampaignTask) -> TicketDraft:
    """Return title, description with the link, date and assignee for a migration task, loaded with
    TASK_RELATIONS."""
    application, offering = task.dependency.application, task.dependency.offering
    target = task_target(task)
    lines = [
        f"{application.name} uses {offering.api_id} on {offering.host} "
        f"({task.dependency.get_role_display().lower()}).",
        f"Target: {target.api_id} on {target.host}." if target else "No target is chosen yet.",
        "",
        f"Migration: {task.campaign.title}",
        *_date_lines(task.start_by, task.finish_by),
        f"Foundation Registry: {task_url(task.pk)}",
    ]
    return TicketDraft(
        summary=_shorten(f"{application.name}: migrate off {offering.api_id}"),
        description="\n".join(lines),
        due_on=task.finish_by,
        assignee_address=_address_of(task.owner),
    )


def issue_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}/issues/{pk}/"


def task_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}/campaigns/tasks/{pk}/"


def subject_url(ticket: Ticket) -> str:
    """Return the address of the issue or task of a ticket."""
    if ticket.issue_id is not None:
        return issue_url(ticket.issue_id)
    assert ticket.task_id is not None
    return task_url(ticket.task_id)


def _date_lines(start_by: date | None, finish_by: date | None) -> list[str]:
    lines = [f"Start by: {format_date(start_by)}"] if start_by else []
    return [*lines, f"Finish by: {format_date(finish_by)}"] if finish_by else lines


def _address_of(person: User | None) -> str:
    return person.email if person is not None and person.email else ""


def _shorten(text: str) -> str:
    one_line = " ".join(text.split())
    if len(one_line) <= MAX_SUMMARY_LENGTH:
        return one_line
    return f"{one_line[: MAX_SUMMARY_LENGTH - 1]}…"


# --- requests -------------------------------------------------------------------------------------


@transaction.atomic
def request_issue_ticket(*, issue: Issue, request: TicketRequest, by: User, at: datetime) -> Ticket:
    """Request a ticket for an issue. Raises ConflictError if the issue has one in this system, or
    is resolved. Of two users one gets it."""
    locked = lock_issue(issue, by)
    if locked.state == Issue.State.RESOLVED:
        raise ConflictError("This issue is resolved. Reopen it before you create a ticket.")
    _require_serving(request.connection, locked.team_id, by)
    return _store_request(request, {"issue": locked}, by=by, at=at)


@transaction.atomic
def request_task_ticket(
    *, task: CampaignTask, request: TicketRequest, by: User, at: datetime
) -> Ticket:
    """Request a ticket for a migration task; otherwise as for an issue."""
    locked = (
        CampaignTask.objects.select_for_update(of=("self",), no_key=True)
        .select_related("dependency__application__team", "campaign")
        .get(pk=task.pk)
    )
    team = locked.dependency.application.team
    if not by.may(TeamRole.EDITOR, team):
        raise ForbiddenError(f"You need the editor role on {team} to create tickets of its tasks.")
    if locked.campaign.state == Campaign.State.CLOSED:
        raise ConflictError("The campaign is closed. Reopen it first.")
    if locked.state in {CampaignTask.State.DONE, CampaignTask.State.OBSOLETE}:
        raise ConflictError("Nothing is left to do in this task, so it needs no ticket.")
    _require_serving(request.connection, team.pk, by)
    return _store_request(request, {"task": locked}, by=by, at=at)


def _require_serving(connection: TicketConnection, team_id: int | None, by: User) -> None:
    if connection.pk not in {row.pk for row in ticket_connections(by, team_id)}:
        raise DomainError(
            "This connection does not create tickets of this team, or is disabled. Select another "
            "one.",
            field="connection",
        )


def _store_request(
    request: TicketRequest, subject: Mapping[str, Any], *, by: User, at: datetime
) -> Ticket:
    connection = request.connection
    values = {
        name: text.strip() for name, text in (request.field_values or {}).items() if text.strip()
    }
    for field in fields_to_enter(connection):
        if field.id not in values:
            raise DomainError(f"Enter a value for {field.name}: Jira requires it.", field=field.id)
    earlier = Ticket.objects.filter(connection=connection, **subject).first()
    if earlier is not None and earlier.state in {Ticket.State.WAITING, Ticket.State.LINKED}:
        raise ConflictError(
            f"There is a ticket in {connection} already: {earlier.key}."
            if earlier.key
            else f"A ticket in {connection} has been requested already."
        )
    ticket = earlier or Ticket(connection=connection, **subject)
    if earlier is not None:
        # another label: the deleted ticket, if it returns, is not taken for the new one
        _forget_jira(ticket)
    ticket.summary = request.summary.strip()
    ticket.description = request.description.strip()
    ticket.due_on, ticket.assignee_address = request.due_on, request.assignee_address.strip()
    ticket.field_values, ticket.requested_by, ticket.requested_at = values, by, at
    ticket.state, ticket.due_at = Ticket.State.WAITING, at
    ticket.clean_fields(exclude={f.name for f in Ticket._meta.fields} - _ENTERED_FIELDS)
    with audit_context(user=by, reason=f"ticket in {connection} requested"):
        ticket.save()
    return ticket


def _forget_jira(ticket: Ticket) -> None:
    """Empty what belongs to an earlier ticket of the subject."""
    ticket.mark = new_mark()
    for name in (
        "problem",
        "note",
        "jira_id",
        "key",
        "status",
        "status_category",
        "progress",
        "status_by",
        "assignee",
        "summary_seen",
        "told",
    ):
        setattr(ticket, name, "")
    ticket.created_at = ticket.status_at = ticket.jira_updated_at = ticket.seen_at = None
    ticket.changed_at = ticket.sent_at = ticket.claimed_until = None
    ticket.attempts = ticket.n_told = 0
    # a worker that still holds the earlier ticket can no longer store anything
    ticket.claim_number += 1


@transaction.atomic
def refresh_ticket(*, ticket: Ticket, by: User, at: datetime) -> Ticket:
    """Read the ticket again within a minute, or try its creation again now."""
    require_ticket_editor(by, ticket)
    if ticket.state == Ticket.State.REFUSED:
        raise ConflictError("This ticket was not created. Correct it, and create it again.")
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=at, due_at=at)
    return ticket


@transaction.atomic
def remove_ticket(*, ticket: Ticket, by: User) -> None:
    """Remove the link between the subject and its ticket, which stays in Jira as it is."""
    locked = (
        Ticket.objects.select_for_update(of=("self",))
        .select_related("issue__team", "issue__cause", "task__dependency__application__team")
        .get(pk=ticket.pk)
    )
    require_ticket_editor(by, locked)
    if locked.state == Ticket.State.WAITING and locked.sent_at is not None:
        raise ConflictError(
            "The ticket is being created. Wait until it is linked, and remove it then."
        )
    with audit_context(user=by, reason="ticket removed"):
        locked.delete()


def may_edit_ticket(user: User, ticket: Ticket) -> bool:
    """Return whether the user can request, read again and remove the ticket."""
    if ticket.issue is not None:
        return not user.is_contact and can_respond(user, ticket.issue)
    assert ticket.task is not None
    return user.may(TeamRole.EDITOR, ticket.task.dependency.application.team_id)


def require_ticket_editor(user: User, ticket: Ticket) -> None:
    if not may_edit_ticket(user, ticket):
        raise ForbiddenError(
            "You need the editor role on the team of the application to change its tickets."
        )


# --- tasks of a migration -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlannedTicket:
    """A task of a migration with the ticket that it would get; `reason` why it gets none."""

    task: CampaignTask
    draft: TicketDraft
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BulkTickets:
    """Requested tickets, and the refusals: (task, reason)."""

    requested: tuple[Ticket, ...]
    rejected: tuple[tuple[CampaignTask, str], ...]


def plan_task_tickets(
    *,
    campaign: Campaign,
    connection: TicketConnection,
    by: User,
    task_ids: Collection[int] | None = None,
) -> list[PlannedTicket]:
    """Return the unfinished tasks that the user can view, each with its ticket or the reason why it
    gets none."""
    tasks = list(
        selected_tasks(by=by, campaign=campaign, task_ids=task_ids)
        .select_related(*TASK_RELATIONS)
        .order_by("finish_by", "pk")[: MAX_BULK_TICKETS + 1]
    )
    if len(tasks) > MAX_BULK_TICKETS:
        raise ConflictError(
            f"At most {MAX_BULK_TICKETS} tickets can be created together. Select fewer tasks."
        )
    existing = {
        ticket.task_id: ticket
        for ticket in Ticket.objects.filter(connection=connection, task__in=tasks)
    }
    serves = _served_teams(connection, by, tasks)
    return [
        PlannedTicket(task, draft_for_task(task), _refusal(task, connection, by, existing, serves))
        for task in tasks
    ]


def _served_teams(
    connection: TicketConnection, by: User, tasks: Sequence[CampaignTask]
) -> set[int]:
    """Return the teams of the tasks that the connection serves."""
    teams = {task.dependency.application.team_id for task in tasks}
    return {
        team for team in teams if connection.pk in {row.pk for row in ticket_connections(by, team)}
    }


def _refusal(
    task: CampaignTask,
    connection: TicketConnection,
    by: User,
    existing: Mapping[int | None, Ticket],
    served_teams: Collection[int],
) -> str:
    team = task.dependency.application.team
    if not by.may(TeamRole.EDITOR, team):
        return f"You need the editor role on {team} to create tickets of its tasks."
    if team.pk not in served_teams:
        return f"{connection} does not create tickets of {team}."
    ticket = existing.get(task.pk)
    if ticket is None or ticket.state in {Ticket.State.REFUSED, Ticket.State.MISSING}:
        return ""
    return f"It has the ticket {ticket.key} already." if ticket.key else "Its ticket is waiting."


def request_task_tickets(
    *,
    campaign: Campaign,
    connection: TicketConnection,
    by: User,
    at: datetime,
    task_ids: Collection[int],
    field_values: Mapping[str, str] | None = None,
) -> BulkTickets:
    """Request a ticket for each of the tasks, each with a savepoint of its own; tasks that get none
    are listed with the reason."""
    requested: list[Ticket] = []
    rejected: list[tuple[CampaignTask, str]] = []
    planned = plan_task_tickets(campaign=campaign, connection=connection, by=by, task_ids=task_ids)
    if not planned:
        raise ConflictError("No unfinished task is selected. Select at least one.")
    for plan in planned:
        if plan.reason:
            rejected.append((plan.task, plan.reason))
            continue
        request = TicketRequest(
            connection=connection,
            summary=plan.draft.summary,
            description=plan.draft.description,
            due_on=plan.draft.due_on,
            assignee_address=plan.draft.assignee_address,
            field_values=field_values,
        )
        try:
            requested.append(request_task_ticket(task=plan.task, request=request, by=by, at=at))
        except DomainError as refusal:
            rejected.append((plan.task, str(refusal)))
    return BulkTickets(tuple(requested), tuple(rejected))
