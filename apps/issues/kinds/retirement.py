"""Retirements of versions and features in use, and fallbacks that retire with their primary."""

from apps.common.database.statements import load_statement
from apps.exposure.campaigns.reach import MARGIN_DAYS
from apps.issues.kinds.base import SUBJECT_ID, IssueKind, resolve_by_use
from apps.issues.models.causes import CauseKind

# By the dependencies of the application, which are few; an offering can have half of all. A
# dependency uses its offering, and the features of its host that it names.
_USES = """
    FROM inventory_dependency d
    JOIN catalog_offering u ON u.id = d.offering_id
    JOIN catalog_offering x ON x.id = u.id OR (
        d.features <> '{}' AND x.host_id = u.host_id AND x.api_id = ANY (d.features)
        AND x.kind IN ('feature', 'endpoint', 'parameter'))
    WHERE d.application_id = i.application_id AND is_live(d.since, d.until, %(day)s::date)
      AND x.id = ANY (ARRAY(
          SELECT o.offering_id FROM issues_causeoffering o WHERE o.cause_id = c.id))"""
_USES_ITS_OFFERINGS = f"EXISTS (SELECT 1 {_USES})"

# a date that still stands is not withdrawn: it is far away now, or the host redirects the model ID
_HAS_NO_DATE = f"""NOT EXISTS (SELECT 1 {_USES}
    AND (x.retires_on IS NOT NULL OR x.lifecycle = 'retired'))"""

RETIREMENT = IssueKind(
    kind=CauseKind.RETIREMENT,
    statement=load_statement("issues", "retirement"),
    resolution=resolve_by_use(
        _USES_ITS_OFFERINGS,
        otherwise=f"CASE WHEN {_HAS_NO_DATE} THEN 'date_withdrawn' ELSE 'cause_ended' END",
    ),
    parameters={"margin": MARGIN_DAYS},
)

# A fallback that retires with or before the last of the primary models that it stands in for. An
# earliest date that has passed announces nothing.
_FALLBACK_RETIRES = """
WITH live AS (
    SELECT d.id, d.application_id, d.role, o.id AS offering_id, o.retires_on,
           o.date_kind = 'not_before' AND o.lifecycle <> 'retired' AS is_earliest
    FROM inventory_dependency d
    JOIN inventory_application a ON a.id = d.application_id
    LEFT JOIN redirected_offering() r ON r.offering_id = d.offering_id
    JOIN catalog_offering o ON o.id = coalesce(r.effective_id, d.offering_id)
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
      AND d.role IN ('primary', 'fallback') AND o.retires_on IS NOT NULL
      AND NOT (o.date_kind = 'not_before' AND o.lifecycle <> 'retired'
               AND o.retires_on < %(day)s::date)
      AND (%(application_ids)s::bigint[] IS NULL
           OR d.application_id = ANY (%(application_ids)s::bigint[]))
)
SELECT 'dependency:' || f.id AS subject, f.application_id, f.retires_on AS due_on,
       f.is_earliest, f.retires_on AS act_by, ARRAY[f.offering_id] AS offering_ids,
       f.retires_on || '/' || min(p.retires_on) AS fact_key,
       jsonb_build_object('dependency', f.id, 'offering', f.offering_id,
                          'primary', min(p.id), 'primary_retires_on', min(p.retires_on)) AS details
FROM live f
JOIN live p ON p.application_id = f.application_id AND p.role = 'primary'
    AND p.retires_on >= f.retires_on AND p.retires_on <= %(horizon)s::date
WHERE f.role = 'fallback'
GROUP BY f.id, f.application_id, f.retires_on, f.is_earliest, f.offering_id
"""

_FALLBACK_IN_USE = f"""EXISTS (
    SELECT 1 FROM inventory_dependency d
    WHERE d.id = {SUBJECT_ID} AND is_live(d.since, d.until, %(day)s::date))"""

FALLBACK_RETIRES = IssueKind(
    kind=CauseKind.FALLBACK_RETIRES,
    statement=_FALLBACK_RETIRES,
    resolution=resolve_by_use(_FALLBACK_IN_USE, otherwise="'cause_ended'"),
)
