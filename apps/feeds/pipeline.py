"""One poll from claim to events, for every source and every caller: beat, `manage.py poll` and
`replay`.

claim run -> fetch -> keep the payload -> parse -> compare with what the source is known to say ->
settle -> events -> footing. All that a payload changes, and the closing of its run, is one
transaction: a worker killed on the way leaves an open run and nothing else, and `close_dead_runs`
closes it with its reason.
"""

import gzip
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.db import DatabaseError, transaction

from apps.catalog.claims.feed_rows import ParsedFeed, RejectedRow
from apps.catalog.ingestion.ingest import IngestResult, ingest_observation, ingest_unchanged
from apps.catalog.models import Assertion, ProviderEvent, Source
from apps.common.history.context import audit_context
from apps.common.http.installation_policy import installation_policy
from apps.common.postgresql.errors import unavailability
from apps.common.time import now
from apps.feeds.adapting import NoAdapter, adapter_of, rules_of
from apps.feeds.claiming import AlreadyPolling, claim_run, close_dead_runs, queue_run
from apps.feeds.clients import PACKAGE_SCHEME, Fetched, fetch_package, fetch_source
from apps.feeds.mapping import KIND as MAPPED
from apps.feeds.models import (
    FeedRun,
    HostPause,
    Payload,
    PollState,
    QuarantineReason,
    SourceMapping,
)
from apps.feeds.noticing import take_notice
from apps.feeds.parsers import Adapter
from apps.feeds.parsers.notices import Notices
from apps.feeds.parsers.payload import PayloadRefused
from apps.feeds.quarantine import SetAside, sync_quarantine

log = structlog.get_logger(__name__)

FIRST_RETRY = timedelta(minutes=2)
LONGEST_RETRY = timedelta(hours=6)
JITTER = 0.1
# An observation further ahead than this was made by a wrong clock; one set back by less is waited
# out.
WRONG_CLOCK = timedelta(days=1)
# Rows a run lists by name; beyond it only counts.
LISTED = 500


@dataclass(frozen=True, slots=True)
class Polled:
    """The closed run and the events it raised, oldest first."""

    run: FeedRun
    events: list[ProviderEvent] = field(default_factory=list)
    n_assertions_changed: int = 0


type Fetch = Callable[[PollState, Adapter], Fetched]


def fetching(url: str, *, trusted: bool) -> Fetch:
    """Fetch from `url`, over the network or from an installed package (`package:genai-prices`);
    conditional only when the last accepted body came from the same address."""

    def fetch(state: PollState, adapter: Adapter) -> Fetched:
        if url.startswith(PACKAGE_SCHEME):
            return fetch_package(url, state.etag if state.url == url else None)
        known = state.url == url
        return fetch_source(
            url,
            state.etag if known else None,
            state.last_modified if known else None,
            installation_policy(),
            trusted,
            cap_bytes=adapter.cap_bytes,
        )

    return fetch


# --- one poll -------------------------------------------------------------------------------------


def poll(
    source: Source,
    *,
    at: datetime | None = None,
    url: str | None = None,
    fetch: Fetch | None = None,
    trigger: str,
) -> Polled:
    """Poll `source` now and synchronously. `at` is the observation time (now by default); `url` is
    the operator's word for another address. AlreadyPolling where a poll is under way."""
    moment = now()
    run = queue_run(source, trigger=trigger, at=moment)
    claimed = claim_run(run.pk, at=moment)
    if claimed is None:
        raise AlreadyPolling(f"{source.name} is being polled already.")
    if fetch is None:
        fetch = fetching(url or source.url, trusted=bool(url) or source.trusted_address)
    return carry_out(
        claimed, fetch=fetch, at=at or moment, url=url or source.url, by_wall_clock=at is None
    )


def carry_out(
    run: FeedRun, *, fetch: Fetch, at: datetime, url: str, by_wall_clock: bool = False
) -> Polled:
    """Do the claimed `run`, observed `at`, which is now if `by_wall_clock`. Whatever goes wrong
    closes the run as failed, with a sentence; a fault of our own is raised again after that."""
    state, _ = PollState.objects.get_or_create(source=run.source)
    try:
        return _attempt(run, state, fetch=fetch, at=at, url=url, by_wall_clock=by_wall_clock)
    except Exception:
        log.exception("feed_run_error", source=run.source.slug, run=run.pk)
        _fail(
            run,
            state,
            "This poll stopped on an error of ours, which the log shows; nothing of it was kept.",
        )
        raise


