"""Evaluation: compares the facts of today with the stored causes and issues, and opens, updates,
reopens and resolves what differs.

Each kind is one statement that fills the temporary table `issue_fact`. The rest is the same for all
kinds and set-based, so that the retirement of the largest foundation costs a dozen statements.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from time import sleep
from typing import Any

from django.db import connection, transaction

from apps.common.database.change_queues import take_changes, taking_everything
from apps.common.database.statements import compose_statement, load_statement
from apps.common.history.context import audit_context_of_consequences
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.inventory.owners import issue_owners_statement
from apps.issues.kinds.base import DEFAULT_ALLOWANCE_DAYS, FACT_COLUMNS, IssueKind
from apps.issues.kinds.registry import all_kinds
from apps.issues.models import ChangedApplication, EvaluationState

# One evaluation at a time: another one between two statements of this one would open what this one
# then resolves. The number is only the name of the lock.
EVALUATION_LOCK = 7301021
# a request tries so often to get the lock, and then leaves its applications to the worker
LOCK_ATTEMPTS = 10
LOCK_INTERVAL_SECONDS = 0.03
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
_LOCK_CHANGES = load_statement("issues", "lock_changes")
_INSERT_ISSUES = load_statement("issues", "insert_issues")
_UPDATE_ISSUES = load_statement("issues", "update_issues")
_RECORD_ACTIVITY = load_statement("issues", "record_activity")
_RESOLVE_ISSUES = load_statement("issues", "resolve_issues")
_CLOSE_CAUSES = load_statement("issues", "close_causes")
_CAUSES_OF_APPLICATIONS = """c.id IN (
    SELECT cause_id FROM issues_issue WHERE application_id = ANY (%(application_ids)s::bigint[]))"""


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
    change that makes it necessary; its cost follows the number of applications. It never waits for
    another evaluation: while one runs, the applications are queued for the worker.
    """
    if application_ids is None:
        return _evaluate_all(all_kinds(), at=at, reason=reason)
    if not application_ids:
        return EvaluationCounts()
    with transaction.atomic(), _evaluation_context(reason):
        if not _try_lock():
            queue_applications(application_ids)
            return EvaluationCounts()
        return _evaluate_applications(application_ids, at=at)


def evaluate_kinds(names: Collection[str], *, at: datetime) -> EvaluationCounts:
    """Evaluate some kinds for all applications; names as in `IssueKind.name`, or of a whole kind.
    For a request: while another evaluation runs, the worker evaluates them within a minute."""
    kinds = [kind for kind in all_kinds() if {kind.name, str(kind.kind)} & set(names)]
    with transaction.atomic(), _evaluation_context():
        return _evaluate(kinds, None, at=at) if _try_lock() else EvaluationCounts()


def queue_applications(application_ids: Iterable[int]) -> None:
    """Queue applications for the worker."""
    ChangedApplication.objects.bulk_create(
        ChangedApplication(application_id=pk) for pk in sorted(set(application_ids))
    )


def _evaluate_all(
    kinds: Sequence[IssueKind], *, at: datetime, reason: str = ""
) -> EvaluationCounts:
    with transaction.atomic(), _evaluation_context(reason):
        _lock_evaluation()
        return _evaluate(kinds, None, at=at)


def _evaluate_applications(application_ids: Iterable[int], *, at: datetime) -> EvaluationCounts:
    kinds = [kind for kind in all_kinds() if kind.has_applications]
    return _evaluate(kinds, sorted(set(application_ids)), at=at)


def _evaluation_context(reason: str = "") -> AbstractContextManager[Any]:
    return audit_context_of_consequences(job="issues", reason=reason or "issues evaluated")


