"""Queries of inherited risk. Every function has a parameter for the day, and one for the reader if
users call it.

Inheritance is derived, see queries/inheritance_sql.py. Lists read the risks, most severe first, and
for each its dependencies by criticality and ID; other orders are possible only if the rows are few
or stored.
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from apps.catalog.models import NodeKind, Via
from apps.common.database.keyset_pagination import InvalidCursorError, KeysetPage
from apps.common.database.statements import compose_statement
from apps.risks.levels import AdaptationStep, Level, adjust_level
from apps.risks.queries import inheritance_sql
from apps.risks.queries.conditions import (
    InheritedRiskConditions,
    InheritedRiskQuery,
    build_conditions,
)
from apps.risks.queries.levels import IN_THE_WEIGHTS, steps_of
from apps.risks.queries.reach import team_scope

NO_POSITION: Sequence[int | None] = (None,) * 5


@dataclass(frozen=True, slots=True)
class InheritedRisk:
    """One foundation risk on one dependency. `inherent` is the foundation's level, `adjusted` that
    after the adaptations.

    `via` is None if only its gateway or vendor connects it with the node.
    """

    risk_id: int
    dependency_id: int
    template: str
    title: str
    layer: str
    rule: str
    facts: str
    confidence: str
    node_kind: str
    node_ref: int
    node_name: str
    via: str | None
    depth: int | None
    application: str
    application_name: str
    team: str
    team_name: str
    team_id: int
    criticality: int
    data_classification: str
    role: str
    offering_id: int
    api_id: str
    host: str
    host_name: str
    inherent: Level
    adjusted: Level
    steps: tuple[AdaptationStep, ...]
    adaptations: tuple[str, ...]
    assessment_id: int | None
    assessment_version: int
    state: str
    treatment: str
    current: Level | None
    residual: Level | None
    owner: str | None
    owner_name: str
    due_on: date | None
    accepted_until: date | None
    stale_reason: str
    stale_event_id: int | None
    risk_owner: str | None

    @property
    def key(self) -> str:
        """Return the identifier of the pair in URLs."""
        return f"{self.risk_id}-{self.dependency_id}"


def inherited_risks(
    *,
    user: Any,
    on: date,
    query: InheritedRiskQuery | None = None,
    size: int = 50,
    cursor: str = "",
) -> KeysetPage[InheritedRisk]:
    """Return a page of the risks that the applications `user` can view inherit; at most three
    statements at any depth.

    Raises InvalidCursorError if the cursor does not belong to this list.
    """
    query = query or InheritedRiskQuery()
    backwards, after = _decode_cursor(cursor) if cursor else (False, None)
    rows = _fetch_page(
        user=user, on=on, query=query, size=size + 1, backwards=backwards, after=after
    )
    has_more = len(rows) > size
    if has_more:
        rows = rows[1:] if backwards else rows[:size]
    has_next = bool(rows) and (has_more or backwards)
    has_previous = bool(rows) and (has_more if backwards else after is not None)
    return KeysetPage(
        rows=_inherited_risks_from_rows(rows, on),
        next=_encode_cursor(rows[-1], backwards=False) if has_next else None,
        previous=_encode_cursor(rows[0], backwards=True) if has_previous else None,
    )


def inherited_risk(
    *, user: Any, risk_id: int, dependency_id: int, on: date
) -> InheritedRisk | None:
    """Return the pair if `user` can view the application and the dependency inherits the risk on
    that day, otherwise None."""
    page = inherited_risks(
        user=user, on=on, query=InheritedRiskQuery(risk=risk_id, dependency=dependency_id), size=1
    )
    return page.rows[0] if page.rows else None


def inherited_pairs(
    *, user: Any, on: date, pairs: Collection[tuple[int, int]]
) -> list[InheritedRisk]:
    """Return those (risk, dependency) pairs that are inherited and `user` can view, most severe
    first; two statements."""
    params = {
        **team_scope(user),
        "day": on,
        "risks": [risk for risk, _ in pairs],
        "dependencies": [dependency for _, dependency in pairs],
    }
    sql_by_name = inheritance_sql.sql_parts(
        backwards=False,
        risk_condition="AND r.id = ANY (%(risks)s)",
        dependency_condition="d.id = ANY (%(dependencies)s)",
        state="(r.id, d.id) IN (SELECT * FROM unnest(%(risks)s::bigint[], "
        "%(dependencies)s::bigint[]))",
    )
    sql = (
        compose_statement(inheritance_sql.ALL_OF_FEW, **sql_by_name)
        + ", page AS (SELECT * FROM found)"
        + inheritance_sql.DETAILS
    )
    return _inherited_risks_from_rows(
        _fetch_rows(f"{sql} ORDER BY {inheritance_sql.GRAVEST}", params), on
    )


# --- the page -------------------------------------------------------------------------------------


def _fetch_page(
    *,
    user: Any,
    on: date,
    query: InheritedRiskQuery,
    size: int,
    backwards: bool,
    after: Sequence[int] | None,
) -> list[dict[str, Any]]:
    """Return the rows of one page, in list order; `backwards`: the rows before the position
    `after`.

    The statement starts from the applications, the risks or the stored assessments, whichever the
    query limits to fewer rows.
    """
    conditions = build_conditions(user=user, on=on, query=query)
    if conditions.is_empty:
        return []
    names = ("inherent", "risk", "criticality", "application", "dependency")
    after_row = {
        f"after_{name}": value for name, value in zip(names, after or NO_POSITION, strict=True)
    }
    template = (
        inheritance_sql.FROM_APPLICATIONS if conditions.is_small else inheritance_sql.FROM_RISKS
    )
    if conditions.stored:
        template = inheritance_sql.FROM_ASSESSMENTS
    sql_by_name = inheritance_sql.sql_parts(
        backwards=backwards,
        risk_condition=conditions.which,
        dependency_condition=conditions.chosen,
        state=conditions.state,
        lazily=template is not inheritance_sql.FROM_APPLICATIONS,
    )
    # DETAILS orders forwards, even if the page was read backwards
    sql = (
        compose_statement(template, **sql_by_name)
        + inheritance_sql.DETAILS
        + f"ORDER BY {inheritance_sql.GRAVEST}"
    )
    return _fetch_rows(sql, {**conditions.params, **after_row, "size": size})


def _fetch_rows(sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


# --- other orders ---------------------------------------------------------------------------------

# orders of lists of few applications; those by a date of the assessment are possible for any list
ORDERS: Mapping[str, str] = {
    "gravest": "p.inherent",
    "risk": "coalesce(nullif(r.title, ''), t.title)",
    "application": "a.name",
    "state": "CASE coalesce(s.state, '') WHEN '' THEN 0 WHEN 'stale' THEN 1 WHEN 'assessed' "
    "THEN 2 ELSE 3 END",
    "current": "s.current",
    "residual": "s.residual",
    "treatment": "nullif(s.treatment, '')",
    "owner": "u.last_name, u.first_name, u.username",
    "due": "s.due_on",
    "until": "CASE WHEN s.treatment = 'accept' AND s.revoked_at IS NULL THEN s.accepted_until END",
}


def order_sql(order: str, *, falling: bool) -> str:
    """Return the ORDER BY of an order of ORDERS, with the severity as tie-breaker; `falling`
    reverses it."""
    if order == "gravest":
        return inheritance_sql.GRAVEST if not falling else f"p.inherent, {inheritance_sql.GRAVEST}"
    return f"{ORDERS[order]} {'DESC' if falling else 'ASC'} NULLS LAST, {inheritance_sql.GRAVEST}"


def _compose_parts(conditions: InheritedRiskConditions) -> dict[str, str]:
    return inheritance_sql.sql_parts(
        backwards=False,
        risk_condition=conditions.which,
        dependency_condition=conditions.chosen,
        state=conditions.state,
        inline=not conditions.is_small,
    )


def _list_template(conditions: InheritedRiskConditions) -> str:
    return inheritance_sql.ALL_OF_FEW if conditions.is_small else inheritance_sql.ALL_STORED


def sorted_inherited_risks(
    conditions: InheritedRiskConditions,
    *,
    on: date,
    order: str = "gravest",
    falling: bool = False,
    size: int = 50,
    offset: int = 0,
) -> list[InheritedRisk]:
    """Return a page of a `gathered` list, of few applications or one owner, in an order of ORDERS,
    reversed if `falling`; two statements."""
    if conditions.is_empty:
        return []
    order_sql_text = order_sql(order, falling=falling)
    sql_by_name = _compose_parts(conditions)
    sql = (
        compose_statement(
            _list_template(conditions) + inheritance_sql.SORTED, order=order_sql_text, **sql_by_name
        )
        + inheritance_sql.DETAILS
    )
    params = {**conditions.params, "size": size, "offset": offset}
    return _inherited_risks_from_rows(_fetch_rows(f"{sql} ORDER BY {order_sql_text}", params), on)


def count_gathered_risks(conditions: InheritedRiskConditions, *, limit: int) -> int:
    """Return how many rows `sorted_inherited_risks` has in total, counted up to `limit`; one
    statement."""
    if conditions.is_empty:
        return 0
    sql_by_name = _compose_parts(conditions)
    sql = (
        compose_statement(_list_template(conditions), **sql_by_name)
        + "SELECT count(*) AS n FROM (SELECT 1 FROM found LIMIT %(most)s) probe"
    )
    n: int = _fetch_rows(sql, {**conditions.params, "most": limit})[0]["n"]
    return n


def dated_inherited_risks(
    conditions: InheritedRiskConditions,
    *,
    on: date,
    order: str,
    falling: bool = False,
    size: int = 50,
    offset: int = 0,
) -> list[InheritedRisk]:
    """Return inherited risks with a due date (`due`) or an acceptance (`until`), by that date
    (latest first if `falling`), for any portfolio; two statements."""
    if conditions.is_empty:
        return []
    column = "s.due_on" if order == "due" else "s.accepted_until"
    date_condition = (
        f"{column} IS NOT NULL"
        if order == "due"
        else "s.treatment = 'accept' AND s.revoked_at IS NULL"
    )
    direction = "DESC" if falling else "ASC"
    state = f"{date_condition} AND ({conditions.state})"
    sql_by_name = inheritance_sql.sql_parts(
        backwards=False,
        risk_condition=conditions.which,
        dependency_condition=conditions.chosen,
        state=state,
        inline=True,
    )
    order_sql_text = f"{column} {direction}, s.id {direction}"
    sql = (
        compose_statement(inheritance_sql.FROM_DAYS, order=order_sql_text, **sql_by_name)
        + inheritance_sql.DETAILS
    )
    return _inherited_risks_from_rows(
        _fetch_rows(
            f"{sql} ORDER BY {order_sql_text}",
            {**conditions.params, "size": size, "offset": offset},
        ),
        on,
    )


def _inherited_risks_from_rows(rows: Sequence[Mapping[str, Any]], on: date) -> list[InheritedRisk]:
    """Return the rows as inherited risks, with the levels adjusted to the adaptations of the
    dependency. `on` decides whether an acceptance is in force."""
    steps = steps_of({row["template_id"] for row in rows if row["template_id"] is not None})
    risks = []
    for row in rows:
        inherent = Level(row["likelihood"], row["impact"])
        adaptations = tuple(row["adaptations"] or ())
        adjusted = adjust_level(
            inherent,
            steps.get(row["template_id"], ()),
            adaptations,
            in_the_weights=row["layer"] in IN_THE_WEIGHTS,
        )
        is_accepted = row["treatment"] == "accept" and row["revoked_at"] is None
        is_in_force = (
            is_accepted and row["accepted_until"] is not None and row["accepted_until"] > on
        )
        risks.append(
            InheritedRisk(
                risk_id=row["risk_id"],
                dependency_id=row["dependency_id"],
                template=row["code"],
                title=row["title"],
                layer=row["layer"],
                rule=row["rule"],
                facts=row["facts"],
                confidence=row["confidence"],
                node_kind=NodeKind(row["node_kind"]).label,
                node_ref=row["node_ref"],
                node_name=row["node_name"] or "",
                via=None if row["via"] is None else Via(row["via"]).label,
                depth=row["depth"],
                application=row["application"],
                application_name=row["application_name"],
                team=row["team"],
                team_name=row["team_name"],
                team_id=row["team_id"],
                criticality=row["criticality"],
                data_classification=row["data_classification"],
                role=row["role"],
                offering_id=row["offering_id"],
                api_id=row["api_id"],
                host=row["host"],
                host_name=row["host_name"],
                inherent=inherent,
                adjusted=adjusted.level,
                steps=adjusted.steps,
                adaptations=adaptations,
                assessment_id=row["assessment_id"],
                assessment_version=row["assessment_version"] or 0,
                state=row["state"],
                treatment=row["treatment"] or "",
                current=_build_level(row["current_likelihood"], row["current_impact"]),
                residual=_build_level(row["residual_likelihood"], row["residual_impact"]),
                owner=row["owner"],
                owner_name=row["owner_name"] if row["owner"] else "",
                due_on=row["due_on"],
                accepted_until=row["accepted_until"] if is_in_force else None,
                stale_reason=row["stale_reason"] or "",
                stale_event_id=row["stale_event_id"],
                risk_owner=row["risk_owner"],
            )
        )
    return risks


def _build_level(likelihood: int | None, impact: int | None) -> Level | None:
    return None if likelihood is None or impact is None else Level(likelihood, impact)


def _encode_cursor(row: Mapping[str, Any], *, backwards: bool) -> str:
    """Return the cursor of the page after the row, or before it if `backwards`."""
    values = [
        row[name]
        for name in ("inherent", "risk_id", "criticality", "application_id", "dependency_id")
    ]
    text = json.dumps(["-" if backwards else "+", "inherited", values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> tuple[bool, list[int]]:
    """Return (whether the page is read backwards, position). Raise InvalidCursorError for a cursor
    of another list."""
    try:
        text = base64.b64decode(
            cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        direction, of, values = json.loads(text)
        are_valid = [
            isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
            for value in values
        ]
        small = len(values) == 5 and values[0] <= 25 and values[2] < 2**15
        if direction not in {"+", "-"} or of != "inherited" or not small or not all(are_valid):
            raise InvalidCursorError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidCursorError(
            "This cursor does not belong to this list. Start again without it."
        ) from error
    return direction == "-", values