def _attempt(
    run: FeedRun,
    state: PollState,
    *,
    fetch: Fetch,
    at: datetime,
    url: str,
    by_wall_clock: bool = False,
) -> Polled:
    source = run.source
    try:
        adapter = adapter_of(source)
    except NoAdapter as unreadable:
        return _fail(run, state, str(unreadable))
    if (
        by_wall_clock
        and state.last_observed_at is not None
        and state.last_observed_at - at > WRONG_CLOCK
    ):
        # the clock that made it was wrong: the source must not wait until the real one has caught
        # up
        log.warning(
            "feed_observed_in_the_future",
            source=source.slug,
            observed_at=state.last_observed_at.isoformat(),
        )
        state.last_observed_at = at
    if state.last_observed_at is not None and at < state.last_observed_at:
        return _fail(
            run,
            state,
            f"This observation ({at:%Y-%m-%d %H:%M} UTC) is earlier than the last one "
            f"({state.last_observed_at:%Y-%m-%d %H:%M} UTC). Was the clock set back? Nothing was "
            "changed.",
        )
    pause = _pause_of(url, at=now())
    if pause is not None:
        return _fail(
            run,
            state,
            f"{pause.hostname} asked to be left alone until {pause.until:%Y-%m-%d %H:%M} UTC.",
            retry_at=pause.until,
        )
    fetched = fetch(state, adapter)
    if fetched.status in {"failed", "throttled"}:
        return _not_fetched(run, state, fetched, url)
    if fetched.status == "unchanged" or fetched.digest == state.digest:
        return _unchanged(run, state, fetched, at=at, url=url)
    assert fetched.body is not None
    _step(run, "parse")
    try:
        notices = adapter.read_notices(fetched.body) if adapter.read_notices else None
        parsed = adapter.parse(fetched.body) if notices is None else ParsedFeed(())
    except PayloadRefused as refusal:
        return _refused(run, state, fetched, str(refusal))
    _step(run, "compare")
    try:
        if notices is not None:
            return _noticed(run, state, fetched, notices, at=at, url=url)
        return _changed(run, state, fetched, parsed, at=at, url=url)
    except DatabaseError as error:
        if unavailability(error) is not None:
            # ended by a time limit; what stands in the payload had no part in it
            log.warning(
                "feed_run_database_busy",
                source=source.slug,
                run=run.pk,
                error=str(error).splitlines()[0],
            )
            sentence = "The database was busy for too long. The next poll reads it again."
            return _fail(run, state, sentence, fetched=fetched)
        log.exception("feed_run_database", source=source.slug, run=run.pk)
        return _fail(
            run,
            state,
            f"The database refused this payload: {str(error).splitlines()[0]}",
            fetched=fetched,
        )


def _changed(
    run: FeedRun, state: PollState, fetched: Fetched, parsed: ParsedFeed, *, at: datetime, url: str
) -> Polled:
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        recorded = ingest_observation(
            source=source,
            rows=parsed.rows,
            at=at,
            baseline=state.last_observed_at is None,
            last_seen=state.last_observed_at,
            host_names=parsed.host_names,
            set_aside={reject.external_id for reject in parsed.rejects},
            rules=rules_of(source),
        )
        doubts = [
            SetAside(external_id, QuarantineReason.PRICE_JUMP, reason)
            for external_id, reason in recorded.observation.doubtful
        ]
        rejects = _set_aside(parsed.rejects)
        aside_changed = sync_quarantine(source, run, [*rejects, *doubts], at=at)
        changed = aside_changed or not recorded.observation.changes_nothing
        if changed:
            # a body that says nothing new is not worth its room: some feeds send another one at
            # every poll
            run.payload = _keep(source, fetched, at=now())
        _close(
            run,
            recorded,
            n_quarantined=len(rejects) + len(doubts),
            changed=changed,
            fetched=fetched,
            at=at,
        )
        _succeed(state, run, fetched, at=at, url=url, changed=changed, as_of=parsed.as_of)
    return _tell(Polled(run, _in_order(recorded.events), recorded.observation.n_assertions_changed))


