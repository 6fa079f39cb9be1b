"""The history of all tracked models as one list, latest first: who changed what, when and why.

Each history table is read by its index on (time, id), so that a page costs the same however long
the history is; a condition on actor or reason is first applied to the contexts, of which there is
one per request or job. This module does not know what the records mean: the caller passes the
models whose records may be shown, with a condition for each.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models

from apps.common.database.keyset_pagination import InvalidCursorError, KeysetPage
from apps.common.history.maintenance import history_models

# if one actor has more contexts than this, they are read in steps, latest first
MAX_CONTEXTS_AT_A_TIME = 2_000
_FIRST_STEP, _GROWTH = 100, 8
# no request, job or command writes under one context for longer
_MAX_CONTEXT_DURATION = timedelta(days=1)
# columns of pghistory itself, which no page of changes shows
_OWN_COLUMNS = frozenset({"pgh_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_context_id"})


@dataclass(frozen=True, slots=True)
class TrackedModel:
    """One tracked model. `number` orders changes of different models at the same moment."""

    label: str
    name: str
    number: int
    model: type[models.Model]
    table: str


@cache
def tracked_models() -> dict[str, TrackedModel]:
    """Return the tracked models by label, such as `inventory.application`."""
    by_label = {}
    for model_number, history in enumerate(history_models()):
        model = history.pgh_tracked_model  # type: ignore[attr-defined]
        label = model._meta.label_lower
        by_label[label] = TrackedModel(
            label, str(model._meta.verbose_name), model_number, model, history._meta.db_table
        )
    return by_label


@dataclass(frozen=True, slots=True)
class HistoryCondition:
    """A SQL condition on a history table with the alias `h`, and its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """The selection of changes. `kinds` maps the label of a model to the condition under which its
    records may be shown; other models are not read. `since` is inclusive, `until` exclusive."""

    kinds: Mapping[str, HistoryCondition | None]
    record: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    job: str = ""
    # "people": without changes by jobs alone; "jobs": only those
    by: str = ""
    reason: str = ""
    change: UUID | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One written row; `was` is the previous version, None if none is recorded."""

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
        """Yield (column, old value, new value) for each changed column; of a created or deleted
        record, for each column with a value."""
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


class _Position(NamedTuple):
    """A row of the history, after which a page begins."""

    at: datetime
    model_number: int
    version_id: int


def history_page(query: HistoryQuery, *, size: int, cursor: str = "") -> KeysetPage[HistoryEntry]:
    """Return one page of changes from the cursor on, latest first; three statements, and up to four
    more for actors with many contexts.

    Raises InvalidCursorError.
    """
    backwards, position = _decode_cursor(cursor) if cursor else (False, None)
    row_keys = _find_rows(query, size + 1, position, backwards)
    has_more = len(row_keys) > size
    del row_keys[size:]
    if backwards:
        row_keys.reverse()
    rows = _load_entries(row_keys)
    positions = [_Position(entry.at, entry.kind.number, entry.id) for entry in rows]
    has_next = bool(rows) and (has_more or backwards)
    has_previous = bool(rows) and (has_more if backwards else position is not None)
    return KeysetPage(
        rows=rows,
        next=_encode_cursor(positions[-1], "+") if has_next else None,
        previous=_encode_cursor(positions[0], "-") if has_previous else None,
    )


# --- selecting rows -----------------------------------------------------------------------------


def _find_rows(
    query: HistoryQuery, limit: int, position: _Position | None, backwards: bool
) -> list[tuple[int, int]]:
    """Return (model number, ID of the history row) in the order of the list, reversed if
    `backwards`."""
    of_contexts = _matching_contexts(query)
    if not query.kinds or of_contexts == []:
        return []
    if of_contexts is not None and of_contexts is not _MANY:
        return _select_row_keys(
            query,
            HistoryCondition("h.pgh_context_id = ANY (%s)", (of_contexts,)),
            limit,
            position,
            backwards,
        )
    if of_contexts is None:
        return _select_row_keys(query, None, limit, position, backwards)
    return _find_rows_in_steps(query, limit, position, backwards)


def _find_rows_in_steps(
    query: HistoryQuery, limit: int, position: _Position | None, backwards: bool
) -> list[tuple[int, int]]:
    """Return the rows of an actor with many contexts: read the next few thousand contexts, then
    their rows, and repeat until there are enough rows.

    A step ends at the moment `edge`, when the last of its contexts began: whatever was written
    before that moment (after it, if `backwards`) belongs to a context that began at most
    `_MAX_CONTEXT_DURATION` before the write.
    """
    lower, upper = query.since, query.until
    if position is not None and backwards:
        lower = max(filter(None, [lower, position.at]))
    elif position is not None:
        upper = min(filter(None, [upper, position.at + timedelta(microseconds=1)]))
    row_keys: list[tuple[int, int]] = []
    n_contexts = _FIRST_STEP
    while True:
        edge = _find_step_boundary(query, lower, upper, n_contexts, backwards)
        since, until = (lower, edge or upper) if backwards else (edge or lower, upper)
        context_condition = HistoryCondition(
            "h.pgh_context_id = ANY (%s)", (_contexts_between(query, since, until),)
        )
        row_keys += _select_row_keys(
            _copy_query(query, since=since, until=until),
            context_condition,
            limit - len(row_keys),
            position,
            backwards,
        )
        if len(row_keys) >= limit or edge is None:
            return row_keys
        lower, upper = (edge, upper) if backwards else (lower, edge)
        n_contexts *= _GROWTH


def _find_step_boundary(
    query: HistoryQuery,
    lower: datetime | None,
    upper: datetime | None,
    n_contexts: int,
    backwards: bool,
) -> datetime | None:
    """Return when the n-th next context began; None if there are fewer. The next ones are later
    contexts if `backwards`, otherwise earlier ones."""
    condition, params = _timed_context_condition(query, lower, upper)
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
    condition, params = _timed_context_condition(
        query, since - _MAX_CONTEXT_DURATION if since else None, until
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT c.id FROM pghistory_context c WHERE {condition}", params)
        return [pk for (pk,) in cursor.fetchall()]


def _timed_context_condition(
    query: HistoryQuery, since: datetime | None, until: datetime | None
) -> tuple[str, list[Any]]:
    condition, params = _context_condition(query)
    for sql, moment in (("c.created_at >= %s", since), ("c.created_at < %s", until)):
        if moment is not None:
            condition, params = f"{condition} AND {sql}", [*params, moment]
    return condition, params


def _copy_query(query: HistoryQuery, **replaced_fields: Any) -> HistoryQuery:
    return HistoryQuery(
        **{name: getattr(query, name) for name in HistoryQuery.__slots__} | replaced_fields
    )


# placeholder for a list of contexts that is too long
_MANY: list[UUID] = [UUID(int=0)]


def _context_condition(query: HistoryQuery) -> tuple[str, list[Any]]:
    """Return the SQL condition on contexts (alias `c`) by actor, job, reason and kind of author,
    with its parameters; "" if the query does not restrict contexts."""
    conditions: list[str] = []
    params: list[Any] = []
    for sql, value in (
        ("c.metadata->>'actor' = %s", query.actor),
        ("c.metadata->>'job' = %s AND c.metadata ? 'job'", query.job),
        (
            "c.metadata->>'reason' ILIKE %s",
            f"%{_escape_like_pattern(query.reason)}%" if query.reason else "",
        ),
    ):
        if value:
            conditions.append(sql)
            params.append(value)
    if query.by in _BY:
        conditions.append(_BY[query.by])
    return " AND ".join(conditions), params


_HAS_USER = "c.metadata->>'user' IS NOT NULL"
# work that a job does for a user counts as the user's
_BY = {"people": _HAS_USER, "jobs": f"NOT ({_HAS_USER}) AND c.metadata ? 'job'"}


def _matching_contexts(query: HistoryQuery) -> list[UUID] | None:
    """Return the IDs of the contexts that the query selects; None if it does not restrict contexts,
    and `_MANY` itself if there are too many to list."""
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


def _escape_like_pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _select_row_keys(
    query: HistoryQuery,
    within: HistoryCondition | None,
    limit: int,
    position: _Position | None,
    backwards: bool,
) -> list[tuple[int, int]]:
    """Return (model number, ID) of the first `limit` rows after `position`, newest first, or oldest
    first if `backwards`: one statement that takes the first rows of each table, then the first of
    all."""
    at, kind_order, operator = ("ASC", "DESC", ">") if backwards else ("DESC", "ASC", "<")
    subqueries: list[str] = []
    params: list[Any] = []
    for label, visibility in query.kinds.items():
        kind = tracked_models()[label]
        conditions, kind_params = _history_conditions(query, kind, visibility, within)
        if position is not None:
            conditions.append(_position_condition(kind.number, position, operator))
            kind_params += (
                [position.at, position.version_id]
                if kind.number == position.model_number
                else [position.at]
            )
        where_clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        subqueries.append(
            f"(SELECT h.pgh_created_at AS at, {kind.number} AS kind, h.pgh_id AS id"
            f" FROM {connection.ops.quote_name(kind.table)} h {where_clause}"
            f" ORDER BY h.pgh_created_at {at}, h.pgh_id {at} LIMIT {limit})"
        )
        params += kind_params
    statement = (
        f"SELECT * FROM ({' UNION ALL '.join(subqueries)}) found"
        f" ORDER BY at {at}, kind {kind_order}, id {at} LIMIT {limit}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [(kind, pk) for _at, kind, pk in cursor.fetchall()]


def _history_conditions(
    query: HistoryQuery,
    kind: TrackedModel,
    visibility: HistoryCondition | None,
    within: HistoryCondition | None,
) -> tuple[list[str], list[Any]]:
    """Return the SQL conditions on one history table (alias `h`) and their parameters, in the same
    order: visibility, record, time, and `within`."""
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


def _position_condition(model_number: int, position: _Position, operator: str) -> str:
    """Return the condition for rows after the position. At the same moment rows are ordered by the
    number of their model, then by ID, which runs in the direction of time."""
    if model_number == position.model_number:
        return f"(h.pgh_created_at, h.pgh_id) {operator} (%s, %s)"
    # at the same moment, models with a higher number follow; if read backwards, those with a lower
    # one
    same_moment = (
        model_number > position.model_number
        if operator == "<"
        else model_number < position.model_number
    )
    return f"h.pgh_created_at {operator}{'=' if same_moment else ''} %s"


# --- loading rows -------------------------------------------------------------------------------


def _load_entries(row_keys: Sequence[tuple[int, int]]) -> list[HistoryEntry]:
    """Load the rows and the version before each in one statement."""
    if not row_keys:
        return []
    by_number = {kind.number: kind for kind in tracked_models().values()}
    ids_by_kind: dict[int, list[int]] = {}
    for model_number, pk in row_keys:
        ids_by_kind.setdefault(model_number, []).append(pk)
    subqueries, params = [], []
    for model_number, ids in ids_by_kind.items():
        table = connection.ops.quote_name(by_number[model_number].table)
        subqueries.append(
            f"SELECT {model_number} AS kind, h.pgh_id, h.pgh_created_at, h.pgh_label,"
            " h.pgh_obj_id, h.pgh_context_id,"
            f" c.metadata::text, to_jsonb(h)::text, (SELECT to_jsonb(b)::text FROM {table} b"
            " WHERE b.pgh_obj_id = h.pgh_obj_id AND b.pgh_id < h.pgh_id ORDER BY b.pgh_id DESC "
            "LIMIT 1)"
            f" FROM {table} h LEFT JOIN pghistory_context c ON c.id = h.pgh_context_id WHERE "
            "h.pgh_id = ANY (%s)"
        )
        params.append(ids)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(subqueries), params)
        rows = {
            (model_number, pk): HistoryEntry(
                by_number[model_number],
                pk,
                at,
                label,
                record,
                change,
                json.loads(metadata or "{}"),
                json.loads(version),
                json.loads(previous_version) if previous_version else None,
            )
            for (
                model_number,
                pk,
                at,
                label,
                record,
                change,
                metadata,
                version,
                previous_version,
            ) in cursor.fetchall()
        }
    return [rows[key] for key in row_keys if key in rows]


def _encode_cursor(position: _Position, direction: str) -> str:
    text = json.dumps(
        [direction, position.at.isoformat(), position.model_number, position.version_id]
    )
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> tuple[bool, _Position]:
    """Return (is it read backwards, the position that the page begins after). Raises
    InvalidCursorError."""
    try:
        text = base64.b64decode(
            cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        direction, at, model_number, pk = json.loads(text)
        moment = datetime.fromisoformat(at)
        is_sound = (
            direction in {"+", "-"}
            and moment.tzinfo is not None
            and 0 <= pk < 2**31
            and 0 <= model_number < 10_000
        )
    except (ValueError, TypeError, binascii.Error, RecursionError, OverflowError) as error:
        raise InvalidCursorError(
            "This cursor does not belong to this list. Start again without it."
        ) from error
    if not is_sound:
        raise InvalidCursorError(
            "This cursor does not belong to this list. Start again without it."
        )
    return direction == "-", _Position(moment, int(model_number), int(pk))
