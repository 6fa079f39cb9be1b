-- One entry for each change that a reader would ask about.
INSERT INTO issues_activity (issue_id, kind, at, text, details)
SELECT i.id, x.change, %(at)s, '', jsonb_build_object('due_on', x.due_on)
FROM changed_issue x
JOIN issues_issue i ON i.cause_id = x.cause_id
    AND coalesce(i.application_id, 0) = coalesce(x.application_id, 0)
WHERE x.change IN ('opened', 'reopened')
UNION ALL
SELECT x.issue_id, 'dates', %(at)s, '',
       jsonb_build_object('old', x.old_due_on, 'new', x.due_on)
FROM changed_issue x
WHERE x.change = 'updated' AND x.due_on IS DISTINCT FROM x.old_due_on
UNION ALL
SELECT x.issue_id, 'state', %(at)s, '', jsonb_build_object('old', x.old_state, 'new', x.state)
FROM changed_issue x
WHERE x.change = 'updated' AND x.state <> x.old_state
UNION ALL
SELECT x.issue_id, 'owner', %(at)s, '',
       jsonb_build_object('old', x.old_owner_id, 'new', x.owner_id)
FROM changed_issue x
WHERE x.change = 'updated' AND x.owner_id IS DISTINCT FROM x.old_owner_id
