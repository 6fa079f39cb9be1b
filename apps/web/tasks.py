"""Background work of the pages."""

from celery import shared_task

from apps.common.time import now
from apps.inventory.export_files import write_file, write_waiting_files
from apps.web.file_exports import write_export

# sooner than the heartbeat ends (apps/common/jobs.py)
_SOFT, _HARD = 15 * 60, 16 * 60


@shared_task(name="web.write_file", soft_time_limit=_SOFT, time_limit=_HARD)
def write_one_file(pk: int) -> bool:
    """Write a file right after its request; the sweep writes what this message did not reach."""
    return write_file(pk, write=write_export, at=now())


@shared_task(name="web.write_files", soft_time_limit=_SOFT, time_limit=_HARD)
def write_files() -> int:
    """Write all pending files. Safe to run concurrently."""
    return write_waiting_files(write=write_export, at=now())
