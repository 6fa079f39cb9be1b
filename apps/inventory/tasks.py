from celery import shared_task

from apps.common.time import day_of, now
from apps.inventory.export_files import delete_expired_files
from apps.inventory.read_models import refresh_stale_applications


@shared_task(name="inventory.keep_findings")
def refresh_findings_and_runways() -> int:
    """Refresh stale findings and runways; runs after each refresh of exposure and every minute."""
    return refresh_stale_applications(on=day_of(now()))


@shared_task(name="inventory.drop_expired_files")
def delete_expired_export_files() -> int:
    return delete_expired_files(on=day_of(now()))
