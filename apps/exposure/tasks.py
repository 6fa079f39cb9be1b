from celery import shared_task

from apps.common.time import now
from apps.exposure.actions import evaluate_flags, handle_events


@shared_task(name="exposure.refresh_exposure")
def refresh_exposure() -> None:
    """After a poll and every few minutes; two at once do the work of one."""
    moment = now()
    handle_events(at=moment)
    evaluate_flags(at=moment)
