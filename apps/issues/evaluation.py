"""Evaluation: compares the facts of today with the stored causes and issues, and opens, updates,
reopens and resolves what differs.

Each kind is one statement that fills the temporary table `issue_fact`. The rest is the same for all
kinds and set-based, so that the retirement of the largest foundation costs a dozen statements.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.common.database.statements import compose_statement, load_statement
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.issues.kinds.base import DEFAULT_ALLOWANCE_DAYS, FACT_COLUMNS, IssueKind
from apps.issues.kinds.registry import all_kinds

# one evaluation of everything at a time; the number is only the name of this lock
EVALUATION_LOCK = 7301010
# retirements further away are no issue yet
HORIZON = timedelta(days=180)

_CREATE_FACTS = load_statement("issues", "create_facts")
_INSERT_FACTS = f"""
INSERT INTO issue_fact (kind, subtype, {", ".join(FACT_COLUMNS)})
SELECT %(kind)s, %(subtype)s, {", ".join(f"r.{column}" for column in FACT_COLUMNS)}
FROM ({{statement}}) f
CROSS JOIN LATERAL jsonb_populate_record(NULL::issue_fact, to_jsonb(f)) r
"""
_STORE_CAUSES = load_statement("issues", "store_causes")
_STORE_OFFERINGS = """
INSERT INTO issues_causeoffering (cause_id, offering_id)
SELECT DISTINCT c.id, o.offering_id
FROM issue_fact f
JOIN issues_cause c ON c.kind = f.kind AND c.subject = f.subject
CROSS JOIN LATERAL unnest(f.offering_ids) AS o(offering_id)
ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
_COMPARE_ISSUES = compose_statement(
    load_statement("issues", "compare_issues"),
    owners=compose_statement(
        load_statement("inventory", "application_owners"),
        which="a.id IN (SELECT application_id FROM issue_fact)",
    ),
)
_INSERT_ISSUES = load_statement("issues", "insert_issues")
_UPDATE_ISSUES = load_statement("issues", "update_issues")
_RECORD_ACTIVITY = load_statement("issues", "record_activity")
_RESOLVE_ISSUES = load_statement("issues", "resolve_issues")
_CLOSE_CAUSES = load_statement("issues", "close_causes")


@dataclass(frozen=True, slots=True)
class EvaluationCounts:
    """Numbers of issues that an evaluation changed."""

    opened: int = 0
    reopened: int = 0
    updated: int = 0
    resolved: int = 0
    causes_closed: int = 0


def evaluate_issues(
    *, at: datetime, application_ids: Collection[int] | None = None, reason: str = ""
) -> EvaluationCounts:
    """Bring the issues of these applications up to date, or with None all issues.

    For some applications only kinds about applications are evaluated: what concerns the
    organisation follows with the next evaluation of everything. Call it in the transaction of the
    change that makes it necessary; its cost follows the number of applications.
    """
    if application_ids is not None and not application_ids:
        return EvaluationCounts()
    kinds = [kind for kind in all_kinds() if application_ids is None or kind.has_applications]
    with transaction.atomic(), audit_context(job="issues", reason=reason or "issues evaluated"):
        return _evaluate(
            kinds,
            None if application_ids is None else sorted(set(application_ids)),
            at=at,
        )


def evaluate_kinds(names: Collection[str], *, at: datetime) -> EvaluationCounts:
    """Evaluate some kinds for all applications; names as in `IssueKind.name`, or of a whole
    kind."""
    kinds = [kind for kind in all_kinds() if {kind.name, str(kind.kind)} & set(names)]
    with transaction.atomic(), audit_context(job="issues", reason="issues evaluated"):
        return _evaluate(kinds, None, at=at)


def _evaluate(
    kinds: Sequence[IssueKind], application_ids: list[int] | None, *, at: datetime
) -> EvaluationCounts:
    parameters = {
        "at": at,
        "allowance": DEFAULT_ALLOWANCE_DAYS,
        "application_ids": application_ids,
        **day_parameters(day_of(at)),
    }
    with connection.cursor() as cursor:
        if application_ids is None:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EVALUATION_LOCK])
        cursor.execute(_CREATE_FACTS)
        for kind in kinds:
            cursor.execute(
                compose_statement(_INSERT_FACTS, statement=kind.statement),
                {
                    **parameters,
                    **kind.parameters,
                    **(kind.load_parameters(at) if kind.load_parameters else {}),
                    "kind": str(kind.kind),
                    "subtype": kind.subtype,
                },
            )
        cursor.execute("ANALYZE issue_fact")
        for statement in (_STORE_CAUSES, _STORE_OFFERINGS, _COMPARE_ISSUES):
            cursor.execute(statement, parameters)
        for statement in (_INSERT_ISSUES, _UPDATE_ISSUES, _RECORD_ACTIVITY):
            cursor.execute(statement, parameters)
        cursor.execute("SELECT change, count(*) FROM changed_issue GROUP BY change")
        counts = dict(cursor.fetchall())
        n_resolved = sum(_resolve(cursor, kind, parameters) for kind in kinds)
        cursor.execute(_CLOSE_CAUSES, parameters)
        n_closed = cursor.rowcount
        cursor.execute("DROP TABLE issue_fact, changed_issue")
    return EvaluationCounts(
        opened=counts.get("opened", 0),
        reopened=counts.get("reopened", 0),
        updated=counts.get("updated", 0),
        resolved=n_resolved,
        causes_closed=n_closed,
    )


def day_parameters(day: date) -> dict[str, Any]:
    """Return the parameters of kinds that follow from the day."""
    return {
        "day": day,
        # the name under which the inventory's shared statements know the day
        "on": day,
        "horizon": day + HORIZON,
        "in_scope": [str(status) for status in Application.IN_SCOPE],
    }


def _resolve(cursor: Any, kind: IssueKind, parameters: dict[str, Any]) -> int:
    """Resolve the issues of a kind whose fact is gone; return their number."""
    cursor.execute(
        compose_statement(_RESOLVE_ISSUES, resolution=kind.resolution),
        {**parameters, **kind.parameters, "kind": str(kind.kind), "subtype": kind.subtype},
    )
    return int(cursor.rowcount)
