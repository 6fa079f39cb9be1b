"""Telemetry ingestion: the calls of a request become a pending batch, in one short transaction,
each call once.

The endpoint responds after the commit. A request that is sent again, even at the same moment, adds
nothing: its keys exist already, or the transaction waits until the first one has committed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import orjson
import structlog
from django.db import connection, transaction

from apps.accounts.models import ApiToken
from apps.common.time import day_of, now
from apps.intake.models import SenderFact, TokenBinding
from apps.intake.telemetry import aggregation_trigger
from apps.intake.telemetry.cardinality_limit import names_over_limit
from apps.intake.telemetry.correlation import CallRow, CallSender, correlate_calls
from apps.intake.telemetry.limits import MAX_WAITING_BATCHES, SAME_CALL_SECONDS
from apps.intake.telemetry.otlp.spans import SpanCollector
from apps.intake.telemetry.records import Call, CallNames, CounterReading, ReadRequest, digest64
from apps.intake.telemetry.sender_facts import known_facts, record_facts
from apps.intake.telemetry.token_scope import RefusedServices, find_refused_services
from apps.intake.telemetry.used_items import items_of

log = structlog.get_logger(__name__)

# calls outside these bounds come from a wrong clock, and are counted as of now
_OLDEST, _NEWEST = timedelta(days=400), timedelta(hours=1)
_DAY = 86_400_000_000_000
_MICROSECOND = 1_000
# after this time a process records the same fact about a service again
_CACHE_SECONDS = 12 * 3600
_CHECK_SECONDS = 5.0
_TOO_MANY_NAMES = (
    "Daily limit of distinct service or model names reached for this API token. Do not use "
    "values that change per request."
)


class BacklogFullError(Exception):
    """Error: too many batches wait for aggregation; the sender may retry later."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Outcome of one request. `n_dropped` calls were dropped for `reason`; `n_repeated` calls were
    counted before, and are not among the dropped ones."""

    n_counted: int = 0
    n_repeated: int = 0
    n_dropped: int = 0
    reason: str = ""


def ingest_calls(
    *,
    request: ReadRequest,
    stream: str,
    token: ApiToken | None,
    at: datetime,
    application: int | None = None,
) -> IngestResult:
    """Store the calls of one request for aggregation.

    `application` is for the operator's own files; a bound token's calls go to its application,
    whatever service they name. BacklogFullError while aggregation is far behind."""
    if not request.calls and not request.readings and not request.answers:
        return IngestResult(n_dropped=request.n_refused, reason=request.refused_because)
    _refuse_full_backlog()
    environment, bound_team = "", None
    if token is not None:
        bindings = TokenBinding.objects.filter(token=token)
        binding = bindings.values_list("application", "environment", "application__team").first()
        if binding is not None:
            application, environment, bound_team = binding
    calls, readings, n_dropped = _apply_name_limits(request, token, at)
    reasons = [request.refused_because] if request.n_refused else []
    if n_dropped:
        reasons.append(_TOO_MANY_NAMES)
        log.warning(
            "calls dropped",
            token=token.prefix if token else "",
            n_dropped=n_dropped,
            because=_TOO_MANY_NAMES,
        )
    refused_services = RefusedServices()
    if token is not None:
        refused_services = find_refused_services(
            _collect_names(calls, readings), token=token, bound_team=bound_team
        )
    dropped_calls: Counter[int | None] = Counter()
    if refused_services:
        dropped_calls.update(
            refused_services.service_of(call.names)
            for call in calls
            if refused_services.covers(call.names)
        )
        calls = [call for call in calls if not refused_services.covers(call.names)]
        # readings are stored nevertheless: only aggregation has them in order, so only there the
        # number of calls is known and they are dropped
        n_refused = dropped_calls.total() + sum(
            refused_services.covers(reading.names) for reading in readings
        )
        n_dropped += n_refused
        reasons += [refused_services.reason] if n_refused else []
    batch = _Batch(at, environment, is_bound=application is not None)
    sender = CallSender(stream, token, application)
    with transaction.atomic():
        counted_keys = _record_keys(((call.key, call.key_at) for call in calls), at)
        if request.tells_answers or any(call.half for call in calls):
            correlation = correlate_calls(request, calls, counted_keys, sender, batch.row_of, at=at)
            calls = correlation.calls
            batch.move(correlation.moved, to=correlation.rows)
        n_repeated = batch.add_calls(calls, counted_keys)
        batch.add_readings(
            readings,
            _record_keys(
                ((_reading_key(reading), 0) for reading in readings if reading.is_delta), at
            ),
        )
        batch.store(
            stream=stream, token=token, application=application, dropped_calls=dropped_calls
        )
    if batch.is_filled or dropped_calls:
        aggregation_trigger.schedule_aggregation()
    return IngestResult(
        len(calls) - n_repeated, n_repeated, n_dropped + request.n_refused, "; ".join(reasons)
    )


def _apply_name_limits(
    request: ReadRequest, token: ApiToken | None, at: datetime
) -> tuple[list[Call], list[CounterReading], int]:
    """Return (calls, readings, number of dropped ones) within the cardinality limit of the
    token."""
    call_names = _collect_names(request.calls, request.readings)
    rejected_names = (
        names_over_limit(call_names, token=token.pk, day=day_of(at)) if token is not None else set()
    )
    if not rejected_names:
        return request.calls, request.readings, 0
    calls = [call for call in request.calls if call.names not in rejected_names]
    readings = [reading for reading in request.readings if reading.names not in rejected_names]
    return calls, readings, len(request.calls) - len(calls) + len(request.readings) - len(readings)


def _collect_names(calls: Iterable[Call], readings: Iterable[CounterReading]) -> set[CallNames]:
    # readers share one object for equal names, and comparing ids is cheaper than hashing names
    call_names = set({id(call.names): call.names for call in calls}.values())
    call_names.update(reading.names for reading in readings)
    return call_names


# --- keys of counted calls ------------------------------------------------------------------------


def _reading_key(reading: CounterReading) -> int:
    return digest64(b"delta", f"{reading.series}:{reading.start}:{reading.at}".encode())


def _record_keys(keys: Iterable[tuple[int, int]], at: datetime) -> set[int]:
    """Record (key, seconds) as counted, and return the keys that were counted before.

    A key counts as another call if its time differs by more than SAME_CALL_SECONDS."""
    moments_by_key: dict[int, int] = {}
    for key, moment in keys:
        moments_by_key.setdefault(key, moment)
    if not moments_by_key:
        return set()
    with connection.cursor() as cursor:
        # in the order of keys, so that two requests with common keys cannot deadlock
        cursor.execute(
            """
            WITH reported AS MATERIALIZED (SELECT *
            FROM unnest(%s::bigint[], %s::bigint[]) AS t(key, at)),
            new AS (
                INSERT INTO intake_countedcall AS s (key, at, hour) SELECT key, at, %s FROM reported
                ORDER BY key
                ON CONFLICT (key) DO UPDATE SET at = excluded.at, hour = excluded.hour
                -- seconds: nearer ones are the same call, and are neither written nor returned
                WHERE abs(excluded.at - s.at) > %s
                RETURNING key
            )
            SELECT key FROM reported WHERE NOT EXISTS (SELECT FROM new WHERE new.key = reported.key)
            """,
            [
                _array_literal(moments_by_key),
                _array_literal(moments_by_key.values()),
                int(at.timestamp()) // 3600,
                SAME_CALL_SECONDS,
            ],
        )
        return {key for (key,) in cursor.fetchall()}


def _array_literal(numbers: Iterable[int]) -> str:
    """Return the numbers as a PostgreSQL array literal; the driver needs ten times as long for
    it."""
    return f"{{{','.join(map(str, numbers))}}}"


# --- batches by names and day ---------------------------------------------------------------------


class _Batch:
    """Content of a CallBatch: totals of calls by names and UTC day, and unchanged counter
    readings."""

    def __init__(self, at: datetime, environment: str, *, is_bound: bool) -> None:
        """Begin a batch received `at`; calls too far from then are left out. `environment` is used
        for calls that state none. `is_bound`: the token is bound to an application, so that service
        names do not matter."""
        self._now = int(at.timestamp() * 1e9)
        self._earliest = int((at - _OLDEST).timestamp() * 1e9)
        self._latest = int((at + _NEWEST).timestamp() * 1e9)
        self._at = at
        self._environment = environment
        self._is_bound = is_bound
        # by id: readers share one object for equal names, and hashing names for each call would be
        # most of the cost
        self._groups: dict[tuple[int, int], list[object]] = {}
        self._names_by_id: dict[int, CallNames] = {}
        self._rows: list[CallRow] = []
        self._moved: list[CallRow] = []
        self._readings: list[list[object]] = []

    @property
    def is_filled(self) -> bool:
        return bool(self._groups or self._rows or self._readings)

    def row_of(self, call: Call) -> CallRow:
        """Return the stored form of one call that is not counted yet."""
        batch = _Batch(self._at, self._environment, is_bound=self._is_bound)
        batch.add_calls([call], set())
        return batch.rows()[0]

    def move(self, moved_rows: Iterable[CallRow], *, to: Iterable[CallRow]) -> None:
        """Move calls of an earlier batch to the names of `to`."""
        self._moved += moved_rows
        self._rows += to

    def rows(self) -> list[CallRow]:
        """Return the totals as they are stored, with times in microseconds."""
        return self._rows + [
            [
                list(self._complete_names(self._names_by_id[names_id])),
                day,
                *totals[:6],
                totals[6] // _MICROSECOND,  # type: ignore[operator]
                totals[7] // _MICROSECOND,  # type: ignore[operator]
                totals[8],
                totals[9],
                totals[10],
                _count_items(totals[11]),  # type: ignore[arg-type]
                totals[12],
            ]
            for (names_id, day), totals in self._groups.items()
        ]

    def add_calls(self, calls: list[Call], counted_keys: set[int]) -> int:
        """Add calls, and return the number of repeated ones: counted before, in this request or in
        an earlier one."""
        n_repeated = 0
        earliest, latest, now_ns, groups = self._earliest, self._latest, self._now, self._groups
        known_keys: set[int] = set(counted_keys)
        for (
            names,
            at,
            key,
            _,
            is_error,
            input_tokens,
            output_tokens,
            cost,
            trace,
            _,
            uses,
            is_refused,
        ) in calls:
            if key in known_keys:
                n_repeated += 1
                continue
            known_keys.add(key)
            if not earliest <= at <= latest:
                at = now_ns
            group_key = (id(names), at // _DAY)
            group = groups.get(group_key)
            if group is None:
                # calls, errors, without usage, input, output, cost, first, last, trace,
                # longest input, largest output, {items: calls that use them}, refused
                self._names_by_id[group_key[0]] = names
                group = groups[group_key] = [
                    *(0, 0, 0, None, None, None, at, at, trace),
                    *(None, None, None, 0),
                ]
            group[0] += 1  # type: ignore[operator]
            if is_error:
                group[1] += 1  # type: ignore[operator]
                if is_refused:
                    group[12] += 1  # type: ignore[operator]
            if input_tokens is None and output_tokens is None:
                group[2] += 1  # type: ignore[operator]
            else:
                if input_tokens is not None:
                    group[3] = (group[3] or 0) + input_tokens  # type: ignore[operator]
                    if input_tokens > (group[9] or 0):  # type: ignore[operator]
                        group[9] = input_tokens
                if output_tokens is not None:
                    group[4] = (group[4] or 0) + output_tokens  # type: ignore[operator]
                    if output_tokens > (group[10] or 0):  # type: ignore[operator]
                        group[10] = output_tokens
            # what a failed call asked for was not used
            if uses and not is_error:
                if group[11] is None:
                    group[11] = {}
                used: dict[int, int] = group[11]  # type: ignore[assignment]
                used[uses] = used.get(uses, 0) + 1
            if cost is not None:
                group[5] = (group[5] or 0.0) + cost  # type: ignore[operator]
            if at < group[6]:  # type: ignore[operator]
                group[6] = at
            elif at > group[7]:  # type: ignore[operator]
                group[7] = at
        return n_repeated

    def add_readings(self, readings: list[CounterReading], counted_keys: set[int]) -> None:
        """Add readings, except deltas that were counted before."""
        for reading in readings:
            if reading.is_delta:
                key = _reading_key(reading)
                if key in counted_keys:
                    continue
                counted_keys.add(key)
            at = reading.at if self._earliest <= reading.at <= self._latest else self._now
            name_fields, start = list(self._complete_names(reading.names)), min(reading.start, at)
            self._readings.append(
                [
                    name_fields,
                    reading.measure,
                    reading.series,
                    start,
                    at,
                    reading.value,
                    reading.is_delta,
                ]
            )

    def store(
        self,
        *,
        stream: str,
        token: ApiToken | None,
        application: int | None,
        dropped_calls: Counter[int | None],
    ) -> None:
        """Store the batch. `dropped_calls` are numbers of calls that the token may not report, by
        linked service, or under None for a bound token."""
        if not self.is_filled and not dropped_calls:
            return
        body = orjson.dumps(
            {
                "calls": self.rows(),
                "readings": self._readings,
                "moved": self._moved,
                "dropped": list(dropped_calls.items()),
            }
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO intake_callbatch (token_id, application_id, stream, groups, "
                "received_at)"
                " VALUES (%s, %s, %s, %s::jsonb, %s)",
                [token.pk if token else None, application, stream, body.decode(), self._at],
            )

    def _complete_names(self, names: CallNames) -> CallNames:
        """Return the names with the token's binding applied: no service, and its environment as the
        default."""
        if self._is_bound:
            names = names._replace(scope="", service="")
        if self._environment and not names.environment:
            names = names._replace(environment=self._environment)
        return names


def _count_items(calls_by_uses: dict[int, int] | None) -> dict[str, int] | None:
    """Return {item: calls that use it} of {items as bits: calls}."""
    if calls_by_uses is None:
        return None
    counts: Counter[str] = Counter()
    for uses, n_calls in calls_by_uses.items():
        for item in items_of(uses):
            counts[item] += n_calls
    return dict(counts)


# --- caches of one process ------------------------------------------------------------------------

_last_check: dict[str, float] = {"at": float("-inf"), "is_full": 0.0}
_instrumented: dict[str, float] = {}


def _refuse_full_backlog() -> None:
    """Raise BacklogFullError if too many batches wait; counted once in _CHECK_SECONDS."""
    moment = monotonic()
    if moment - _last_check["at"] > _CHECK_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM (SELECT FROM intake_callbatch LIMIT %s) AS b",
                [MAX_WAITING_BATCHES],
            )
            _last_check["is_full"] = float(cursor.fetchone()[0] >= MAX_WAITING_BATCHES)
        _last_check["at"] = moment
    if _last_check["is_full"]:
        aggregation_trigger.schedule_aggregation()
        raise BacklogFullError


def instrumented_services(collector: SpanCollector) -> set[str]:
    """Return services that send an SDK's own spans in this request, and have sent spans of an
    instrumentation before."""
    moment = monotonic()
    kind = SenderFact.Kind.INSTRUMENTED
    names_to_record = {
        name
        for name in collector.instrumented
        if moment - _instrumented.get(name, float("-inf")) > _CACHE_SECONDS
    }
    if names_to_record:
        record_facts(kind, {_service_key(name) for name in names_to_record}, at=now())
        if len(_instrumented) > 10_000:
            _instrumented.clear()
        _instrumented.update(dict.fromkeys(names_to_record, moment))
    names_by_key = {
        _service_key(name): name for name in collector.services_of_sdk - collector.instrumented
    }
    return {names_by_key[key] for key in known_facts(kind, names_by_key.keys(), at=now())}


def _service_key(service: str) -> int:
    return digest64(service.encode())
