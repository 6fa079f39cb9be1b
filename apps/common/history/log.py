"""The history of every tracked model as one list, the latest first: who wrote what, when and why.

Each history table is read by its index on (time, id), so that a page costs the same however long
the history is; a condition on who or why begins with the contexts, of which there is one per
request or job. Nothing here knows what the records mean: the caller says which kinds, and which
records of a kind, may be shown.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from apps.common.database.keyset_pagination import InvalidCursorError, KeysetPage
from apps.common.history.maintenance import history_models

# beyond as many changes by one person or job, they are looked through in steps, the latest first
MAX_CONTEXTS_AT_A_TIME = 2_000
_FIRST_STEP, _GROWTH = 100, 8
# no request, job or command goes on writing under one context for longer
_MAX_CONTEXT_DURATION = timedelta(days=1)
# of nobody's concern on a page of changes
_OWN_COLUMNS = frozenset({"pgh_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_context_id"})


@dataclass(frozen=True, slots=True)
class TrackedModel:
    """One tracked model. `number` orders kinds whose changes share a moment."""

    label: str
    name: str
    number: int
    model: type[models.Model]
    table: str


@cache
def tracked_models() -> dict[str, TrackedModel]:
    """{label such as `inventory.application`: kind}."""
    found = {}
    for number, history in enumerate(history_models()):
        model = history.pgh_tracked_model  # type: ignore[attr-defined]
        label = model._meta.label_lower
        found[label] = TrackedModel(
            label, str(model._meta.verbose_name), number, model, history._meta.db_table
        )
    return found


@dataclass(frozen=True, slots=True)
class HistoryCondition:
    """SQL over a history table as `h`, with its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which changes. `kinds` holds the condition under which a kind's records may be shown; a kind
    that is not there is not read. `since` counts, `until` does not."""

    kinds: Mapping[str, HistoryCondition | None]
    record: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    job: str = ""
    # "people": what jobs did by themselves is left out; "jobs": nothing else
    by: str = ""
    reason: str = ""
    change: UUID | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row written; `was` is the previous version, None if none is recorded."""

    kind: TrackedModel
    id: int
    at: datetime
    action: str
    record: int
    change: UUID | None
    words: Mapping[str, Any]
    now: Mapping[str, Any]
    was: Mapping[str, Any] | None

    def differences(self) -> Iterator[tuple[str, Any, Any]]:
        """(column, old, new) of what the write changed; of a record made or removed, all that was
        set."""
        old = {} if self.action == "insert" else self.was or {}
        new = {} if self.action == "delete" else self.now
        for column in self.now:
            before, after = old.get(column), new.get(column)
            if (
                column in _OWN_COLUMNS
                or before == after
                or (before in _EMPTY_VALUES and after in _EMPTY_VALUES)
            ):
                continue
            if self.action == "update" and self.was is None:
                continue
            yield column, before, after


_EMPTY_VALUES: tuple[Any, ...] = (None, "", [], {})
type _Position = tuple[datetime, int, int]


def history_page(asked: HistoryQuery, *, size: int, cursor: str = "") -> KeysetPage[HistoryEntry]:
    """Return the latest changes before the cursor; three statements, and up to four more for large
    changes.

    Raises InvalidCursorError.
    """
    backwards, place = _decode(cursor) if cursor else (False, None)
    found = _find_rows(asked, size + 1, place, backwards)
    more = len(found) > size
    del found[size:]
    if backwards:
        found.reverse()
    rows = _entries(found)
    ends = [(entry.at, entry.kind.number, entry.id) for entry in rows]
    has_next = bool(rows) and (more or backwards)
    has_previous = bool(rows) and (more if backwards else place is not None)
    return KeysetPage(
        rows=rows,
        next=_encode(ends[-1], "+") if has_next else None,
        previous=_encode(ends[0], "-") if has_previous else None,
    )


# --- which rows -----------------------------------------------------------------------------------


def _find_rows(
    asked: HistoryQuery, limit: int, place: _Position | None, backwards: bool
) -> list[tuple[int, int]]:
    """(kind number, id) in the order of the list, turned round where backwards."""
    of_contexts = _of_contexts(asked)
    if not asked.kinds or of_contexts == []:
        return []
    if of_contexts is not None and of_contexts is not _MANY:
        return _run(
            asked,
            HistoryCondition("h.pgh_context_id = ANY (%s)", (of_contexts,)),
            limit,
            place,
            backwards,
        )
    if of_contexts is None:
        return _run(asked, None, limit, place, backwards)
    return _find_rows_in_steps(asked, limit, place, backwards)


