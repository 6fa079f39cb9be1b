CREATE TEMPORARY TABLE issue_fact (
    kind text NOT NULL,
    subtype text NOT NULL,
    subject text NOT NULL,
    application_id bigint,
    owner_id bigint,
    due_on date,
    is_earliest boolean,
    start_by date,
    finish_by date,
    act_by date,
    allowance_days int,
    derived_state text,
    accepted_until date,
    task_id bigint,
    offering_ids bigint[],
    fact_key text,
    details jsonb
) ON COMMIT DROP
