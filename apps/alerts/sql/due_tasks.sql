-- Facts about migration tasks that have no alert yet, or none for %(reminder_days)s days while a task
-- is late or ready: columns of DueTask.
WITH {facts}
SELECT f.kind, f.on, f.milestone, f.is_overdue, t.id AS task_id, t.campaign_id, c.title,
       c.subject_id AS offering_of_campaign_id, t.owner_id, t.application_id, t.offering_id,
       t.team_id, t.criticality, t.start_by
FROM fact f
JOIN task t ON t.id = f.task_id
JOIN exposure_campaign c ON c.id = t.campaign_id
LEFT JOIN told a ON a.kind = f.kind AND a.task_id = f.task_id
WHERE a.task_id IS NULL OR a.on <> f.on OR a.milestone > f.milestone
   OR f.kind IN ('task_late', 'task_ready')
      AND a.raised_at <= %(at)s::timestamptz - %(reminder_days)s::int * interval '1 day'
   -- a task that is ready again after it was not
   OR f.kind = 'task_ready' AND a.has_ended
ORDER BY f.kind, t.campaign_id, t.criticality, t.application_id, t.id