def _find_rows_in_steps(
    asked: HistoryQuery, limit: int, place: _Position | None, backwards: bool
) -> list[tuple[int, int]]:
    """For somebody who wrote very much: the next few thousand contexts, what they wrote, and so on
    until it is enough.

    A step ends at the moment `edge`, at which the last of its contexts began: whatever was written
    on this side of it belongs to a context that began at most `_MAX_CONTEXT_DURATION` before.
    """
    lower, upper = asked.since, asked.until
    if place is not None and backwards:
        lower = max(filter(None, [lower, place[0]]))
    elif place is not None:
        upper = min(filter(None, [upper, place[0] + timedelta(microseconds=1)]))
    found: list[tuple[int, int]] = []
    n_contexts = _FIRST_STEP
    while True:
        edge = _edge(asked, lower, upper, n_contexts, backwards)
        since, until = (lower, edge or upper) if backwards else (edge or lower, upper)
        written = HistoryCondition(
            "h.pgh_context_id = ANY (%s)", (_contexts_between(asked, since, until),)
        )
        found += _run(
            _with(asked, since=since, until=until), written, limit - len(found), place, backwards
        )
        if len(found) >= limit or edge is None:
            return found
        lower, upper = (edge, upper) if backwards else (lower, edge)
        n_contexts *= _GROWTH


def _edge(
    asked: HistoryQuery,
    lower: datetime | None,
    upper: datetime | None,
    n_contexts: int,
    backwards: bool,
) -> datetime | None:
    """When the n-th next context began; None where there are fewer."""
    said, params = _bounded(asked, lower, upper)
    turn = "ASC" if backwards else "DESC"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.created_at FROM pghistory_context c WHERE {said}"
            f" ORDER BY c.created_at {turn} OFFSET {n_contexts} LIMIT 1",
            params,
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _contexts_between(
    asked: HistoryQuery, since: datetime | None, until: datetime | None
) -> list[UUID]:
    said, params = _bounded(asked, since - _MAX_CONTEXT_DURATION if since else None, until)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT c.id FROM pghistory_context c WHERE {said}", params)
        return [pk for (pk,) in cursor.fetchall()]


def _bounded(
    asked: HistoryQuery, since: datetime | None, until: datetime | None
) -> tuple[str, list[Any]]:
    said, params = _context_condition(asked)
    for sql, moment in (("c.created_at >= %s", since), ("c.created_at < %s", until)):
        if moment is not None:
            said, params = f"{said} AND {sql}", [*params, moment]
    return said, params


def _with(asked: HistoryQuery, **changed: Any) -> HistoryQuery:
    return HistoryQuery(**{name: getattr(asked, name) for name in HistoryQuery.__slots__} | changed)


# stands for a list that is too long
_MANY: list[UUID] = [UUID(int=0)]


def _context_condition(asked: HistoryQuery) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    params: list[Any] = []
    for sql, value in (
        ("c.metadata->>'actor' = %s", asked.actor),
        ("c.metadata->>'job' = %s AND c.metadata ? 'job'", asked.job),
        ("c.metadata->>'reason' ILIKE %s", f"%{_literal(asked.reason)}%" if asked.reason else ""),
    ):
        if value:
            conditions.append(sql)
            params.append(value)
    if asked.by in _BY:
        conditions.append(_BY[asked.by])
    return " AND ".join(conditions), params


_OF_SOMEBODY = "c.metadata->>'user' IS NOT NULL"
# work that a job does for somebody is theirs
_BY = {"people": _OF_SOMEBODY, "jobs": f"NOT ({_OF_SOMEBODY}) AND c.metadata ? 'job'"}


