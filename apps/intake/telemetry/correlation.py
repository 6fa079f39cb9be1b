"""Correlation of a gateway's call with the span that names the served model, if they arrive in
different requests.

The two halves of a call are the call itself and the span with its served model. An exporter may
send them in different batches and in either order. A served model that arrives first waits some
minutes for its call. A call that arrives first is counted immediately, without the served model,
and the count moves to that model when it is reported. Calls are stored only for senders that are
known to report served models, and only up to a limit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

import orjson
from django.db import connection

from apps.accounts.models import ApiToken
from apps.common.time import day_of, now
from apps.intake.models import SenderFact
from apps.intake.telemetry.cardinality_limit import names_over_limit
from apps.intake.telemetry.records import Call, CallNames, ReadRequest, digest64
from apps.intake.telemetry.sender_facts import LIFETIMES, known_facts, record_facts

# one half waits for the other for this time
MAX_WAIT = timedelta(minutes=10)
# number of stored halves, and how long a process relies on its count of them
MAX_UNMATCHED = 20_000
_CHECK_SECONDS = 5.0
# for this time a sender counts as one that reports served models
_REPORTING_SECONDS = LIFETIMES[SenderFact.Kind.TELLS_ANSWERS].total_seconds()

# one call as a batch stores it: names, day and totals
type CallRow = list[object]


class CallSender(NamedTuple):
    """Sender of a call, equal for both halves of a call."""

    stream: str
    token: ApiToken | None
    application: int | None

    def key(self, half: int) -> int:
        """Return the storage key of a half."""
        identity = f"{self.token.pk if self.token else 0}:{self.application or 0}:{half}"
        return digest64(b"half", self.stream.encode(), identity.encode())


@dataclass(slots=True)
class CorrelatedCalls:
    """Result of the correlation: `calls` are to be counted; the calls of `moved` were counted
    before, and now count under the names of `rows`."""

    calls: list[Call] = field(default_factory=list)
    rows: list[CallRow] = field(default_factory=list)
    moved: list[CallRow] = field(default_factory=list)


def correlate_calls(
    request: ReadRequest,
    calls: Sequence[Call],
    counted_keys: set[int],
    sender: CallSender,
    row_of: Callable[[Call], CallRow],
    *,
    at: datetime,
) -> CorrelatedCalls:
    """Match the halves of `calls`, inside the caller's transaction.

    `calls` are those of `request` that are within the sender's limits; `counted_keys` are keys of
    calls that were counted before."""
    if not _has_room():
        return CorrelatedCalls(list(calls))
    open_calls: dict[int, Call] = {}
    seen_keys = set(counted_keys)
    for call in calls:
        if call.half and call.key not in seen_keys:
            seen_keys.add(call.key)
            open_calls[sender.key(call.half)] = call
    served_models = {sender.key(half): model for half, model in request.answers.items()}
    is_reporting = _reports_served_model(
        sender.token.pk if sender.token else 0, reports_now=request.tells_answers
    )
    rows = {key: row_of(call) for key, call in open_calls.items()} if is_reporting else {}
    matches = _match_halves(rows, served_models, at=at) if rows or served_models else {}
    models_by_key = {key: model for key, (model, _) in matches.items() if key in open_calls}
    if open_calls and not is_reporting:
        models_by_key |= _take_waiting_answers(open_calls)
    moved_calls = [
        (model, row) for key, (model, row) in sorted(matches.items()) if key not in open_calls
    ]
    return _apply_served_models(
        calls,
        {open_calls[key].key: (open_calls[key], model) for key, model in models_by_key.items()},
        moved_calls,
        sender,
        at=at,
    )


def _apply_served_models(
    calls: Sequence[Call],
    matched_calls: Mapping[int, tuple[Call, str]],
    moved_calls: Iterable[tuple[str, CallRow]],
    sender: CallSender,
    *,
    at: datetime,
) -> CorrelatedCalls:
    """Add the served models to calls of this request and to calls that were counted before.

    Names beyond the sender's cardinality limit are not used."""
    names_by_key = {
        key: call.names._replace(served=model) for key, (call, model) in matched_calls.items()
    }
    rows_and_names = [
        (row, CallNames(*row[0])._replace(served=model))  # type: ignore[misc]
        for model, row in moved_calls
    ]
    rejected_names: set[CallNames] = set()
    reported_names = {
        *names_by_key.values(),
        *(served_names for _, served_names in rows_and_names),
    }
    if sender.token is not None and reported_names:
        # served models are names that the sender chooses, so they count towards its limit
        rejected_names = names_over_limit(reported_names, token=sender.token.pk, day=day_of(at))
    result = CorrelatedCalls()
    for row, served_names in rows_and_names:
        if served_names not in rejected_names:
            result.moved.append(row)
            result.rows.append([list(served_names), *row[1:]])
    interned_names: dict[CallNames, CallNames] = {}
    for call in calls:
        call_names = names_by_key.get(call.key)
        if call_names is not None and call_names not in rejected_names:
            call = call._replace(names=interned_names.setdefault(call_names, call_names))
        result.calls.append(call)
    return result


