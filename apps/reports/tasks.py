"""Celery tasks of the reports app."""

from celery import shared_task

from apps.common.time import day_of, now
from apps.reports.figures import store_figures
from apps.reports.packs.actions import delete_expired_packs, make_pack, make_waiting_packs

# shorter than the heartbeat of a job (apps/common/jobs.py)
_SOFT_TIME_LIMIT, _HARD_TIME_LIMIT = 15 * 60, 16 * 60


@shared_task(
    name="reports.make_pack", soft_time_limit=_SOFT_TIME_LIMIT, time_limit=_HARD_TIME_LIMIT
)
def make_one_pack(pk: int) -> bool:
    """Build a pack right after its request; the sweep builds packs whose message was lost."""
    return make_pack(pk, at=now())


@shared_task(
    name="reports.make_packs", soft_time_limit=_SOFT_TIME_LIMIT, time_limit=_HARD_TIME_LIMIT
)
def make_packs() -> int:
    return make_waiting_packs(at=now())


@shared_task(name="reports.drop_expired_packs")
def delete_files_of_expired_packs() -> int:
    return delete_expired_packs(on=day_of(now()))


@shared_task(name="reports.keep_figures")
def keep_report_figures() -> None:
    """Cache the completeness of the reports of a large organisation, so that requests need not
    count it."""
    store_figures(at=now())
