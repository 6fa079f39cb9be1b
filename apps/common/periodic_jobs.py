"""Last runs of the periodic jobs, stored in PostgreSQL, and the jobs that are due.

Beat counts from its own start and forgets with its container. So beat itself sends only what runs
every minute or more often (`registry/beat.py`), among it the task that checks the other jobs here:
a job is due by its row, however often beat was restarted, and a job that did not succeed is sent
again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.common.models import PeriodicJob

# what beat sends by itself; an entry that is sent less often is kept here
MAX_BEAT_INTERVAL = timedelta(minutes=1)


def recorded_jobs() -> dict[str, timedelta]:
    """The cadence of each job whose runs are kept, by the name of its task."""
    return {
        entry["task"]: entry["schedule"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if is_recorded(entry)
    }


def is_recorded(entry: Mapping[str, Any]) -> bool:
    """Return whether PostgreSQL keeps when this entry of the schedule ran."""
    cadence: timedelta = entry["schedule"]
    return cadence > MAX_BEAT_INTERVAL


def enqueue_due_jobs(*, at: datetime, send: Callable[[str, timedelta], object]) -> list[str]:
    """Send each job that is due and record it; return the names of those sent.

    `send` takes the name of a task and the number of seconds after which its message expires. Its
    errors are raised here, and the job stays due. Concurrent calls send a job once.
    """
    jobs = recorded_jobs()
    rows = {row.name: row for row in PeriodicJob.objects.filter(name__in=jobs)}
    if missing := jobs.keys() - rows.keys():
        new = [PeriodicJob(name=name) for name in sorted(missing)]
        PeriodicJob.objects.bulk_create(new, ignore_conflicts=True)
        rows |= {row.name: row for row in new}
    sent = []
    for name, every in jobs.items():
        if rows[name].is_due(every=every, at=at) and _enqueue(rows[name], every, at=at, send=send):
            sent.append(name)
    return sent


def _enqueue(
    row: PeriodicJob, every: timedelta, *, at: datetime, send: Callable[[str, timedelta], object]
) -> bool:
    """Send the job unless another process was first."""
    with transaction.atomic():
        unchanged_rows = PeriodicJob.objects.filter(name=row.name, enqueued_at=row.enqueued_at)
        is_claimed = unchanged_rows.update(enqueued_at=at) == 1
        if is_claimed:
            send(row.name, min(every, PeriodicJob.RETRY_AFTER))
    return is_claimed


def record_start(name: str, *, at: datetime) -> None:
    """Keep that the task began; nothing where it is not of the schedule."""
    if name in recorded_jobs():
        PeriodicJob.objects.filter(name=name).update(started_at=at)


def record_success(name: str, *, at: datetime) -> None:
    """Keep that the task succeeded; nothing where it is not of the schedule."""
    if name in recorded_jobs():
        PeriodicJob.objects.filter(name=name).update(succeeded_at=at)
