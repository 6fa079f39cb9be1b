"""Tickets of one issue or migration task, as their pages show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.accounts.models import User
from apps.exposure.models import CampaignTask
from apps.issues.models import Issue, Ticket, TicketEvent, TicketProgress
from apps.issues.tickets.requests import may_edit_ticket, ticket_connections
from apps.issues.tickets.sentences import event_sentence, ticket_sentence

MAX_EVENTS = 200
_MARKS = {TicketProgress.TO_DO: "open", TicketProgress.IN_PROGRESS: "most"}


@dataclass(frozen=True, slots=True)
class TicketCard:
    """A ticket with what is known of it, and what the user can do."""

    ticket: Ticket
    sentence: str
    state_label: str
    mark: str
    may_edit: bool
    create_url: str

    @property
    def can_be_created_again(self) -> bool:
        return self.may_edit and self.ticket.state in {Ticket.State.REFUSED, Ticket.State.MISSING}


@dataclass(frozen=True, slots=True)
class TicketEntry:
    """An entry of the activity of the tickets; `is_said`: a person in Jira did it."""

    at: datetime
    sentence: str
    text: str
    is_said: bool


@dataclass(frozen=True, slots=True)
class TicketBlock:
    """The tickets of a subject. `create_url` is empty without a further connection."""

    cards: list[TicketCard]
    create_url: str
    is_task: bool

    @property
    def is_shown(self) -> bool:
        return bool(self.cards or self.create_url)


def issue_tickets(issue: Issue, user: User, *, can_respond: bool) -> TicketBlock:
    """Return the tickets of an issue; two statements."""
    tickets = Ticket.objects.filter(issue=issue)
    is_open = issue.state != Issue.State.RESOLVED
    url = reverse("tickets:create-for-issue", args=[issue.pk])
    can_create = can_respond and is_open and not user.is_contact
    return _build_block(tickets, user, issue.team_id, url, can_create, {"issue": issue})


def task_tickets(task: CampaignTask, user: User, *, can_edit: bool) -> TicketBlock:
    """Return the tickets of a migration task; two statements."""
    tickets = Ticket.objects.filter(task=task)
    team_id = task.dependency.application.team_id
    url = reverse("tickets:create-for-task", args=[task.pk])
    return _build_block(tickets, user, team_id, url, can_edit, {"task": task})


def _build_block(
    tickets: Any,
    user: User,
    team_id: int | None,
    url: str,
    can_create: bool,
    subject: dict[str, Any],
) -> TicketBlock:
    cards = []
    rows = list(tickets.select_related("connection", "requested_by").order_by("requested_at"))
    for ticket in rows:
        for name, value in subject.items():
            setattr(ticket, name, value)
        cards.append(
            TicketCard(
                ticket,
                ticket_sentence(ticket),
                ticket.status or str(ticket.get_state_display()),
                _MARKS.get(TicketProgress(ticket.progress), "done") if ticket.progress else "stale",
                can_create and may_edit_ticket(user, ticket),
                f"{url}?connection={ticket.connection_id}",
            )
        )
    used = {ticket.connection_id for ticket in rows}
    connections = ticket_connections(user, team_id) if can_create else []
    has_more = any(row.pk not in used for row in connections)
    return TicketBlock(cards, url if has_more else "", "task" in subject)


def ticket_entries(**subject: Any) -> list[TicketEntry]:
    """Return the activity of the tickets of `issue` or `task`, latest first; one statement."""
    filters = {f"ticket__{name}": value for name, value in subject.items()}
    events = TicketEvent.objects.filter(**filters).select_related("ticket")
    return [
        TicketEntry(
            event.at,
            event_sentence(event, event.ticket.key),
            event.text if event.kind == TicketEvent.Kind.COMMENT else "",
            event.kind in {TicketEvent.Kind.COMMENT, TicketEvent.Kind.STATUS} and not event.is_ours,
        )
        for event in events.order_by("-at", "-pk")[:MAX_EVENTS]
    ]
