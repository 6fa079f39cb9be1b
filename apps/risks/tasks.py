from celery import shared_task

from apps.common.time import now
from apps.risks import actions


@shared_task(name="risks.refresh_risks")
def refresh_risks() -> None:
    """After a poll and every few minutes; two at once do the work of one."""
    actions.refresh_risks(now())
