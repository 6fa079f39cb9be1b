"""Celery tasks of the alerts app. Each reads the clock and calls actions; running one twice
concurrently is harmless."""

from collections.abc import Callable

import structlog
from celery import shared_task
from django.conf import settings

from apps.alerts import actions
from apps.alerts.channels.slack.requests import answer_requests
from apps.alerts.delivery.dispatch import send_mails, send_webhooks
from apps.alerts.delivery.outbox import was_interrupted
from apps.alerts.retention import purge_old_messages as purge
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
def maintain_alerts() -> dict[str, int]:
    with audit_context(job="alerts.keep_alerts"):
        return actions.maintain_alerts(at=now())


@shared_task(name="alerts.send_due_digests")
def send_due_digests() -> int:
    """Write the due messages, and send them. After an outage the alerts that became due meanwhile
    are created first, so that the first digest covers the gap."""
    with audit_context(job="alerts.send_due_digests"):
        moment = now()
        catch_up_steps: list[Step] = (
            [actions.raise_alerts, actions.raise_due_alerts] if was_interrupted(at=moment) else []
        )
        errors = []
        for step in (*catch_up_steps, actions.queue_digests):
            try:
                step(at=moment)
            except Exception as error:  # noqa: BLE001 - what is queued goes out whatever becomes of the rest; raised below
                errors.append(error)
        n_sent = send_mails(at=now())
        if errors:
            raise ExceptionGroup("Some due messages could not be created.", errors)
        return n_sent


@shared_task(name="alerts.send_webhooks")
def send_due_webhooks() -> int:
    return send_webhooks(at=now())


@shared_task(name="alerts.answer_slack_requests")
def answer_slack_requests() -> int:
    """Answer the requests that users made in Slack; started by each of them, and by beat for those
    that could not be answered."""
    return answer_requests(at=now())


@shared_task(name="alerts.forget_old_messages")
def purge_old_messages() -> int:
    """Delete notifications and messages older than LEDGER_DAYS; 0 keeps all for ever."""
    purged = purge(at=now(), keep_days=settings.LEDGER_DAYS)
    if purged.n_notices or purged.n_deliveries:
        log.info(
            "ledger forgotten",
            notices=purged.n_notices,
            deliveries=purged.n_deliveries,
            days=settings.LEDGER_DAYS,
        )
    return purged.n_notices + purged.n_deliveries
