"""Poll pipeline: one poll from claim to events, for every source and every caller: beat, `manage.py
poll` and `replay`.

claim run -> fetch -> store the payload -> parse -> compare with the source's current claims ->
settle -> events -> upstream dependencies. All changes of a payload, and the closing of its run, are
one transaction: a worker killed meanwhile leaves an open run and nothing else, and
`close_dead_runs` closes it with its reason."""

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
from apps.feeds.mapping.definition import KIND as MAPPED
from apps.feeds.models import (
    FeedRun,
    HostPause,
    Payload,
    PollState,
    QuarantineReason,
    SourceMapping,
)
from apps.feeds.parsers import Adapter
from apps.feeds.parsers.notices import ParsedNotices
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.polls.client import PACKAGE_SCHEME, FetchResult, fetch_package, fetch_source
from apps.feeds.polls.quarantine import QuarantineEntry, sync_quarantine
from apps.feeds.polls.run_queue import AlreadyPollingError, claim_run, close_dead_runs, queue_run
from apps.feeds.provider_notices import store_notices
from apps.feeds.sources.adapters import NoAdapterError, adapter_of, change_rules_of

log = structlog.get_logger(__name__)

MIN_RETRY_PAUSE = timedelta(minutes=2)
MAX_RETRY_PAUSE = timedelta(hours=6)
RETRY_JITTER = 0.1
# An observation further ahead than this was made by a wrong clock; one set back by less is waited
# out.
MAX_CLOCK_DIFFERENCE = timedelta(days=1)
# Rows a run lists by name; beyond it only counts.
MAX_LISTED_EVENTS = 500


@dataclass(frozen=True, slots=True)
class PollResult:
    """The closed run and the events it raised, oldest first."""

    run: FeedRun
    events: list[ProviderEvent] = field(default_factory=list)
    n_assertions_changed: int = 0


type Fetch = Callable[[PollState, Adapter], FetchResult]


def fetcher_for(url: str, *, trusted: bool) -> Fetch:
    """Return a function that fetches from `url`, over the network or from an installed package
    (`package:genai-prices`); a conditional request only if the last accepted body came from the
    same URL."""

    def fetch(state: PollState, adapter: Adapter) -> FetchResult:
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


def poll_source(
    source: Source,
    *,
    at: datetime | None = None,
    url: str | None = None,
    fetch: Fetch | None = None,
    trigger: str,
) -> PollResult:
    """Poll `source` now and synchronously. `at` is the observation time (now by default); `url` is
    another URL given by the operator. AlreadyPollingError if a poll is in progress."""
    moment = now()
    run = queue_run(source, trigger=trigger, at=moment)
    claimed = claim_run(run.pk, at=moment)
    if claimed is None:
        raise AlreadyPollingError(
            f"{source.name} is already being polled. Wait until the poll ends."
        )
    if fetch is None:
        fetch = fetcher_for(url or source.url, trusted=bool(url) or source.trusted_address)
    return run_poll(
        claimed, fetch=fetch, at=at or moment, url=url or source.url, by_wall_clock=at is None
    )


def run_poll(
    run: FeedRun, *, fetch: Fetch, at: datetime, url: str, by_wall_clock: bool = False
) -> PollResult:
    """Execute the claimed `run`, observed `at`, which is now if `by_wall_clock`. Any failure closes
    the run as failed, with a sentence; an error in our own code is raised again after that."""
    state, _ = PollState.objects.get_or_create(source=run.source)
    try:
        return _fetch_and_ingest(
            run, state, fetch=fetch, at=at, url=url, by_wall_clock=by_wall_clock
        )
    except Exception:
        log.exception("feed_run_error", source=run.source.slug, run=run.pk)
        _fail_run(
            run,
            state,
            "The poll stopped because of an internal error. Nothing was saved. See the server log.",
        )
        raise


