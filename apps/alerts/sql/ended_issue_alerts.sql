-- Live alerts about issues whose fact has ended: (alert_id, resolution, is_quiet). The user who plans
-- or starts a migration needs no message about it, as where another alert continues this one. An
-- assignment ends with its issue, of which other alerts inform, and when the owner is another one.
WITH live AS (
    SELECT a.id, a.kind, a.raised_at, a.user_id, i.owner_id, i.id AS issue_id, i.cause_id,
           i.application_id, i.state, i.due_on, {is_late} AS is_late,
           i.due_on > %(day)s::date AS is_coming
    FROM alerts_alert a LEFT JOIN issues_issue i ON i.id = a.subject_id
    WHERE (a.kind = ANY (%(kinds)s) OR a.kind = 'issue_assigned') AND a.state <> 'resolved'
),
ended AS (
    SELECT id AS alert_id, kind,
           CASE WHEN issue_id IS NULL OR state IN ('resolved', 'accepted') THEN 'issue_resolved'
                WHEN kind = 'issue_assigned' AND owner_id IS DISTINCT FROM user_id THEN 'overtaken'
                WHEN kind = 'retired_model_in_use' AND is_coming THEN 'not_retiring'
                WHEN kind = 'migration_late' AND is_coming IS NOT TRUE THEN 'next_milestone'
                WHEN kind = 'migration_late' AND NOT is_late THEN 'migration_on_time'
                WHEN kind = 'migration_late' AND EXISTS (
                    SELECT 1 FROM alerts_alert r
                    JOIN issues_causeoffering o
                        ON o.cause_id = live.cause_id AND o.offering_id = r.offering_id
                    WHERE r.kind = 'runway_negative' AND r.state <> 'resolved'
                      AND r.raised_at >= live.raised_at
                      AND r.application_ids @> to_jsonb(live.application_id))
                THEN 'next_milestone' END AS resolution
    FROM live
)
SELECT alert_id, resolution,
       kind = 'issue_assigned' OR resolution IN ('next_milestone', 'migration_on_time') AS is_quiet
FROM ended WHERE resolution IS NOT NULL
