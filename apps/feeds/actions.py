"""Feed actions of users and of the scheduler (Celery beat): request polls, accept or reject changes
on hold, close overdue runs, purge payloads."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from celery import signature
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import OperationalError

from apps.accounts.models import User
from apps.catalog.claims.disagreement_events import create_disagreement_events
from apps.catalog.claims.pending_changes import (
    accept_pending,
    pending_changes,
    reject_pending,
    undo_rejection,
)
from apps.catalog.ingestion.ingest import ingest_unchanged
from apps.catalog.models import Assertion, ProviderEvent, Source
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.feeds.models import FeedRun, Payload, PollState, QuarantinedRow, QuarantineReason
from apps.feeds.polls.pipeline import (
    AlreadyPollingError,
    claim_run,
    close_dead_runs,
    fetcher_for,
    queue_run,
    run_poll,
)
from apps.feeds.sources.adapters import CLAIM_KINDS, change_rules_of
from apps.feeds.sources.page_form import accepted_form, form_doubts, rejected_form

POLL_SOURCE = signature("feeds.poll_source")


log = structlog.get_logger(__name__)


class BrokerUnavailableError(Exception):
    """A poll that could not be queued: the message broker does not respond. The poll was not
    started; try again."""


def request_poll(*, source: Source, by: User) -> FeedRun:
    """Queue a poll at the request of `by`, and return its run; if a poll is in progress, that
    run."""
    try:
        run = queue_run(source, trigger=by.get_username(), at=now())
    except AlreadyPollingError:
        return FeedRun.objects.open().get(source=source)
    _send_to_worker(run)
    return run


def enqueue_due_sources(*, at: datetime) -> int:
    """Queue a poll for every enabled source that is due, and return the number queued. Safe to run
    twice concurrently."""
    close_dead_runs(at=at)
    due_sources = (
        Source.objects.polled()
        .filter(
            Q(poll_state__isnull=True)
            | Q(poll_state__next_due_at__isnull=True)
            | Q(poll_state__next_due_at__lte=at)
        )
        .exclude(runs__status__in=FeedRun.OPEN)
    )
    n_queued = 0
    for source in due_sources:
        try:
            _send_to_worker(queue_run(source, trigger="schedule", at=at))
            n_queued += 1
        except AlreadyPollingError:
            continue
    return n_queued


def apply_expired_holds(*, at: datetime) -> list[ProviderEvent]:
    """Apply changes whose hold period has expired, between two polls, and return the events raised.

    Applies only to a feed that is read regularly and was read again after the change was first
    seen: a feed that is not read proves nothing. Safe to repeat."""
    events: list[ProviderEvent] = []
    for source, observed_at in _list_up_to_date_sources(at):
        with (
            transaction.atomic(),
            audit_context(
                job="feeds.end_holds", reason="the change was repeated long enough to be accepted"
            ),
        ):
            result = ingest_unchanged(
                source=source,
                at=at,
                last_seen=observed_at,
                seen_again_by=observed_at,
                rules=change_rules_of(source),
            )
            if result.observation.updates:
                _update_source_health(source)
        events += result.events
    return events


def _list_up_to_date_sources(at: datetime) -> list[tuple[Source, datetime]]:
    """Return (source, its last observation) of those that are polled and were read recently enough
    not to count as late."""
    observed_sources = []
    for source in (
        Source.objects.polled().filter(kind__in=CLAIM_KINDS).select_related("poll_state", "mapping")
    ):
        state: PollState | None = getattr(source, "poll_state", None)
        observed_at = state.last_observed_at if state else None
        if observed_at and timedelta(0) <= at - observed_at <= timedelta(
            minutes=source.stale_after_minutes
        ):
            observed_sources.append((source, observed_at))
    return observed_sources


def record_disagreements(*, at: datetime) -> list[ProviderEvent]:
    """Raise an event for each pair of sources that has disagreed for long enough; safe to
    repeat."""
    states = PollState.objects.values_list("source_id", "last_observed_at")
    read_at = {source_id: moment for source_id, moment in states if moment is not None}
    with audit_context(job="feeds.tell_disagreements", reason="two sources contradict each other"):
        return create_disagreement_events(at=at, read_at=read_at)


@transaction.atomic
def accept_pending_changes(
    *, source: Source, by: User, reason: str, groups: Collection[str] | None = None
) -> list[ProviderEvent]:
    """Accept the changes on hold of `source` (of these provider groups, or all), which take effect
    now, and return the events raised."""
    held_row_ids = {
        change.assertion.external_id
        for change in pending_changes(source, groups=groups)
        if change.what == "price"
    }
    events = accept_pending(
        source=source, by=by, reason=reason, groups=groups, rules=change_rules_of(source)
    )
    quarantined_rows = QuarantinedRow.objects.open().filter(
        source=source, external_id__in=held_row_ids
    )
    quarantined_rows.filter(code=QuarantineReason.PRICE_JUMP).update(resolved_at=now())
    _decide_form(source, accepted_form)
    _update_source_health(source)
    return events


@transaction.atomic
def reject_pending_changes(
    *, source: Source, by: User, reason: str, groups: Collection[str] | None = None
) -> int:
    """Reject the changes on hold as errors of the feed, and return the number rejected. The
    previous values stay in effect for as long as the feed repeats the rejected ones."""
    n_rejected = reject_pending(source=source, by=by, reason=reason, groups=groups)
    _decide_form(source, rejected_form)
    _update_source_health(source)
    return n_rejected


@transaction.atomic
def undo_rejections(
    *, source: Source, by: User, reason: str, groups: Collection[str] | None = None
) -> int:
    """Undo rejections, and return the number undone."""
    n_undone = undo_rejection(source=source, by=by, reason=reason, groups=groups)
    _update_source_health(source)
    return n_undone


def _decide_form(source: Source, decide: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Store the decision about a form of a page that is on hold. If it is accepted, the next poll
    is due now and reads all values in the new form."""
    state = PollState.objects.filter(source=source).select_for_update().first()
    if state is None or not form_doubts(state.page_form):
        return
    columns: dict[str, Any] = {"page_form": decide(state.page_form)}
    if decide is accepted_form:
        columns |= {"etag": "", "last_modified": "", "digest": "", "next_due_at": None}
    PollState.objects.filter(source=source).update(**columns)


