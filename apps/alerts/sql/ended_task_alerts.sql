-- Live alerts about migration tasks that have ended: (alert_id, is_replaced). An alert ends when it is
-- not the last one about any task that still is as it says. One of this run replaces a reminder.
WITH {facts},
continued AS (
    SELECT DISTINCT told_by AS alert_id FROM compared WHERE is_fact AND told_on = "on"
)
SELECT a.id AS alert_id,
       a.kind <> 'task_assigned' AND EXISTS (
           SELECT 1 FROM alerts_alert l
           WHERE l.subject_kind = a.subject_kind AND l.subject_id = a.subject_id
             AND l.kind = a.kind AND l.team_id = a.team_id AND l.raised_at = %(at)s AND l.id > a.id
       ) AS is_replaced
FROM alerts_alert a
WHERE a.kind = ANY (%(kinds)s) AND a.state <> 'resolved'
  AND NOT EXISTS (SELECT 1 FROM continued c WHERE c.alert_id = a.id)
