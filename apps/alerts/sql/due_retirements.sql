-- `told` is how many days before the end it was last told of it: by a milestone, or by the event
-- that set the day
WITH {retirements},
due AS (
    SELECT l.*, (SELECT min(m) FROM unnest(CASE WHEN l.soft THEN p.soft_milestones
        ELSE p.milestones END) m
                 WHERE m >= l.retires_on - %(day)s::date) AS milestone
    FROM live l JOIN alerts_alertpolicy p ON p.criticality = l.criticality
),
by_milestone AS (
    SELECT a.subject_id AS id, a.due_on, app.value::bigint AS application_id,
        min(a.milestone) AS told
    FROM alerts_alert a CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) app
    WHERE a.subject_kind = 'offering' AND a.kind = 'milestone'
        AND a.due_on >= %(day)s::date - %(grace)s
      AND (a.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date
    GROUP BY 1, 2, 3
),
by_event AS (
    SELECT o.host_id, o.id, o.version_id, a.due_on, app.value::bigint AS application_id,
           min(a.due_on - (a.raised_at AT TIME ZONE 'UTC')::date) AS told
    FROM alerts_alert a JOIN catalog_offering o ON o.id = a.offering_id
    CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) app
    WHERE a.kind IN ('announced', 'moved_earlier', 'moved_later', 'retired')
      AND a.due_on >= %(day)s::date - %(grace)s
      AND (a.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date
    GROUP BY 1, 2, 3, 4, 5
),
-- read once: there are few, and a lookup for each due milestone would read all alerts each time
by_backfill AS MATERIALIZED (
    SELECT said ->> 'api_id' AS api_id, said ->> 'host' AS host, said ->> 'ended_on' AS ended_on,
           app.value::bigint AS application_id
    FROM alerts_alert a CROSS JOIN LATERAL jsonb_array_elements(a.details -> 'offerings') said
    CROSS JOIN LATERAL jsonb_array_elements_text(said -> 'applications') app
    WHERE a.kind = 'backfilled' AND a.raised_at > %(day)s::date - %(grace)s * interval '2 days'
)
SELECT d.id AS offering_id, d.retires_on, d.soft, d.milestone, d.team_id, d.application_id, d.criticality,
    d.is_primary
FROM due d
WHERE d.milestone IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM by_milestone t WHERE t.id = d.id AND t.due_on = d.retires_on
                  AND t.application_id = d.application_id AND t.told <= d.milestone)
  AND NOT EXISTS (SELECT 1 FROM by_event t WHERE t.due_on = d.retires_on
      AND t.application_id = d.application_id
                  AND (t.id = d.id OR (t.host_id = d.host_id AND t.version_id = d.version_id))
                  AND t.told <= d.milestone)
  AND NOT EXISTS (SELECT 1 FROM by_backfill t JOIN catalog_offering o ON o.id = d.id
                  JOIN catalog_provider h ON h.id = o.host_id
                  WHERE t.application_id = d.application_id AND t.ended_on = d.retires_on::text
                  AND t.api_id = o.api_id AND t.host = h.name)
ORDER BY d.retires_on, d.id, d.criticality, d.application_id