def _set_aside(rejects: Iterable[RejectedRow]) -> list[SetAside]:
    return [
        SetAside(row.external_id, QuarantineReason.UNREADABLE, row.reason, row.excerpt)
        for row in rejects
    ]


def _noticed(
    run: FeedRun, state: PollState, fetched: Fetched, notices: Notices, *, at: datetime, url: str
) -> Polled:
    """Notices are kept for people to read; of the catalogue nothing changes."""
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        brought = take_notice(source, notices.items, at=at, baseline=state.last_observed_at is None)
        rejects = _set_aside(notices.rejects)
        aside_changed = sync_quarantine(source, run, rejects, at=at)
        changed = bool(brought.n_new or brought.n_changed or aside_changed)
        if changed:
            run.payload = _keep(source, fetched, at=now())
        run.rows = len(notices.items)
        run.rows_changed = brought.n_new + brought.n_changed
        run.rows_vanished = run.rows_backfilled = run.n_events = 0
        run.rows_quarantined = len(rejects)
        _finish(
            run, FeedRun.Status.CHANGED if changed else FeedRun.Status.UNCHANGED, fetched, at=at
        )
        _succeed(state, run, fetched, at=at, url=url, changed=changed)
    return _tell(Polled(run))


def _unchanged(
    run: FeedRun, state: PollState, fetched: Fetched, *, at: datetime, url: str
) -> Polled:
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        recorded = ingest_unchanged(
            source=source,
            at=at,
            last_seen=state.last_observed_at,
            rules=rules_of(source),
        )
        last = FeedRun.objects.succeeded().filter(source=source).exclude(rows=None).first()
        run.rows = last.rows if last else None
        run.rows_quarantined = last.rows_quarantined if last else None
        run.rows_changed = recorded.observation.n_changed
        run.rows_vanished = 0
        run.rows_backfilled = 0
        run.floated = recorded.observation.floated[:LISTED]
        run.n_events = len(recorded.events)
        changed = bool(recorded.observation.updates)
        _finish(
            run, FeedRun.Status.CHANGED if changed else FeedRun.Status.UNCHANGED, fetched, at=at
        )
        _succeed(state, run, fetched, at=at, url=url, changed=changed)
    return _tell(Polled(run, _in_order(recorded.events), recorded.observation.n_assertions_changed))


def _not_fetched(run: FeedRun, state: PollState, fetched: Fetched, url: str) -> Polled:
    if fetched.retry_after_seconds is None:
        return _fail(run, state, fetched.error, fetched=fetched)
    until = now() + timedelta(seconds=min(fetched.retry_after_seconds, 86_400))
    hostname = urlsplit(url).hostname or ""
    if hostname:
        HostPause.objects.update_or_create(hostname=hostname, defaults={"until": until})
    return _fail(run, state, fetched.error, fetched=fetched, retry_at=until)


def _refused(run: FeedRun, state: PollState, fetched: Fetched, sentence: str) -> Polled:
    """A body that parses to nothing changes nothing; it is kept, so that people can look at it."""
    with transaction.atomic():
        run.payload = _keep(run.source, fetched, at=now())
        return _fail(run, state, sentence, fetched=fetched)


def _fail(
    run: FeedRun,
    state: PollState,
    sentence: str,
    *,
    fetched: Fetched | None = None,
    retry_at: datetime | None = None,
) -> Polled:
    moment = now()
    with transaction.atomic():
        state.last_attempt_at = moment
        state.failures += 1
        state.error = sentence
        backoff = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(state.failures - 1, 10))
        state.next_due_at = max(retry_at or moment, moment + _jittered(backoff))
        state.save(update_fields=["last_attempt_at", "failures", "error", "next_due_at"])
        run.error = sentence
        _finish(run, FeedRun.Status.FAILED, fetched, at=None)
    log.warning("feed_run_failed", source=run.source.slug, run=run.pk, reason=sentence)
    return Polled(run)


