"""Migration tasks that are no plan of another issue."""

from apps.issues.kinds.base import SUBJECT_ID, IssueKind, resolve_in_scope
from apps.issues.models.causes import CauseKind

# A task on a model that retires is the plan of that retirement. A task of a campaign that tests
# again what changed, or that a governance user opened without an announced date, is a fact itself.
_TASKS = """
WITH planned AS MATERIALIZED (
    SELECT DISTINCT (x.value ->> 'dependency')::bigint AS dependency_id
    FROM issue_fact f CROSS JOIN LATERAL jsonb_array_elements(f.details -> 'dependencies') x
    WHERE f.kind = 'retirement'
)
SELECT 'campaign:' || k.campaign_id AS subject, d.application_id, min(k.owner_id) AS owner_id,
       min(k.finish_by) AS due_on, min(k.start_by) AS start_by, min(k.finish_by) AS finish_by,
       min(coalesce(k.start_by, k.finish_by)) AS act_by,
       30 AS allowance_days,
       CASE WHEN bool_and(k.state = 'waived' AND k.waived_until > %(day)s::date) THEN 'accepted'
            WHEN bool_or(k.state IN ('in_progress', 'ready')) THEN 'in_progress'
            ELSE 'planned' END AS derived_state,
       CASE WHEN bool_and(k.state = 'waived') THEN min(k.waived_until) END AS accepted_until,
       min(k.id) AS task_id, min(k.finish_by)::text AS fact_key,
       jsonb_build_object('tasks', jsonb_agg(k.id ORDER BY k.id)) AS details
FROM exposure_campaigntask k
JOIN exposure_campaign c ON c.id = k.campaign_id AND c.state = 'open'
JOIN inventory_dependency d ON d.id = k.dependency_id
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
    AND (%(application_ids)s::bigint[] IS NULL OR a.id = ANY (%(application_ids)s::bigint[]))
WHERE k.state IN ('open', 'in_progress', 'ready', 'waived')
  AND NOT EXISTS (SELECT 1 FROM planned p WHERE p.dependency_id = k.dependency_id)
GROUP BY k.campaign_id, d.application_id
"""

# a task that has become the plan of a retirement continues as that issue
_TASKS_OF_ISSUE = "ARRAY(SELECT jsonb_array_elements_text(i.details -> 'tasks')::bigint)"
_RESOLUTION = f"""CASE
    WHEN EXISTS (SELECT 1 FROM exposure_campaign g WHERE g.id = {SUBJECT_ID} AND g.state = 'open')
     AND EXISTS (
        SELECT 1 FROM exposure_campaigntask k
        WHERE k.id = ANY ({_TASKS_OF_ISSUE})
          AND k.state IN ('open', 'in_progress', 'ready', 'waived')) THEN 'duplicate'
    WHEN EXISTS (
        SELECT 1 FROM exposure_campaigntask k
        WHERE k.id = ANY ({_TASKS_OF_ISSUE}) AND k.state = 'done') THEN 'completed'
    ELSE 'cause_ended' END"""

MIGRATION_TASK = IssueKind(
    kind=CauseKind.MIGRATION_TASK, statement=_TASKS, resolution=resolve_in_scope(_RESOLUTION)
)
