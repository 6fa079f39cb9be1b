"""Aggregation of pending batches into observations and daily counts; the batches are deleted in the
same transaction.

One pass at a time: it holds a lock until it commits, so that no call is counted twice or lost even
if a worker is stopped. Cumulative counters are turned into differences here, because only here
readings are in order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from django.db import DataError, IntegrityError, connection, transaction

from apps.accounts.models import ApiToken
from apps.common.database.statements import load_statement
from apps.intake.documents.records import Sighting, clean
from apps.intake.models import CallBatch, MeteredSeries
from apps.intake.observations.storage import (
    AttributedSighting,
    ServiceState,
    ensure_services,
    observation_key,
    store_observations,
)
from apps.intake.telemetry.correlation import purge_unmatched_calls
from apps.intake.telemetry.records import CallNames, moment_of
from apps.intake.telemetry.token_scope import TokenPermissions

log = structlog.get_logger(__name__)

# number of batches per transaction
BATCHES_AT_A_TIME = 400
# advisory lock: a second pass at the same time does nothing
AGGREGATION_LOCK = 7_305_114_503
# nanoseconds; of a counter that started longer ago it is unknown when the calls happened, so that
# its first reading is only the base of later differences
_COUNTS_FROM_START = 24 * 3600 * 1_000_000_000
_DAY = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)
_ADD_DAYS = load_statement("intake", "add_usage_days")
# number of dropped calls by (service, token); no service if the token is bound to an application
type _DroppedCalls = Counter[tuple[int | None, int]]
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
    longest_input: int | None = None
    largest_output: int | None = None
    uses: dict[str, int] | None = None
    refused: int = 0

    def add(self, totals: "CallTotals") -> None:
        """Add the totals of the same names and day."""
        self.calls += totals.calls
        self.errors += totals.errors
        self.without_usage += totals.without_usage
        self.input_tokens = _add_optional(self.input_tokens, totals.input_tokens)
        self.output_tokens = _add_optional(self.output_tokens, totals.output_tokens)
        self.cost = _add_optional(self.cost, totals.cost)
        self.first, self.last = min(self.first, totals.first), max(self.last, totals.last)
        self.trace = self.trace or totals.trace
        self.longest_input = _larger_optional(self.longest_input, totals.longest_input)
        self.largest_output = _larger_optional(self.largest_output, totals.largest_output)
        if totals.uses:
            self.uses = dict(Counter(self.uses or {}) + Counter(totals.uses))
        self.refused += totals.refused


def _add_optional[N: (int, float)](left: N | None, right: N | None) -> N | None:
    """Return the sum of the values that are reported; None if neither is."""
    return right if left is None else left if right is None else left + right


def _larger_optional(left: int | None, right: int | None) -> int | None:
    """Return the larger of the values that are reported; None if neither is."""
    return right if left is None else left if right is None else max(left, right)


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sender of a set of names: the stream, and the application of a bound token."""

    stream: str
    application: int | None
    token: int | None


