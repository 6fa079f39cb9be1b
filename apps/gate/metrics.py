"""Metrics (gauges) of the release gate."""

from datetime import datetime, timedelta

from django.db.models import Count, Max

from apps.common.metrics import Gauges, gauge, labelled_gauge
from apps.gate.models import GateRun
from apps.gate.rules.definitions import Decision

MEASURED_PERIOD = timedelta(hours=1)
# runs have no index by time, so the newest ones are read: more than a busy hour creates
_MAX_RUNS = 20_000


def gate_gauges(at: datetime) -> Gauges:
    """Count the decisions of the last hour and the waiting runs: three statements over the newest
    20,000 runs."""
    newest_pk = GateRun.objects.aggregate(newest=Max("pk"))["newest"] or 0
    recent_runs = GateRun.objects.filter(pk__gt=newest_pk - _MAX_RUNS)
    counts = dict(
        recent_runs.filter(decided_at__gte=at - MEASURED_PERIOD)
        .order_by()
        .values_list("decision")
        .annotate(n=Count("pk"))
    )
    yield labelled_gauge(
        "registry_gate_decisions",
        "New decisions of the release gate within the last hour; repeated requests with the same "
        "decision count once.",
        ("decision",),
        [((decision.value,), float(counts.get(decision.value, 0))) for decision in Decision],
    )
    yield gauge(
        "registry_gate_runs_waiting",
        "Large requests waiting for a worker.",
        recent_runs.waiting().count(),
    )
