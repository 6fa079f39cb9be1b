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
    by_label = {}
    for number, history in enumerate(history_models()):
        model = history.pgh_tracked_model  # type: ignore[attr-defined]
        label = model._meta.label_lower
        by_label[label] = TrackedModel(
            label, str(model._meta.verbose_name), number, model, history._meta.db_table
        )
    return by_label


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


def history_page(query: HistoryQuery, *, size: int, cursor: str = "") -> KeysetPage[HistoryEntry]:
    """Return the latest changes before the cursor; three statements, and up to four more for large
    changes.

    Raises InvalidCursorError.
    """
    backwards, position = _decode(cursor) if cursor else (False, None)
    row_keys = _find_rows(query, size + 1, position, backwards)
    has_more = len(row_keys) > size
    del row_keys[size:]
    if backwards:
        row_keys.reverse()
    rows = _entries(row_keys)
    ends = [(entry.at, entry.kind.number, entry.id) for entry in rows]
    has_next = bool(rows) and (has_more or backwards)
    has_previous = bool(rows) and (has_more if backwards else position is not None)
    return KeysetPage(
        rows=rows,
        next=_encode(ends[-1], "+") if has_next else None,
        previous=_encode(ends[0], "-") if has_previous else None,
    )


# --- which rows -----------------------------------------------------------------------------------


def _find_rows(
    query: HistoryQuery, limit: int, position: _Position | None, backwards: bool
) -> list[tuple[int, int]]:
    """(kind number, id) in the order of the list, turned round where backwards."""
    of_contexts = _of_contexts(query)
    if not query.kinds or of_contexts == []:
        return []
    if of_contexts is not None and of_contexts is not _MANY:
        return _run(
            query,
            HistoryCondition("h.pgh_context_id = ANY (%s)", (of_contexts,)),
            limit,
            position,
            backwards,
        )
    if of_contexts is None:
        return _run(query, None, limit, position, backwards)
    return _find_rows_in_steps(query, limit, position, backwards)


def _find_rows_in_steps(
    query: HistoryQuery, limit: int, position: _Position | None, backwards: bool
) -> list[tuple[int, int]]:
    """Find the rows of an actor who wrote very much: take the next few thousand contexts, what they
    wrote, and so on until it is enough.

    A step ends at the moment `edge`, at which the last of its contexts began: whatever was written
    on this side of it belongs to a context that began at most `_MAX_CONTEXT_DURATION` before.
    """
    lower, upper = query.since, query.until
    if position is not None and backwards:
        lower = max(filter(None, [lower, position[0]]))
    elif position is not None:
        upper = min(filter(None, [upper, position[0] + timedelta(microseconds=1)]))
    row_keys: list[tuple[int, int]] = []
    n_contexts = _FIRST_STEP
    while True:
        edge = _edge(query, lower, upper, n_contexts, backwards)
        since, until = (lower, edge or upper) if backwards else (edge or lower, upper)
        context_condition = HistoryCondition(
            "h.pgh_context_id = ANY (%s)", (_contexts_between(query, since, until),)
        )
        row_keys += _run(
            _with(query, since=since, until=until),
            context_condition,
            limit - len(row_keys),
            position,
            backwards,
        )
        if len(row_keys) >= limit or edge is None:
            return row_keys
        lower, upper = (edge, upper) if backwards else (lower, edge)
        n_contexts *= _GROWTH


def _edge(
    query: HistoryQuery,
    lower: datetime | None,
    upper: datetime | None,
    n_contexts: int,
    backwards: bool,
) -> datetime | None:
    """Return when the n-th next context began; None where there are fewer."""
    condition, params = _bounded(query, lower, upper)
    direction = "ASC" if backwards else "DESC"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.created_at FROM pghistory_context c WHERE {condition}"
            f" ORDER BY c.created_at {direction} OFFSET {n_contexts} LIMIT 1",
            params,
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _contexts_between(
    query: HistoryQuery, since: datetime | None, until: datetime | None
) -> list[UUID]:
    condition, params = _bounded(query, since - _MAX_CONTEXT_DURATION if since else None, until)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT c.id FROM pghistory_context c WHERE {condition}", params)
        return [pk for (pk,) in cursor.fetchall()]


def _bounded(
    query: HistoryQuery, since: datetime | None, until: datetime | None
) -> tuple[str, list[Any]]:
    condition, params = _context_condition(query)
    for sql, moment in (("c.created_at >= %s", since), ("c.created_at < %s", until)):
        if moment is not None:
            condition, params = f"{condition} AND {sql}", [*params, moment]
    return condition, params


def _with(query: HistoryQuery, **changed: Any) -> HistoryQuery:
    return HistoryQuery(**{name: getattr(query, name) for name in HistoryQuery.__slots__} | changed)


# stands for a list that is too long
_MANY: list[UUID] = [UUID(int=0)]


