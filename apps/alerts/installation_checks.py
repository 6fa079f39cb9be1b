"""Check of the messages that wait or failed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from apps.alerts.models import Delivery
from apps.common.installation.diagnosis import Diagnosis, error, ok, warning
from apps.common.metrics import FAILED_WITHIN
from apps.common.text import pluralize

# a worker sends due messages every minute
MAX_DELAY = timedelta(minutes=15)


def check_deliveries(at: datetime) -> Iterator[Diagnosis]:
    """Check that due messages are sent."""
    n_late = Delivery.objects.filter(
        state__in=[Delivery.State.QUEUED, Delivery.State.SENDING], due_at__lt=at - MAX_DELAY
    ).count()
    n_failed = Delivery.objects.filter(
        state=Delivery.State.FAILED, created_at__gte=at - FAILED_WITHIN
    ).count()
    if n_late:
        yield error(
            pluralize(
                n_late,
                "One message has been due for more than 15 minutes.",
                f"{n_late:,} messages have been due for more than 15 minutes.",
            ),
            "Check the worker, beat and the email server. They are sent as soon as these work.",
        )
    if n_failed:
        yield warning(
            pluralize(
                n_failed,
                "One message of the last 24 hours failed.",
                f"{n_failed:,} messages of the last 24 hours failed.",
            ),
            "Open Alerts, Deliveries, filter by Failed, and correct the address.",
        )
    if not n_late and not n_failed:
        yield ok("No message is late, and none failed within 24 hours.")
