"""Shared state of the processes of an installation: leases, and the last runs of periodic jobs."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models


class Lease(models.Model):
    """The exclusive right of one process to do something until it expires. Has no history, since it
    is deleted when it is released."""

    name = models.CharField(
        max_length=60,
        primary_key=True,
        help_text="Name of the work that only one process does at a time.",
    )
    holder = models.CharField(max_length=120, help_text="Host, process and a random part; unique.")
    acquired_at = models.DateTimeField(help_text="Time by the database's clock.")
    expires_at = models.DateTimeField(
        help_text="Time by the database's clock; after it another process can take the lease."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.holder} until {self.expires_at:%Y-%m-%d %H:%M:%S}"


class PeriodicJob(models.Model):
    """The last times at which a periodic job was enqueued, started and succeeded. Has no history,
    since it changes every hour."""

    # a job that was enqueued and did not succeed is enqueued again after this time, which is longer
    # than a task may run
    RETRY_AFTER: ClassVar[timedelta] = timedelta(hours=1)
    # due jobs are looked up about every minute: one that is due within this time does not wait for
    # the next look-up
    TOLERANCE: ClassVar[timedelta] = timedelta(seconds=30)
    # a recorded time further ahead than this was written by a wrong clock, and is ignored
    MAX_CLOCK_SKEW: ClassVar[timedelta] = timedelta(hours=1)

    name = models.CharField(max_length=100, primary_key=True, help_text="Name of the task.")
    enqueued_at = models.DateTimeField(null=True, help_text="Empty: not started yet.")
    started_at = models.DateTimeField(
        null=True, help_text="Start of the latest run, including failed runs."
    )
    succeeded_at = models.DateTimeField(null=True, help_text="End of the latest successful run.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def is_due(self, *, interval: timedelta, at: datetime) -> bool:
        """Return whether to enqueue the job at `at`: `every` has passed since the last time, or the
        last run has not succeeded within RETRY_AFTER."""
        if self.enqueued_at is None or self.enqueued_at > at + self.MAX_CLOCK_SKEW:
            return True
        has_succeeded = self.succeeded_at is not None and self.succeeded_at >= self.enqueued_at
        wait = interval if has_succeeded else min(interval, self.RETRY_AFTER)
        return at - self.enqueued_at >= wait - self.TOLERANCE
