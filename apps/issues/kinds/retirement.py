"""Retirements of versions in use, and fallbacks that retire with their primary model."""

from apps.common.database.statements import load_statement
from apps.exposure.campaigns.reach import MARGIN_DAYS
from apps.issues.kinds.base import IssueKind
from apps.issues.models.causes import CauseKind

_USES_ITS_OFFERINGS = """EXISTS (
    SELECT 1 FROM issues_causeoffering o
    JOIN inventory_dependency d ON d.offering_id = o.offering_id
    WHERE o.cause_id = c.id AND d.application_id = i.application_id
      AND is_live(d.since, d.until, %(day)s::date))"""

# an application that uses other models now has migrated; one without any has stopped
_RESOLUTION = f"""CASE
    WHEN (SELECT a.status FROM inventory_application a WHERE a.id = i.application_id)
        <> ALL (%(in_scope)s) THEN 'no_longer_used'
    WHEN {_USES_ITS_OFFERINGS} THEN 'date_withdrawn'
    WHEN EXISTS (SELECT 1 FROM inventory_dependency d WHERE d.application_id = i.application_id
                 AND is_live(d.since, d.until, %(day)s::date)) THEN 'migrated'
    ELSE 'no_longer_used' END"""

RETIREMENT = IssueKind(
    kind=CauseKind.RETIREMENT,
    statement=load_statement("issues", "retirement"),
    resolution=_RESOLUTION,
    parameters={"margin": MARGIN_DAYS},
)

# A fallback that retires with or before the last of the primary models that it stands in for.
_FALLBACK_RETIRES = """
WITH live AS (
    SELECT d.id, d.application_id, d.role, d.offering_id AS called_id, o.id AS offering_id,
           o.retires_on
    FROM inventory_dependency d
    JOIN inventory_application a ON a.id = d.application_id
    LEFT JOIN redirected_offering() r ON r.offering_id = d.offering_id
    JOIN catalog_offering o ON o.id = coalesce(r.effective_id, d.offering_id)
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
      AND d.role IN ('primary', 'fallback') AND o.retires_on IS NOT NULL
      AND (%(application_ids)s::bigint[] IS NULL
           OR d.application_id = ANY (%(application_ids)s::bigint[]))
)
SELECT 'dependency:' || f.id AS subject, f.application_id, f.retires_on AS due_on,
       f.retires_on AS act_by, ARRAY[f.offering_id] AS offering_ids,
       f.retires_on || '/' || min(p.retires_on) AS fact_key,
       jsonb_build_object('dependency', f.id, 'offering', f.offering_id,
                          'primary', min(p.id), 'primary_retires_on', min(p.retires_on)) AS details
FROM live f
JOIN live p ON p.application_id = f.application_id AND p.role = 'primary'
    AND p.retires_on >= f.retires_on AND p.retires_on <= %(horizon)s::date
WHERE f.role = 'fallback'
GROUP BY f.id, f.application_id, f.retires_on, f.offering_id
"""

FALLBACK_RETIRES = IssueKind(
    kind=CauseKind.FALLBACK_RETIRES, statement=_FALLBACK_RETIRES, parameters={}
)
