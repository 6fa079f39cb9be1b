-- Issues whose alert is due: columns of DueIssue. An issue that another alert told of within the
-- last %(reminder_days)s days waits: one about the issue itself, or for a retirement one about the
-- same model for the same application. A migration is late when it has not begun by its start date;
-- tasks have alerts of their own.
WITH fact AS (
    SELECT i.id, c.id AS cause_id, c.subject, i.application_id, i.team_id, i.criticality,
           i.due_on, i.is_earliest, i.details, i.opened_at,
           CASE c.kind WHEN 'fallback_retires' THEN 'fallback_retires'
                       WHEN 'approval_violation' THEN 'approval_violated'
                       WHEN 'incident' THEN 'incident'
                       ELSE CASE WHEN i.due_on IS NULL OR i.due_on <= %(day)s::date
                                 THEN 'retired_model_in_use' ELSE 'migration_late' END END AS kind,
           -- what was told before is not about this fact
           greatest(
               %(at)s::timestamptz - %(reminder_days)s::int * interval '1 day',
               CASE WHEN i.due_on > %(day)s::date
                    THEN (i.start_by + 1)::timestamp AT TIME ZONE 'UTC' END) AS told_since,
           c.kind = 'incident' AND NOT {is_unprepared} AS is_on_request,
           (SELECT min(o.offering_id) FROM issues_causeoffering o WHERE o.cause_id = c.id)
               AS offering_id
    FROM issues_issue i JOIN issues_cause c ON c.id = i.cause_id
    WHERE i.state NOT IN ('resolved', 'accepted') AND i.application_id IS NOT NULL
      AND (i.snoozed_until IS NULL OR i.snoozed_until <= %(day)s::date)
      AND (c.kind = 'fallback_retires'
           OR c.kind = 'approval_violation' AND (i.details ->> 'is_certain')::boolean
           OR c.kind = 'incident' AND ({is_unprepared} OR EXISTS (
               SELECT 1 FROM alerts_subscription s
               WHERE s.enabled AND (s.kinds = '{{}}' OR 'incident' = ANY (s.kinds))))
           OR c.kind = 'retirement' AND (i.due_on IS NULL
               OR i.due_on <= %(day)s::date AND NOT i.is_earliest
               OR {is_late}))
),
told AS (
    SELECT f.id, max(a.raised_at) FILTER (WHERE a.kind = f.kind) AS raised_at,
           array_agg(a.id) FILTER (WHERE a.state <> 'resolved' AND a.kind = ANY (%(kinds)s))
               AS live_ids
    FROM fact f JOIN alerts_alert a ON a.subject_kind = 'issue' AND a.subject_id = f.id
        AND a.raised_at >= f.opened_at
    GROUP BY f.id
),
-- alerts about retirements, a row for each application: joined by it, not searched for each issue
retirement_alert AS MATERIALIZED (
    SELECT a.kind, a.offering_id, a.raised_at, x.value::bigint AS application_id
    FROM alerts_alert a CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) x
    WHERE a.kind IN ('retired', 'backfilled', 'announced', 'moved_earlier', 'moved_later',
                     'milestone', 'runway_negative')
      AND a.raised_at > %(at)s::timestamptz - %(reminder_days)s::int * interval '1 day'
),
told_by_event AS (
    SELECT DISTINCT f.id
    FROM fact f
    JOIN retirement_alert a ON a.application_id = f.application_id
        AND a.raised_at > f.told_since
        AND CASE f.kind
            WHEN 'retired_model_in_use' THEN a.kind IN ('retired', 'backfilled')
            WHEN 'migration_late' THEN a.kind <> 'retired' END
    WHERE f.kind IN ('retired_model_in_use', 'migration_late')
      AND (a.kind = 'backfilled' OR EXISTS (
          SELECT 1 FROM issues_causeoffering o
          WHERE o.cause_id = f.cause_id AND o.offering_id = a.offering_id))
)
SELECT f.id AS issue_id, f.kind, f.subject, f.application_id, f.team_id, f.criticality, f.due_on,
       f.is_earliest, f.offering_id, f.details AS facts, f.is_on_request,
       ARRAY(SELECT g FROM unnest(ARRAY['blocked', 'expired', 'criticality', 'data_class', 'region']) g
             WHERE (f.details ->> g)::boolean) AS grounds,
       coalesce(t.live_ids, '{{}}') AS earlier_ids
FROM fact f
LEFT JOIN told t ON t.id = f.id
LEFT JOIN told_by_event e ON e.id = f.id
WHERE e.id IS NULL
  AND (t.raised_at IS NULL OR t.raised_at <= f.told_since)
ORDER BY f.criticality, f.id