def _match_halves(
    calls: Mapping[int, CallRow],
    served_models: Mapping[int, str],
    *,
    at: datetime,
) -> dict[int, tuple[str, CallRow]]:
    """Store the halves, then remove and return {key: (served model, call)} of the complete ones.

    If two requests store the same key at the same time, the second waits for the first."""
    keys = sorted({*calls, *served_models})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_unmatchedcall AS h (key, served, counted_call, received_at)
            SELECT key, served, counted_call, %s FROM unnest(%s::bigint[], %s::text[],
                %s::jsonb[]) AS t(key, served, counted_call)
            ORDER BY key
            -- the half that is stored stays; the other one is added to it
            ON CONFLICT (key) DO UPDATE SET
                served = CASE WHEN h.served = '' THEN excluded.served ELSE h.served END,
                counted_call = coalesce(h.counted_call, excluded.counted_call)
            RETURNING key, served, counted_call
            """,
            [
                at,
                keys,
                [served_models.get(key, "") for key in keys],
                [orjson.dumps(calls[key]).decode() if key in calls else None for key in keys],
            ],
        )
        matches = {
            key: (served, _decode_row(counted_call))
            for key, served, counted_call in cursor.fetchall()
            if served and counted_call is not None
        }
        if matches:
            cursor.execute(
                "DELETE FROM intake_unmatchedcall WHERE key = ANY(%s)", [sorted(matches)]
            )
    return matches


def _take_waiting_answers(keys: Iterable[int]) -> dict[int, str]:
    """Remove served models that arrived before their calls, and return {key: model}."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM intake_unmatchedcall WHERE key = ANY(%s) AND counted_call IS NULL "
            "RETURNING key, "
            "served",
            [sorted(keys)],
        )
        return dict(cursor.fetchall())


def _decode_row(value: object) -> CallRow:
    """Return a stored call, which the driver returns as text or decoded."""
    row: CallRow = orjson.loads(value) if isinstance(value, str) else value  # type: ignore[assignment]
    return row


def purge_unmatched_calls(*, at: datetime) -> int:
    """Delete calls that were never matched, and return their number."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM intake_unmatchedcall WHERE received_at < %s", [at - MAX_WAIT])
        return int(cursor.rowcount)


# --- caches of one process ------------------------------------------------------------------------

_last_check: dict[str, float] = {"at": float("-inf"), "is_full": 0.0}
_reporting_tokens: dict[int, float] = {}


def _has_room() -> bool:
    moment = monotonic()
    if moment - _last_check["at"] > _CHECK_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM (SELECT FROM intake_unmatchedcall LIMIT %s) AS h",
                [MAX_UNMATCHED],
            )
            _last_check["is_full"] = float(cursor.fetchone()[0] >= MAX_UNMATCHED)
        _last_check["at"] = moment
    return not _last_check["is_full"]


def _reports_served_model(token: int, *, reports_now: bool) -> bool:
    """Return whether this sender's gateway reports served models; a gateway that logs no content
    does not. `reports_now`: this request contains one, which is remembered."""
    moment = monotonic()
    if moment - _reporting_tokens.get(token, float("-inf")) < _REPORTING_SECONDS / 4:
        return True
    kind = SenderFact.Kind.TELLS_ANSWERS
    if reports_now:
        record_facts(kind, [token], at=now())
    elif not known_facts(kind, [token], at=now()):
        return False
    if len(_reporting_tokens) > 10_000:
        _reporting_tokens.clear()
    _reporting_tokens[token] = moment
    return True
