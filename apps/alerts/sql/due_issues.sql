-- Issues whose alert is due: columns of DueIssue. An issue that another alert told of within the
-- last %(reminder_days)s days waits: one about the issue itself, or for a retirement one about the
-- event of the same model for the same application.
WITH fact AS (
    SELECT i.id, c.id AS cause_id, c.kind, c.subject, i.application_id, i.team_id, i.criticality,
           i.due_on, i.details, i.opened_at,
           (SELECT min(o.offering_id) FROM issues_causeoffering o WHERE o.cause_id = c.id)
               AS offering_id
    FROM issues_issue i JOIN issues_cause c ON c.id = i.cause_id
    WHERE i.state NOT IN ('resolved', 'accepted') AND i.application_id IS NOT NULL
      AND (i.snoozed_until IS NULL OR i.snoozed_until <= %(day)s::date)
      AND (c.kind = 'fallback_retires'
           OR c.kind = 'approval_violation' AND (i.details ->> 'is_certain')::boolean
           OR c.kind = 'retirement' AND (i.due_on IS NULL
               OR i.due_on <= %(day)s::date AND NOT i.is_earliest))
),
told AS (
    SELECT f.id, max(a.raised_at) AS raised_at,
           array_agg(a.id) FILTER (WHERE a.state <> 'resolved') AS live_ids
    FROM fact f JOIN alerts_alert a ON a.subject_kind = 'issue' AND a.subject_id = f.id
        AND a.raised_at >= f.opened_at
    GROUP BY f.id
),
told_by_event AS (
    SELECT f.id, max(a.raised_at) AS raised_at
    FROM fact f
    JOIN alerts_alert a ON a.kind IN ('retired', 'backfilled')
        AND a.application_ids @> to_jsonb(f.application_id)
        AND a.raised_at > %(at)s::timestamptz - %(reminder_days)s::int * interval '1 day'
        AND (a.kind = 'backfilled' OR EXISTS (
            SELECT 1 FROM issues_causeoffering o
            WHERE o.cause_id = f.cause_id AND o.offering_id = a.offering_id))
    WHERE f.kind = 'retirement'
    GROUP BY f.id
)
SELECT f.id AS issue_id, f.kind, f.subject, f.application_id, f.team_id, f.criticality, f.due_on,
       f.offering_id,
       ARRAY(SELECT g FROM unnest(ARRAY['blocked', 'expired', 'criticality', 'data_class', 'region']) g
             WHERE (f.details ->> g)::boolean) AS grounds,
       coalesce(t.live_ids, '{}') AS earlier_ids
FROM fact f
LEFT JOIN told t ON t.id = f.id
LEFT JOIN told_by_event e ON e.id = f.id
WHERE e.id IS NULL
  AND (t.raised_at IS NULL
       OR t.raised_at <= %(at)s::timestamptz - %(reminder_days)s::int * interval '1 day')
ORDER BY f.criticality, f.id
