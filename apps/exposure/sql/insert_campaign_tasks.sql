-- One task per dependency; an obsolete one whose dependency is in use again is reopened. The owner
-- is that of the application's team, or else of the nearest parent team that has one.
WITH affected(id) AS (
    SELECT a.id FROM ({affected}) a(id)
    WHERE NOT EXISTS (SELECT 1 FROM exposure_campaigntask had
                      WHERE had.campaign_id = %(campaign)s AND had.dependency_id = a.id
                          AND had.state <> 'obsolete')
),
owner AS (
    SELECT DISTINCT ON (x.team_id) x.team_id, m.user_id
    FROM team_ancestor x
    JOIN accounts_membership m ON m.team_id = x.ancestor_id AND m.role = %(owner)s
    JOIN accounts_user u ON u.id = m.user_id AND u.is_active
    WHERE x.team_id IN (
        SELECT a.team_id FROM affected f JOIN inventory_dependency d ON d.id = f.id
        JOIN inventory_application a ON a.id = d.application_id
    )
    ORDER BY x.team_id, x.depth, m.id
),
wanted AS (
    -- the target of the offering in use, if the campaign has one for each
    SELECT f.id AS dependency_id, %(subject)s::bigint AS subject_id,
        coalesce(own.id, %(target)s::bigint) AS target_id, own.id AS own_target_id,
           %(latest_on)s::date AS latest_on
    FROM affected f
    JOIN inventory_dependency u ON u.id = f.id
    LEFT JOIN catalog_offering own
        ON own.id = (%(targets)s::jsonb ->> u.offering_id::text)::bigint
),
due AS ({dates})
INSERT INTO exposure_campaigntask AS task
    (campaign_id, dependency_id, owner_id, target_id, state, start_by, finish_by, scheduled_on,
        before, after, waived_reason, note, updated_at)
SELECT %(campaign)s, due.dependency_id, owner.user_id, wanted.own_target_id, 'open', due.start_by, due.finish_by,
    %(day)s, '{{}}', '{{}}', '', '', %(at)s
FROM due
JOIN wanted ON wanted.dependency_id = due.dependency_id
JOIN inventory_dependency d ON d.id = due.dependency_id
JOIN inventory_application a ON a.id = d.application_id
LEFT JOIN owner ON owner.team_id = a.team_id
ORDER BY due.dependency_id
ON CONFLICT (campaign_id, dependency_id) DO UPDATE
    SET state = 'open', start_by = EXCLUDED.start_by, finish_by = EXCLUDED.finish_by,
        scheduled_on = EXCLUDED.scheduled_on, updated_at = EXCLUDED.updated_at
    WHERE task.state = 'obsolete'
