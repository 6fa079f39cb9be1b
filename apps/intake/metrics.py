"""Prometheus gauges of the intake: data that arrived and waits to be processed."""

from datetime import datetime

from django.db.models import Count, Min

from apps.common.metrics import FAILED_WITHIN, Gauges, age_seconds, gauge, labelled_gauge
from apps.intake.models import CallBatch, Import, ServiceToken


def intake_gauges(at: datetime) -> Gauges:
    """Return gauges of imports in progress, calls to be aggregated, and senders whose calls are
    dropped: three statements."""
    imports_by_state = dict.fromkeys(Import.WAITING, (0, None))
    for state, n_imports, oldest_at in (
        Import.objects.filter(state__in=Import.WAITING)
        .order_by()
        .values_list("state")
        .annotate(n=Count("pk"), oldest=Min("received_at"))
    ):
        imports_by_state[state] = (n_imports, oldest_at)
    yield labelled_gauge(
        "registry_imports_waiting",
        "Imports waiting for a worker to read, apply or undo them.",
        ("state",),
        [((str(state),), float(n_imports)) for state, (n_imports, _) in imports_by_state.items()],
    )
    batches = CallBatch.objects.aggregate(n=Count("pk"), oldest=Min("received_at"))
    yield gauge(
        "registry_call_batches_waiting",
        "Batches of reported calls that are not yet aggregated.",
        batches["n"],
    )
    yield gauge(
        "registry_call_batch_oldest_age_seconds",
        "Seconds since the oldest unaggregated batch was received; 0 if there is none.",
        age_seconds(batches["oldest"], at=at) or 0.0,
    )
    yield gauge(
        "registry_senders_with_dropped_calls",
        "Connections whose calls were dropped within the last 24 hours because their API token "
        "cannot write to the application.",
        ServiceToken.objects.filter(last_dropped_at__gte=at - FAILED_WITHIN).count(),
    )
