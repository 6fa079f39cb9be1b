"""Feeds in the background: beat only enqueues; one task polls one source."""

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from apps.common.time import now
from apps.feeds.actions import (
    carry_out_queued,
    close_overdue,
    end_holds,
    enqueue_due_sources,
    forget_old_payloads,
    tell_disagreements,
)

SOFT_LIMIT_SECONDS = 300


@shared_task(name="feeds.enqueue_due_sources", ignore_result=True)
def enqueue_due() -> int:
    return enqueue_due_sources(at=now())


@shared_task(
    name="feeds.poll_source", ignore_result=True, soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=330
)
def poll_source(run_id: int) -> str:
    """Do one queued run. A second delivery of the message finds the run taken and does nothing."""
    try:
        run = carry_out_queued(run_id)
    except SoftTimeLimitExceeded:
        close_overdue(
            run_id, f"This poll took longer than {SOFT_LIMIT_SECONDS} seconds and was stopped."
        )
        raise
    return run.status if run else "taken"


@shared_task(name="feeds.end_holds", ignore_result=True)
def end_due_holds() -> int:
    return len(end_holds(at=now()))


@shared_task(name="feeds.tell_disagreements", ignore_result=True)
def tell_due_disagreements() -> int:
    return len(tell_disagreements(at=now()))


@shared_task(name="feeds.forget_old_payloads", ignore_result=True)
def forget_payloads() -> int:
    return forget_old_payloads(at=now())
