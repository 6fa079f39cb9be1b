"""Correlation of a gateway's call with the span that names the served model, if they arrive in
different requests.

An exporter cuts its batches anywhere, and they may overtake each other. An answer that arrives
first waits some minutes for its call; a call that arrives first is counted immediately, without the
served model, and the count moves to that model when it is reported. Only calls of senders that are
known to report it are stored at all; storage has a limit, beyond which nothing is stored."""

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

# one half waits so long for the other
MAX_WAIT = timedelta(minutes=10)
# what is put down altogether, and how long a process believes what it counted
MAX_UNMATCHED = 20_000
_CHECK_SECONDS = 5.0
# for so long a sender is known to tell which model answered
_TELLS_SECONDS = LIFETIMES[SenderFact.Kind.TELLS_ANSWERS].total_seconds()

# one call as a batch holds it: names, day, and what it counts
type CallRow = list[object]


class CallSender(NamedTuple):
    """Sender of a call, equal for both halves: the same token, about the same application."""

    stream: str
    token: ApiToken | None
    application: int | None

    def key(self, half: int) -> int:
        whose = f"{self.token.pk if self.token else 0}:{self.application or 0}:{half}"
        return digest64(b"half", self.stream.encode(), whose.encode())


@dataclass(slots=True)
class CorrelatedCalls:
    """Result of the correlation: `calls` are to be counted; `moved` was counted before, and now
    counts as in `rows`."""

    calls: list[Call] = field(default_factory=list)
    rows: list[CallRow] = field(default_factory=list)
    moved: list[CallRow] = field(default_factory=list)


def correlate_calls(
    read: ReadRequest,
    calls: Sequence[Call],
    seen: set[int],
    whose: CallSender,
    row_of: Callable[[Call], CallRow],
    *,
    at: datetime,
) -> CorrelatedCalls:
    """Match the halves of `calls`, which are those of `read` within the sender's limits, inside the
    caller's transaction.

    `seen` are keys that were counted before."""
    if not _is_room():
        return CorrelatedCalls(list(calls))
    open_: dict[int, Call] = {}
    keys = set(seen)
    for call in calls:
        if call.half and call.key not in keys:
            keys.add(call.key)
            open_[whose.key(call.half)] = call
    told = {whose.key(half): model for half, model in read.answers.items()}
    puts_down = _tells_served_model(
        whose.token.pk if whose.token else 0, tells_now=read.tells_answers
    )
    rows = {key: row_of(call) for key, call in open_.items()} if puts_down else {}
    met = _match_halves(rows, told, whose, at=at) if rows or told else {}
    answered = {key: model for key, (model, _) in met.items() if key in open_}
    if open_ and not puts_down:
        answered |= _take_waiting_answers(open_)
    counted = [(model, row) for key, (model, row) in sorted(met.items()) if key not in open_]
    return _with_served_models(
        calls,
        {open_[key].key: (open_[key], model) for key, model in answered.items()},
        counted,
        whose,
        at=at,
    )


def _with_served_models(
    calls: Sequence[Call],
    answered: Mapping[int, tuple[Call, str]],
    counted: Iterable[tuple[str, CallRow]],
    whose: CallSender,
    *,
    at: datetime,
) -> CorrelatedCalls:
    names = {key: call.names._replace(served=model) for key, (call, model) in answered.items()}
    moves = [(row, CallNames(*row[0])._replace(served=model)) for model, row in counted]  # type: ignore[misc]
    refused: set[CallNames] = set()
    told = {*names.values(), *(new for _, new in moves)}
    if whose.token is not None and told:
        # a model's name is the sender's word here as anywhere
        refused = names_over_limit(told, token=whose.token.pk, day=day_of(at))
    done = CorrelatedCalls()
    for row, new in moves:
        if new not in refused:
            done.moved.append(row)
            done.rows.append([list(new), *row[1:]])
    equal: dict[CallNames, CallNames] = {}
    for call in calls:
        said = names.get(call.key)
        if said is not None and said not in refused:
            call = call._replace(names=equal.setdefault(said, said))
        done.calls.append(call)
    return done


def _match_halves(
    calls: Mapping[int, CallRow], answers: Mapping[int, str], whose: CallSender, *, at: datetime
) -> dict[int, tuple[str, CallRow]]:
    """Store both kinds; remove and return what has both halves by now. Of two at the same moment
    the second waits for the first."""
    keys = sorted({*calls, *answers})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_unmatchedcall AS h (key, served, counted_call, received_at)
            SELECT key, served, counted_call, %s FROM unnest(%s::bigint[], %s::text[],
                %s::jsonb[]) AS t(key, served, counted_call)
            ORDER BY key
            ON CONFLICT (key) DO UPDATE SET
                served = CASE WHEN h.served = '' THEN excluded.served ELSE h.served END,
                counted_call = coalesce(h.counted_call, excluded.counted_call)
            RETURNING key, served, counted_call
            """,
            [
                at,
                keys,
                [answers.get(key, "") for key in keys],
                [orjson.dumps(calls[key]).decode() if key in calls else None for key in keys],
            ],
        )
        met = {
            key: (served, _row(told))
            for key, served, told in cursor.fetchall()
            if served and told is not None
        }
        if met:
            cursor.execute("DELETE FROM intake_unmatchedcall WHERE key = ANY(%s)", [sorted(met)])
    return met


def _take_waiting_answers(keys: Iterable[int]) -> dict[int, str]:
    """Take answers that came before their calls; {key: model}."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM intake_unmatchedcall WHERE key = ANY(%s) AND counted_call IS NULL "
            "RETURNING key, "
            "served",
            [sorted(keys)],
        )
        return dict(cursor.fetchall())


def _row(told: object) -> CallRow:
    row: CallRow = orjson.loads(told) if isinstance(told, str) else told  # type: ignore[assignment]
    return row


def purge_unmatched_calls(*, at: datetime) -> int:
    """Delete calls that were never matched, and return their number."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM intake_unmatchedcall WHERE received_at < %s", [at - MAX_WAIT])
        return int(cursor.rowcount)


# --- what one process remembers -------------------------------------------------------------------

_last_check: dict[str, float] = {"at": float("-inf"), "is_full": 0.0}
_known_to_tell: dict[int, float] = {}


def _is_room() -> bool:
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


def _tells_served_model(token: int, *, tells_now: bool) -> bool:
    """Return whether this sender's gateway reports the served model: it does not if it logs no
    content."""
    moment = monotonic()
    if moment - _known_to_tell.get(token, float("-inf")) < _TELLS_SECONDS / 4:
        return True
    kind = SenderFact.Kind.TELLS_ANSWERS
    if tells_now:
        record_facts(kind, [token], at=now())
    elif not known_facts(kind, [token], at=now()):
        return False
    if len(_known_to_tell) > 10_000:
        _known_to_tell.clear()
    _known_to_tell[token] = moment
    return True
