-- Time of the last notification about each of the issues %(ids)s, sent or pending: (issue_id,
-- notified_at). An alert tells of an issue if it is about the issue itself, or about the same record
-- for the same application: its event or offering, flag, feed, date or discrepancy.
WITH issue AS (
    SELECT i.id, i.cause_id, i.application_id, c.kind, c.subtype,
           split_part(split_part(c.subject, '/', 1), ':', 1) AS subject_type,
           split_part(split_part(c.subject, '/', 1), ':', 2)::bigint AS subject_id
    FROM issues_issue i JOIN issues_cause c ON c.id = i.cause_id
    WHERE i.id = ANY (%(ids)s)
),
alert AS (
    SELECT i.id AS issue_id, a.id AS alert_id
    FROM issue i JOIN alerts_alert a ON a.subject_kind = 'issue' AND a.subject_id = i.id
    UNION
    SELECT i.id, a.id
    FROM issue i
    JOIN issues_causeoffering o ON o.cause_id = i.cause_id
    JOIN alerts_alert a ON a.offering_id = o.offering_id
        AND a.application_ids @> to_jsonb(i.application_id)
        AND CASE i.kind
                WHEN 'retirement' THEN a.kind IN ('announced', 'moved_earlier', 'moved_later',
                    'retired', 'delisted', 'milestone', 'runway_negative')
                WHEN 'price_change' THEN a.kind = 'repriced' END
    UNION
    SELECT i.id, a.id
    FROM issue i JOIN alerts_alert a ON a.kind = 'backfilled'
        AND a.application_ids @> to_jsonb(i.application_id)
    WHERE i.kind = 'retirement'
    UNION
    -- migration tasks, which are the plan of a retirement or an issue of their own
    SELECT i.id, a.id
    FROM issue i
    JOIN inventory_dependency d ON d.application_id = i.application_id
    JOIN exposure_campaigntask k ON k.dependency_id = d.id
    JOIN alerts_alert a ON a.subject_kind = 'campaign' AND a.subject_id = k.campaign_id
        AND a.details -> 'tasks' @> jsonb_build_array(jsonb_build_object('id', k.id))
    WHERE i.kind = 'migration_task' AND k.campaign_id = i.subject_id
       OR i.kind = 'retirement' AND EXISTS (
           SELECT 1 FROM issues_causeoffering o
           WHERE o.cause_id = i.cause_id AND o.offering_id = d.offering_id)
    UNION
    SELECT i.id, a.id
    FROM issue i JOIN alerts_alert a ON a.flag_id = i.subject_id
        OR a.subject_kind = 'flag' AND a.subject_id = i.subject_id
    WHERE i.subject_type = 'flag'
    UNION
    SELECT i.id, a.id
    FROM issue i
    JOIN feeds_feedrun r ON r.source_id = i.subject_id
    JOIN alerts_alert a ON a.run_id = r.id
    WHERE i.kind = 'feed_review'
    UNION
    SELECT i.id, a.id
    FROM issue i JOIN alerts_alert a ON a.source_id = i.subject_id
    WHERE i.kind = 'feed_review'
    UNION
    -- dates: the alert names the record that has the date
    SELECT i.id, a.id
    FROM issue i
    JOIN alerts_alert a ON a.subject_id = i.subject_id AND a.subject_kind = CASE i.subject_type
        WHEN 'token' THEN 'key' WHEN 'application' THEN 'application'
        WHEN 'assessment' THEN 'assessment' WHEN 'selection' THEN 'selection'
        WHEN 'approval' THEN 'approval' WHEN 'waiver' THEN 'waiver' END
    WHERE i.kind IN ('deadline', 'token_expiry', 'approval_expiry')
      AND a.kind IN ('review_due', 'treatment_due', 'acceptance_expiring', 'approval_expiring',
                     'key_expiring', 'gate_waiver_expiring')
    UNION
    SELECT i.id, a.id
    FROM issue i
    JOIN inventory_exittest t ON t.dependency_id = i.subject_id
    JOIN alerts_alert a ON a.subject_kind = 'exit_test' AND a.subject_id = t.id
    WHERE i.kind = 'deadline' AND i.subtype = 'exit_test'
    UNION
    SELECT i.id, a.id
    FROM issue i
    JOIN alerts_alert a ON a.details -> 'ids' @> to_jsonb(i.subject_id)
        AND a.application_ids @> to_jsonb(i.application_id)
    WHERE i.kind = 'usage_discrepancy'
    UNION
    SELECT i.id, a.id
    FROM issue i
    JOIN risks_assessment s ON s.risk_id = i.subject_id
    JOIN alerts_alert a ON a.kind = 'assessments_stale' AND a.details -> 'ids' @> to_jsonb(s.id)
        AND a.application_ids @> to_jsonb(i.application_id)
    WHERE i.kind = 'stale_assessment'
)
SELECT a.issue_id, max(coalesce(d.sent_at, n.owed_at)) AS notified_at
FROM alert a
JOIN alerts_notice n ON n.alert_id = a.alert_id AND n.skip_reason = ''
LEFT JOIN alerts_delivery d ON d.id = n.delivery_id
GROUP BY a.issue_id