def _lock_evaluation() -> None:
    """Wait until no other evaluation runs; until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EVALUATION_LOCK])


def _try_lock() -> bool:
    """Lock evaluations until the end of the transaction; False if one is running."""
    with connection.cursor() as cursor:
        for attempt in range(LOCK_ATTEMPTS):
            if attempt:
                sleep(LOCK_INTERVAL_SECONDS)
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [EVALUATION_LOCK])
            if cursor.fetchone()[0]:
                return True
    return False


# issues opened at a time from which the planner's statistics are updated
MANY_ISSUES = 5_000


def _evaluate(
    kinds: Sequence[IssueKind], application_ids: list[int] | None, *, at: datetime
) -> EvaluationCounts:
    parameters = {
        "at": at,
        "allowance": DEFAULT_ALLOWANCE_DAYS,
        "application_ids": application_ids,
        **day_parameters(day_of(at)),
    }
    is_complete = application_ids is None
    counts: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CREATE_FACTS)
        n_facts = sum(_insert_facts(cursor, kind, parameters, at=at) for kind in kinds)
        if is_complete:
            # the few rows of some applications need no statistics
            cursor.execute("ANALYZE issue_fact")
        if n_facts:
            counts = _store_issues(cursor, parameters)
        if counts.get("opened", 0) >= MANY_ISSUES:
            # later statements must not wait for the server to notice so many rows: without
            # statistics, an evaluation of 100,000 applications takes ten times as long
            cursor.execute("ANALYZE issues_cause, issues_causeoffering, issues_issue")
        n_resolved = _resolve_issues(cursor, kinds, parameters)
        which = "true" if is_complete else _CAUSES_OF_APPLICATIONS
        cursor.execute(compose_statement(_CLOSE_CAUSES, which=which), parameters)
        n_closed = cursor.rowcount
        cursor.execute("DROP TABLE issue_fact")
    return EvaluationCounts(
        opened=counts.get("opened", 0),
        reopened=counts.get("reopened", 0),
        updated=counts.get("updated", 0),
        resolved=n_resolved,
        causes_closed=n_closed,
    )


def _insert_facts(cursor: Any, kind: IssueKind, parameters: dict[str, Any], *, at: datetime) -> int:
    """Add the facts of one kind to `issue_fact`; return their number."""
    loaded = kind.load_parameters(at) if kind.load_parameters else {}
    cursor.execute(
        compose_statement(_INSERT_FACTS, statement=kind.statement),
        {
            **parameters,
            **kind.parameters,
            **loaded,
            "kind": str(kind.kind),
            "subtype": kind.subtype,
        },
    )
    return int(cursor.rowcount)


def _store_issues(cursor: Any, parameters: dict[str, Any]) -> dict[str, int]:
    """Store the causes and issues of the facts; return {change: number of issues}."""
    for statement in (_STORE_CAUSES, _STORE_OFFERINGS, _COMPARE_ISSUES):
        cursor.execute(statement, parameters)
    counts: dict[str, int] = {}
    if cursor.rowcount:
        for statement in (_LOCK_CHANGES, _INSERT_ISSUES, _UPDATE_ISSUES, _RECORD_ACTIVITY):
            cursor.execute(statement, parameters)
        cursor.execute("SELECT change, count(*) FROM changed_issue GROUP BY change")
        counts = dict(cursor.fetchall())
    cursor.execute("DROP TABLE changed_issue")
    return counts


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


def evaluate_changed_applications(*, at: datetime) -> EvaluationCounts:
    """Evaluate the applications of the queue, for a request: it leaves a long queue to the worker,
    and everything while another evaluation runs. An empty queue costs one statement."""
    waiting = ChangedApplication.objects.filter(application_id__isnull=False)
    n_waiting = waiting.order_by()[: MAX_APPLICATIONS_IN_REQUEST + 1].count()
    if not 0 < n_waiting <= MAX_APPLICATIONS_IN_REQUEST:
        return EvaluationCounts()
    with transaction.atomic(), _evaluation_context():
        if not _try_lock():
            return EvaluationCounts()
        return _evaluate_queued(MAX_APPLICATIONS_IN_REQUEST, at=at) or EvaluationCounts()


def evaluate_due_issues(*, at: datetime) -> EvaluationCounts:
    """Evaluate what is due: everything if a row of the queue concerns all applications, on a new
    day and every ten minutes; otherwise the applications of the queue and the organisation."""
    state = EvaluationState.objects.filter(pk=1).first()
    is_due = (
        state is None
        or day_of(state.evaluated_at) != day_of(at)
        or at - state.evaluated_at >= FULL_EVALUATION_INTERVAL
        or ChangedApplication.objects.filter(application_id=None).exists()
    )
    if is_due:
        return evaluate_everything(at=at)
    total = _evaluate_all([kind for kind in all_kinds() if not kind.has_applications], at=at)
    while (counts := _evaluate_next_batch(at=at)) is not None:
        total += counts
    return total


@transaction.atomic
def _evaluate_next_batch(*, at: datetime) -> EvaluationCounts | None:
    with _evaluation_context():
        _lock_evaluation()
        return _evaluate_queued(QUEUE_BATCH_SIZE, at=at)


def _evaluate_queued(limit: int, *, at: datetime) -> EvaluationCounts | None:
    """Evaluate applications of at most `limit` rows of the queue, in one transaction with their
    removal; None if there are none."""
    application_ids = take_changes(ChangedApplication, limit)
    return _evaluate_applications(application_ids, at=at) if application_ids else None


def evaluate_everything(*, at: datetime) -> EvaluationCounts:
    """Evaluate all applications and the organisation, and empty the queue as it was before."""
    with taking_everything(ChangedApplication):
        counts = evaluate_issues(at=at)
    EvaluationState.objects.update_or_create(pk=1, defaults={"evaluated_at": at})
    return counts
