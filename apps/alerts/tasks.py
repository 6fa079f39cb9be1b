"""Each task reads the clock and calls actions; running one twice at once is harmless."""

from collections.abc import Callable

import structlog
from celery import shared_task
from django.conf import settings

from apps.alerts import actions
from apps.alerts.forgetting import forget_old_messages as forget
from apps.alerts.queueing import was_away
from apps.alerts.sending import send_mails, send_webhooks
from apps.common.history.context import audit_context
from apps.common.time import now

log = structlog.get_logger(__name__)

type Step = Callable[..., int]


@shared_task(name="alerts.raise_alerts")
def raise_alerts() -> int:
    with audit_context(job="alerts.raise_alerts"):
        return actions.raise_alerts(at=now())


@shared_task(name="alerts.raise_due_alerts")
def raise_due_alerts() -> int:
    with audit_context(job="alerts.raise_due_alerts"):
        return actions.raise_due_alerts(at=now())


@shared_task(name="alerts.keep_alerts")
def keep_alerts() -> dict[str, int]:
    with audit_context(job="alerts.keep_alerts"):
        return actions.keep_alerts(at=now())


@shared_task(name="alerts.send_due_digests")
def send_due_digests() -> int:
    """Write what is due, and send it. After a stop what became due meanwhile is raised first, so
    that the first digest covers the gap."""
    with audit_context(job="alerts.send_due_digests"):
        moment = now()
        missed: list[Step] = (
            [actions.raise_alerts, actions.raise_due_alerts] if was_away(at=moment) else []
        )
        troubles = []
        for step in (*missed, actions.queue_digests):
            try:
                step(at=moment)
            except Exception as trouble:  # noqa: BLE001 - what is queued goes out whatever becomes of the rest; raised below
                troubles.append(trouble)
        n_sent = send_mails(at=now())
        if troubles:
            raise ExceptionGroup("Not everything that is due could be written.", troubles)
        return n_sent


@shared_task(name="alerts.send_webhooks")
def send_due_webhooks() -> int:
    return send_webhooks(at=now())


@shared_task(name="alerts.forget_old_messages")
def forget_old_messages() -> int:
    """What was over more than LEDGER_DAYS ago, of notices and messages together; 0 keeps all for
    ever."""
    gone = forget(at=now(), keep_days=settings.LEDGER_DAYS)
    if gone.n_notices or gone.n_deliveries:
        log.info(
            "ledger forgotten",
            notices=gone.n_notices,
            deliveries=gone.n_deliveries,
            days=settings.LEDGER_DAYS,
        )
    return gone.n_notices + gone.n_deliveries
