"""Background jobs that a user waits for: claimed by one worker, kept alive by heartbeats, and taken
over from a lost worker.

A worker claims a job by a conditional update and gets the number of its claim. While it works, a
separate thread writes `heartbeat_at` on a separate connection, outside the transaction of the work.
A running job without a heartbeat for JOB_TAKEOVER_SECONDS is claimed by the next worker that looks,
under the next number. Every write about a job is conditional on that number, so that a worker that
lost its claim can no longer finish the job.

The worker holds no lock on the row while it works. A locked row is being finished: no worker claims
it, and no heartbeat waits for it.

Attempts count the claims since progress was last saved, including the current one. After
MAX_ATTEMPTS the job fails with a sentence for the user. Work that saves nothing until it ends makes
no progress before.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Thread
from time import monotonic
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.db import Error, connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
# heartbeats stop after this time in any case, so that work that hangs is taken over like that of a
# dead worker. As long as Celery lets a task run (CELERY_TASK_TIME_LIMIT).
MAX_RUN_TIME = timedelta(minutes=30)
# a sweep starts no further job after this time, so that each job has time left before the time
# limit of the task
MAX_SWEEP_TIME = timedelta(minutes=5)
_RETRY_SECONDS = 2.0
_JOIN_SECONDS = 5.0

type Clock = Callable[[], datetime]


class ClaimLostError(Exception):
    """Another worker has claimed the job, or it has ended: discard the unsaved work."""


class Job(models.Model):
    """A row for background work that a user waits for. A subclass can add states."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    OPEN: ClassVar[tuple[str, ...]] = ("queued", "running")

    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    error = models.TextField(blank=True, help_text="Reason for the failure, as a sentence.")
    attempts = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Claims since the last saved progress, including the current one.",
    )
    claim_number = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Increases with each claim; only the latest claim can write the result.",
    )
    heartbeat_at = models.DateTimeField(
        null=True, help_text="Last heartbeat of the worker that runs the job."
    )
    started_at = models.DateTimeField(
        null=True, help_text="Time at which a worker first started the job."
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def is_abandoned(self, *, at: datetime) -> bool:
        """Return whether the job is running without a recent heartbeat, so that the next worker
        takes it over."""
        last_active_at = self.heartbeat_at or self.started_at
        return self.state == self.State.RUNNING and (
            last_active_at is None or last_active_at <= at - takeover_after()
        )


# fields that a worker writes while it works; excluded from all histories
JOB_FIELDS = (
    "state",
    "error",
    "attempts",
    "claim_number",
    "heartbeat_at",
    "started_at",
    "finished_at",
)


def heartbeat_interval() -> timedelta:
    return timedelta(seconds=settings.JOB_HEARTBEAT_SECONDS)


def takeover_after() -> timedelta:
    return timedelta(seconds=settings.JOB_TAKEOVER_SECONDS)


def running_clock(at: datetime) -> Clock:
    """Return a clock that shows `at` now and advances in real time, so that results late in a long
    sweep get late times."""
    started_at = monotonic()
    return lambda: at + timedelta(seconds=monotonic() - started_at)


def claimable(at: datetime) -> Q:
    """Return the condition for jobs that wait or whose worker is lost."""
    limit = at - takeover_after()
    silent = Q(heartbeat_at__lte=limit) | Q(heartbeat_at=None) & (
        Q(started_at__lte=limit) | Q(started_at=None)
    )
    return Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING) & silent


@dataclass(frozen=True, slots=True)
class JobKind[J: Job]:
    """How jobs of one model are run. `work` ends with `complete` or `fail` of its claim; after any
    other error the next worker takes the job. `abandonment` is the sentence for users after
    MAX_ATTEMPTS attempts without progress. `relations` are loaded with the job."""

    model: type[J]
    work: "Callable[[Claim[J]], None]"
    abandonment: Callable[[J], str]
    relations: tuple[str, ...] = ()


