-- Opens the issues of new facts, with their first activity.
WITH inserted AS (
    INSERT INTO issues_issue
        (cause_id, application_id, team_id, criticality, owner_id, state, due_on, is_earliest,
         start_by, finish_by, act_by, task_id, details, fact_key, opened_at, accepted_reason,
         resolution, resolution_reason, updated_at)
    SELECT cause_id, application_id, team_id, criticality, owner_id, state, due_on, is_earliest,
           start_by, finish_by, act_by, task_id, details, fact_key, opened_at, '', '', '', %(at)s
    FROM changed_issue
    WHERE issue_id IS NULL
    ORDER BY cause_id, application_id
    ON CONFLICT DO NOTHING
    RETURNING id, due_on
)
INSERT INTO issues_activity (issue_id, kind, at, text, details)
SELECT id, 'opened', %(at)s, '', jsonb_build_object('due_on', due_on) FROM inserted