def _close(
    run: FeedRun,
    recorded: IngestResult,
    *,
    n_quarantined: int,
    changed: bool,
    fetched: Fetched,
    at: datetime,
) -> None:
    observation = recorded.observation
    run.rows = observation.n_rows
    run.rows_changed = observation.n_changed + sum(
        claim.topic == "identity" for claim in observation.new
    )
    run.rows_vanished = observation.n_vanished
    run.rows_quarantined = n_quarantined
    run.rows_backfilled = observation.n_backfilled
    run.backfilled = observation.backfilled[:LISTED]
    run.floated = observation.floated[:LISTED]
    run.n_events = len(recorded.events)
    run.held = observation.held
    status = FeedRun.Status.CHANGED if changed else FeedRun.Status.UNCHANGED
    _finish(run, FeedRun.Status.SUSPECT if observation.held else status, fetched, at=at)


def _finish(
    run: FeedRun, status: FeedRun.Status, fetched: Fetched | None, *, at: datetime | None
) -> None:
    run.status = status
    run.finished_at = now()
    run.observed_at = at
    run.step = ""
    if fetched is not None:
        run.http_status = fetched.http_status
        run.n_bytes = len(fetched.body) if fetched.body is not None else fetched.bytes_on_wire
        run.digest = fetched.digest or ""
    run.save()


def _succeed(
    state: PollState,
    run: FeedRun,
    fetched: Fetched,
    *,
    at: datetime,
    url: str,
    changed: bool,
    as_of: datetime | None = None,
) -> None:
    moment = now()
    state.last_attempt_at = state.last_success_at = moment
    state.last_observed_at = at
    if changed:
        state.last_change_at = moment
        state.suspect = Assertion.objects.standing().filter(source=run.source, held=True).exists()
    if as_of is not None:
        state.as_of = as_of
    if fetched.status == "new":
        state.etag = fetched.etag or ""
        state.last_modified = fetched.last_modified or ""
        state.digest = fetched.digest or state.digest
        state.url = url
    state.failures = 0
    state.error = ""
    state.next_due_at = moment + _jittered(timedelta(minutes=run.source.interval_minutes))
    if _is_read_otherwise_by_now(run):
        state.etag = state.last_modified = state.digest = ""
        state.next_due_at = None
    state.save()


def _is_read_otherwise_by_now(run: FeedRun) -> bool:
    """Whether somebody changed the source's mapping while it was polled: the same body must then be
    read anew."""
    if run.source.kind != MAPPED or run.started_at is None:
        return False
    # who changes a mapping writes the poll state last; whoever has it first, the other sees what
    # was done
    PollState.objects.select_for_update().get(pk=run.source_id)
    return SourceMapping.objects.filter(
        source=run.source_id, updated_at__gte=run.started_at
    ).exists()


def _tell(polled: Polled) -> Polled:
    run = polled.run
    log.info(
        "feed_run_finished",
        source=run.source.slug,
        run=run.pk,
        status=str(run.status),
        rows=run.rows,
        changed=run.rows_changed,
        events=len(polled.events),
    )
    return polled


def _keep(source: Source, fetched: Fetched, *, at: datetime) -> Payload | None:
    """The body, compressed, once per digest."""
    if fetched.body is None or not fetched.digest:
        return None
    existing = Payload.objects.filter(source=source, digest=fetched.digest).only("pk").first()
    if existing is not None:
        return existing
    return Payload.objects.create(
        source=source,
        digest=fetched.digest,
        body=gzip.compress(fetched.body, compresslevel=6, mtime=0),
        n_bytes=len(fetched.body),
        received_at=at,
    )


def _step(run: FeedRun, step: str) -> None:
    """Show progress, and a sign of life, outside of the transaction that does the work."""
    run.step = step
    run.heartbeat_at = now()
    FeedRun.objects.filter(pk=run.pk).update(step=step, heartbeat_at=run.heartbeat_at)


def _pause_of(url: str, *, at: datetime) -> HostPause | None:
    hostname = urlsplit(url).hostname
    return HostPause.objects.filter(hostname=hostname, until__gt=at).first() if hostname else None


def _jittered(pause: timedelta) -> timedelta:
    """A little more or less, so that sources do not march in step."""
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


def _in_order(events: list[ProviderEvent]) -> list[ProviderEvent]:
    return sorted(events, key=lambda event: (event.detected_at, event.pk))


__all__ = [
    "AlreadyPolling",
    "Polled",
    "carry_out",
    "claim_run",
    "close_dead_runs",
    "fetching",
    "poll",
    "queue_run",
]