@dataclass(slots=True)
class _TotalsByDay:
    """Totals by sender and names, then by day (days since 1970)."""

    days: dict[tuple[_Sender, CallNames], dict[int, CallTotals]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def add(self, sender: _Sender, names: CallNames, day: int, totals: CallTotals) -> None:
        days = self.days[sender, names]
        if day in days:
            days[day].add(totals)
        else:
            days[day] = totals


def aggregate_waiting(*, at: datetime) -> int:
    """Aggregate all waiting batches, and return their number. Does nothing while another pass is
    running."""
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
    """Aggregate all batches together; if one of them cannot be written, aggregate them one by one.

    The batch that fails is dropped and logged: it would block all later batches for ever."""
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
    """Add the calls of the batches to the daily counts and delete the batches. Needs a transaction,
    so that no call is counted twice."""
    totals, moved_totals = _TotalsByDay(), _TotalsByDay()
    dropped_calls: _DroppedCalls = Counter()
    readings: list[tuple[_Sender, list[Any]]] = []
    for batch in batches:
        sender = _Sender(batch.stream, batch.application_id, batch.token_id)
        for target, rows in (
            (totals, batch.groups["calls"]),
            (moved_totals, batch.groups.get("moved", ())),
        ):
            for name_fields, day, *total_fields in rows:
                target.add(sender, CallNames(*name_fields), day, CallTotals(*total_fields))
        readings += [(sender, reading) for reading in batch.groups["readings"]]
        if batch.token_id is not None:
            for service, n_calls in batch.groups.get("dropped", ()):
                dropped_calls[service, batch.token_id] += n_calls
    _add_readings(readings, totals)
    _store_totals(totals, dropped_calls, at=at)
    if moved_totals.days:
        _subtract_moved(moved_totals, at=at)
    CallBatch.objects.filter(pk__in=[batch.pk for batch in batches]).delete()


# --- counters -------------------------------------------------------------------------------------


def _add_readings(readings: list[tuple[_Sender, list[Any]]], totals: _TotalsByDay) -> None:
    """Count each cumulative reading as the difference from the reading before it of the same
    counter."""
    if not readings:
        return
    series_by_key = MeteredSeries.objects.in_bulk(
        {reading[2] for _, reading in readings if not reading[6]}
    )
    changed_keys: set[int] = set()
    for sender, (name_fields, measure, key, start, at, value, is_delta) in sorted(
        readings, key=lambda sender_and_reading: sender_and_reading[1][4]
    ):
        increase = value
        if not is_delta:
            series = series_by_key.get(key)
            if series is None:
                increase = value if at - start <= _COUNTS_FROM_START else 0
                series_by_key[key] = MeteredSeries(key=key, start=start, at=at, value=value)
            elif at <= series.at:
                # the same reading again, or one that arrives after a later one
                continue
            else:
                # a later start or a lower value means that the counter was reset
                increase = (
                    value - series.value
                    if start <= series.start and value >= series.value
                    else value
                )
                series.start, series.at, series.value = max(start, series.start), at, value
            changed_keys.add(key)
        if increase > 0:
            totals.add(
                sender, CallNames(*name_fields), at // _DAY, _build_totals(measure, increase, at)
            )
    rows = [series_by_key[key] for key in sorted(changed_keys)]
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


def _build_totals(measure: str, value: float, at: int) -> CallTotals:
    """Return the increase of one counter as totals; `at` is in nanoseconds."""
    count = round(value)
    totals = CallTotals(first=at // 1_000, last=at // 1_000)
    match measure:
        case "calls":
            totals.calls = totals.without_usage = count
        case "errors":
            totals.calls = totals.errors = totals.without_usage = count
        case "with_usage":
            totals.without_usage = -count
        case "input":
            totals.input_tokens = count
        case "output":
            totals.output_tokens = count
    return totals


# --- rows -----------------------------------------------------------------------------------------


def _store_totals(totals: _TotalsByDay, dropped_calls: _DroppedCalls, *, at: datetime) -> None:
    """Store the totals, and record the dropped calls, including those that their senders are no
    longer authorised to report."""
    unbound_keys = {
        sender_and_names
        for sender_and_names in totals.days
        if sender_and_names[0].application is None
    }
    token_ids = {sender.token for sender, _ in totals.days if sender.token is not None}
    tokens = ApiToken.objects.select_related("user").in_bulk(token_ids)
    services = _ensure_services(unbound_keys, tokens, at)
    linked_applications = {
        service.application_id
        for service in services.values()
        if service.application_id is not None
    }
    permissions = TokenPermissions(
        tokens,
        linked_applications
        | {sender.application for sender, _ in totals.days if sender.application},
    )
    by_stream: dict[str, list[tuple[AttributedSighting, dict[int, CallTotals]]]] = defaultdict(list)
    for (sender, names), days in totals.days.items():
        application, service = sender.application, None
        if application is None:
            service, application, is_ignored = services[names.scope, clean(names.service)]
            if is_ignored:
                continue
        is_bound = sender.application is not None
        if application is not None and not permissions.may_report(
            sender.token, application, is_bound=is_bound
        ):
            assert sender.token is not None
            dropped_calls[service, sender.token] += sum(
                day_totals.calls for day_totals in days.values()
            )
            continue
        by_stream[sender.stream].append(
            (_build_sighting(names, application, service, days.values()), days)
        )
    # services before observations: the lock order of linking a service
    _record_dropped_calls(dropped_calls, at=at)
    for stream, sightings in sorted(by_stream.items()):
        store_observations(stream, [sighting for sighting, _ in sightings])
        # names that differ only in a hint (`base_model`) are one observation
        days_by_key: dict[UUID, dict[int, CallTotals]] = defaultdict(dict)
        for sighting, days in sightings:
            observation_days = days_by_key[observation_key(stream, sighting)]
            for day, day_totals in days.items():
                if day in observation_days:
                    observation_days[day].add(day_totals)
                else:
                    observation_days[day] = day_totals
        _add_days(
            [
                (key, day, day_totals)
                for key, days in days_by_key.items()
                for day, day_totals in days.items()
            ]
        )


def _record_dropped_calls(dropped_calls: _DroppedCalls, *, at: datetime) -> None:
    """Add the numbers of dropped calls to the tokens of each service, which pages show to the users
    of the service."""
    rows = sorted(
        (
            (service, token, n_calls)
            for (service, token), n_calls in dropped_calls.items()
            if n_calls > 0
        ),
        key=str,
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
            -- token or service may have been deleted since; NULL is a call without a service
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
                "numbers": [n_calls for _, _, n_calls in rows],
            },
        )
    for pk, prefix in ApiToken.objects.filter(pk__in={token for _, token, _ in rows}).values_list(
        "pk", "prefix"
    ):
        n_token_calls = sum(n_calls for _, token, n_calls in rows if token == pk)
        log.warning(
            "dropped calls for an application that the sender cannot edit",
            token=prefix,
            n_calls=n_token_calls,
        )


def _subtract_moved(moved_totals: _TotalsByDay, *, at: datetime) -> None:
    """Subtract calls that were counted under incomplete names and now count under complete ones."""
    services = _ensure_services(
        {
            sender_and_names
            for sender_and_names in moved_totals.days
            if sender_and_names[0].application is None
        },
        {},
        at,
    )
    rows: list[tuple[UUID, int, CallTotals]] = []
    for (sender, names), days in moved_totals.days.items():
        application, service = sender.application, None
        if application is None:
            service, application, _ = services[names.scope, clean(names.service)]
        key = observation_key(
            sender.stream, _build_sighting(names, application, service, days.values())
        )
        rows += [(key, day, day_totals) for day, day_totals in days.items()]
    rows.sort(key=lambda row: (row[0].bytes, row[1]))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE intake_usageday u SET
                -- never negative: the stored day may be without these calls, as after a deletion
                n_calls = greatest(u.n_calls - d.calls, 0),
                n_errors = greatest(u.n_errors - d.errors, 0),
                n_refused = greatest(u.n_refused - d.refused, 0),
                n_without_usage = greatest(u.n_without_usage - d.without_usage, 0),
                input_tokens = greatest(u.input_tokens - coalesce(d.input, 0), 0),
                output_tokens = greatest(u.output_tokens - coalesce(d.output, 0), 0),
                cost_usd = greatest(u.cost_usd - coalesce(d.cost, 0), 0),
                -- the longest input and the largest output stay: they are those of the application
                uses = CASE WHEN d.uses IS NULL THEN u.uses ELSE (
                    SELECT jsonb_object_agg(e.key, e.value::bigint - coalesce(
                        (d.uses ->> e.key)::bigint, 0))
                    FROM jsonb_each_text(u.uses) e
                    WHERE e.value::bigint > coalesce((d.uses ->> e.key)::bigint, 0)) END
            FROM unnest(
                %s::uuid[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::bigint[],
                %s::numeric[], %s::jsonb[], %s::bigint[]
            ) AS d(key, day, calls, errors, without_usage, input, output, cost, uses, refused)
            JOIN intake_observation o ON o.key = d.key
            WHERE u.observation_id = o.id AND u.day = d.day
            """,
            [
                *_build_columns(rows),
                [_dump_uses(totals) for _, _, totals in rows],
                [totals.refused for _, _, totals in rows],
            ],
        )
        cursor.execute(
            "DELETE FROM intake_usageday u USING intake_observation o"
            " WHERE u.observation_id = o.id AND o.key = ANY(%s) AND u.n_calls = 0 AND u.n_errors = "
            "0",
            [[key for key, _, _ in rows]],
        )


def _ensure_services(
    senders_and_names: Iterable[tuple[_Sender, CallNames]],
    tokens: Mapping[int, ApiToken],
    at: datetime,
) -> dict[tuple[str, str], ServiceState]:
    """Return {(scope, service name): its state}; services that are not stored yet are
    created."""
    names_by_origin: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for sender, call_names in senders_and_names:
        names_by_origin[call_names.scope, sender.token].add(call_names.service)
    services: dict[tuple[str, str], ServiceState] = {}
    # in a fixed order, so that two passes never wait for each other's rows
    for (scope, token), service_names in sorted(
        names_by_origin.items(), key=lambda item: (item[0][0], item[0][1] or 0)
    ):
        origin_services = ensure_services(
            service_names, scope=scope, token=tokens.get(token) if token else None, at=at
        )
        services |= {(scope, name): service for name, service in origin_services.items()}
    return services


def _build_sighting(
    names: CallNames, application: int | None, service: int | None, totals: Iterable[CallTotals]
) -> AttributedSighting:
    """Return the sighting of calls with the same names, with the times of the first and last of
    them (`totals` are by day, in microseconds)."""
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
    totals = list(totals)
    return AttributedSighting(
        sighting,
        application,
        service,
        moment_of(min(day_totals.first for day_totals in totals) * 1_000),
        moment_of(max(day_totals.last for day_totals in totals) * 1_000),
    )


def _add_days(rows: list[tuple[UUID, int, CallTotals]]) -> None:
    """Add (observation key, day, totals) to the stored daily counts."""
    rows.sort(key=lambda row: (row[0].bytes, row[1]))
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_DAYS,
            [
                *_build_columns(rows),
                [datetime.fromtimestamp(totals.first / 1e6, UTC) for _, _, totals in rows],
                [datetime.fromtimestamp(totals.last / 1e6, UTC) for _, _, totals in rows],
                [totals.trace for _, _, totals in rows],
                [totals.longest_input for _, _, totals in rows],
                [totals.largest_output for _, _, totals in rows],
                [_dump_uses(totals) for _, _, totals in rows],
                [totals.refused for _, _, totals in rows],
            ],
        )


def _dump_uses(totals: CallTotals) -> str | None:
    return orjson.dumps(totals.uses).decode() if totals.uses else None


def _build_columns(rows: list[tuple[UUID, int, CallTotals]]) -> list[list[Any]]:
    """Return the rows as columns, which are the parameters of `unnest`."""
    return [
        [key for key, _, _ in rows],
        [_EPOCH + timedelta(days=day) for _, day, _ in rows],
        [totals.calls for _, _, totals in rows],
        [totals.errors for _, _, totals in rows],
        [totals.without_usage for _, _, totals in rows],
        [totals.input_tokens for _, _, totals in rows],
        [totals.output_tokens for _, _, totals in rows],
        [None if totals.cost is None else f"{totals.cost:.10f}" for _, _, totals in rows],
    ]