def _fetch_and_ingest(
    run: FeedRun,
    state: PollState,
    *,
    fetch: Fetch,
    at: datetime,
    url: str,
    by_wall_clock: bool = False,
) -> PollResult:
    source = run.source
    try:
        adapter = adapter_of(source)
    except NoAdapterError as unreadable:
        return _fail_run(run, state, str(unreadable))
    if (
        by_wall_clock
        and state.last_observed_at is not None
        and state.last_observed_at - at > MAX_CLOCK_DIFFERENCE
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
        return _fail_run(
            run,
            state,
            f"This poll ({at:%Y-%m-%d %H:%M} UTC) is older than the last "
            f"({state.last_observed_at:%Y-%m-%d %H:%M} UTC). Nothing was changed. Check the "
            "server clock.",
        )
    pause = _active_host_pause(url, at=now())
    if pause is not None:
        return _fail_run(
            run,
            state,
            f"{pause.hostname} asked for no requests until {pause.until:%Y-%m-%d %H:%M} UTC.",
            retry_at=pause.until,
        )
    fetched = fetch(state, adapter)
    if fetched.status in {"failed", "throttled"}:
        return _record_failed_fetch(run, state, fetched, url)
    if fetched.status == "unchanged" or fetched.digest == state.digest:
        return _confirm_unchanged(run, state, fetched, at=at, url=url)
    assert fetched.body is not None
    _record_progress(run, "parse")
    try:
        notices = adapter.read_notices(fetched.body) if adapter.read_notices else None
        parsed = adapter.parse(fetched.body) if notices is None else ParsedFeed(())
    except InvalidPayloadError as refusal:
        return _record_refused_body(run, state, fetched, str(refusal))
    _record_progress(run, "compare")
    try:
        if notices is not None:
            return _store_notices(run, state, fetched, notices, at=at, url=url)
        return _ingest_changed(run, state, fetched, parsed, at=at, url=url)
    except DatabaseError as error:
        if unavailability(error) is not None:
            # ended by a time limit; what stands in the payload had no part in it
            log.warning(
                "feed_run_database_busy",
                source=source.slug,
                run=run.pk,
                error=str(error).splitlines()[0],
            )
            sentence = "The database was busy for too long. The next poll tries again."
            return _fail_run(run, state, sentence, fetched=fetched)
        log.exception("feed_run_database", source=source.slug, run=run.pk)
        return _fail_run(
            run,
            state,
            f"The database rejected this payload: {str(error).splitlines()[0]}",
            fetched=fetched,
        )


def _ingest_changed(
    run: FeedRun,
    state: PollState,
    fetched: FetchResult,
    parsed: ParsedFeed,
    *,
    at: datetime,
    url: str,
) -> PollResult:
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
            rules=change_rules_of(source),
        )
        doubts = [
            QuarantineEntry(external_id, QuarantineReason.PRICE_JUMP, reason)
            for external_id, reason in recorded.observation.doubtful
        ]
        rejects = _quarantined_rows(parsed.rejects)
        aside_changed = sync_quarantine(source, run, [*rejects, *doubts], at=at)
        changed = aside_changed or not recorded.observation.changes_nothing
        if changed:
            # a body that says nothing new is not worth its room: some feeds send another one at
            # every poll
            run.payload = _store_body(source, fetched, at=now())
        _close_run(
            run,
            recorded,
            n_quarantined=len(rejects) + len(doubts),
            changed=changed,
            fetched=fetched,
            at=at,
        )
        _record_success(state, run, fetched, at=at, url=url, changed=changed, as_of=parsed.as_of)
    return _log_result(
        PollResult(run, _sort_events(recorded.events), recorded.observation.n_assertions_changed)
    )


def _quarantined_rows(rejects: Iterable[RejectedRow]) -> list[QuarantineEntry]:
    return [
        QuarantineEntry(row.external_id, QuarantineReason.UNREADABLE, row.reason, row.excerpt)
        for row in rejects
    ]


def _store_notices(
    run: FeedRun,
    state: PollState,
    fetched: FetchResult,
    notices: ParsedNotices,
    *,
    at: datetime,
    url: str,
) -> PollResult:
    """Store notices for users to read; the catalogue does not change."""
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        brought = store_notices(
            source, notices.items, at=at, baseline=state.last_observed_at is None
        )
        rejects = _quarantined_rows(notices.rejects)
        aside_changed = sync_quarantine(source, run, rejects, at=at)
        changed = bool(brought.n_new or brought.n_changed or aside_changed)
        if changed:
            run.payload = _store_body(source, fetched, at=now())
        run.rows = len(notices.items)
        run.rows_changed = brought.n_new + brought.n_changed
        run.rows_vanished = run.rows_backfilled = run.n_events = 0
        run.rows_quarantined = len(rejects)
        _finish_run(
            run, FeedRun.Status.CHANGED if changed else FeedRun.Status.UNCHANGED, fetched, at=at
        )
        _record_success(state, run, fetched, at=at, url=url, changed=changed)
    return _log_result(PollResult(run))


def _confirm_unchanged(
    run: FeedRun, state: PollState, fetched: FetchResult, *, at: datetime, url: str
) -> PollResult:
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        recorded = ingest_unchanged(
            source=source,
            at=at,
            last_seen=state.last_observed_at,
            rules=change_rules_of(source),
        )
        last = FeedRun.objects.succeeded().filter(source=source).exclude(rows=None).first()
        run.rows = last.rows if last else None
        run.rows_quarantined = last.rows_quarantined if last else None
        run.rows_changed = recorded.observation.n_changed
        run.rows_vanished = 0
        run.rows_backfilled = 0
        run.floated = recorded.observation.floated[:MAX_LISTED_EVENTS]
        run.n_events = len(recorded.events)
        changed = bool(recorded.observation.updates)
        _finish_run(
            run, FeedRun.Status.CHANGED if changed else FeedRun.Status.UNCHANGED, fetched, at=at
        )
        _record_success(state, run, fetched, at=at, url=url, changed=changed)
    return _log_result(
        PollResult(run, _sort_events(recorded.events), recorded.observation.n_assertions_changed)
    )