@dataclass(slots=True)
class Claim[J: Job]:
    """A worker's claim on a job. Every write raises ClaimLostError once the claim is lost."""

    job: J
    clock: Clock
    _lost: Event = field(default_factory=Event)

    def check(self) -> None:
        """Raise ClaimLostError if the heartbeat has found the claim lost; for long work to call
        between steps."""
        if self._lost.is_set():
            raise ClaimLostError

    def hold(self) -> None:
        """Lock the row until the transaction ends; call it right before results of many rows are
        written."""
        if not self._row().select_for_update().exists():
            raise ClaimLostError

    def update(self, **values: Any) -> None:
        """Write fields of the job while the work continues."""
        if self._row().update(**values) != 1:
            raise ClaimLostError

    def progress(self, **values: Any) -> None:
        """Record progress, in the transaction that saves a part of the work: attempts are counted
        from one again."""
        self.update(attempts=1, heartbeat_at=self.clock(), **values)

    def complete(self, **values: Any) -> None:
        """Mark the job as done, in the transaction that saves the result."""
        self.update(
            state=Job.State.DONE, error="", heartbeat_at=None, finished_at=self.clock(), **values
        )

    def fail(self, error: str, **values: Any) -> None:
        """Mark the job as failed. `error` is a sentence for the user who waits: what happened, and
        what to do."""
        self.update(
            state=Job.State.FAILED,
            error=error[:2000],
            heartbeat_at=None,
            finished_at=self.clock(),
            **values,
        )

    def _row(self) -> models.QuerySet[J]:
        rows = type(self.job)._default_manager
        return rows.filter(
            pk=self.job.pk, claim_number=self.job.claim_number, state=Job.State.RUNNING
        )

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Record a heartbeat every JOB_HEARTBEAT_SECONDS until the block ends."""
        if connection.in_atomic_block:
            # the claim is not committed: no other process sees it, and this very transaction locks
            # the row
            yield
            return
        stopped = Event()
        thread = Thread(
            target=self._beat, args=(stopped,), name=f"heartbeat of {self.job!r}", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join(_JOIN_SECONDS)

    def _beat(self, stopped: Event) -> None:
        """Run as the heartbeat thread. Retries if the database is unavailable; ends after
        MAX_RUN_TIME."""
        own_connection = _open_heartbeat_connection()
        ends_at = self.clock() + MAX_RUN_TIME
        usual_pause = heartbeat_interval().total_seconds()
        pause = usual_pause
        try:
            while not stopped.wait(pause):
                if self.clock() >= ends_at:
                    log.warning(
                        "job runs too long: another worker can take it over", job=repr(self.job)
                    )
                    self._lost.set()
                    return
                try:
                    if not self._beat_once(own_connection):
                        self._lost.set()
                        return
                    pause = usual_pause
                except Error as error:
                    log.warning("job heartbeat not written", job=repr(self.job), error=str(error))
                    own_connection.close()
                    pause = min(usual_pause, _RETRY_SECONDS)
        finally:
            own_connection.close()

    def _beat_once(self, own_connection: BaseDatabaseWrapper) -> bool:
        """Record one heartbeat; False if the claim is lost. Each statement is its own transaction,
        so that the row is locked only briefly."""
        table = connection.ops.quote_name(self.job._meta.db_table)
        rows = f"SELECT id FROM {table} WHERE id = %s AND claim_number = %s AND state = 'running'"
        key = [self.job.pk, self.job.claim_number]
        with own_connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET heartbeat_at = %s WHERE id IN ({rows} FOR NO KEY UPDATE SKIP "
                "LOCKED)",
                [self.clock(), *key],
            )
            if cursor.rowcount == 1:
                return True
            # not updated: the row is locked by a worker that finishes the job, or the claim is lost
            cursor.execute(rows, key)
            return cursor.fetchone() is not None


def _open_heartbeat_connection() -> BaseDatabaseWrapper:
    """Open a connection outside of the process's pool: a heartbeat must not wait for connections
    that others use."""
    own_connection = connection.copy()
    own_connection.settings_dict["OPTIONS"].pop("pool", None)
    return own_connection


def run[J: Job](kind: JobKind[J], pk: int, *, at: datetime) -> bool:
    """Claim the job and work on it; False if another worker has it, it has failed after
    MAX_ATTEMPTS, or it has ended."""
    return _run(kind, pk, running_clock(at))


def run_waiting[J: Job](kind: JobKind[J], *, at: datetime) -> int:
    """Work on every job that waits or whose worker was lost, oldest first; return the number worked
    on. Safe to run concurrently.

    Starts no further job after MAX_SWEEP_TIME: the next sweep continues.
    """
    clock, n = running_clock(at), 0
    waiting_jobs = kind.model._default_manager.filter(claimable(at)).order_by("pk")
    for pk in list(waiting_jobs.values_list("pk", flat=True)):
        if clock() >= at + MAX_SWEEP_TIME:
            break
        n += _run(kind, pk, clock)
    return n


def connection_is_lost() -> bool:
    """Return whether the last database error ended the session, so that the work may succeed when
    retried."""
    return connection.connection is None or bool(connection.connection.closed)


def _run[J: Job](kind: JobKind[J], pk: int, clock: Clock) -> bool:
    claim = _claim(kind, pk, clock)
    if claim is None:
        return False
    try:
        with claim.heartbeat():
            kind.work(claim)
    except ClaimLostError:
        log.warning("job claim lost: another worker continues the job", job=repr(claim.job))
        return False
    return True


@transaction.atomic
def _claim[J: Job](kind: JobKind[J], pk: int, clock: Clock) -> Claim[J] | None:
    """Claim the job for this worker; None if another worker holds it, it is not due, or it has used
    up its attempts, in which case it fails here. A running job without a recent heartbeat is taken
    over."""
    at = clock()
    rows = kind.model._default_manager
    job = rows.select_for_update(skip_locked=True).filter(claimable(at), pk=pk).first()
    if job is None:
        return None
    n_attempts = job.attempts if job.state == Job.State.RUNNING else 0
    if n_attempts >= MAX_ATTEMPTS:
        log.error("job abandoned", job=repr(job), attempts=n_attempts)
        rows.filter(pk=pk).update(
            state=Job.State.FAILED,
            error=kind.abandonment(job)[:2000],
            heartbeat_at=None,
            finished_at=at,
        )
        return None
    if n_attempts:
        log.warning("job taken over from a lost worker", job=repr(job), attempt=n_attempts + 1)
    rows.filter(pk=pk).update(
        state=Job.State.RUNNING,
        attempts=n_attempts + 1,
        claim_number=job.claim_number + 1,
        heartbeat_at=at,
        error="",
        started_at=job.started_at or at,
    )
    claimed_rows = rows.select_related(*kind.relations) if kind.relations else rows
    return Claim(claimed_rows.get(pk=pk), clock)
