-- Alerts before an end: whether an application they concern still meets it, and whether every
-- such application has been told of it once more since, by a later milestone or by the end
-- itself; whether an event has told that the day is another: (alert, stands, told again, told
-- otherwise)
WITH told AS (
    SELECT a.id, a.subject_id, a.due_on, a.milestone, a.raised_at,
        app.value::bigint AS application_id
    FROM alerts_alert a CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) app
    WHERE a.kind = 'milestone' AND a.state <> 'resolved'
),
{retirements},
standing AS (
    SELECT t.id, EXISTS (
        SELECT 1 FROM alerts_alert n
        WHERE n.kind = 'milestone' AND n.subject_kind = 'offering' AND n.subject_id = t.subject_id
          AND n.due_on = t.due_on AND n.milestone < t.milestone
              AND n.application_ids @> to_jsonb(t.application_id)
          AND (n.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date
    ) OR EXISTS (
        SELECT 1 FROM alerts_alert n JOIN catalog_offering o ON o.id = n.offering_id
        WHERE n.kind = 'retired' AND n.due_on = t.due_on
            AND n.application_ids @> to_jsonb(t.application_id)
          AND (o.id = l.id OR (o.host_id = l.host_id AND o.version_id = l.version_id))
    ) AS told_again
    FROM told t JOIN live l ON l.id = t.subject_id AND l.retires_on = t.due_on
        AND l.application_id = t.application_id
),
otherwise AS (
    SELECT t.id FROM told t JOIN alerts_alert e ON e.offering_id = t.subject_id
        AND e.event_id IS NOT NULL
        AND e.raised_at >= t.raised_at AND e.application_ids @> to_jsonb(t.application_id)
    WHERE e.kind = 'retired'
       OR (e.kind IN ('announced', 'moved_earlier', 'moved_later', 'withdrawn')
           AND e.due_on IS DISTINCT FROM t.due_on)
)
SELECT a.id AS alert_id, count(s.id) > 0 AS stands,
       coalesce(bool_and(s.told_again), false) AS told_again,
       a.id IN (SELECT id FROM otherwise) AS told_otherwise
FROM (SELECT DISTINCT id FROM told) a LEFT JOIN standing s ON s.id = a.id
GROUP BY a.id
ORDER BY a.id
