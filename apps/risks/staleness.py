"""Causes that make an assessment stale: events, dates, evidence, and changes of the risk. Each is
recorded in the row.

One statement per cause, over all assessments; if an assessment is already stale, its first cause is
not replaced. Entered data is unchanged. Safe to repeat: nothing is written if nothing is new.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.common.database.statements import load_statement
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.risks.models import StaleCause

# the causes that make risks without a template stale
OWN_RISKS_STALE_BY = ["alias_moved", "retired", "repriced", "terms_changed"]
# days that an exit test without an expiry date is valid, as in exposure
EXIT_TEST_VALIDITY_DAYS = 365
_LOCK = 7_201_804_430


def lock_staleness() -> None:
    """Prevent the job from marking assessments stale until the transaction ends.

    Writers of many assessments would otherwise deadlock with it. Any number of transactions can
    hold the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


@dataclass(frozen=True, slots=True)
class StalenessChanges:
    acceptances_ended: int
    marked: int
    events_handled: int


@transaction.atomic
def mark_stale_assessments(*, at: datetime) -> StalenessChanges:
    """Mark the assessments that became stale by `at`; return the counts."""
    params: dict[str, Any] = {
        "at": at,
        "day": day_of(at),
        "own": OWN_RISKS_STALE_BY,
        "validity": EXIT_TEST_VALIDITY_DAYS,
        "in_scope": [str(status) for status in Application.IN_SCOPE],
    }
    with connection.cursor() as cursor:
        # one run at a time; a second one then has nothing to change
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            _mark_statement(_ACCEPTANCE_ENDED), {**params, "cause": StaleCause.ACCEPTANCE_EXPIRED}
        )
        acceptances = cursor.rowcount
        cursor.execute(_EVENTS, {**params, "cause": StaleCause.EVENT})
        handled_rows = cursor.fetchall()
        n_marked = sum(row[0] for row in handled_rows)
        for cause, affected_sql in _CAUSES.items():
            cursor.execute(_mark_statement(affected_sql), {**params, "cause": cause})
            n_marked += cursor.rowcount
    return StalenessChanges(
        acceptances_ended=acceptances, marked=n_marked, events_handled=len(handled_rows)
    )


# {touched} returns (id, because, event_id), any number of rows per assessment
_MARK = """
UPDATE risks_assessment s
SET state = 'stale', stale_since = %(at)s, stale_cause = %(cause)s, stale_reason = t.because,
    stale_event_id = t.event_id, version = s.version + 1, updated_at = %(at)s
FROM (SELECT DISTINCT ON (id) id, because, event_id FROM ({touched}) every ORDER BY id, because) t
WHERE s.id = t.id AND s.state <> 'stale'
"""

_ACCEPTANCE_ENDED = """
SELECT s.id, 'The acceptance by ' || person_name(u.first_name, u.last_name, u.username)
    || ' expired on ' || s.accepted_until || '.' AS because,
    NULL::bigint AS event_id
FROM risks_assessment s JOIN accounts_user u ON u.id = s.accepted_by_id
WHERE s.treatment = 'accept' AND s.revoked_at IS NULL AND s.accepted_until <= %(day)s
    AND s.state <> 'stale'
"""

_REPLACED = """
SELECT s.id, 'The dependency ended on ' || d.until || coalesce(' and was replaced by ' || n.what,
    '') || '.' AS because,
    NULL::bigint AS event_id
FROM risks_assessment s JOIN inventory_dependency d ON d.id = s.dependency_id
LEFT JOIN LATERAL (
    SELECT o.api_id || ' on ' || h.name AS what FROM inventory_dependency b
    JOIN catalog_offering o ON o.id = b.offering_id JOIN catalog_provider h ON h.id = o.host_id
    -- a dependency in the same role that began on the day on which this one ended
    WHERE b.application_id = d.application_id AND b.role = d.role AND b.since = d.until
        AND b.id <> d.id
    ORDER BY b.id LIMIT 1
) n ON true
WHERE d.until <= %(day)s AND s.state <> 'stale'
"""

_EXIT_TEST_EXPIRED = """
SELECT s.id, 'The exit test of ' || x.tested_on || ' to ' || o.api_id || ' expired on ' || x.ends_on
    || '.' AS because,
    NULL::bigint AS event_id
FROM (
    -- the end of the validity: the expiry date, or the default validity after the test
    SELECT e.*, coalesce(e.expires_on, e.tested_on + %(validity)s) AS ends_on
    FROM inventory_exittest e
    WHERE e.result <> 'failed' AND e.tested_on <= %(day)s
) x
JOIN risks_assessment s ON s.dependency_id = x.dependency_id
JOIN risks_foundationrisk r ON r.id = s.risk_id JOIN risks_risktemplate t ON t.id = r.template_id
JOIN catalog_offering o ON o.id = x.target_id
WHERE x.ends_on <= %(day)s AND s.state <> 'stale' AND 'exit_test_expired' = ANY (t.stale_by)
  AND s.assessed_at < x.ends_on::timestamp AT TIME ZONE 'UTC'
  -- no other test of the dependency is valid today
  AND NOT EXISTS (
      SELECT 1 FROM inventory_exittest y
      WHERE y.dependency_id = x.dependency_id AND y.result <> 'failed' AND y.tested_on <= %(day)s
        AND coalesce(y.expires_on, y.tested_on + %(validity)s) > %(day)s)
"""

