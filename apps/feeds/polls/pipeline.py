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
from apps.catalog.models import Assertion, Incident, ProviderEvent, Source
from apps.common.history.context import audit_context
from apps.common.http.installation_policy import installation_policy
from apps.common.postgresql.errors import unavailability
from apps.common.time import day_of, now
from apps.feeds.incidents.records import ReportedStatus
from apps.feeds.incidents.storage import store_incidents
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
from apps.feeds.sources.adapters import (
    MAPPED_KINDS,
    NoAdapterError,
    adapter_of,
    change_rules_of,
    compare_with_last_form,
)
from apps.feeds.sources.page_form import PageForm, form_after_poll, form_doubts
from apps.feeds.terms.changes import observe_terms

log = structlog.get_logger(__name__)

MIN_RETRY_PAUSE = timedelta(minutes=2)
MAX_RETRY_PAUSE = timedelta(hours=6)
RETRY_JITTER = 0.1
# An observation further in the future than this comes from a wrong clock. If the clock is ahead by
# less, polls wait until the real time has caught up.
MAX_CLOCK_DIFFERENCE = timedelta(days=1)
# Maximum number of rows that a run lists by name; further rows are only counted.
MAX_LISTED_EVENTS = 500


@dataclass(frozen=True, slots=True)
class PollResult:
    """The closed run, the events it raised, oldest first, and the incidents that it opened or
    changed."""

    run: FeedRun
    events: list[ProviderEvent] = field(default_factory=list)
    n_assertions_changed: int = 0
    incidents: list[Incident] = field(default_factory=list)


type Fetch = Callable[[PollState, Adapter], FetchResult]


