"""Gauges of tickets at /metrics."""

from datetime import timedelta

import pytest

from apps.issues.metrics import ticket_gauges
from apps.issues.models import TicketConnection
from tests.builders import NOW
from tests.issues.tickets.connections import work

pytestmark = pytest.mark.django_db


def measured(at):
    return {family.name: family.samples[0].value for family in ticket_gauges(at)}


def test_late_work_and_failed_connections_are_measured(connection, ask):
    nothing = {
        "registry_ticket_connections_failed": 0,
        "registry_tickets_due": 0,
        "registry_ticket_oldest_due_age_seconds": 0,
    }
    assert measured(NOW) == nothing
    ticket = ask(connection)
    late = NOW + timedelta(hours=2)
    assert measured(late) == {
        **nothing,
        "registry_tickets_due": 1,
        "registry_ticket_oldest_due_age_seconds": 7200,
    }
    work(ticket)
    assert measured(late) == nothing

    TicketConnection.objects.update(status=TicketConnection.Status.FAILED)
    assert measured(late)["registry_ticket_connections_failed"] == 1
    TicketConnection.objects.update(enabled=False)
    assert measured(late) == nothing
