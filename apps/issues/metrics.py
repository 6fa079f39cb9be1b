"""Metrics (gauges) of tickets and their connections."""

from datetime import datetime

from django.db.models import Count, Min

from apps.common.metrics import Gauges, age_seconds, gauge
from apps.issues.models import Ticket, TicketConnection


def ticket_gauges(at: datetime) -> Gauges:
    """Count failed connections and tickets with due work: two statements, by an index that holds
    only tickets with work."""
    enabled_connections = TicketConnection.objects.filter(enabled=True)
    yield gauge(
        "registry_ticket_connections_failed",
        "Enabled ticket connections whose last request failed.",
        enabled_connections.filter(status=TicketConnection.Status.FAILED).count(),
    )
    due_totals = Ticket.objects.filter(
        due_at__lte=at, connection__in=enabled_connections
    ).aggregate(n=Count("pk"), oldest=Min("due_at"))
    yield gauge(
        "registry_tickets_due",
        "Tickets with work that is due: to be created, read or updated.",
        due_totals["n"],
    )
    yield gauge(
        "registry_ticket_oldest_due_age_seconds",
        "Seconds since the oldest unfinished work on a ticket became due; 0 if there is none.",
        age_seconds(due_totals["oldest"], at=at) or 0.0,
    )
