"""Telemetry ingestion: the calls of a request become a pending batch, in one short transaction,
each call once.

The endpoint answers once this has committed. A request sent again, by any route and even at the
same moment, adds nothing: its keys exist, or it waits until they do."""

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
from apps.intake.telemetry.token_scope import RefusedServices, refused_part

log = structlog.get_logger(__name__)

# a clock that is wrong does not make up days: what lies outside is counted as of now
_OLDEST, _NEWEST = timedelta(days=400), timedelta(hours=1)
_DAY = 86_400_000_000_000
_MICROSECOND = 1_000
# so often a process keeps again what it sees of a service
_CACHE_SECONDS = 12 * 3600
_CHECK_SECONDS = 5.0
_TOO_MANY_NAMES = (
    "Daily limit of distinct service or model names reached for this API token. Do not use "
    "values that change per request."
)


class BacklogFullError(Exception):
    """Error: more batches wait than are aggregated; the sender may retry later."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Outcome of one request. `n_dropped` calls were lost, for `reason`; those counted before are
    not among them."""

    n_counted: int = 0
    n_repeated: int = 0
    n_dropped: int = 0
    reason: str = ""


def ingest_calls(
    *,
    read: ReadRequest,
    stream: str,
    token: ApiToken | None,
    at: datetime,
    application: int | None = None,
) -> IngestResult:
    """Store the calls of one request for aggregation.

    `application` is for the operator's own files; a bound token's calls go to its application,
    whatever service they name. BacklogFullError while aggregation is far behind."""
    if not read.calls and not read.readings and not read.answers:
        return IngestResult(n_dropped=read.n_refused, reason=read.refused_because)
    _refuse_full_backlog()
    environment, bound_team = "", None
    if token is not None:
        bindings = TokenBinding.objects.filter(token=token)
        bound = bindings.values_list("application", "environment", "application__team").first()
        if bound is not None:
            application, environment, bound_team = bound
    calls, readings, n_dropped = _within_limits(read, token, at)
    reasons = [read.refused_because] if read.n_refused else []
    if n_dropped:
        reasons.append(_TOO_MANY_NAMES)
        log.warning(
            "calls dropped",
            token=token.prefix if token else "",
            n_dropped=n_dropped,
            because=_TOO_MANY_NAMES,
        )
    refused = RefusedServices()
    if token is not None:
        refused = refused_part(_names(calls, readings), token=token, bound_team=bound_team)
    dropped: Counter[int | None] = Counter()
    if refused:
        dropped.update(
            refused.service_of(call.names) for call in calls if refused.covers(call.names)
        )
        calls = [call for call in calls if not refused.covers(call.names)]
        # they go on all the same: how many calls a counter tells of is known only where its
        # readings stand in order, and there they are dropped
        n_refused = dropped.total() + sum(refused.covers(each.names) for each in readings)
        n_dropped += n_refused
        reasons += [refused.reason] if n_refused else []
    batch = _Batch(at, environment, is_bound=application is not None)
    whose = CallSender(stream, token, application)
    with transaction.atomic():
        seen = _counted_before(((call.key, call.key_at) for call in calls), at)
        if read.tells_answers or any(call.half for call in calls):
            settled = correlate_calls(read, calls, seen, whose, batch.row_of, at=at)
            calls = settled.calls
            batch.move(settled.moved, to=settled.rows)
        n_repeated = batch.add_calls(calls, seen)
        batch.add_readings(
            readings, _counted_before(((_key(each), 0) for each in readings if each.is_delta), at)
        )
        batch.store(stream=stream, token=token, application=application, dropped=dropped)
    if batch.is_filled or dropped:
        aggregation_trigger.schedule_aggregation()
    return IngestResult(
        len(calls) - n_repeated, n_repeated, n_dropped + read.n_refused, "; ".join(reasons)
    )


