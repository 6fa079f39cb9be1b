"""List of tickets."""

from collections.abc import Sequence
from operator import attrgetter

from django.db.models import QuerySet
from django.urls import reverse

from apps.issues.models import Ticket, TicketConnection, TicketProgress
from apps.issues.tickets.filters import TicketFilter
from apps.web.lists.columns import Column, FileColumn, format_ago, format_moment
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline


def subject_page(ticket: Ticket) -> str:
    """Return the page of the issue or task of a ticket."""
    if ticket.issue_id is not None:
        return reverse("issues:detail", args=[ticket.issue_id])
    return reverse("campaign-tasks:detail", args=[ticket.task_id])


def _application(ticket: Ticket) -> str:
    if ticket.task is not None:
        return ticket.task.dependency.application.name
    assert ticket.issue is not None
    return ticket.issue.application.name if ticket.issue.application else "Organisation"


class TicketList(ListPage[Ticket, Ticket]):
    """Tickets of issues and migration tasks, latest first."""

    namespace = "tickets"
    title = "Tickets"
    nouns = ("ticket", "tickets")
    counts = "Tickets of issues and migration tasks that you can view"
    filterset_class = TicketFilter
    columns = (
        Column[Ticket](
            "summary",
            "Ticket",
            attrgetter("summary"),
            note=lambda row: row.key or row.get_state_display(),
            url=subject_page,
            order=("summary", "pk"),
        ),
        Column[Ticket]("application", "Application", _application),
        Column[Ticket](
            "status",
            "Status in Jira",
            lambda row: row.status or row.get_state_display(),
            css=lambda row: (
                "late" if row.state in {Ticket.State.REFUSED, Ticket.State.MISSING} else ""
            ),
            order=("status", "pk"),
        ),
        Column[Ticket]("assignee", "Assignee", attrgetter("assignee"), order=("assignee", "pk")),
        Column[Ticket](
            "seen", "Last read", attrgetter("seen_at"), format=format_ago, order=("seen_at", "pk")
        ),
        Column[Ticket](
            "requested",
            "Requested",
            attrgetter("requested_at"),
            format=format_moment,
        ),
    )
    file_columns = (
        FileColumn[Ticket]("Key", attrgetter("key")),
        FileColumn[Ticket]("Address", attrgetter("url")),
        FileColumn[Ticket]("State", lambda row: row.get_state_display()),
        FileColumn[Ticket]("Problem", attrgetter("problem")),
        FileColumn[Ticket]("Due", attrgetter("due_on")),
        FileColumn[Ticket]("Connection", attrgetter("connection.name")),
    )
    default_order = ("", ("-requested_at", "-pk"))

    def get_controls(self) -> Sequence[FilterControl]:
        connections = TicketConnection.objects.visible_to(self.user).order_by("name")
        return (
            FilterControl("q", "Search", "search"),
            FilterControl("state", "State", choices=Ticket.State.choices),
            FilterControl("progress", "Progress", choices=TicketProgress.choices),
            FilterControl(
                "connection",
                "Connection",
                choices=[(str(row.pk), row.name) for row in connections],
            ),
        )

    def get_queryset(self) -> "QuerySet[Ticket]":
        return Ticket.objects.visible_to(self.user).select_related(
            "connection", "issue__application", "task__dependency__application"
        )

    def describe_all(self) -> Headline:
        return Headline(f"{self.count_records()} in ticket systems.")

    def get_basis(self) -> str:
        return "Status and assignee as Jira stated them when the ticket was last read."

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No tickets yet.",
            "Create one on the page of an issue or of a migration task. Governance connects Jira "
            "under Settings.",
            "View work",
            reverse("issues:list"),
        )
