"""Run queue of polls: at most one open run per source, and dead runs closed with their reason."""

from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction

from apps.catalog.models import Source
from apps.feeds.models import FeedRun, PollState

log = structlog.get_logger(__name__)

# A run without a heartbeat for this long is dead; far longer than the outbound deadline plus
# parsing.
DEAD_RUN_AFTER = timedelta(minutes=10)


class AlreadyPollingError(Exception):
    """A conflict with another run of this source in progress; wait for it, or open the feeds
    page."""


def queue_run(source: Source, *, trigger: str, at: datetime) -> FeedRun:
    """Queue a run of `source`; AlreadyPollingError if one is open. A dead run is closed first."""
    close_dead_runs(at=at, source=source)
    try:
        with transaction.atomic():
            return FeedRun.objects.create(source=source, trigger=trigger[:20], queued_at=at)
    except IntegrityError:
        raise AlreadyPollingError(
            f"{source.name} is already being polled. Wait until the poll ends."
        ) from None


def claim_run(run_id: int, *, at: datetime) -> FeedRun | None:
    """Claim a queued run as running; None if another worker claimed it, or it was closed
    meanwhile."""
    n_claimed = FeedRun.objects.filter(pk=run_id, status=FeedRun.Status.QUEUED).update(
        status=FeedRun.Status.RUNNING, started_at=at, heartbeat_at=at, step="fetch"
    )
    return FeedRun.objects.select_related("source").get(pk=run_id) if n_claimed else None


def close_dead_runs(*, at: datetime, source: Source | None = None) -> int:
    """Close open runs without a recent heartbeat, make their sources due again, and return the
    number closed."""
    dead_runs = FeedRun.objects.open().filter(queued_at__lt=at - DEAD_RUN_AFTER)
    if source is not None:
        dead_runs = dead_runs.filter(source=source)
    n_closed = 0
    for run in dead_runs.select_related("source"):
        last_seen_at = run.heartbeat_at or run.started_at
        if last_seen_at is not None and at - last_seen_at < DEAD_RUN_AFTER:
            continue
        reason = (
            f"The worker stopped during the step '{run.step}'. Nothing of this poll was saved."
            if run.started_at
            else "No worker started this poll, because the broker or the worker was not available."
        )
        with transaction.atomic():
            n_updated = FeedRun.objects.filter(
                pk=run.pk, status=run.status, heartbeat_at=run.heartbeat_at
            ).update(status=FeedRun.Status.FAILED, finished_at=at, error=reason)
            if n_updated:
                PollState.objects.filter(source=run.source).update(next_due_at=at)
                n_closed += 1
                log.warning("feed_run_dead", source=run.source.slug, run=run.pk, reason=reason)
    return n_closed
