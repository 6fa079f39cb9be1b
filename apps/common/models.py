"""What the processes of an installation keep for each other: who does a thing now, and when it was
last done."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models


class Lease(models.Model):
    """A lease: the right of one process to do something until it ends. Not in the history, since it
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
    """When a job of the schedule was last sent to the workers, began and succeeded. In no history:
    it moves hourly."""

    # a job that was sent and did not succeed is sent again after this; longer than a task may run
    RETRY_AFTER: ClassVar[timedelta] = timedelta(hours=1)
    # it is looked every minute or so: what is due a moment later does not wait for the next look
    TOLERANCE: ClassVar[timedelta] = timedelta(seconds=30)
    # a moment further ahead was written by a clock that was wrong, and is not waited for
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

    def is_due(self, *, every: timedelta, at: datetime) -> bool:
        """Return whether to send it at `at`: its time has come, or what was sent last has not
        succeeded for a while."""
        if self.enqueued_at is None or self.enqueued_at > at + self.MAX_CLOCK_SKEW:
            return True
        has_succeeded = self.succeeded_at is not None and self.succeeded_at >= self.enqueued_at
        wait = every if has_succeeded else min(every, self.RETRY_AFTER)
        return at - self.enqueued_at >= wait - self.TOLERANCE