def _context_condition(query: HistoryQuery) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    params: list[Any] = []
    for sql, value in (
        ("c.metadata->>'actor' = %s", query.actor),
        ("c.metadata->>'job' = %s AND c.metadata ? 'job'", query.job),
        ("c.metadata->>'reason' ILIKE %s", f"%{_literal(query.reason)}%" if query.reason else ""),
    ):
        if value:
            conditions.append(sql)
            params.append(value)
    if query.by in _BY:
        conditions.append(_BY[query.by])
    return " AND ".join(conditions), params


_OF_SOMEBODY = "c.metadata->>'user' IS NOT NULL"
# work that a job does for somebody is theirs
_BY = {"people": _OF_SOMEBODY, "jobs": f"NOT ({_OF_SOMEBODY}) AND c.metadata ? 'job'"}


def _of_contexts(query: HistoryQuery) -> list[UUID] | None:
    """The contexts asked for; None where none is, `_MANY` itself where there are too many to
    list."""
    if query.change is not None:
        return [query.change]
    sql, params = _context_condition(query)
    if not sql:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id FROM pghistory_context c WHERE {sql} LIMIT {MAX_CONTEXTS_AT_A_TIME + 1}",
            params,
        )
        context_ids = [pk for (pk,) in cursor.fetchall()]
    return _MANY if len(context_ids) > MAX_CONTEXTS_AT_A_TIME else context_ids


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _run(
    query: HistoryQuery,
    within: HistoryCondition | None,
    limit: int,
    position: _Position | None,
    backwards: bool,
) -> list[tuple[int, int]]:
    """One statement: the first of each table, then the first of all."""
    at, kind_order, operator = ("ASC", "DESC", ">") if backwards else ("DESC", "ASC", "<")
    parts: list[str] = []
    params: list[Any] = []
    for label, visibility in query.kinds.items():
        kind = tracked_models()[label]
        conditions, kind_params = _conditions(query, kind, visibility, within)
        if position is not None:
            conditions.append(_beyond(kind.number, position, operator))
            kind_params += (
                [position[0], position[2]] if kind.number == position[1] else [position[0]]
            )
        where_clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        parts.append(
            f"(SELECT h.pgh_created_at AS at, {kind.number} AS kind, h.pgh_id AS id"
            f" FROM {connection.ops.quote_name(kind.table)} h {where_clause}"
            f" ORDER BY h.pgh_created_at {at}, h.pgh_id {at} LIMIT {limit})"
        )
        params += kind_params
    statement = (
        f"SELECT * FROM ({' UNION ALL '.join(parts)}) found"
        f" ORDER BY at {at}, kind {kind_order}, id {at} LIMIT {limit}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [(kind, pk) for _at, kind, pk in cursor.fetchall()]


def _conditions(
    query: HistoryQuery,
    kind: TrackedModel,
    visibility: HistoryCondition | None,
    within: HistoryCondition | None,
) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    params: list[Any] = []
    for condition in (
        visibility,
        HistoryCondition("h.pgh_obj_id = %s", (query.record,))
        if query.record is not None
        else None,
        HistoryCondition("h.pgh_created_at >= %s", (query.since,)) if query.since else None,
        HistoryCondition("h.pgh_created_at < %s", (query.until,)) if query.until else None,
        within,
    ):
        if condition is not None:
            conditions.append(condition.sql)
            params += condition.params
    return conditions, params


def _beyond(number: int, position: _Position, operator: str) -> str:
    """Rows after the place: at its moment, kinds go by their number, and ids of one kind like the
    time."""
    if number == position[1]:
        return f"(h.pgh_created_at, h.pgh_id) {operator} (%s, %s)"
    # forwards, later kinds of the same moment follow; backwards, earlier ones do
    same_moment = number > position[1] if operator == "<" else number < position[1]
    return f"h.pgh_created_at {operator}{'=' if same_moment else ''} %s"


# --- what they say --------------------------------------------------------------------------------


def _entries(row_keys: Sequence[tuple[int, int]]) -> list[HistoryEntry]:
    """The rows with the version before each, in one statement."""
    if not row_keys:
        return []
    by_number = {kind.number: kind for kind in tracked_models().values()}
    ids_by_kind: dict[int, list[int]] = {}
    for number, pk in row_keys:
        ids_by_kind.setdefault(number, []).append(pk)
    parts, params = [], []
    for number, ids in ids_by_kind.items():
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
                json.loads(metadata or "{}"),
                json.loads(now),
                json.loads(previous) if previous else None,
            )
            for number, pk, at, label, record, change, metadata, now, previous in cursor.fetchall()
        }
    return [rows[key] for key in row_keys if key in rows]


def _encode(position: _Position, direction: str) -> str:
    text = json.dumps([direction, position[0].isoformat(), position[1], position[2]])
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
