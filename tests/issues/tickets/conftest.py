from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from apps.accounts.models import User
from apps.issues.models import Issue, Ticket, TicketConnection
from apps.issues.tickets.requests import TicketRequest, draft_for_issue, request_issue_ticket
from tests.builders import NOW, make_user
from tests.issues.tickets.connections import make_connection
from tests.issues.tickets.jira_server import Jira, running_jira


@pytest.fixture
def jira(settings: Any) -> Iterator[Jira]:
    """Jira on loopback, which the operator allows."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with running_jira() as running:
        yield running


@pytest.fixture
def governance(db: None) -> User:
    return make_user("gwen", role="governance")


@pytest.fixture
def connection(jira: Jira, governance: User) -> TicketConnection:
    """An enabled and tested connection to the server."""
    return make_connection(jira, governance)


@pytest.fixture
def ask(issue: Issue, governance: User) -> Callable[..., Ticket]:
    """Request a ticket for the issue, as its draft says."""

    def ask(connection: TicketConnection, *, at: datetime = NOW, **facts: Any) -> Ticket:
        draft = draft_for_issue(issue, at=at)
        values = {
            "summary": draft.summary,
            "description": draft.description,
            "due_on": draft.due_on,
            "assignee_address": draft.assignee_address,
            **facts,
        }
        request = TicketRequest(connection=connection, **values)
        return request_issue_ticket(issue=issue, request=request, by=governance, at=at)

    return ask
