"""Aggregation of pending batches into observations and daily counts; the batches are deleted in the
same transaction.

One pass at a time: it holds a lock until it commits, so that nothing is counted twice or lost,
wherever a worker ends. Cumulative counters are turned into differences here, since only here
readings are in order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, connection, transaction

from apps.accounts.models import ApiToken
from apps.intake.documents.records import Sighting, clean
from apps.intake.models import CallBatch, MeteredSeries
from apps.intake.observations.storage import (
    AttributedSighting,
    ensure_services,
    observation_key,
    store_observations,
)
from apps.intake.telemetry.correlation import purge_unmatched_calls
from apps.intake.telemetry.records import CallNames, moment_of
from apps.intake.telemetry.token_scope import TokenPermissions

log = structlog.get_logger(__name__)

# batches of one transaction
BATCHES_AT_A_TIME = 400
# advisory: a second pass at the same time finds nothing to do
AGGREGATION_LOCK = 7_305_114_503
# a counter that began longer ago tells nothing of when it grew: its first reading is only a
# beginning
_COUNTS_FROM_START = 24 * 3600 * 1_000_000_000
_DAY = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)
# numbers of calls by (service, token); without a service where the token is bound to an application
type _Dropped = Counter[tuple[int | None, int]]
_UNWRITABLE = (DataError, IntegrityError, LookupError, OverflowError, TypeError, ValueError)


@dataclass(slots=True)
class CallTotals:
    """Totals of one set of names on one day; moments in microseconds."""

    calls: int = 0
    errors: int = 0
    without_usage: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    first: int = 1 << 62
    last: int = 0
    trace: str = ""

    def add(self, other: "CallTotals") -> None:
        self.calls += other.calls
        self.errors += other.errors
        self.without_usage += other.without_usage
        self.input_tokens = _sum(self.input_tokens, other.input_tokens)
        self.output_tokens = _sum(self.output_tokens, other.output_tokens)
        self.cost = _sum(self.cost, other.cost)
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.trace = self.trace or other.trace


def _sum[N: (int, float)](one: N | None, other: N | None) -> N | None:
    return other if one is None else one if other is None else one + other


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sender of a set of names: the stream, and the application of a bound token."""

    stream: str
    application: int | None
    token: int | None


@dataclass(slots=True)
class _TotalsByDay:
    days: dict[tuple[_Sender, CallNames], dict[int, CallTotals]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def add(self, whose: _Sender, names: CallNames, day: int, counted: CallTotals) -> None:
        days = self.days[whose, names]
        if day in days:
            days[day].add(counted)
        else:
            days[day] = counted


def aggregate_waiting(*, at: datetime) -> int:
    """Aggregate all that waits, and return the number of batches. Does nothing while another pass
    is under way."""
    purge_unmatched_calls(at=at)
    n_done = 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [AGGREGATION_LOCK])
                if not cursor.fetchone()[0]:
                    return n_done
            batches = list(CallBatch.objects.order_by("pk")[:BATCHES_AT_A_TIME])
            if batches:
                _aggregate_or_isolate(batches, at=at)
        n_done += len(batches)
        if len(batches) < BATCHES_AT_A_TIME:
            return n_done


def _aggregate_or_isolate(batches: Sequence[CallBatch], *, at: datetime) -> None:
    """Aggregate all batches together; if one of them cannot be written, each by itself.

    The failing one is dropped and logged: it would block every other one for ever."""
    try:
        with transaction.atomic():
            _aggregate_batches(batches, at=at)
    except _UNWRITABLE as error:
        if len(batches) > 1:
            for batch in batches:
                _aggregate_or_isolate([batch], at=at)
            return
        log.exception(
            "calls that cannot be aggregated",
            batch=batches[0].pk,
            stream=batches[0].stream,
            error=str(error),
        )
        CallBatch.objects.filter(pk=batches[0].pk).delete()


