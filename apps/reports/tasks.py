"""Background work of the reports."""

from celery import shared_task

from apps.common.time import day_of, now
from apps.reports.kept import keep_figures
from apps.reports.packs.actions import drop_expired, make_pack, make_waiting

# sooner than the heartbeat ends (apps/common/jobs.py)
_SOFT, _HARD = 15 * 60, 16 * 60


@shared_task(name="reports.make_pack", soft_time_limit=_SOFT, time_limit=_HARD)
def make_one_pack(pk: int) -> bool:
    """Right after it was asked for; the sweep makes what this message did not reach."""
    return make_pack(pk, at=now())


@shared_task(name="reports.make_packs", soft_time_limit=_SOFT, time_limit=_HARD)
def make_packs() -> int:
    return make_waiting(at=now())


@shared_task(name="reports.drop_expired_packs")
def drop_expired_packs() -> int:
    return drop_expired(on=day_of(now()))


@shared_task(name="reports.keep_figures")
def keep_report_figures() -> None:
    """How complete the reports of a large organisation are, so that nobody waits for the count."""
    keep_figures(at=now())
