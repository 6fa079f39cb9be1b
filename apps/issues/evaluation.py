"""Evaluation: compares the facts of today with the stored causes and issues, and opens, updates,
reopens and resolves what differs.

Each kind is one statement that fills the temporary table `issue_fact`. The rest is the same for all
kinds and set-based, so that the retirement of the largest foundation costs a dozen statements.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.common.database.statements import compose_statement, load_statement
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.inventory.owners import issue_owners_statement
from apps.issues.kinds.base import DEFAULT_ALLOWANCE_DAYS, FACT_COLUMNS, IssueKind
from apps.issues.kinds.registry import all_kinds
from apps.issues.models import ChangedApplication, EvaluationState

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
    owners=issue_owners_statement("a.id IN (SELECT application_id FROM issue_fact)"),
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

    def __add__(self, other: "EvaluationCounts") -> "EvaluationCounts":
        return EvaluationCounts(
            *(
                getattr(self, field.name) + getattr(other, field.name)
                for field in fields(EvaluationCounts)
            )
        )


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
        n_resolved = _resolve_issues(cursor, kinds, parameters)
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


def _resolve_issues(cursor: Any, kinds: Sequence[IssueKind], parameters: dict[str, Any]) -> int:
    """Resolve the issues of these kinds whose fact is gone; return their number."""
    cases = " ".join(f"WHEN '{kind.kind}:{kind.subtype}' THEN {kind.resolution}" for kind in kinds)
    cursor.execute(
        compose_statement(
            _RESOLVE_ISSUES, resolution=f"CASE c.kind || ':' || c.subtype {cases} END"
        ),
        {**parameters, "kinds": [f"{kind.kind}:{kind.subtype}" for kind in kinds]},
    )
    return int(cursor.rowcount)


# --- queue of changed applications ----------------------------------------------------------------

# what one request evaluates itself; the rest is left to the worker
MAX_APPLICATIONS_IN_REQUEST = 500
QUEUE_BATCH_SIZE = 2000
# what the clock and records without triggers bring is found at least so often
FULL_EVALUATION_INTERVAL = timedelta(minutes=10)

_TAKE_CHANGES = """
WITH taken AS (
    SELECT id FROM issues_changedapplication
    WHERE application_id IS NOT NULL
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM issues_changedapplication c USING taken t WHERE c.id = t.id
RETURNING c.application_id
"""


def evaluate_changed_applications(
    *, at: datetime, limit: int = MAX_APPLICATIONS_IN_REQUEST
) -> EvaluationCounts:
    """Evaluate applications of the queue, at most `limit` of its rows, in one transaction with
    their removal. An empty queue costs one statement."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_CHANGES, {"limit": limit})
            application_ids = {row[0] for row in cursor.fetchall()}
        return evaluate_issues(at=at, application_ids=application_ids)


def evaluate_due_issues(*, at: datetime) -> EvaluationCounts:
    """Evaluate what is due: everything if a row of the queue concerns all applications, on a new
    day and every ten minutes; otherwise the applications of the queue."""
    state = EvaluationState.objects.filter(pk=1).first()
    is_due = (
        state is None
        or day_of(state.evaluated_at) != day_of(at)
        or at - state.evaluated_at >= FULL_EVALUATION_INTERVAL
        or ChangedApplication.objects.filter(application_id=None).exists()
    )
    if is_due:
        return evaluate_everything(at=at)
    total = EvaluationCounts()
    while ChangedApplication.objects.exists():
        total += evaluate_changed_applications(at=at, limit=QUEUE_BATCH_SIZE)
    return total


def evaluate_everything(*, at: datetime) -> EvaluationCounts:
    """Evaluate all applications and the organisation, and empty the queue as it was before."""
    queued = list(ChangedApplication.objects.values_list("pk", flat=True))
    counts = evaluate_issues(at=at)
    ChangedApplication.objects.filter(pk__in=queued).delete()
    EvaluationState.objects.update_or_create(pk=1, defaults={"evaluated_at": at})
    return counts