def _update_source_health(source: Source) -> None:
    """Update the health: a source needs review for as long as changes of it are on hold."""
    state = PollState.objects.filter(source=source).first()
    if state is None:
        return
    is_on_hold = (
        bool(form_doubts(state.page_form))
        or Assertion.objects.standing().filter(source=source, held=True).exists()
    )
    if state.suspect != is_on_hold:
        PollState.objects.filter(source=source).update(suspect=is_on_hold)


def run_queued(run_id: int) -> FeedRun | None:
    """Run a queued poll; None if it was claimed or closed meanwhile."""
    moment = now()
    run = claim_run(run_id, at=moment)
    if run is None:
        log.info("feed_run_taken", run=run_id)
        return None
    source = run.source
    fetch = fetcher_for(source.url, trusted=source.trusted_address)
    return run_poll(run, fetch=fetch, at=moment, url=source.url, by_wall_clock=True).run


def close_overdue_run(run_id: int, sentence: str) -> None:
    """Close a run that was stopped from outside; its source is due again after the usual
    backoff."""
    FeedRun.objects.open().filter(pk=run_id).update(
        status=FeedRun.Status.FAILED, finished_at=now(), error=sentence
    )


def purge_old_payloads(*, at: datetime) -> int:
    """Delete raw bodies older than PAYLOAD_DAYS, but never the latest of a source, and return the
    number deleted."""
    if not settings.PAYLOAD_DAYS:
        return 0
    cutoff = at - timedelta(days=settings.PAYLOAD_DAYS)
    with transaction.atomic():
        newest = (
            Payload.objects.order_by("source_id", "-received_at", "-pk")
            .distinct("source_id")
            .values("pk")
        )
        n_deleted, _ = (
            Payload.objects.filter(received_at__lt=cutoff).exclude(pk__in=newest).delete()
        )
        return n_deleted


def _send_to_worker(run: FeedRun) -> None:
    """Send the message once the row is committed; without a broker the run is closed with that
    reason."""
    try:
        # Clone the signature: it stores the options of its first dispatch.
        POLL_SOURCE.clone().apply_async(args=(run.pk,), retry=False)
    except (OperationalError, OSError) as error:
        FeedRun.objects.filter(pk=run.pk, status=FeedRun.Status.QUEUED).update(
            status=FeedRun.Status.FAILED,
            finished_at=now(),
            error="The message broker does not respond. The poll was not queued.",
        )
        log.warning("broker_away", source=run.source.slug)
        raise BrokerUnavailableError(
            "The message broker does not respond, so no worker can poll. Try again in a minute."
        ) from error