def _aggregate_batches(batches: Sequence[CallBatch], *, at: datetime) -> None:
    sums, moved = _TotalsByDay(), _TotalsByDay()
    dropped: _Dropped = Counter()
    readings: list[tuple[_Sender, list[Any]]] = []
    for batch in batches:
        whose = _Sender(batch.stream, batch.application_id, batch.token_id)
        for into, rows in ((sums, batch.groups["calls"]), (moved, batch.groups.get("moved", ()))):
            for told, day, *counted in rows:
                into.add(whose, CallNames(*told), day, CallTotals(*counted))
        readings += [(whose, reading) for reading in batch.groups["readings"]]
        if batch.token_id is not None:
            for service, n_calls in batch.groups.get("dropped", ()):
                dropped[service, batch.token_id] += n_calls
    _add_readings(readings, sums)
    _store_totals(sums, dropped, at=at)
    if moved.days:
        _subtract_moved(moved, at=at)
    CallBatch.objects.filter(pk__in=[batch.pk for batch in batches]).delete()


# --- counters -------------------------------------------------------------------------------------


def _add_readings(readings: list[tuple[_Sender, list[Any]]], sums: _TotalsByDay) -> None:
    """Count each cumulative reading as the difference from the reading before it of the same
    counter."""
    if not readings:
        return
    kept = MeteredSeries.objects.in_bulk({reading[2] for _, reading in readings if not reading[6]})
    changed: set[int] = set()
    for whose, (told, measure, key, start, at, value, is_delta) in sorted(
        readings, key=lambda each: each[1][4]
    ):
        more = value
        if not is_delta:
            last = kept.get(key)
            if last is None:
                more = value if at - start <= _COUNTS_FROM_START else 0
                kept[key] = MeteredSeries(key=key, start=start, at=at, value=value)
            elif at <= last.at:
                # sent again, or overtaken by a later one
                continue
            else:
                # a counter that began anew, which its start tells, or its value
                more = value - last.value if start <= last.start and value >= last.value else value
                last.start, last.at, last.value = max(start, last.start), at, value
            changed.add(key)
        if more > 0:
            sums.add(whose, CallNames(*told), at // _DAY, _measured(measure, more, at))
    rows = [kept[key] for key in sorted(changed)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_meteredseries (key, start, at, value)
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::float8[])
            ON CONFLICT (key) DO UPDATE SET start = excluded.start, at = excluded.at,
                value = excluded.value
            """,
            [
                [row.key for row in rows],
                [row.start for row in rows],
                [row.at for row in rows],
                [float(row.value) for row in rows],
            ],
        )


def _measured(measure: str, value: float, at: int) -> CallTotals:
    number = round(value)
    counted = CallTotals(first=at // 1_000, last=at // 1_000)
    match measure:
        case "calls":
            counted.calls = counted.without_usage = number
        case "errors":
            counted.calls = counted.errors = counted.without_usage = number
        case "with_usage":
            counted.without_usage = -number
        case "input":
            counted.input_tokens = number
        case "output":
            counted.output_tokens = number
    return counted


# --- rows -----------------------------------------------------------------------------------------


def _store_totals(sums: _TotalsByDay, dropped: _Dropped, *, at: datetime) -> None:
    """Store the totals, and count what is `dropped`, including what the senders are no longer
    authorised to report."""
    by_name = {
        whose_and_names for whose_and_names in sums.days if whose_and_names[0].application is None
    }
    senders = {whose.token for whose, _ in sums.days if whose.token is not None}
    tokens = ApiToken.objects.select_related("user").in_bulk(senders)
    services = _services(by_name, tokens, at)
    claimed = {application for _, application, _ in services.values() if application is not None}
    speakers = TokenPermissions(
        tokens, claimed | {whose.application for whose, _ in sums.days if whose.application}
    )
    by_stream: dict[str, list[tuple[AttributedSighting, dict[int, CallTotals]]]] = defaultdict(list)
    for (whose, names), days in sums.days.items():
        application, service = whose.application, None
        if application is None:
            service, application, is_ignored = services[names.scope, clean(names.service)]
            if is_ignored:
                continue
        is_bound = whose.application is not None
        if application is not None and not speakers.may_speak(
            whose.token, application, is_bound=is_bound
        ):
            assert whose.token is not None
            dropped[service, whose.token] += sum(counted.calls for counted in days.values())
            continue
        by_stream[whose.stream].append(
            (_attribute_names(names, application, service, days.values()), days)
        )
    # services before observations, as whoever links a service does
    _record_dropped(dropped, at=at)
    for stream, found in sorted(by_stream.items()):
        store_observations(stream, [placed for placed, _ in found])
        # names that differ only in what is a hint are one observation
        days_of: dict[UUID, dict[int, CallTotals]] = defaultdict(dict)
        for placed, days in found:
            known = days_of[observation_key(stream, placed)]
            for day, counted in days.items():
                if day in known:
                    known[day].add(counted)
                else:
                    known[day] = counted
        _add_days(
            [(key, day, counted) for key, days in days_of.items() for day, counted in days.items()]
        )


def _record_dropped(dropped: _Dropped, *, at: datetime) -> None:
    """Count lost calls by service and token, where the users of the service see them."""
    rows = sorted(
        ((service, token, n) for (service, token), n in dropped.items() if n > 0), key=str
    )
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_servicetoken AS k (
                service_id, token_id, last_sent_at, n_dropped, first_dropped_at, last_dropped_at
            )
            SELECT d.service, t.id, %(at)s, d.n, %(at)s, %(at)s
            FROM unnest(%(services)s::bigint[], %(tokens)s::bigint[],
                %(numbers)s::bigint[]) AS d(service, token, n)
            JOIN accounts_apitoken t ON t.id = d.token
            WHERE d.service IS NULL OR EXISTS (SELECT FROM intake_service s WHERE s.id = d.service)
            ON CONFLICT (service_id, token_id) DO UPDATE SET
                last_sent_at = greatest(k.last_sent_at, excluded.last_sent_at),
                n_dropped = k.n_dropped + excluded.n_dropped,
                first_dropped_at = coalesce(k.first_dropped_at, excluded.first_dropped_at),
                last_dropped_at = greatest(k.last_dropped_at, excluded.last_dropped_at)
            """,
            {
                "at": at,
                "services": [service for service, _, _ in rows],
                "tokens": [token for _, token, _ in rows],
                "numbers": [n for _, _, n in rows],
            },
        )
    for pk, prefix in ApiToken.objects.filter(pk__in={token for _, token, _ in rows}).values_list(
        "pk", "prefix"
    ):
        n_calls = sum(n for _, token, n in rows if token == pk)
        log.warning(
            "dropped calls for an application that the sender cannot edit",
            token=prefix,
            n_calls=n_calls,
        )


