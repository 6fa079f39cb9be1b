"""Discrepancies between declared and observed usage: undeclared use, unconfirmed use, version drift
and others.

Each kind is one statement that lists its current cases. New cases are opened, and open ones that
are no longer listed are closed. Dependencies are not changed here: users do that on the list.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.common.database.statements import load_statement
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.intake.models import Confidence, Discrepancy, IntakeSettings
from apps.inventory.models import Application

# advisory lock: two passes at the same time would open the same discrepancy twice
DISCREPANCY_LOCK = 7_305_114_504
Kind = Discrepancy.Kind

# each statement lists (key, application_id, dependency_id, observation_id, details) of the current
# cases, each key once
_CANDIDATES: Mapping[str, str] = {
    # what is only observed; a model ID that answers a name of the application
    Kind.SHADOW: load_statement("intake", "undeclared_use"),
    # fallbacks and models inside a vendor's product are left out, because they are usually not
    # observed. A dependency counts only if a sender reports on the application, or has reported
    # this dependency
    Kind.UNSEEN: """
        WITH watched AS (
            -- applications on whose calls a sender reports
            SELECT DISTINCT application_id FROM intake_observation
            WHERE last_seen_at >= %(seen_since)s AND confidence >= %(run_time)s
                AND application_id IS NOT NULL
        ),
        seen AS (
            SELECT dependency_id, max(last_seen_at) AS last_seen_at, max(id) AS observation_id,
                   bool_or(confidence >= %(run_time)s) AS at_run_time,
                   bool_and(missing_since IS NOT NULL) AS missing
            FROM intake_observation WHERE dependency_id IS NOT NULL GROUP BY dependency_id
        )
        SELECT 'unseen:' || d.id, d.application_id, d.id, s.observation_id,
               jsonb_build_object('api_id', f.api_id, 'host', p.name, 'role', d.role,
                                  'last_on', d.last_observed_on, 'days', %(unseen_days)s)
        FROM inventory_dependency d
        JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
        JOIN catalog_offering f ON f.id = d.offering_id JOIN catalog_provider p ON p.id = f.host_id
        LEFT JOIN watched w ON w.application_id = d.application_id
        LEFT JOIN seen s ON s.dependency_id = d.id
        WHERE d.origin = 'declared' AND (w.application_id IS NOT NULL OR s.at_run_time OR s.missing)
          -- in use for the whole period, and expected to be called
          AND d.since <= %(seen_since_day)s AND (d.until IS NULL OR d.until > %(day)s)
          AND d.role <> 'fallback' AND d.reached <> 'embedded' AND d.traffic_share IS DISTINCT
          FROM 0
          -- neither observed nor confirmed by a user in the period
          AND (d.last_observed_on IS NULL OR d.last_observed_on < %(seen_since_day)s)
          AND (d.confirmed_on IS NULL OR d.confirmed_on < %(seen_since_day)s)
    """,
    Kind.DRIFT: load_statement("intake", "version_drift"),
    # a pinned id must be served by its version, every other name by a version of its foundation;
    # unless the served version is a fallback of the application
    Kind.OTHER_SERVED: """
        SELECT DISTINCT ON (o.application_id, o.offering_id, o.served_version_id)
               'other:' || o.application_id || ':' || o.offering_id || ':' || o.served_version_id,
               o.application_id, o.dependency_id, o.id,
               jsonb_build_object('asked', coalesce(nullif(o.requested, ''), o.alias), 'api_id',
               f.api_id,
                                  'host', p.name, 'stands_for', coalesce(v.identifier,
                                  l.identifier),
                                  'now', s.identifier, 'environment', o.environment,
                                  'last_on', (o.last_seen_at AT TIME ZONE 'UTC')::date)
        FROM intake_observation o
        JOIN inventory_application a ON a.id = o.application_id AND a.status = ANY (%(in_scope)s)
        JOIN catalog_offering f ON f.id = o.offering_id JOIN catalog_provider p ON p.id = f.host_id
        JOIN catalog_version s ON s.id = o.served_version_id
        LEFT JOIN catalog_version v ON v.id = f.version_id
        LEFT JOIN catalog_alias l ON l.id = f.alias_id
        WHERE o.state = 'matched' AND o.confidence >= %(run_time)s
            AND o.last_seen_at >= %(seen_since)s
          AND CASE WHEN f.binding = 'pinned' THEN f.version_id <> s.id
                   ELSE coalesce(l.foundation_id, v.foundation_id) <> s.foundation_id END
          AND NOT EXISTS (
              SELECT 1 FROM inventory_dependency d JOIN catalog_offering g ON g.id = d.offering_id
              WHERE d.application_id = o.application_id AND d.role = 'fallback'
                  AND g.version_id = s.id
                AND is_live(d.since, d.until, %(day)s))
        ORDER BY o.application_id, o.offering_id, o.served_version_id, o.last_seen_at DESC, o.id
    """,
    # calls after the application was retired; documents that still name it do not count
    Kind.OUT_OF_USE: """
        SELECT 'out_of_use:' || a.id, a.id, NULL::bigint, max(o.id),
               jsonb_build_object('called', left(string_agg(DISTINCT coalesce(
                                      nullif(o.requested, ''), nullif(o.served, ''), o.alias),
                                      ', '), 200),
                                  'last_on', (max(o.last_seen_at) AT TIME ZONE 'UTC')::date)
        FROM intake_observation o
        JOIN inventory_application a ON a.id = o.application_id AND a.status = 'retired'
            AND a.merged_into_id IS NULL
        CROSS JOIN LATERAL (
            -- when the application was last retired: the first version with this status after the
            -- last one with another; without a history its last change
            SELECT coalesce((
                SELECT min(h.pgh_created_at) FROM inventory_applicationhistory h
                WHERE h.pgh_obj_id = a.id AND h.status = 'retired' AND h.pgh_id > coalesce((
                    SELECT max(e.pgh_id) FROM inventory_applicationhistory e
                    WHERE e.pgh_obj_id = a.id AND e.status <> 'retired'), 0)), a.updated_at) AS at
        ) AS retired
        WHERE o.confidence >= %(run_time)s AND o.last_seen_at >= %(seen_since)s
            AND o.last_seen_at > retired.at
          AND o.state <> 'set_aside'
          -- calls before the recorded end of its last dependency are expected
          AND (o.last_seen_at AT TIME ZONE 'UTC')::date >= coalesce(
              (SELECT max(d.until) FROM inventory_dependency d
              WHERE d.application_id = a.id), '-infinity')
        GROUP BY a.id
    """,
}

_LIST = """
CREATE TEMP TABLE IF NOT EXISTS intake_holding (
    key text, application_id bigint, dependency_id bigint, observation_id bigint, details jsonb
) ON COMMIT DROP
"""

# a dismissed discrepancy stays closed until its date; version drift is opened once
_OPEN = """
INSERT INTO intake_discrepancy (key, kind, application_id, dependency_id, observation_id, details,
    opened_at, closed_as,
                                reason)