def _record_failed_fetch(
    run: FeedRun, state: PollState, fetched: FetchResult, url: str
) -> PollResult:
    if fetched.retry_after_seconds is None:
        return _fail_run(run, state, fetched.error, fetched=fetched)
    until = now() + timedelta(seconds=min(fetched.retry_after_seconds, 86_400))
    hostname = urlsplit(url).hostname or ""
    if hostname:
        HostPause.objects.update_or_create(hostname=hostname, defaults={"until": until})
    return _fail_run(run, state, fetched.error, fetched=fetched, retry_at=until)


def _record_refused_body(
    run: FeedRun, state: PollState, fetched: FetchResult, sentence: str
) -> PollResult:
    """Record a body without a usable row: it changes nothing and is stored, so that users can
    inspect it."""
    with transaction.atomic():
        run.payload = _store_body(run.source, fetched, at=now())
        return _fail_run(run, state, sentence, fetched=fetched)


def _fail_run(
    run: FeedRun,
    state: PollState,
    sentence: str,
    *,
    fetched: FetchResult | None = None,
    retry_at: datetime | None = None,
) -> PollResult:
    moment = now()
    with transaction.atomic():
        state.last_attempt_at = moment
        state.failures += 1
        state.error = sentence
        backoff = min(MAX_RETRY_PAUSE, MIN_RETRY_PAUSE * 2 ** min(state.failures - 1, 10))
        state.next_due_at = max(retry_at or moment, moment + _jittered(backoff))
        state.save(update_fields=["last_attempt_at", "failures", "error", "next_due_at"])
        run.error = sentence
        _finish_run(run, FeedRun.Status.FAILED, fetched, at=None)
    log.warning("feed_run_failed", source=run.source.slug, run=run.pk, reason=sentence)
    return PollResult(run)


def _close_run(
    run: FeedRun,
    recorded: IngestResult,
    *,
    n_quarantined: int,
    changed: bool,
    fetched: FetchResult,
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
    run.backfilled = observation.backfilled[:MAX_LISTED_EVENTS]
    run.floated = observation.floated[:MAX_LISTED_EVENTS]
    run.n_events = len(recorded.events)
    run.held = observation.held
    status = FeedRun.Status.CHANGED if changed else FeedRun.Status.UNCHANGED
    _finish_run(run, FeedRun.Status.SUSPECT if observation.held else status, fetched, at=at)


def _finish_run(
    run: FeedRun, status: FeedRun.Status, fetched: FetchResult | None, *, at: datetime | None
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


def _record_success(
    state: PollState,
    run: FeedRun,
    fetched: FetchResult,
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
    if _has_new_mapping(run):
        state.etag = state.last_modified = state.digest = ""
        state.next_due_at = None
    state.save()


def _has_new_mapping(run: FeedRun) -> bool:
    """Return whether a user changed the source's mapping during the poll: the same body must then
    be read again."""
    if run.source.kind != MAPPED or run.started_at is None:
        return False
    # who changes a mapping writes the poll state last; whoever has it first, the other sees what
    # was done
    PollState.objects.select_for_update().get(pk=run.source_id)
    return SourceMapping.objects.filter(
        source=run.source_id, updated_at__gte=run.started_at
    ).exists()


def _log_result(polled: PollResult) -> PollResult:
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


def _store_body(source: Source, fetched: FetchResult, *, at: datetime) -> Payload | None:
    """Store the body, compressed, once per digest."""
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


def _record_progress(run: FeedRun, step: str) -> None:
    """Record progress and a heartbeat, outside of the transaction that does the work."""
    run.step = step
    run.heartbeat_at = now()
    FeedRun.objects.filter(pk=run.pk).update(step=step, heartbeat_at=run.heartbeat_at)


def _active_host_pause(url: str, *, at: datetime) -> HostPause | None:
    hostname = urlsplit(url).hostname
    return HostPause.objects.filter(hostname=hostname, until__gt=at).first() if hostname else None


def _jittered(pause: timedelta) -> timedelta:
    """Add jitter, so that sources are not polled in lockstep."""
    return pause * random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311


def _sort_events(events: list[ProviderEvent]) -> list[ProviderEvent]:
    return sorted(events, key=lambda event: (event.detected_at, event.pk))


__all__ = [
    "AlreadyPollingError",
    "PollResult",
    "claim_run",
    "close_dead_runs",
    "fetcher_for",
    "poll_source",
    "queue_run",
    "run_poll",
]