def _subtract_moved(moved: _TotalsByDay, *, at: datetime) -> None:
    """Subtract what was counted under incomplete names, and now counts under others."""
    services = _services({each for each in moved.days if each[0].application is None}, {}, at)
    rows: list[tuple[UUID, int, CallTotals]] = []
    for (whose, names), days in moved.days.items():
        application, service = whose.application, None
        if application is None:
            service, application, _ = services[names.scope, clean(names.service)]
        key = observation_key(
            whose.stream, _attribute_names(names, application, service, days.values())
        )
        rows += [(key, day, counted) for day, counted in days.items()]
    rows.sort(key=lambda row: (row[0].bytes, row[1]))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE intake_usageday u SET
                n_calls = greatest(u.n_calls - d.calls, 0),
                n_errors = greatest(u.n_errors - d.errors, 0),
                n_without_usage = greatest(u.n_without_usage - d.without_usage, 0),
                input_tokens = greatest(u.input_tokens - coalesce(d.input, 0), 0),
                output_tokens = greatest(u.output_tokens - coalesce(d.output, 0), 0),
                cost_usd = greatest(u.cost_usd - coalesce(d.cost, 0), 0)
            FROM unnest(
                %s::uuid[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::bigint[],
                %s::numeric[]
            ) AS d(key, day, calls, errors, without_usage, input, output, cost)
            JOIN intake_observation o ON o.key = d.key
            WHERE u.observation_id = o.id AND u.day = d.day
            """,
            _columns(rows),
        )
        cursor.execute(
            "DELETE FROM intake_usageday u USING intake_observation o"
            " WHERE u.observation_id = o.id AND o.key = ANY(%s) AND u.n_calls = 0 AND u.n_errors = "
            "0",
            [[key for key, _, _ in rows]],
        )


def _services(
    told: Iterable[tuple[_Sender, CallNames]], tokens: Mapping[int, ApiToken], at: datetime
) -> dict[tuple[str, str], tuple[int, int | None, bool]]:
    wanted: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for whose, names in told:
        wanted[names.scope, whose.token].add(names.service)
    found: dict[tuple[str, str], tuple[int, int | None, bool]] = {}
    # in one order, so that two passes never wait for each other's rows
    for (scope, token), names_ in sorted(
        wanted.items(), key=lambda each: (each[0][0], each[0][1] or 0)
    ):
        made = ensure_services(
            names_, scope=scope, token=tokens.get(token) if token else None, at=at
        )
        found |= {(scope, name): service for name, service in made.items()}
    return found


def _attribute_names(
    names: CallNames, application: int | None, service: int | None, days: Iterable[CallTotals]
) -> AttributedSighting:
    sighting = Sighting(
        requested=names.requested,
        served=names.served,
        alias=names.alias,
        provider=names.provider,
        region=names.region,
        gateway=names.gateway,
        service=names.service,
        environment=names.environment,
        role=names.role,
        confidence=names.confidence,
        facts={"base_model": names.base_model} if names.base_model else {},
    )
    days = list(days)
    return AttributedSighting(
        sighting,
        application,
        service,
        moment_of(min(each.first for each in days) * 1_000),
        moment_of(max(each.last for each in days) * 1_000),
    )


def _add_days(rows: list[tuple[UUID, int, CallTotals]]) -> None:
    rows.sort(key=lambda row: (row[0].bytes, row[1]))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_usageday AS u (
                observation_id, day, n_calls, n_errors, n_without_usage, input_tokens,
                output_tokens, cost_usd,
                first_seen_at, last_seen_at, sample_trace
            )
            SELECT o.id, d.day, d.calls, d.errors, greatest(d.without_usage, 0), d.input, d.output,
                d.cost, d.first,
                   d.last, d.trace
            FROM unnest(
                %s::uuid[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::bigint[],
                %s::numeric[], %s::timestamptz[], %s::timestamptz[], %s::text[]
            ) AS d(key, day, calls, errors, without_usage, input, output, cost, first, last, trace)
            JOIN intake_observation o ON o.key = d.key
            ORDER BY o.id, d.day
            ON CONFLICT (observation_id, day) DO UPDATE SET
                n_calls = u.n_calls + excluded.n_calls,
                n_errors = u.n_errors + excluded.n_errors,
                n_without_usage = u.n_without_usage + excluded.n_without_usage,
                input_tokens = coalesce(u.input_tokens + excluded.input_tokens, u.input_tokens,
                excluded.input_tokens),
                output_tokens = coalesce(
                    u.output_tokens + excluded.output_tokens, u.output_tokens,
                    excluded.output_tokens
                ),
                cost_usd = CASE WHEN u.cost_usd IS NULL AND excluded.cost_usd IS NULL THEN NULL
                    ELSE least(coalesce(u.cost_usd, 0) + coalesce(excluded.cost_usd, 0),
                    9999999999) END,
                first_seen_at = least(u.first_seen_at, excluded.first_seen_at),
                last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at),
                sample_trace = CASE WHEN u.sample_trace = '' THEN excluded.sample_trace
                ELSE u.sample_trace END
            """,
            [
                *_columns(rows),
                [datetime.fromtimestamp(counted.first / 1e6, UTC) for _, _, counted in rows],
                [datetime.fromtimestamp(counted.last / 1e6, UTC) for _, _, counted in rows],
                [counted.trace for _, _, counted in rows],
            ],
        )


def _columns(rows: list[tuple[UUID, int, CallTotals]]) -> list[list[Any]]:
    return [
        [key for key, _, _ in rows],
        [_EPOCH + timedelta(days=day) for _, day, _ in rows],
        [counted.calls for _, _, counted in rows],
        [counted.errors for _, _, counted in rows],
        [counted.without_usage for _, _, counted in rows],
        [counted.input_tokens for _, _, counted in rows],
        [counted.output_tokens for _, _, counted in rows],
        [None if counted.cost is None else f"{counted.cost:.10f}" for _, _, counted in rows],
    ]
