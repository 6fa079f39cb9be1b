"""Facts about the use of models: price changes, discrepancies, missing data."""

from apps.issues.kinds.base import IssueKind
from apps.issues.models.causes import CauseKind

# a price change is news for so many days after it takes effect
PRICE_NEWS_DAYS = 30
MIN_PRICE_INCREASE = 1.05

# Increases of an offering that applications call. One unit that rises by MIN_PRICE_INCREASE, or
# begins to cost, is enough. The owner acknowledges or resolves it; it ends by itself later.
_PRICE_INCREASES = """
WITH increase AS (
    SELECT e.id, e.offering_id, e.old, e.new,
           coalesce(e.effective_on, (e.detected_at AT TIME ZONE 'UTC')::date) AS on
    FROM catalog_providerevent e
    WHERE e.kind = 'repriced' AND jsonb_typeof(e.new) = 'object'
      AND coalesce(e.effective_on, (e.detected_at AT TIME ZONE 'UTC')::date)
          > %(day)s::date - %(news)s::int
      AND EXISTS (
          SELECT 1 FROM jsonb_each_text(e.new) n
          WHERE n.value ~ '^[0-9]+([.][0-9]+)?$' AND n.value::numeric > 0
            AND n.value::numeric >= %(increase)s::numeric * coalesce(
                CASE WHEN e.old ->> n.key ~ '^[0-9]+([.][0-9]+)?$'
                     THEN (e.old ->> n.key)::numeric END, 0))
)
SELECT 'offering:' || i.offering_id AS subject, d.application_id, max(i.on) AS due_on,
       max(i.on) AS act_by, ARRAY[i.offering_id] AS offering_ids, max(i.id)::text AS fact_key,
       jsonb_build_object('event', max(i.id)) AS details
FROM increase i
JOIN inventory_dependency d ON d.offering_id = i.offering_id
    AND is_live(d.since, d.until, %(day)s::date)
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
    AND (%(application_ids)s::bigint[] IS NULL OR a.id = ANY (%(application_ids)s::bigint[]))
GROUP BY i.offering_id, d.application_id
"""

PRICE_CHANGE = IssueKind(
    kind=CauseKind.PRICE_CHANGE,
    statement=_PRICE_INCREASES,
    parameters={"news": PRICE_NEWS_DAYS, "increase": MIN_PRICE_INCREASE},
)

_DISCREPANCIES = """
SELECT 'discrepancy:' || x.id AS subject, x.application_id,
       CASE WHEN x.kind IN ('other_served', 'out_of_use', 'shadow') THEN 14 ELSE 30 END
           AS allowance_days,
       x.id::text AS fact_key,
       jsonb_build_object('type', x.kind, 'dependency', x.dependency_id) AS details
FROM intake_discrepancy x
WHERE x.closed_at IS NULL
  AND (%(application_ids)s::bigint[] IS NULL
       OR x.application_id = ANY (%(application_ids)s::bigint[]))
"""

USAGE_DISCREPANCY = IssueKind(kind=CauseKind.USAGE_DISCREPANCY, statement=_DISCREPANCIES)

# Findings of which no other kind tells. Errors are due immediately for critical and important
# applications; warnings can wait. Findings of severity "note" are no issues.
_FINDINGS = """
SELECT 'application:' || f.application_id || '/' || f.code AS subject, f.application_id,
       CASE WHEN f.code <> 'fallback_is_primary' THEN 60 WHEN f.criticality <= 1 THEN 0 ELSE 14 END
           AS allowance_days,
       f.code AS fact_key,
       jsonb_build_object('code', f.code, 'dependencies', jsonb_agg(f.dependency_id),
                          'facts', jsonb_agg(f.facts)) AS details
FROM inventory_cachedfinding f
WHERE f.code = ANY (%(codes)s)
  AND (%(application_ids)s::bigint[] IS NULL
       OR f.application_id = ANY (%(application_ids)s::bigint[]))
GROUP BY f.application_id, f.code, f.criticality
"""

FINDING_CODES = (
    "fallback_is_primary",
    "fallback_same_version",
    "no_primary",
    "redirected",
    "retired_with_live",
    "shares_do_not_sum",
    "shares_leave_nothing",
    "unresolved",
)

MISSING_DATA = IssueKind(
    kind=CauseKind.MISSING_DATA,
    statement=_FINDINGS,
    resolution="'completed'",
    parameters={"codes": list(FINDING_CODES)},
)
