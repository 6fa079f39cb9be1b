-- `changed_issue`: for each fact whose issue is new or differs, the values that the issue gets.
--
-- A response of a user stays valid while the fact is the same (`fact_key`): a resolved issue opens
-- again only with another fact. An issue that returns forgets earlier responses. An acceptance of a
-- user outranks the state that the fact brings. Without a date of its own a fact becomes Now
-- `allowance_days` after it opened.
--
-- An assigned owner stays as long as the person can view the issue; a contact, as long as it owns
-- the application or another user assigned it. `owner_loss` is why the person no longer owns it.
CREATE TEMPORARY TABLE changed_issue ON COMMIT DROP AS
WITH owner AS ({owners}),
fact AS (
    SELECT f.*, c.id AS cause_id, a.team_id, a.criticality, i.id AS issue_id,
           coalesce(f.owner_id, w.business_owner_id, w.technical_owner_id) AS followed_owner_id,
           i.state AS old_state, i.due_on AS old_due_on, i.owner_id AS old_owner_id,
           i.state = 'resolved' AND i.resolved_by_id IS NOT NULL
               AND i.fact_key = coalesce(f.fact_key, '') AS stays_resolved,
           i.state = 'resolved' AND NOT (i.resolved_by_id IS NOT NULL
               AND i.fact_key = coalesce(f.fact_key, '')) AS returns,
           i.assigned_by_id, i.acknowledged_at, i.accepted_until AS own_acceptance, i.opened_at,
           i.act_by AS old_act_by, i.start_by AS old_start_by, i.finish_by AS old_finish_by,
           i.is_earliest AS old_is_earliest, i.task_id AS old_task_id, i.team_id AS old_team_id,
           i.criticality AS old_criticality, i.fact_key AS old_fact_key, i.details AS old_details,
           i.updated_at AS old_updated_at,
           CASE WHEN p.id IS NULL THEN ''
                WHEN p.state = 'closed' THEN 'closed'
                WHEN p.state = 'contact' AND i.assigned_by_id = p.id
                    AND p.id IS DISTINCT FROM a.business_owner_person_id
                    AND p.id IS DISTINCT FROM a.technical_owner_person_id THEN 'left_application'
                WHEN p.state = 'contact' OR a.id IS NULL OR p.is_superuser
                    OR p.organisation_role <> '' OR EXISTS (
                        SELECT 1 FROM accounts_membership m
                        JOIN team_ancestor t ON t.ancestor_id = m.team_id
                        WHERE m.user_id = p.id AND t.team_id = a.team_id) THEN ''
                ELSE 'left_team' END AS owner_loss
    FROM issue_fact f
    JOIN issues_cause c ON c.kind = f.kind AND c.subject = f.subject
    LEFT JOIN inventory_application a ON a.id = f.application_id
    LEFT JOIN owner w ON w.id = f.application_id
    LEFT JOIN issues_issue i ON i.cause_id = c.id
        AND coalesce(i.application_id, 0) = coalesce(f.application_id, 0)
    LEFT JOIN accounts_user p ON p.id = i.owner_id AND i.assigned_by_id IS NOT NULL
),
derived AS (
    SELECT *,
           CASE WHEN own_acceptance > %(day)s::date AND NOT returns THEN 'accepted'
                WHEN coalesce(derived_state, '') <> '' THEN derived_state
                WHEN issue_id IS NULL OR returns THEN 'open'
                WHEN acknowledged_at IS NOT NULL THEN 'acknowledged'
                ELSE 'open' END AS state,
           CASE WHEN assigned_by_id IS NOT NULL AND NOT returns AND owner_loss = ''
                    THEN old_owner_id
                ELSE followed_owner_id END AS new_owner_id,
           CASE WHEN issue_id IS NULL OR returns THEN %(at)s::timestamptz ELSE opened_at END
               AS new_opened_at
    FROM fact
    WHERE stays_resolved IS NOT TRUE
),
valued AS (
    SELECT *,
           CASE WHEN state = 'accepted' THEN coalesce(accepted_until, own_acceptance, act_by)
                WHEN state = 'in_progress' THEN coalesce(finish_by, due_on, act_by)
                ELSE coalesce(act_by, (new_opened_at AT TIME ZONE 'UTC')::date
                                          + coalesce(allowance_days, %(allowance)s)) END
               AS new_act_by
    FROM derived
)
SELECT CASE WHEN issue_id IS NULL THEN 'opened' WHEN returns THEN 'reopened' ELSE 'updated' END
           AS change,
       issue_id, cause_id, application_id, team_id, criticality, new_owner_id AS owner_id, state,
       due_on, coalesce(is_earliest, false) AS is_earliest, start_by, finish_by,
       coalesce(new_act_by, %(day)s::date) AS act_by, task_id,
       coalesce(details, '{{}}'::jsonb) AS details, coalesce(fact_key, '') AS fact_key,
       new_opened_at AS opened_at, old_state, old_due_on, old_owner_id, owner_loss, old_updated_at
FROM valued
WHERE issue_id IS NULL OR returns
   OR (team_id, criticality, new_owner_id, state, due_on, coalesce(is_earliest, false), start_by,
       finish_by, coalesce(new_act_by, %(day)s::date), task_id, coalesce(fact_key, ''),
       coalesce(details, '{{}}'::jsonb))
      IS DISTINCT FROM
      (old_team_id, old_criticality, old_owner_id, old_state, old_due_on, old_is_earliest,
       old_start_by, old_finish_by, old_act_by, old_task_id, old_fact_key, old_details)
