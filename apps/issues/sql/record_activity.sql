-- One entry for each change of a stored issue that a reader would ask about.
INSERT INTO issues_activity (issue_id, kind, at, text, details)
SELECT x.issue_id, 'reopened', %(at)s, '', jsonb_build_object('due_on', x.due_on)
FROM changed_issue x
WHERE x.change = 'reopened'
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
       jsonb_strip_nulls(jsonb_build_object('reason', nullif(x.owner_loss, '')))
           || jsonb_build_object('old', x.old_owner_id, 'new', x.owner_id)
FROM changed_issue x
WHERE x.change = 'updated' AND x.owner_id IS DISTINCT FROM x.old_owner_id
