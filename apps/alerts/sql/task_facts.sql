-- `fact`: what is to be told of each unfinished task of an open campaign, a row for each kind of
-- alert: (kind, task_id, on, milestone, is_overdue). `on` is the date that the alert is about as
-- text; of an assignment the owner, which makes another owner another fact; else empty. The rules of
-- late tasks are those of `task_timing` in apps/exposure/models/campaigns.py. A part of a statement.
task AS (
    SELECT k.id, k.campaign_id, k.state, k.start_by, k.finish_by, k.scheduled_on, u.id AS owner_id,
           d.application_id, d.offering_id, a.team_id, a.criticality,
           k.finish_by < k.scheduled_on AS is_impossible
    FROM exposure_campaigntask k
    JOIN exposure_campaign c ON c.id = k.campaign_id AND c.state = 'open'
    JOIN inventory_dependency d ON d.id = k.dependency_id
    JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
    -- a task of a user who has left is a task without an owner
    LEFT JOIN accounts_user u ON u.id = k.owner_id AND u.is_active
    WHERE k.state IN ('open', 'in_progress', 'ready')
),
date AS (
    SELECT 'task_start_due' AS kind, id AS task_id, start_by AS on, scheduled_on
    FROM task
    WHERE state = 'open' AND is_impossible IS NOT TRUE
      AND start_by BETWEEN %(day)s::date AND %(day)s::date + %(first_milestone)s::int
    UNION ALL
    SELECT 'task_finish_due', id, finish_by, scheduled_on
    FROM task
    WHERE finish_by BETWEEN %(day)s::date AND %(day)s::date + %(first_milestone)s::int
),
reminder AS (
    SELECT d.kind, d.task_id, d.on, d.scheduled_on,
           (SELECT min(m) FROM unnest(%(milestones)s::int[]) m
            WHERE m >= d.on - %(day)s::date) AS milestone
    FROM date d
),
fact(kind, task_id, "on", milestone, is_overdue) AS (
    SELECT 'task_assigned', id, coalesce(owner_id::text, ''), NULL::int, false FROM task
    UNION ALL
    SELECT 'task_ready', id, '', NULL, false FROM task WHERE state = 'ready'
    UNION ALL
    SELECT 'task_late', id, finish_by::text, NULL, true
    FROM task WHERE finish_by < %(day)s::date AND is_impossible IS NOT TRUE
    UNION ALL
    SELECT 'task_late', id, start_by::text, NULL, false
    FROM task
    WHERE start_by < %(day)s::date
      AND (state = 'open' AND finish_by >= %(day)s::date OR is_impossible)
    UNION ALL
    -- who has just set a date knows it: no reminder shortly after, but at least one before the date
    SELECT kind, task_id, "on"::text, milestone, false
    FROM reminder
    WHERE scheduled_on IS NULL OR "on" - scheduled_on > milestone
       OR milestone = %(last_milestone)s::int
),
-- the last alert of each kind about each task; one of a clock that was ahead does not count
told AS (
    SELECT DISTINCT ON (a.kind, t.id)
           a.kind, t.id AS task_id, t.on, a.id AS alert_id, a.milestone, a.raised_at,
           a.state = 'resolved' AND a.resolved_by_id IS NULL AS has_ended
    FROM alerts_alert a
    CROSS JOIN LATERAL jsonb_to_recordset(a.details -> 'tasks') AS t(id bigint, "on" text)
    WHERE a.subject_kind = 'campaign'
      AND a.subject_id IN (SELECT id FROM exposure_campaign WHERE state = 'open')
      AND (a.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date
    ORDER BY a.kind, t.id, a.id DESC
),
-- Facts beside what was told last, a row for each kind and task. Grouped and not joined: the
-- planner has no statistics of tasks inside alerts, and would compare all pairs.
compared AS MATERIALIZED (
    SELECT kind, task_id, bool_or(alert_id IS NULL) AS is_fact,
           max("on") FILTER (WHERE alert_id IS NULL) AS "on",
           max(milestone) FILTER (WHERE alert_id IS NULL) AS milestone,
           bool_or(is_overdue) AS is_overdue,
           max(alert_id) AS told_by,
           max("on") FILTER (WHERE alert_id IS NOT NULL) AS told_on,
           max(milestone) FILTER (WHERE alert_id IS NOT NULL) AS told_milestone,
           max(raised_at) AS told_at,
           bool_or(has_ended) AS has_ended
    FROM (
        SELECT kind, task_id, "on", milestone, is_overdue, NULL::bigint AS alert_id,
               NULL::timestamptz AS raised_at, false AS has_ended
        FROM fact
        UNION ALL
        SELECT kind, task_id, "on", milestone, false, alert_id, raised_at, has_ended FROM told
    ) x
    GROUP BY kind, task_id
)
