UPDATE issues_issue i
SET team_id = x.team_id, criticality = x.criticality, owner_id = x.owner_id, state = x.state,
    due_on = x.due_on, is_earliest = x.is_earliest, start_by = x.start_by, finish_by = x.finish_by,
    act_by = x.act_by, task_id = x.task_id, details = x.details, fact_key = x.fact_key,
    opened_at = x.opened_at, updated_at = %(at)s,
    assigned_by_id = CASE WHEN x.change = 'updated' AND x.owner_loss = '' THEN i.assigned_by_id END,
    acknowledged_by_id = CASE WHEN x.change = 'updated' THEN i.acknowledged_by_id END,
    acknowledged_at = CASE WHEN x.change = 'updated' THEN i.acknowledged_at END,
    snoozed_until = CASE WHEN x.change = 'updated' THEN i.snoozed_until END,
    snoozed_by_id = CASE WHEN x.change = 'updated' THEN i.snoozed_by_id END,
    accepted_until = CASE WHEN x.change = 'updated' THEN i.accepted_until END,
    accepted_by_id = CASE WHEN x.change = 'updated' THEN i.accepted_by_id END,
    accepted_reason = CASE WHEN x.change = 'updated' THEN i.accepted_reason ELSE '' END,
    resolved_at = NULL, resolved_by_id = NULL, resolution = '', resolution_reason = ''
FROM changed_issue x
WHERE i.id = x.issue_id
