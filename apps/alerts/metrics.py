"""Metrics (gauges) of the delivery backlog."""

from datetime import datetime

from django.db.models import Count, Min

from apps.alerts.models import Delivery, Notice
from apps.common.metrics import FAILED_WITHIN, Gauges, age_seconds, gauge, labelled_gauge


def delivery_gauges(at: datetime) -> Gauges:
    """Count due messages, failed ones, and notifications without a message: three statements, each
    by an index that holds only open or recent rows."""
    due_deliveries = Delivery.objects.filter(
        state__in=[Delivery.State.QUEUED, Delivery.State.SENDING], due_at__lte=at
    )
    due_totals = due_deliveries.aggregate(n=Count("pk"), oldest=Min("due_at"))
    yield gauge("registry_deliveries_due", "Messages due to be sent.", due_totals["n"])
    yield gauge(
        "registry_delivery_oldest_due_age_seconds",
        "Seconds since the oldest unsent message became due; 0 if there is none.",
        age_seconds(due_totals["oldest"], at=at) or 0.0,
    )
    failed = Delivery.objects.filter(
        state=Delivery.State.FAILED, created_at__gte=at - FAILED_WITHIN
    )
    yield gauge(
        "registry_deliveries_failed",
        "Messages of the last 24 hours that failed finally.",
        failed.count(),
    )
    pending = dict.fromkeys((False, True), (0, None))
    for urgent, n, oldest in (
        Notice.objects.owed()
        .order_by()
        .values_list("urgent")
        .annotate(n=Count("pk"), oldest=Min("owed_at"))
    ):
        pending[urgent] = (n, oldest)
    yield labelled_gauge(
        "registry_notifications_pending",
        "Notifications not yet part of a message; those that are not urgent wait for the digest.",
        ("urgent",),
        [((str(urgent).lower(),), float(n)) for urgent, (n, _) in pending.items()],
    )
    yield labelled_gauge(
        "registry_notification_oldest_pending_age_seconds",
        "Seconds since the oldest pending notification became due; 0 if there is none.",
        ("urgent",),
        [
            ((str(urgent).lower(),), age_seconds(oldest, at=at) or 0.0)
            for urgent, (_, oldest) in pending.items()
        ],
    )
