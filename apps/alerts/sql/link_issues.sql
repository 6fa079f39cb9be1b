-- Links the alerts %(alert_ids)s with the issues of which they notify, as far as these fulfil
-- {issues}. An alert is about the issue itself; or about the record of the cause (`cause_kind` and
-- `cause_subject`: a flag, a feed, a date); or it names the application of the issue and the model,
-- task, discrepancy or assessment of its cause.
WITH alert AS MATERIALIZED (
    SELECT a.id, a.kind, a.offering_id, a.subject_kind, a.subject_id, a.details, a.application_ids,
           CASE WHEN a.flag_id IS NOT NULL OR a.subject_kind = 'flag' THEN 'exposure_flag'
                WHEN a.source_id IS NOT NULL OR r.id IS NOT NULL THEN 'feed_review'
                WHEN a.kind = 'approval_expiring' THEN 'approval_expiry'
                WHEN a.kind = 'key_expiring' THEN 'token_expiry'
                ELSE 'deadline' END AS cause_kind,
           CASE WHEN a.flag_id IS NOT NULL THEN 'flag:' || a.flag_id
                WHEN a.subject_kind = 'flag' THEN 'flag:' || a.subject_id
                WHEN a.source_id IS NOT NULL THEN 'source:' || a.source_id
                WHEN r.id IS NOT NULL THEN 'source:' || r.source_id
                WHEN a.kind = 'approval_expiring' THEN 'approval:' || a.subject_id
                WHEN a.kind = 'key_expiring' THEN 'token:' || a.subject_id
                WHEN a.kind = 'review_due' THEN a.subject_kind || ':' || a.subject_id || '/review'
                WHEN a.kind = 'treatment_due' THEN 'assessment:' || a.subject_id || '/treatment'
                WHEN a.kind = 'acceptance_expiring'
                    THEN 'assessment:' || a.subject_id || '/acceptance'
                WHEN t.id IS NOT NULL THEN 'dependency:' || t.dependency_id || '/exit-test' END
               AS cause_subject
    FROM alerts_alert a
    LEFT JOIN feeds_feedrun r ON r.id = a.run_id AND a.kind <> 'backfilled'
    LEFT JOIN inventory_exittest t ON a.subject_kind = 'exit_test' AND t.id = a.subject_id
    WHERE a.id = ANY (%(alert_ids)s)
),
concerned AS (
    SELECT a.id, a.kind, a.offering_id, a.subject_kind, a.subject_id, a.details,
           x.value::bigint AS application_id
    FROM alert a CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) x
    -- only kinds that the conditions below name; a flag names half the organisation
    WHERE a.kind IN ('announced', 'moved_earlier', 'moved_later', 'withdrawn', 'retired',
                     'delisted', 'milestone', 'runway_negative', 'repriced', 'backfilled',
                     'waiver_expiring', 'assessments_stale', 'shadow_dependency',
                     'declared_not_seen', 'version_drift', 'other_model_served', 'retired_in_use',
                     'task_assigned', 'task_start_due', 'task_finish_due', 'task_late',
                     'task_ready')
),
pair AS (
    SELECT a.id AS alert_id, i.id AS issue_id
    FROM alert a JOIN issues_issue i ON i.id = a.subject_id
    WHERE a.subject_kind = 'issue' AND {issues}
    UNION
    SELECT a.id, i.id
    FROM alert a
    JOIN issues_cause c ON c.kind = a.cause_kind AND c.subject = a.cause_subject
    JOIN issues_issue i ON i.cause_id = c.id
    WHERE {issues}
    UNION
    SELECT a.id, i.id
    FROM concerned a
    JOIN issues_issue i ON i.application_id = a.application_id
    JOIN issues_cause c ON c.id = i.cause_id
    CROSS JOIN LATERAL (
        SELECT split_part(split_part(c.subject, '/', 1), ':', 2)::bigint AS id
    ) subject
    WHERE {issues} AND CASE c.kind
        WHEN 'retirement' THEN CASE coalesce(nullif(a.subject_kind, ''), a.kind)
            WHEN 'task' THEN a.subject_id = i.task_id
            WHEN 'backfilled' THEN EXISTS (
                SELECT 1
                FROM issues_causeoffering o JOIN catalog_offering f ON f.id = o.offering_id
                JOIN catalog_provider h ON h.id = f.host_id
                WHERE o.cause_id = c.id AND a.details -> 'offerings' @> jsonb_build_array(
                    jsonb_build_object('api_id', f.api_id, 'host', h.name,
                                       'applications', jsonb_build_array(a.application_id))))
            -- a task is the plan of the retirement of its model
            WHEN 'campaign' THEN EXISTS (
                SELECT 1 FROM issues_causeoffering o
                WHERE o.cause_id = c.id AND a.details -> 'tasks' @> jsonb_build_array(
                    jsonb_build_object('application', a.application_id,
                                       'offering', o.offering_id)))
            ELSE a.kind IN ('announced', 'moved_earlier', 'moved_later', 'withdrawn', 'retired',
                            'delisted', 'milestone', 'runway_negative') AND EXISTS (
                SELECT 1 FROM issues_causeoffering o
                WHERE o.cause_id = c.id AND o.offering_id = a.offering_id) END
        WHEN 'price_change' THEN a.kind = 'repriced' AND EXISTS (
            SELECT 1 FROM issues_causeoffering o
            WHERE o.cause_id = c.id AND o.offering_id = a.offering_id)
        WHEN 'migration_task' THEN a.subject_kind = 'task' AND a.subject_id = i.task_id
            OR a.subject_kind = 'campaign' AND a.subject_id = subject.id
        WHEN 'usage_discrepancy' THEN a.kind <> 'assessments_stale'
            AND a.details -> 'ids' @> to_jsonb(subject.id)
        WHEN 'stale_assessment' THEN a.kind = 'assessments_stale' AND EXISTS (
            SELECT 1 FROM risks_assessment s
            WHERE s.risk_id = subject.id AND a.details -> 'ids' @> to_jsonb(s.id))
        ELSE false END
)
INSERT INTO alerts_alertissue (alert_id, issue_id)
SELECT alert_id, issue_id FROM pair
ORDER BY alert_id, issue_id
ON CONFLICT DO NOTHING
