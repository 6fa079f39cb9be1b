"""Periodic jobs: their last runs, stored in PostgreSQL, and the jobs that are due.

Celery beat counts intervals from its own start, and its state is lost with its container. So beat
itself only sends tasks that run every minute or more often (`registry/beat.py`), among them the
task that looks up the other jobs here: whether a job is due depends on its row, however often beat
was restarted, and a job that did not succeed is sent again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.common.models import PeriodicJob

# longest interval of tasks that beat sends itself; jobs with a longer one are recorded here
MAX_BEAT_INTERVAL = timedelta(minutes=1)


def recorded_jobs() -> dict[str, timedelta]:
    """Return {task name: interval} of the jobs whose runs are recorded."""
    return {
        entry["task"]: entry["schedule"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if is_recorded(entry)
    }


def is_recorded(entry: Mapping[str, Any]) -> bool:
    """Return whether the runs of this entry of the schedule are recorded in PostgreSQL."""
    cadence: timedelta = entry["schedule"]
    return cadence > MAX_BEAT_INTERVAL


def enqueue_due_jobs(*, at: datetime, send: Callable[[str, timedelta], object]) -> list[str]:
    """Send each job that is due and record it; return the names of the tasks sent.

    `send` takes the name of a task and the time after which its message expires. Its errors are
    raised here, and the job stays due. Concurrent calls send a job once.
    """
    jobs = recorded_jobs()
    rows = {row.name: row for row in PeriodicJob.objects.filter(name__in=jobs)}
    if missing_names := jobs.keys() - rows.keys():
        new_rows = [PeriodicJob(name=name) for name in sorted(missing_names)]
        PeriodicJob.objects.bulk_create(new_rows, ignore_conflicts=True)
        rows |= {row.name: row for row in new_rows}
    sent_names = []
    for name, interval in jobs.items():
        if rows[name].is_due(interval=interval, at=at) and _enqueue(
            rows[name], interval, at=at, send=send
        ):
            sent_names.append(name)
    return sent_names


def _enqueue(
    row: PeriodicJob, interval: timedelta, *, at: datetime, send: Callable[[str, timedelta], object]
) -> bool:
    """Send the job unless another process has just sent it; return whether it was sent."""
    with transaction.atomic():
        unchanged_rows = PeriodicJob.objects.filter(name=row.name, enqueued_at=row.enqueued_at)
        is_claimed = unchanged_rows.update(enqueued_at=at) == 1
        if is_claimed:
            send(row.name, min(interval, PeriodicJob.RETRY_AFTER))
    return is_claimed


def record_start(name: str, *, at: datetime) -> None:
    """Record that the task started; does nothing if it is not a periodic job."""
    if name in recorded_jobs():
        PeriodicJob.objects.filter(name=name).update(started_at=at)


def record_success(name: str, *, at: datetime) -> None:
    """Record that the task succeeded; does nothing if it is not a periodic job."""
    if name in recorded_jobs():
        PeriodicJob.objects.filter(name=name).update(succeeded_at=at)
