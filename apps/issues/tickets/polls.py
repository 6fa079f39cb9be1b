"""Polls of ticket systems: which tickets changed. Their state is read by `work.py`."""

from datetime import datetime, timedelta
from math import ceil

from django.db.models import F, Q, QuerySet

from apps.common.database.leases import hold_lease
from apps.common.errors import DomainError
from apps.issues.models import Ticket, TicketConnection, TicketProgress
from apps.issues.tickets.connection_test import open_client, read_connection, store_problem
from apps.issues.tickets.jira.client import JiraClient
from apps.issues.tickets.jira.errors import (
    JiraCredentialsError,
    JiraError,
    JiraLimitedError,
)
from apps.issues.tickets.work import CREDENTIALS_DELAY, RECHECK_AFTER

POLL_TIME = timedelta(minutes=5)
OVERLAP_MINUTES = 5
FIRST_MINUTES = 24 * 60
MAX_MINUTES = 30 * 24 * 60
MAX_RECHECKED = 500
FAILURE_DELAY = timedelta(minutes=5)


def poll_due_connections(*, at: datetime) -> int:
    """Poll each connection whose interval has passed; return their number."""
    connections = TicketConnection.objects.filter(
        Q(wait_until=None) | Q(wait_until__lte=at), enabled=True, credential__isnull=False
    )
    due = [row for row in connections.order_by("pk") if _is_due(row, at)]
    return sum(poll_connection(row, at=at) for row in due)


def _is_due(connection: TicketConnection, at: datetime) -> bool:
    if connection.polled_at is None:
        return True
    # earlier by half a minute, because the job that asks runs every minute
    interval = timedelta(minutes=connection.poll_minutes) - timedelta(seconds=30)
    return connection.polled_at + interval <= at


def poll_connection(connection: TicketConnection, *, at: datetime) -> bool:
    """Make the changed tickets of a connection due; False if another worker polls it, or it fails.
    Once a day its fields are read again, and tickets that no poll found."""
    with hold_lease(f"ticket poll {connection.pk}", duration=POLL_TIME) as lease:
        if lease is None:
            return False
        try:
            client = open_client(connection)
            if connection.checked_at is None or connection.checked_at + RECHECK_AFTER <= at:
                read_connection(connection, client, at=at)
            _mark_changed(connection, client, at)
        except JiraLimitedError as error:
            _wait(connection, at + timedelta(seconds=error.seconds))
            return False
        except JiraCredentialsError as error:
            store_problem(connection, str(error), at=at)
            _wait(connection, at + CREDENTIALS_DELAY)
            return False
        except (JiraError, DomainError) as error:
            store_problem(connection, str(error), at=at)
            _wait(connection, at + FAILURE_DELAY)
            return False
        TicketConnection.objects.filter(pk=connection.pk).update(
            polled_at=at, status=TicketConnection.Status.WORKS, problem="", wait_until=None
        )
        return True


def _wait(connection: TicketConnection, until: datetime) -> None:
    TicketConnection.objects.filter(pk=connection.pk).update(wait_until=until)


def _mark_changed(connection: TicketConnection, client: JiraClient, at: datetime) -> None:
    tickets = Ticket.objects.filter(connection=connection)
    linked = tickets.filter(state=Ticket.State.LINKED)
    if any(field["id"] == "labels" for field in connection.create_fields):
        changed = client.list_changed(_minutes_since(connection.polled_at, at))
        stored = dict(linked.filter(jira_id__in=changed).values_list("jira_id", "jira_updated_at"))
        newer = [
            jira_id
            for jira_id, known in stored.items()
            if known is None or (moment := changed[jira_id]) is None or moment > known
        ]
        linked.filter(jira_id__in=newer).update(changed_at=at, due_at=at)
    else:
        # without labels nothing finds them together
        unread = linked.exclude(progress=TicketProgress.DONE).filter(
            seen_at__lte=at - timedelta(minutes=connection.poll_minutes)
        )
        _make_due(unread, at)
    rechecked = tickets.filter(
        Q(state=Ticket.State.LINKED) & ~Q(progress=TicketProgress.DONE)
        | Q(state=Ticket.State.MISSING),
        seen_at__lte=at - RECHECK_AFTER,
    )
    _make_due(rechecked, at)


def _make_due(tickets: "QuerySet[Ticket]", at: datetime) -> None:
    ids = list(
        tickets.filter(due_at=None)
        .order_by(F("seen_at").asc(nulls_first=True), "pk")
        .values_list("pk", flat=True)[:MAX_RECHECKED]
    )
    Ticket.objects.filter(pk__in=ids, due_at=None).update(changed_at=at, due_at=at)


def _minutes_since(polled_at: datetime | None, at: datetime) -> int:
    if polled_at is None:
        return FIRST_MINUTES
    minutes = ceil((at - polled_at).total_seconds() / 60) + OVERLAP_MINUTES
    return min(max(minutes, OVERLAP_MINUTES), MAX_MINUTES)