def _of_contexts(asked: HistoryQuery) -> list[UUID] | None:
    """The contexts asked for; None where none is, `_MANY` itself where there are too many to
    list."""
    if asked.change is not None:
        return [asked.change]
    said, params = _context_condition(asked)
    if not said:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id FROM pghistory_context c WHERE {said} LIMIT {MAX_CONTEXTS_AT_A_TIME + 1}",
            params,
        )
        found = [pk for (pk,) in cursor.fetchall()]
    return _MANY if len(found) > MAX_CONTEXTS_AT_A_TIME else found


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _run(
    asked: HistoryQuery,
    within: HistoryCondition | None,
    limit: int,
    place: _Position | None,
    backwards: bool,
) -> list[tuple[int, int]]:
    """One statement: the first of each table, then the first of all."""
    at, kind_order, turn = ("ASC", "DESC", ">") if backwards else ("DESC", "ASC", "<")
    parts: list[str] = []
    params: list[Any] = []
    for label, shown in asked.kinds.items():
        kind = tracked_models()[label]
        conditions, given = _conditions(asked, kind, shown, within)
        if place is not None:
            conditions.append(_beyond(kind.number, place, turn))
            given += [place[0], place[2]] if kind.number == place[1] else [place[0]]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        parts.append(
            f"(SELECT h.pgh_created_at AS at, {kind.number} AS kind, h.pgh_id AS id"
            f" FROM {connection.ops.quote_name(kind.table)} h {where}"
            f" ORDER BY h.pgh_created_at {at}, h.pgh_id {at} LIMIT {limit})"
        )
        params += given
    statement = (
        f"SELECT * FROM ({' UNION ALL '.join(parts)}) found"
        f" ORDER BY at {at}, kind {kind_order}, id {at} LIMIT {limit}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [(kind, pk) for _at, kind, pk in cursor.fetchall()]


def _conditions(
    asked: HistoryQuery,
    kind: TrackedModel,
    shown: HistoryCondition | None,
    within: HistoryCondition | None,
) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    params: list[Any] = []
    for condition in (
        shown,
        HistoryCondition("h.pgh_obj_id = %s", (asked.record,))
        if asked.record is not None
        else None,
        HistoryCondition("h.pgh_created_at >= %s", (asked.since,)) if asked.since else None,
        HistoryCondition("h.pgh_created_at < %s", (asked.until,)) if asked.until else None,
        within,
    ):
        if condition is not None:
            conditions.append(condition.sql)
            params += condition.params
    return conditions, params


def _beyond(number: int, place: _Position, turn: str) -> str:
    """Rows after the place: at its moment, kinds go by their number, and ids of one kind like the
    time."""
    if number == place[1]:
        return f"(h.pgh_created_at, h.pgh_id) {turn} (%s, %s)"
    # forwards, later kinds of the same moment follow; backwards, earlier ones do
    same_moment = number > place[1] if turn == "<" else number < place[1]
    return f"h.pgh_created_at {turn}{'=' if same_moment else ''} %s"


# --- what they say --------------------------------------------------------------------------------


def _entries(found: Sequence[tuple[int, int]]) -> list[HistoryEntry]:
    """The rows with the version before each, in one statement."""
    if not found:
        return []
    by_number = {kind.number: kind for kind in tracked_models().values()}
    wanted: dict[int, list[int]] = {}
    for number, pk in found:
        wanted.setdefault(number, []).append(pk)
    parts, params = [], []
    for number, ids in wanted.items():
        table = connection.ops.quote_name(by_number[number].table)
        parts.append(
            f"SELECT {number} AS kind, h.pgh_id, h.pgh_created_at, h.pgh_label, h.pgh_obj_id, "
            "h.pgh_context_id,"
            f" c.metadata::text, to_jsonb(h)::text, (SELECT to_jsonb(b)::text FROM {table} b"
            " WHERE b.pgh_obj_id = h.pgh_obj_id AND b.pgh_id < h.pgh_id ORDER BY b.pgh_id DESC "
            "LIMIT 1)"
            f" FROM {table} h LEFT JOIN pghistory_context c ON c.id = h.pgh_context_id WHERE "
            "h.pgh_id = ANY (%s)"
        )
        params.append(ids)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        rows = {
            (number, pk): HistoryEntry(
                by_number[number],
                pk,
                at,
                label,
                record,
                change,
                json.loads(words or "{}"),
                json.loads(now),
                json.loads(was) if was else None,
            )
            for number, pk, at, label, record, change, words, now, was in cursor.fetchall()
        }
    return [rows[key] for key in found if key in rows]


def _encode(place: _Position, direction: str) -> str:
    text = json.dumps([direction, place[0].isoformat(), place[1], place[2]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[bool, _Position]:
    try:
        text = base64.b64decode(
            cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        direction, at, number, pk = json.loads(text)
        moment = datetime.fromisoformat(at)
        sound = (
            direction in {"+", "-"}
            and moment.tzinfo is not None
            and 0 <= pk < 2**31
            and 0 <= number < 10_000
        )
    except (ValueError, TypeError, binascii.Error, RecursionError, OverflowError) as error:
        raise InvalidCursorError(
            "This cursor does not belong to this list. Start again without it."
        ) from error
    if not sound:
        raise InvalidCursorError(
            "This cursor does not belong to this list. Start again without it."
        )
    return direction == "-", (moment, int(number), int(pk))