SELECT h.key, %(kind)s, h.application_id, h.dependency_id, h.observation_id, h.details, %(at)s, '',
    ''
FROM intake_holding h
WHERE NOT EXISTS (
    SELECT 1 FROM intake_discrepancy d WHERE d.key = h.key AND (
        -- open already, dismissed until a later day, or a kind that is opened once per period
        d.closed_at IS NULL OR d.quiet_until > %(day)s
        OR %(once_since)s::timestamptz IS NOT NULL AND d.opened_at > %(once_since)s))
ORDER BY h.application_id, h.key
ON CONFLICT DO NOTHING
"""

_CLOSE = """
UPDATE intake_discrepancy d SET closed_at = %(at)s,
       -- an undeclared use ends by being declared, or because it is not observed any more
       closed_as = CASE WHEN d.kind = 'shadow' AND EXISTS (
           SELECT 1 FROM inventory_dependency u
           WHERE u.id = d.dependency_id AND u.origin = 'declared'
       ) THEN 'declared' ELSE 'ended' END
WHERE d.kind = %(kind)s AND d.closed_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM intake_holding h WHERE h.key = d.key)
"""

# current details, written only if they differ; the history does not include details
_UPDATE = """
UPDATE intake_discrepancy d SET details = h.details, observation_id = h.observation_id
FROM intake_holding h
WHERE d.kind = %(kind)s AND d.key = h.key AND d.closed_at IS NULL AND d.details <> h.details
"""


@dataclass(frozen=True, slots=True)
class DiscrepancyChanges:
    """Numbers of discrepancies that one pass opened and closed, by kind."""

    opened: Counter[str]
    closed: Counter[str]

    @property
    def n(self) -> int:
        return self.opened.total() + self.closed.total()


@transaction.atomic
def find_discrepancies(*, at: datetime) -> DiscrepancyChanges:
    """Open and close discrepancies by comparing all observations with all declarations;
    idempotent."""
    opened_counts: Counter[str] = Counter()
    closed_counts: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [DISCREPANCY_LOCK])
        thresholds = IntakeSettings.objects.get(pk=1)
        params = _statement_params(thresholds, at)
        cursor.execute(_LIST)
        with audit_context(
            job="intake.find_discrepancies", reason="comparison of observed and declared usage"
        ):
            for kind, candidates in _CANDIDATES.items():
                cursor.execute("TRUNCATE intake_holding")
                cursor.execute(f"INSERT INTO intake_holding {candidates}", params)
                once_since = (
                    at - timedelta(days=2 * thresholds.drift_days) if kind == Kind.DRIFT else None
                )
                kind_params = params | {"kind": kind, "once_since": once_since}
                cursor.execute(_CLOSE, kind_params)
                closed_counts[kind] += cursor.rowcount
                cursor.execute(_OPEN, kind_params)
                opened_counts[kind] += cursor.rowcount
                cursor.execute(_UPDATE, kind_params)
    return DiscrepancyChanges(+opened_counts, +closed_counts)


def _statement_params(thresholds: IntakeSettings, at: datetime) -> dict[str, Any]:
    """Return the parameters of all statements of this module: moments and days `at` which the
    thresholds in days end."""
    today = day_of(at)
    unseen_period = timedelta(days=thresholds.unseen_after_days)
    drift_period = timedelta(days=thresholds.drift_days)
    return {
        "at": at,
        "day": today,
        "in_scope": [str(status) for status in Application.IN_SCOPE],
        "run_time": int(Confidence.GATEWAY_LOG),
        "seen_since": at - unseen_period,
        "seen_since_day": today - unseen_period,
        "unseen_days": thresholds.unseen_after_days,
        "drift_day": today - drift_period,
        "before_day": today - 2 * drift_period,
    }


__all__ = ["DiscrepancyChanges", "find_discrepancies"]