def _within_limits(
    read: ReadRequest, token: ApiToken | None, at: datetime
) -> tuple[list[Call], list[CounterReading], int]:
    told = _names(read.calls, read.readings)
    refused = names_over_limit(told, token=token.pk, day=day_of(at)) if token is not None else set()
    if not refused:
        return read.calls, read.readings, 0
    calls = [call for call in read.calls if call.names not in refused]
    readings = [reading for reading in read.readings if reading.names not in refused]
    return calls, readings, len(read.calls) - len(calls) + len(read.readings) - len(readings)


def _names(calls: Iterable[Call], readings: Iterable[CounterReading]) -> set[CallNames]:
    # readers make equal names once, and hashing a dozen texts a call costs
    told = set({id(call.names): call.names for call in calls}.values())
    told.update(reading.names for reading in readings)
    return told


# --- once -----------------------------------------------------------------------------------------


def _key(reading: CounterReading) -> int:
    return digest64(b"delta", f"{reading.series}:{reading.start}:{reading.at}".encode())


def _counted_before(keys: Iterable[tuple[int, int]], at: datetime) -> set[int]:
    """Return those that were counted before; the others are recorded as counted now."""
    first: dict[int, int] = {}
    for key, moment in keys:
        first.setdefault(key, moment)
    if not first:
        return set()
    with connection.cursor() as cursor:
        # in the order of keys, so that two requests that share some wait for each other and never
        # both
        cursor.execute(
            """
            WITH told AS MATERIALIZED (SELECT *
            FROM unnest(%s::bigint[], %s::bigint[]) AS t(key, at)),
            new AS (
                INSERT INTO intake_countedcall AS s (key, at, hour) SELECT key, at, %s FROM told
                ORDER BY key
                ON CONFLICT (key) DO UPDATE SET at = excluded.at, hour = excluded.hour
                WHERE abs(excluded.at - s.at) > %s
                RETURNING key
            )
            SELECT key FROM told WHERE NOT EXISTS (SELECT FROM new WHERE new.key = told.key)
            """,
            [_array(first), _array(first.values()), int(at.timestamp()) // 3600, SAME_CALL_SECONDS],
        )
        return {key for (key,) in cursor.fetchall()}


def _array(numbers: Iterable[int]) -> str:
    """Return an array literal as PostgreSQL writes one: the driver takes ten times as long for the
    same."""
    return f"{{{','.join(map(str, numbers))}}}"


# --- by name and day ------------------------------------------------------------------------------


class _Batch:
    """Batch: calls counted by names and UTC day, and readings as they are; the content of a
    CallBatch."""

    def __init__(self, at: datetime, environment: str, *, is_bound: bool) -> None:
        self._now = int(at.timestamp() * 1e9)
        self._earliest = int((at - _OLDEST).timestamp() * 1e9)
        self._latest = int((at + _NEWEST).timestamp() * 1e9)
        self._at = at
        self._environment = environment
        self._is_bound = is_bound
        # by identity: readers make equal names once, and hashing a dozen texts a call is what
        # counting costs
        self._groups: dict[tuple[int, int], list[object]] = {}
        self._names: dict[int, CallNames] = {}
        self._rows: list[CallRow] = []
        self._moved: list[CallRow] = []
        self._readings: list[list[object]] = []

    @property
    def is_filled(self) -> bool:
        return bool(self._groups or self._rows or self._readings)

    def row_of(self, call: Call) -> CallRow:
        """Return one call as it is stored in a batch, if it is not counted yet."""
        alone = _Batch(self._at, self._environment, is_bound=self._is_bound)
        alone.add_calls([call], set())
        return alone.rows()[0]

    def move(self, counted: Iterable[CallRow], *, to: Iterable[CallRow]) -> None:
        """Move what an earlier batch counted under other names."""
        self._moved += counted
        self._rows += to

    def rows(self) -> list[CallRow]:
        return self._rows + [
            [
                list(self._told(self._names[place])),
                day,
                *counted[:6],
                counted[6] // _MICROSECOND,  # type: ignore[operator]
                counted[7] // _MICROSECOND,  # type: ignore[operator]
                counted[8],
            ]
            for (place, day), counted in self._groups.items()
        ]

    def add_calls(self, calls: list[Call], seen: set[int]) -> int:
        """Add calls, and return the number of those that were counted before, in this request or
        another."""
        n_repeated = 0
        earliest, latest, now, groups = self._earliest, self._latest, self._now, self._groups
        told: set[int] = set(seen)
        for names, at, key, _, is_error, sent, answered, cost, trace, _ in calls:
            if key in told:
                n_repeated += 1
                continue
            told.add(key)
            if not earliest <= at <= latest:
                at = now
            place = (id(names), at // _DAY)
            group = groups.get(place)
            if group is None:
                # calls, errors, without usage, input, output, cost, first, last, trace
                self._names[place[0]] = names
                group = groups[place] = [0, 0, 0, None, None, None, at, at, trace]
            group[0] += 1  # type: ignore[operator]
            if is_error:
                group[1] += 1  # type: ignore[operator]
            if sent is None and answered is None:
                group[2] += 1  # type: ignore[operator]
            else:
                if sent is not None:
                    group[3] = (group[3] or 0) + sent  # type: ignore[operator]
                if answered is not None:
                    group[4] = (group[4] or 0) + answered  # type: ignore[operator]
            if cost is not None:
                group[5] = (group[5] or 0.0) + cost  # type: ignore[operator]
            if at < group[6]:  # type: ignore[operator]
                group[6] = at
            elif at > group[7]:  # type: ignore[operator]
                group[7] = at
        return n_repeated

    def add_readings(self, readings: list[CounterReading], seen: set[int]) -> None:
        for each in readings:
            if each.is_delta:
                key = _key(each)
                if key in seen:
                    continue
                seen.add(key)
            at = each.at if self._earliest <= each.at <= self._latest else self._now
            told, start = list(self._told(each.names)), min(each.start, at)
            self._readings.append(
                [told, each.measure, each.series, start, at, each.value, each.is_delta]
            )

    def store(
        self,
        *,
        stream: str,
        token: ApiToken | None,
        application: int | None,
        dropped: Counter[int | None],
    ) -> None:
        """Store the batch; `dropped` are numbers of calls that the token may not report, by linked
        service; None for a bound token."""
        if not self.is_filled and not dropped:
            return
        body = orjson.dumps(
            {
                "calls": self.rows(),
                "readings": self._readings,
                "moved": self._moved,
                "dropped": list(dropped.items()),
            }
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO intake_callbatch (token_id, application_id, stream, groups, "
                "received_at)"
                " VALUES (%s, %s, %s, %s::jsonb, %s)",
                [token.pk if token else None, application, stream, body.decode(), self._at],
            )

    def _told(self, names: CallNames) -> CallNames:
        if self._is_bound:
            names = names._replace(scope="", service="")
        if self._environment and not names.environment:
            names = names._replace(environment=self._environment)
        return names


# --- what one process remembers -------------------------------------------------------------------

_last_check: dict[str, float] = {"at": float("-inf"), "is_full": 0.0}
_instrumented: dict[str, float] = {}


def _refuse_full_backlog() -> None:
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
    """Return services that send an SDK's own spans here, and have sent an instrumentation's beside
    them before."""
    moment = monotonic()
    kind = SenderFact.Kind.INSTRUMENTED
    seen = {
        name
        for name in collector.instrumented
        if moment - _instrumented.get(name, float("-inf")) > _CACHE_SECONDS
    }
    if seen:
        record_facts(kind, {_service_key(name) for name in seen}, at=now())
        if len(_instrumented) > 10_000:
            _instrumented.clear()
        _instrumented.update(dict.fromkeys(seen, moment))
    asked = {
        _service_key(name): name for name in collector.services_of_sdk - collector.instrumented
    }
    return {asked[key] for key in known_facts(kind, asked.keys(), at=now())}


def _service_key(service: str) -> int:
    return digest64(service.encode())
