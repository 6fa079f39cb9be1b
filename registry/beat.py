"""Beat without memory: it sends what runs every minute or more often, and needs neither a file nor the database.

What runs less often PostgreSQL remembers; see `apps/common/periodic_jobs.py`.
"""

from celery.beat import Scheduler

from apps.common.periodic_jobs import is_kept


class FrequentScheduler(Scheduler):
    """Celery's scheduler for the entries that come round within a minute; the schedule's others are left out."""

    def setup_schedule(self) -> None:
        entries = self.app.conf.beat_schedule
        self.merge_inplace({name: entry for name, entry in entries.items() if not is_kept(entry)})
