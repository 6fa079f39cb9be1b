"""Celery tasks of the feeds app: beat only enqueues; one task polls one source."""

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from apps.common.time import now
from apps.feeds.actions import (
    apply_expired_holds,
    close_overdue_run,
    enqueue_due_sources,
    purge_old_payloads,
    record_disagreements,
    run_queued,
)
from apps.feeds.mailbox.run import poll_mailbox

log = structlog.get_logger(__name__)

SOFT_LIMIT_SECONDS = 300


@shared_task(name="feeds.enqueue_due_sources", ignore_result=True)
def enqueue_due_polls() -> int:
    return enqueue_due_sources(at=now())


@shared_task(
    name="feeds.poll_source", ignore_result=True, soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=330
)
def poll_source(run_id: int) -> str:
    """Execute one queued run. A second delivery of the message finds the run claimed and does
    nothing."""
    try:
        run = run_queued(run_id)
    except SoftTimeLimitExceeded:
        close_overdue_run(
            run_id, f"This poll took longer than {SOFT_LIMIT_SECONDS} seconds and was stopped."
        )
        raise
    return run.status if run else "taken"


@shared_task(name="feeds.end_holds", ignore_result=True)
def apply_due_holds() -> int:
    return len(apply_expired_holds(at=now()))


@shared_task(name="feeds.tell_disagreements", ignore_result=True)
def record_due_disagreements() -> int:
    return len(record_disagreements(at=now()))


@shared_task(name="feeds.forget_old_payloads", ignore_result=True)
def purge_payloads() -> int:
    return purge_old_payloads(at=now())


@shared_task(
    name="feeds.receive_mail",
    ignore_result=True,
    soft_time_limit=SOFT_LIMIT_SECONDS,
    time_limit=330,
)
def receive_mail() -> int:
    """Read the mailbox of notices, if the operator configured one; returns the number of drafts."""
    if settings.NOTICE_MAILBOX is None:
        return 0
    counts = poll_mailbox(settings.NOTICE_MAILBOX, clock=now)
    if counts is not None and counts.error:
        log.warning("notice_mailbox_failed", error=counts.error)
    return counts.drafts if counts is not None else 0
