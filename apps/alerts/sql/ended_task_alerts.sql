-- Live alerts about migration tasks that have ended: (alert_id, is_replaced). An alert ends when
-- none of its tasks is as it says any more, or when later alerts tell the same of all of them.
WITH {facts},
matching AS (
    SELECT a.id AS alert_id, l.alert_id AS last_alert_id
    FROM alerts_alert a
    CROSS JOIN LATERAL jsonb_to_recordset(a.details -> 'tasks') AS t(id bigint, "on" text)
    JOIN fact f ON f.kind = a.kind AND f.task_id = t.id AND f.on = t.on
    LEFT JOIN told l ON l.kind = a.kind AND l.task_id = t.id
    WHERE a.kind = ANY (%(kinds)s) AND a.state <> 'resolved'
)
SELECT a.id AS alert_id,
       EXISTS (SELECT 1 FROM matching m WHERE m.alert_id = a.id) AS is_replaced
FROM alerts_alert a
WHERE a.kind = ANY (%(kinds)s) AND a.state <> 'resolved'
  AND NOT EXISTS (
      SELECT 1 FROM matching m
      WHERE m.alert_id = a.id AND (m.last_alert_id IS NULL OR m.last_alert_id <= a.id))
