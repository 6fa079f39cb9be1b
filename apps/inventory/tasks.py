from celery import shared_task

from apps.common.time import day_of, now
from apps.inventory.keeping import keep_findings


@shared_task(name="inventory.keep_findings")
def keep_findings_and_runways() -> int:
    """After exposure has been brought up to date, and every minute."""
    return keep_findings(on=day_of(now()))
