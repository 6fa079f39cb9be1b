-- Facts about migration tasks that have no alert yet, or none for %(reminder_days)s days while a task
-- is late or ready: columns of DueTask.
WITH {facts}
SELECT x.kind, x.on, x.milestone, x.is_overdue, t.id AS task_id, t.campaign_id, c.title,
       c.subject_id AS offering_of_campaign_id, t.owner_id, t.application_id, t.offering_id,
       t.team_id, t.criticality, t.start_by
FROM compared x
JOIN task t ON t.id = x.task_id
JOIN exposure_campaign c ON c.id = t.campaign_id
WHERE x.is_fact AND (
    x.told_by IS NULL OR x.told_on <> x.on OR x.told_milestone > x.milestone
    OR x.kind IN ('task_late', 'task_ready')
       AND x.told_at <= %(at)s::timestamptz - %(reminder_days)s::int * interval '1 day'
    -- a task that is ready again after it was not
    OR x.kind = 'task_ready' AND x.has_ended)
ORDER BY x.kind, t.campaign_id, t.criticality, t.application_id, t.id
