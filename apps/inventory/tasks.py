from celery import shared_task

from apps.common.time import day_of, now
from apps.inventory.files import drop_expired_files
from apps.inventory.keeping import keep_findings


@shared_task(name="inventory.keep_findings")
def keep_findings_and_runways() -> int:
    """After exposure has been brought up to date, and every minute."""
    return keep_findings(on=day_of(now()))


@shared_task(name="inventory.drop_expired_files")
def drop_files_whose_day_has_come() -> int:
    return drop_expired_files(on=day_of(now()))
