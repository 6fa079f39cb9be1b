"""Each task reads the clock and calls actions; running one twice at once is harmless."""

from celery import shared_task

from apps.alerts import actions
from apps.common.history import acting
from apps.common.time import now


@shared_task(name="alerts.raise_alerts")
def raise_alerts() -> int:
    with acting(job="alerts.raise_alerts"):
        return actions.raise_alerts(at=now())


@shared_task(name="alerts.send_due_digests")
def send_due_digests() -> int:
    with acting(job="alerts.send_due_digests"):
        try:
            actions.queue_digests(at=now())
        finally:
            n_sent = actions.send_due(at=now())
        return n_sent
