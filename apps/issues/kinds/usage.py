"""Facts about the use of models: price changes, discrepancies, missing data."""

from apps.common.database.statements import load_statement
from apps.issues.kinds.base import SUBJECT_ID, IssueKind, resolve_in_scope
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
    resolution=resolve_in_scope(f"""CASE
        WHEN EXISTS (SELECT 1 FROM inventory_dependency d
                     WHERE d.application_id = i.application_id AND d.offering_id = {SUBJECT_ID}
                       AND is_live(d.since, d.until, %(day)s::date)) THEN 'cause_ended'
        ELSE 'no_longer_used' END"""),
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

USAGE_DISCREPANCY = IssueKind(
    kind=CauseKind.USAGE_DISCREPANCY,
    statement=_DISCREPANCIES,
    resolution=f"""CASE WHEN EXISTS (
        SELECT 1 FROM intake_discrepancy x
        WHERE x.id = {SUBJECT_ID} AND x.closed_as IN ('declared', 'dismissed')
    ) THEN 'completed' ELSE 'cause_ended' END""",
)

# Findings that no other kind covers. Errors are due immediately for critical and important
# applications; warnings can wait. Findings of severity "note" are no issues. An exit test that has
# expired is a deadline.
_FINDINGS = """
SELECT 'application:' || f.application_id || '/' || f.code AS subject, f.application_id,
       CASE WHEN f.code <> 'fallback_is_primary' THEN 60 WHEN f.criticality <= 1 THEN 0 ELSE 14 END
           AS allowance_days,
       f.code AS fact_key,
       jsonb_build_object(
           'code', f.code,
           'dependencies', jsonb_agg(f.dependency_id ORDER BY f.dependency_id),
           'facts', jsonb_agg(f.facts ORDER BY f.dependency_id)) AS details
FROM inventory_cachedfinding f
WHERE f.code = ANY (%(codes)s)
  AND NOT (f.code = 'test_lapsed' AND f.facts ->> 'why' = 'expired')
  AND (%(application_ids)s::bigint[] IS NULL
       OR f.application_id = ANY (%(application_ids)s::bigint[]))
GROUP BY f.application_id, f.code, f.criticality
"""

MISSING_MODEL_ID = IssueKind(
    kind=CauseKind.MISSING_DATA,
    subtype="model_id",
    statement=load_statement("issues", "unknown_model_ids"),
    resolution=resolve_in_scope(f"""CASE WHEN EXISTS (
        SELECT 1 FROM catalog_offering o WHERE o.id = {SUBJECT_ID}
          AND (o.resolved_to_id IS NOT NULL OR o.kind = 'model_id'
               OR EXISTS (SELECT 1 FROM catalog_offeringcandidate c
                          WHERE c.offering_id = o.id AND o.kind = 'product'))
    ) THEN 'completed' ELSE 'no_longer_used' END"""),
)

# A model that a product may contain retires: the vendor is asked whether the application uses it.
PRODUCT_MODELS = IssueKind(
    kind=CauseKind.MISSING_DATA,
    subtype="product_models",
    statement=load_statement("issues", "product_models"),
    resolution=resolve_in_scope(f"""CASE WHEN EXISTS (
        SELECT 1 FROM inventory_dependency d WHERE d.application_id = i.application_id
          AND d.offering_id = {SUBJECT_ID} AND is_live(d.since, d.until, %(day)s::date)
    ) THEN 'cause_ended' ELSE 'no_longer_used' END"""),
)

FINDING_CODES = (
    "fallback_is_primary",
    "fallback_lacks",
    "fallback_same_version",
    "no_primary",
    "redirected",
    "retired_with_live",
    "shares_do_not_sum",
    "shares_leave_nothing",
    "test_lapsed",
    "unresolved",
)

MISSING_DATA = IssueKind(
    kind=CauseKind.MISSING_DATA,
    statement=_FINDINGS,
    # the finding about models of a retired application ends when these end
    resolution=f"""CASE WHEN i.fact_key = 'retired_with_live' THEN 'completed'
        ELSE {resolve_in_scope("'completed'")} END""",
    parameters={"codes": list(FINDING_CODES)},
)
