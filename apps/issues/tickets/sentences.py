"""Sentences about tickets, for pages, REST and the tickets themselves."""

from collections.abc import Mapping
from datetime import datetime

from apps.common.text import format_date
from apps.issues.models import Issue, Ticket, TicketEvent, TicketProgress


def ticket_sentence(ticket: Ticket) -> str:
    """Return what is known of the ticket, and what to do. Its connection and issue should be
    loaded."""
    match ticket.state:
        case Ticket.State.WAITING if ticket.problem:
            return f"The ticket is not created yet. {ticket.problem}"
        case Ticket.State.WAITING:
            return "The ticket is created within a minute."
        case Ticket.State.REFUSED:
            return f"The ticket was not created. {ticket.problem}"
        case Ticket.State.MISSING:
            return (
                f"{ticket.key} was deleted in Jira, or moved to where the account of the "
                "connection cannot see it. Create it again, or ask a Jira administrator for the "
                "permission."
            )
    if ticket.seen_at is None:
        return f"{ticket.key} was created. Its status is read within a minute."
    if ticket.progress == TicketProgress.DONE:
        who = f" by {ticket.status_by}" if ticket.status_by else ""
        when = f" on {_day(ticket.status_at)}" if ticket.status_at else ""
        done = f"{ticket.key} is done in Jira: set to {ticket.status}{who}{when}."
        return done if _is_ended(ticket) else f"{done} {_what_remains(ticket)}"
    assignee = f" and assigned to {ticket.assignee}" if ticket.assignee else " and unassigned"
    return f"{ticket.key} is {ticket.status or 'without a status'}{assignee}."


def _what_remains(ticket: Ticket) -> str:
    if ticket.task_id is not None:
        return "The task stays open until it is signed off."
    return "The issue stays open until its cause ends, or a person resolves it."


def _is_ended(ticket: Ticket) -> bool:
    return ended_subject(ticket)


def ended_subject(ticket: Ticket) -> bool:
    """Return whether the issue is resolved, or nothing is left to do in the task."""
    if ticket.issue is not None:
        return ticket.issue.state == Issue.State.RESOLVED
    assert ticket.task is not None
    return ticket.task.state in {ticket.task.State.DONE, ticket.task.State.OBSOLETE}


def event_sentence(event: TicketEvent, key: str) -> str:
    """Return one entry of the activity as a sentence. `key` is that of the ticket."""
    who = f"{event.author or 'A person'} (Jira)"
    name = key or "the ticket"
    match event.kind:
        case TicketEvent.Kind.CREATED:
            return f"The ticket {event.new} was created in Jira."
        case TicketEvent.Kind.FOUND:
            return f"The ticket {event.new} was found in Jira: an earlier request had created it."
        case TicketEvent.Kind.STATUS:
            who = "The account of the registry" if event.is_ours else who
            return f"{who} set {name} from {event.old or 'no status'} to {event.new}."
        case TicketEvent.Kind.ASSIGNEE if event.new:
            return f"{name} is now assigned to {event.new} in Jira."
        case TicketEvent.Kind.ASSIGNEE:
            return f"{name} is now unassigned in Jira."
        case TicketEvent.Kind.MOVED:
            return f"The ticket {event.old} is now {event.new} in Jira."
        case TicketEvent.Kind.MISSING:
            return (
                f"{event.old or name} was deleted in Jira, or the account of the connection can no "
                "longer see it."
            )
        case TicketEvent.Kind.TOLD:
            return f"The registry wrote to {name}."
    return f"{who} commented on {name}."


_RESOLVED: Mapping[str, str] = {
    "migrated": "the application has migrated",
    "date_withdrawn": "the retirement date was withdrawn",
    "no_longer_used": "it is no longer used",
    "cause_ended": "the cause has ended",
    "completed": "the work is complete",
    "incident_ended": "the incident has ended",
    "duplicate": "it is a duplicate",
    "by_user": "a user resolved it",
}


def resolution_message(ticket: Ticket, url: str) -> str:
    """Return what the registry writes to the ticket when its issue or task ends."""
    if ticket.issue is not None:
        reason = _RESOLVED.get(ticket.issue.resolution, "the cause has ended")
        return f"The issue is resolved in the Foundation Registry: {reason}.\n{url}"
    assert ticket.task is not None
    if ticket.task.state == ticket.task.State.OBSOLETE:
        return f"The migration task is no longer needed: the dependency ended.\n{url}"
    return f"The migration task was signed off in the Foundation Registry.\n{url}"


def reopening_message(ticket: Ticket, url: str) -> str:
    """Return what the registry writes to the ticket when its issue or task is open again."""
    noun = "issue" if ticket.issue_id is not None else "migration task"
    return f"The {noun} is open again in the Foundation Registry.\n{url}"


def _day(at: datetime) -> str:
    return format_date(at.date())