# only the newest result of a kind of test on a subject counts: a corrected failure is ignored
_EVIDENCE_FAILED = """
SELECT s.id, 'Evidence of ' || e.run_on || ' fails' || coalesce(': ' || nullif(e.metric, '')
        || coalesce(' ' || trim_scale(e.value), '')
        || coalesce(' against ' || trim_scale(e.threshold), ''), '') || '.' AS because,
        NULL::bigint AS event_id
FROM risks_evidence e
JOIN risks_assessment s ON s.assessed_at < e.recorded_at AND s.state <> 'stale'
JOIN inventory_dependency d ON d.id = s.dependency_id
JOIN risks_foundationrisk r ON r.id = s.risk_id
WHERE e.passed IS FALSE AND e.recorded_at <= %(at)s AND (
    -- attached to the assessment or the risk, or about the same subject and template
    EXISTS (SELECT 1 FROM risks_assessmentevidence l
    WHERE l.assessment_id = s.id AND l.evidence_id = e.id)
    OR EXISTS (SELECT 1 FROM risks_riskevidence l WHERE l.risk_id = r.id AND l.evidence_id = e.id)
    OR ((e.application_id IS NULL OR e.application_id = d.application_id)
        AND (e.offering_id IS NULL OR e.offering_id = d.offering_id)
        -- the tested version is the one that the offering serves
        AND (e.version_id IS NULL OR EXISTS (
            SELECT 1 FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id
            WHERE f.offering_id = d.offering_id AND n.kind = node_kind('version')
                AND n.ref = e.version_id AND f.via = 0))
        AND (e.template_id IS NULL OR e.template_id = r.template_id)))
  -- no later result of the same test on the same subject passed
  AND NOT EXISTS (
      SELECT 1 FROM risks_evidence y
      WHERE y.kind = e.kind AND y.tool = e.tool AND y.metric = e.metric AND y.dataset = e.dataset
        AND (y.application_id, y.version_id, y.offering_id, y.template_id)
            IS NOT DISTINCT FROM (e.application_id, e.version_id, e.offering_id, e.template_id)
        AND (y.run_on, y.id) > (e.run_on, e.id) AND y.passed AND y.recorded_at <= %(at)s)
"""

_EVIDENCE_EXPIRED = """
SELECT s.id, 'The evidence of ' || e.run_on || ' expired on ' || e.expires_on || '.' AS because,
    NULL::bigint AS event_id
FROM risks_assessmentevidence l JOIN risks_evidence e ON e.id = l.evidence_id
JOIN risks_assessment s ON s.id = l.assessment_id
WHERE e.expires_on <= %(day)s AND s.state <> 'stale'
  AND s.assessed_at < e.expires_on::timestamp AT TIME ZONE 'UTC'
"""

_FACTS_CHANGED = """
SELECT s.id, 'The risk changed on ' || to_char(r.changed_at AT TIME ZONE 'UTC',
    'YYYY-MM-DD') || ': '
    || coalesce(nullif(r.facts, ''), 'it is rated ' || r.likelihood || ' x ' || r.impact || '.')
    AS because,
    NULL::bigint AS event_id
FROM risks_assessment s JOIN risks_foundationrisk r ON r.id = s.risk_id
WHERE r.changed_at > s.assessed_at AND r.changed_at <= %(at)s AND r.closed_at IS NULL
    AND r.dismissed_at IS NULL
  AND s.state <> 'stale'
"""

_CAUSES = {
    StaleCause.REPLACED: _REPLACED,
    StaleCause.EXIT_TEST_EXPIRED: _EXIT_TEST_EXPIRED,
    StaleCause.EVIDENCE_FAILED: _EVIDENCE_FAILED,
    StaleCause.EVIDENCE_EXPIRED: _EVIDENCE_EXPIRED,
    StaleCause.FACTS_CHANGED: _FACTS_CHANGED,
}

_EVENTS = load_statement("risks", "mark_stale_by_events")


def _mark_statement(affected_sql: str) -> str:
    return _MARK.replace("{touched}", affected_sql)
