"""Connections to the local server of Jira, and the work of one worker."""

from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.issues.models import Ticket, TicketConnection
from apps.issues.tickets.connection_test import check_connection
from apps.issues.tickets.credentials import set_secrets
from apps.issues.tickets.work import synchronise_tickets
from tests.builders import NOW
from tests.issues.tickets.jira_server import ADDRESS, TOKEN, Jira

SECRET = "a-secret-of-the-webhook"


def make_connection(jira: Jira, by: User, **facts: Any) -> TicketConnection:
    values = {
        "kind": "cloud" if jira.is_cloud else "data_center",
        "name": "Jira of the platform",
        "base_url": jira.address,
        "account": ADDRESS if jira.is_cloud else "",
        "project": jira.project,
        **facts,
    }
    connection = TicketConnection.objects.create(enabled=True, **values)
    set_secrets(
        connection=connection, values={"token": TOKEN, "webhook_secret": SECRET}, by=by, at=NOW
    )
    check_connection(connection, at=NOW)
    jira.calls.clear()
    connection.refresh_from_db()
    return connection


def work(ticket: Ticket, at: datetime = NOW) -> Ticket:
    """Let a worker do what is due, and return the ticket as it is then."""
    synchronise_tickets(at=at)
    ticket.refresh_from_db()
    return ticket