def fetcher_for(url: str, *, trusted: bool) -> Fetch:
    """Return a function that fetches from `url`, over the network or from an installed package
    (`package:genai-prices`); a conditional request only if the last accepted body came from the
    same URL. `trusted` as in `fetch_source`."""

    def fetch(state: PollState, adapter: Adapter) -> FetchResult:
        if url.startswith(PACKAGE_SCHEME):
            return fetch_package(url, state.etag if state.url == url else None)
        is_same_url = state.url == url
        return fetch_source(
            url,
            state.etag if is_same_url else None,
            state.last_modified if is_same_url else None,
            installation_policy(),
            trusted,
            cap_bytes=adapter.cap_bytes,
            accept=adapter.accept,
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
    claimed_run = claim_run(run.pk, at=moment)
    if claimed_run is None:
        raise AlreadyPollingError(
            f"{source.name} is already being polled. Wait until the poll ends."
        )
    if fetch is None:
        fetch = fetcher_for(url or source.url, trusted=bool(url) or source.trusted_address)
    return run_poll(
        claimed_run, fetch=fetch, at=at or moment, url=url or source.url, by_wall_clock=at is None
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
    """Fetch, parse and ingest the feed once. Any fault of the clock, the source or the database
    closes the run as failed; errors of this code are raised. `by_wall_clock` as in `run_poll`."""
    source = run.source
    try:
        adapter = adapter_of(source)
    except NoAdapterError as adapter_error:
        return _fail_run(run, state, str(adapter_error))
    if (
        by_wall_clock
        and state.last_observed_at is not None
        and state.last_observed_at - at > MAX_CLOCK_DIFFERENCE
    ):
        # The last observation has a time from a wrong clock. Without this correction the source
        # would not be polled until the real clock has caught up.
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
    pause = _find_host_pause(url, at=now())
    if pause is not None:
        return _fail_run(
            run,
            state,
            f"{pause.hostname} asked for no requests until {pause.until:%Y-%m-%d %H:%M} UTC.",
            retry_at=pause.until,
        )
    fetch_result = fetch(state, adapter)
    if fetch_result.status in {"failed", "throttled"}:
        return _record_failed_fetch(run, state, fetch_result, url)
    if fetch_result.status == "unchanged" and state.last_observed_at is None:
        # as the first observation it would make everything in the first payload news
        return _fail_run(
            run,
            state,
            "The answer was that nothing has changed, but no payload of this source was read "
            "before. Nothing was changed. The next poll asks for the payload.",
            fetch_result=fetch_result,
        )
    if fetch_result.status == "unchanged" or fetch_result.digest == state.digest:
        return _confirm_unchanged(run, state, fetch_result, at=at, url=url)
    assert fetch_result.body is not None
    _record_progress(run, "parse")
    try:
        notices = adapter.read_notices(fetch_result.body) if adapter.read_notices else None
        status = adapter.read_incidents(fetch_result.body) if adapter.read_incidents else None
        terms = adapter.read_terms(fetch_result.body) if adapter.read_terms else None
        page = adapter.read_page(fetch_result.body, day_of(at)) if adapter.read_page else None
        if page is not None:
            parsed_feed = page.feed
        elif notices is not None or status is not None or terms is not None:
            parsed_feed = ParsedFeed(())
        else:
            parsed_feed = adapter.parse(fetch_result.body)
    except InvalidPayloadError as payload_error:
        return _record_rejected_body(run, state, fetch_result, str(payload_error))
    _record_progress(run, "compare")
    try:
        if notices is not None:
            return _store_notices(run, state, fetch_result, notices, at=at, url=url)
        if status is not None:
            return _store_incidents(run, state, fetch_result, status, at=at, url=url)
        if terms is not None:
            return _store_terms(run, state, fetch_result, terms, at=at, url=url)
        return _ingest_changed(
            run, state, fetch_result, parsed_feed, at=at, url=url, form=page.form if page else None
        )
    except InvalidPayloadError as payload_error:
        return _record_rejected_body(run, state, fetch_result, str(payload_error))
    except DatabaseError as error:
        if unavailability(error) is not None:
            # A time limit ended the transaction; the payload is not the cause.
            log.warning(
                "feed_run_database_busy",
                source=source.slug,
                run=run.pk,
                error=str(error).splitlines()[0],
            )
            sentence = "The database was busy for too long. The next poll tries again."
            return _fail_run(run, state, sentence, fetch_result=fetch_result)
        log.exception("feed_run_database", source=source.slug, run=run.pk)
        return _fail_run(
            run,
            state,
            f"The database rejected this payload: {str(error).splitlines()[0]}",
            fetch_result=fetch_result,
        )


def _ingest_changed(
    run: FeedRun,
    state: PollState,
    fetch_result: FetchResult,
    parsed_feed: ParsedFeed,
    *,
    at: datetime,
    url: str,
    form: PageForm | None = None,
) -> PollResult:
    """Write a parsed body in one transaction: claims and events, quarantined rows, the body if it
    changed anything, and the success of the run. `form` is that of a lifecycle page; a change of it
    is a doubt about the whole body."""
    source = run.source
    form_changes = [] if form is None else compare_with_last_form(source, state.page_form, form)
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        ingest_result = ingest_observation(
            source=source,
            rows=parsed_feed.rows,
            at=at,
            baseline=state.last_observed_at is None,
            last_seen=state.last_observed_at,
            host_names=parsed_feed.host_names,
            set_aside={reject.external_id for reject in parsed_feed.rejects},
            rules=change_rules_of(source),
            doubts=[change.doubt for change in form_changes],
        )
        price_jumps = [
            QuarantineEntry(external_id, QuarantineReason.PRICE_JUMP, reason)
            for external_id, reason in ingest_result.observation.doubtful
        ]
        rejects = _build_quarantine_entries(parsed_feed.rejects)
        has_quarantine_changes = sync_quarantine(source, run, [*rejects, *price_jumps], at=at)
        has_changes = has_quarantine_changes or not ingest_result.observation.changes_nothing
        if form is not None:
            justified = ingest_result.observation.doubts
            has_changes |= bool(justified) != bool(form_doubts(state.page_form))
            state.page_form = form_after_poll(
                form, [change for change in form_changes if change.doubt in justified]
            )
        if has_changes:
            # A body without changes is not stored: some feeds send a different body at every poll.
            run.payload = _store_body(source, fetch_result, at=now())
        _close_run(
            run,
            ingest_result,
            n_quarantined=len(rejects) + len(price_jumps),
            has_changes=has_changes,
            fetch_result=fetch_result,
            at=at,
        )
        _record_success(
            state,
            run,
            fetch_result,
            at=at,
            url=url,
            has_changes=has_changes,
            as_of=parsed_feed.as_of,
        )
    return _log_result(
        PollResult(
            run, _sort_events(ingest_result.events), ingest_result.observation.n_assertions_changed
        )
    )


def _build_quarantine_entries(rejects: Iterable[RejectedRow]) -> list[QuarantineEntry]:
    return [
        QuarantineEntry(row.external_id, QuarantineReason.UNREADABLE, row.reason, row.excerpt)
        for row in rejects
    ]


def _store_notices(
    run: FeedRun,
    state: PollState,
    fetch_result: FetchResult,
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
        notice_counts = store_notices(
            source, notices.items, at=at, baseline=state.last_observed_at is None
        )
        rejects = _build_quarantine_entries(notices.rejects)
        has_quarantine_changes = sync_quarantine(source, run, rejects, at=at)
        has_changes = bool(notice_counts.n_new or notice_counts.n_changed or has_quarantine_changes)
        if has_changes:
            run.payload = _store_body(source, fetch_result, at=now())
        run.rows = len(notices.items)
        run.rows_changed = notice_counts.n_new + notice_counts.n_changed
        run.rows_vanished = run.rows_backfilled = run.n_events = 0
        run.rows_quarantined = len(rejects)
        _finish_run(
            run,
            FeedRun.Status.CHANGED if has_changes else FeedRun.Status.UNCHANGED,
            fetch_result,
            at=at,
        )
        _record_success(state, run, fetch_result, at=at, url=url, has_changes=has_changes)
    return _log_result(PollResult(run))


def _store_incidents(
    run: FeedRun,
    state: PollState,
    fetch_result: FetchResult,
    status: ReportedStatus,
    *,
    at: datetime,
    url: str,
) -> PollResult:
    """Store the incidents of a status page. Raises InvalidPayloadError if nothing follows from the
    body."""
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        stored = store_incidents(source, status, at=at)
        rejects = _build_quarantine_entries(status.rejects)
        has_quarantine_changes = sync_quarantine(source, run, rejects, at=at)
        has_changes = bool(stored.all or has_quarantine_changes)
        if has_changes:
            run.payload = _store_body(source, fetch_result, at=now())
        run.rows = len(status.incidents)
        run.rows_changed = len(stored.all)
        run.rows_vanished = run.rows_backfilled = run.n_events = 0
        run.rows_quarantined = len(rejects)
        _finish_run(
            run,
            FeedRun.Status.CHANGED if has_changes else FeedRun.Status.UNCHANGED,
            fetch_result,
            at=at,
        )
        _record_success(state, run, fetch_result, at=at, url=url, has_changes=has_changes)
    return _log_result(PollResult(run, incidents=stored.all))


def _store_terms(
    run: FeedRun, state: PollState, fetch_result: FetchResult, text: str, *, at: datetime, url: str
) -> PollResult:
    """Compare the text of a page of terms with the last one. A new text is an event, and its body
    is stored; the first text is the baseline. InvalidPayloadError if nearly all of it is gone."""
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        observation = observe_terms(source, text, state.page_form, at=at)
        state.page_form = observation.state
        if observation.is_new:
            run.payload = _store_body(source, fetch_result, at=now())
        run.rows = run.rows_vanished = run.rows_backfilled = run.rows_quarantined = 0
        run.rows_changed = int(observation.is_new)
        run.n_events = len(observation.events)
        _finish_run(
            run,
            FeedRun.Status.CHANGED if observation.is_new else FeedRun.Status.UNCHANGED,
            fetch_result,
            at=at,
        )
        _record_success(state, run, fetch_result, at=at, url=url, has_changes=observation.is_new)
    return _log_result(PollResult(run, observation.events))


def _confirm_unchanged(
    run: FeedRun, state: PollState, fetch_result: FetchResult, *, at: datetime, url: str
) -> PollResult:
    """Record a poll whose body is that of the last one: values on hold for long enough now apply.
    The run shows the row counts of the last successful run."""
    source = run.source
    with (
        transaction.atomic(),
        audit_context(job=f"poll {source.slug}", reason=f"feed run {run.pk}"),
    ):
        ingest_result = ingest_unchanged(
            source=source,
            at=at,
            last_seen=state.last_observed_at,
            rules=change_rules_of(source),
        )
        last_run = FeedRun.objects.succeeded().filter(source=source).exclude(rows=None).first()
        run.rows = last_run.rows if last_run else None
        run.rows_quarantined = last_run.rows_quarantined if last_run else None
        run.rows_changed = ingest_result.observation.n_changed
        run.rows_vanished = 0
        run.rows_backfilled = 0
        run.floated = ingest_result.observation.floated[:MAX_LISTED_EVENTS]
        run.n_events = len(ingest_result.events)
        has_changes = bool(ingest_result.observation.updates)
        _finish_run(
            run,
            FeedRun.Status.CHANGED if has_changes else FeedRun.Status.UNCHANGED,
            fetch_result,
            at=at,
        )
        _record_success(state, run, fetch_result, at=at, url=url, has_changes=has_changes)
    return _log_result(
        PollResult(
            run, _sort_events(ingest_result.events), ingest_result.observation.n_assertions_changed
        )
    )


def _record_failed_fetch(
    run: FeedRun, state: PollState, fetch_result: FetchResult, url: str
) -> PollResult:
    if fetch_result.retry_after_seconds is None:
        return _fail_run(run, state, fetch_result.error, fetch_result=fetch_result)
    until = now() + timedelta(seconds=min(fetch_result.retry_after_seconds, 86_400))
    hostname = urlsplit(url).hostname or ""
    if hostname:
        HostPause.objects.update_or_create(hostname=hostname, defaults={"until": until})
    return _fail_run(run, state, fetch_result.error, fetch_result=fetch_result, retry_at=until)


def _record_rejected_body(
    run: FeedRun, state: PollState, fetch_result: FetchResult, sentence: str
) -> PollResult:
    """Record a body without a usable row: it changes nothing and is stored, so that users can
    inspect it."""
    with transaction.atomic():
        run.payload = _store_body(run.source, fetch_result, at=now())
        return _fail_run(run, state, sentence, fetch_result=fetch_result)


def _fail_run(
    run: FeedRun,
    state: PollState,
    sentence: str,
    *,
    fetch_result: FetchResult | None = None,
    retry_at: datetime | None = None,
) -> PollResult:
    """Close the run as failed with `sentence`. The next poll is due after a pause that doubles with
    each failure, and not before `retry_at`."""
    moment = now()
    with transaction.atomic():
        state.last_attempt_at = moment
        state.failures += 1
        state.error = sentence
        backoff = min(MAX_RETRY_PAUSE, MIN_RETRY_PAUSE * 2 ** min(state.failures - 1, 10))
        state.next_due_at = max(retry_at or moment, moment + _add_jitter(backoff))
        state.save(update_fields=["last_attempt_at", "failures", "error", "next_due_at"])
        run.error = sentence
        _finish_run(run, FeedRun.Status.FAILED, fetch_result, at=None)
    log.warning("feed_run_failed", source=run.source.slug, run=run.pk, reason=sentence)
    return PollResult(run)


def _close_run(
    run: FeedRun,
    ingest_result: IngestResult,
    *,
    n_quarantined: int,
    has_changes: bool,
    fetch_result: FetchResult,
    at: datetime,
) -> None:
    """Store the counts of an ingested body in the run and close it: as suspect if a change needs
    review, otherwise by `has_changes`."""
    observation = ingest_result.observation
    run.rows = observation.n_rows
    run.rows_changed = observation.n_changed + sum(
        claim.topic == "identity" for claim in observation.new
    )
    run.rows_vanished = observation.n_vanished
    run.rows_quarantined = n_quarantined
    run.rows_backfilled = observation.n_backfilled
    run.backfilled = observation.backfilled[:MAX_LISTED_EVENTS]
    run.floated = observation.floated[:MAX_LISTED_EVENTS]
    run.n_events = len(ingest_result.events)
    run.held = observation.held
    status = FeedRun.Status.CHANGED if has_changes else FeedRun.Status.UNCHANGED
    _finish_run(run, FeedRun.Status.SUSPECT if observation.held else status, fetch_result, at=at)


def _finish_run(
    run: FeedRun, status: FeedRun.Status, fetch_result: FetchResult | None, *, at: datetime | None
) -> None:
    run.status = status
    run.finished_at = now()
    run.observed_at = at
    run.step = ""
    if fetch_result is not None:
        run.http_status = fetch_result.http_status
        run.n_bytes = (
            len(fetch_result.body) if fetch_result.body is not None else fetch_result.bytes_on_wire
        )
        run.digest = fetch_result.digest or ""
    run.save()


def _record_success(
    state: PollState,
    run: FeedRun,
    fetch_result: FetchResult,
    *,
    at: datetime,
    url: str,
    has_changes: bool,
    as_of: datetime | None = None,
) -> None:
    """Store that the source was observed `at`: the validators of the body for the next conditional
    request, the end of the failures, and when the next poll is due. If the mapping changed during
    the poll, the next poll is due now and reads the body again."""
    moment = now()
    state.last_attempt_at = state.last_success_at = moment
    state.last_observed_at = at
    if has_changes:
        state.last_change_at = moment
        state.suspect = (
            bool(form_doubts(state.page_form))
            or Assertion.objects.standing().filter(source=run.source, held=True).exists()
        )
    if as_of is not None:
        state.as_of = as_of
    if fetch_result.status == "new":
        state.etag = fetch_result.etag or ""
        state.last_modified = fetch_result.last_modified or ""
        state.digest = fetch_result.digest or state.digest
        state.url = url
    state.failures = 0
    state.error = ""
    state.next_due_at = moment + _add_jitter(timedelta(minutes=run.source.interval_minutes))
    if _has_new_mapping(run):
        state.etag = state.last_modified = state.digest = ""
        state.next_due_at = None
        state.page_form = {}
    state.save()


def _has_new_mapping(run: FeedRun) -> bool:
    """Return whether a user changed the source's mapping during the poll: the same body must then
    be read again."""
    if run.source.kind not in MAPPED_KINDS or run.started_at is None:
        return False
    # A change of the mapping updates the poll state last. The lock on that row makes the later of
    # the two transactions wait, so that it sees the changes of the earlier one.
    PollState.objects.select_for_update().get(pk=run.source_id)
    return SourceMapping.objects.filter(
        source=run.source_id, updated_at__gte=run.started_at
    ).exists()


def _log_result(result: PollResult) -> PollResult:
    run = result.run
    log.info(
        "feed_run_finished",
        source=run.source.slug,
        run=run.pk,
        status=str(run.status),
        rows=run.rows,
        changed=run.rows_changed,
        events=len(result.events),
    )
    return result


def _store_body(source: Source, fetch_result: FetchResult, *, at: datetime) -> Payload | None:
    """Store the body, compressed, once per digest."""
    if fetch_result.body is None or not fetch_result.digest:
        return None
    existing = Payload.objects.filter(source=source, digest=fetch_result.digest).only("pk").first()
    if existing is not None:
        return existing
    return Payload.objects.create(
        source=source,
        digest=fetch_result.digest,
        body=gzip.compress(fetch_result.body, compresslevel=6, mtime=0),
        n_bytes=len(fetch_result.body),
        received_at=at,
    )


def _record_progress(run: FeedRun, step: str) -> None:
    """Record progress and a heartbeat, outside of the transaction that does the work."""
    run.step = step
    run.heartbeat_at = now()
    FeedRun.objects.filter(pk=run.pk).update(step=step, heartbeat_at=run.heartbeat_at)


def _find_host_pause(url: str, *, at: datetime) -> HostPause | None:
    hostname = urlsplit(url).hostname
    return HostPause.objects.filter(hostname=hostname, until__gt=at).first() if hostname else None


def _add_jitter(pause: timedelta) -> timedelta:
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
