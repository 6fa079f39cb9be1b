"""A gateway's call and the span that tells which model answered it, where they do not come in one
request.

An exporter cuts its batches anywhere, and they may overtake each other. An answer that comes first
waits some minutes for its call; a call that comes first is counted at once, without the model that
answered, and what was counted moves to that model when it is told. Only calls of senders that are
known to tell are put down at all; what is put down has a lid, beyond which nothing is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

import orjson
from django.db import connection

from apps.accounts.models import ApiToken
from apps.common.time import day_of, now
from apps.intake.calls.guarding import refused_names
from apps.intake.calls.records import Call, Names, Read, digest64
from apps.intake.calls.sender_facts import LIFETIMES, keep_facts, known_facts
from apps.intake.models import SenderFact

# one half waits so long for the other
WAITS = timedelta(minutes=10)
# what is put down altogether, and how long a process believes what it counted
MOST_HALVES = 20_000
_LOOK_SECONDS = 5.0
# for so long a sender is known to tell which model answered
_TELLS_SECONDS = LIFETIMES[SenderFact.Kind.TELLS_ANSWERS].total_seconds()

# one call as a batch holds it: names, day, and what it counts
type Row = list[object]


class Whose(NamedTuple):
    """Both halves come from the same sender: by the same token, about the same application."""

    stream: str
    token: ApiToken | None
    application: int | None

    def key(self, half: int) -> int:
        whose = f"{self.token.pk if self.token else 0}:{self.application or 0}:{half}"
        return digest64(b"half", self.stream.encode(), whose.encode())


@dataclass(slots=True)
class Settled:
    """`calls` are to be counted. What `moved` says was counted before, and counts as `rows` say
    instead."""

    calls: list[Call] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    moved: list[Row] = field(default_factory=list)


def settle(
    read: Read,
    calls: Sequence[Call],
    seen: set[int],
    whose: Whose,
    row_of: Callable[[Call], Row],
    *,
    at: datetime,
) -> Settled:
    """Bring together what belongs together of `calls`, which are those of `read` within the
    sender's limits, inside the caller's transaction. `seen` are keys that were counted before."""
    if not _is_room():
        return Settled(list(calls))
    open_: dict[int, Call] = {}
    keys = set(seen)
    for call in calls:
        if call.half and call.key not in keys:
            keys.add(call.key)
            open_[whose.key(call.half)] = call
    told = {whose.key(half): model for half, model in read.answers.items()}
    puts_down = _tells(whose.token.pk if whose.token else 0, tells_now=read.tells_answers)
    rows = {key: row_of(call) for key, call in open_.items()} if puts_down else {}
    met = _meet(rows, told, whose, at=at) if rows or told else {}
    answered = {key: model for key, (model, _) in met.items() if key in open_}
    if open_ and not puts_down:
        answered |= _taken_up(open_)
    counted = [(model, row) for key, (model, row) in sorted(met.items()) if key not in open_]
    return _settled(
        calls,
        {open_[key].key: (open_[key], model) for key, model in answered.items()},
        counted,
        whose,
        at=at,
    )


def _settled(
    calls: Sequence[Call],
    answered: Mapping[int, tuple[Call, str]],
    counted: Iterable[tuple[str, Row]],
    whose: Whose,
    *,
    at: datetime,
) -> Settled:
    names = {key: call.names._replace(served=model) for key, (call, model) in answered.items()}
    moves = [(row, Names(*row[0])._replace(served=model)) for model, row in counted]  # type: ignore[misc]
    refused: set[Names] = set()
    told = {*names.values(), *(new for _, new in moves)}
    if whose.token is not None and told:
        # a model's name is the sender's word here as anywhere
        refused = refused_names(told, token=whose.token.pk, day=day_of(at))
    done = Settled()
    for row, new in moves:
        if new not in refused:
            done.moved.append(row)
            done.rows.append([list(new), *row[1:]])
    equal: dict[Names, Names] = {}
    for call in calls:
        said = names.get(call.key)
        if said is not None and said not in refused:
            call = call._replace(names=equal.setdefault(said, said))
        done.calls.append(call)
    return done


def _meet(
    calls: Mapping[int, Row], answers: Mapping[int, str], whose: Whose, *, at: datetime
) -> dict[int, tuple[str, Row]]:
    """Put both kinds down; what has both halves by now is taken away and returned. Of two at the
    same moment the second waits for the first."""
    keys = sorted({*calls, *answers})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_halfcall AS h (key, served, told, received_at)
            SELECT key, served, told, %s FROM unnest(%s::bigint[], %s::text[],
                %s::jsonb[]) AS t(key, served, told)
            ORDER BY key
            ON CONFLICT (key) DO UPDATE SET
                served = CASE WHEN h.served = '' THEN excluded.served ELSE h.served END,
                told = coalesce(h.told, excluded.told)
            RETURNING key, served, told
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
            cursor.execute("DELETE FROM intake_halfcall WHERE key = ANY(%s)", [sorted(met)])
    return met


def _taken_up(keys: Iterable[int]) -> dict[int, str]:
    """Answers that came before their calls; {key: model}."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM intake_halfcall WHERE key = ANY(%s) AND told IS NULL RETURNING key, "
            "served",
            [sorted(keys)],
        )
        return dict(cursor.fetchall())


def _row(told: object) -> Row:
    row: Row = orjson.loads(told) if isinstance(told, str) else told  # type: ignore[assignment]
    return row


def forget_halves(*, at: datetime) -> int:
    """What waited in vain; the number."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM intake_halfcall WHERE received_at < %s", [at - WAITS])
        return int(cursor.rowcount)


# --- what one process remembers -------------------------------------------------------------------

_looked: dict[str, float] = {"at": float("-inf"), "is_full": 0.0}
_telling: dict[int, float] = {}


def _is_room() -> bool:
    moment = monotonic()
    if moment - _looked["at"] > _LOOK_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM (SELECT FROM intake_halfcall LIMIT %s) AS h", [MOST_HALVES]
            )
            _looked["is_full"] = float(cursor.fetchone()[0] >= MOST_HALVES)
        _looked["at"] = moment
    return not _looked["is_full"]


def _tells(token: int, *, tells_now: bool) -> bool:
    """Whether this sender's gateway tells which model answered: it does not where it logs no
    content."""
    moment = monotonic()
    if moment - _telling.get(token, float("-inf")) < _TELLS_SECONDS / 4:
        return True
    kind = SenderFact.Kind.TELLS_ANSWERS
    if tells_now:
        keep_facts(kind, [token], at=now())
    elif not known_facts(kind, [token], at=now()):
        return False
    if len(_telling) > 10_000:
        _telling.clear()
    _telling[token] = moment
    return True
