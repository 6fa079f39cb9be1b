-- Issues %(issue_ids)s take over the response to the alerts that told of their fact before the issue
-- opened: acknowledged, snoozed, assigned. Only issues without a response, and only if no alert
-- about them is open; the latest alert decides. The activity says what was taken over.
WITH response AS (
    SELECT DISTINCT ON (i.id) i.id AS issue_id, a.id AS alert_id, a.state, a.acknowledged_by_id,
           a.acknowledged_at, a.snoozed_until, a.snoozed_by_id, u.id AS assigned_to_id,
           i.owner_id AS owner_before
    FROM issues_issue i
    JOIN alerts_alertissue l ON l.issue_id = i.id
    JOIN alerts_alert a ON a.id = l.alert_id AND a.state IN ('acknowledged', 'snoozed')
        AND coalesce(a.acknowledged_at, a.raised_at) < i.opened_at
    LEFT JOIN accounts_user u ON u.id = a.assigned_to_id AND u.is_active
    WHERE i.id = ANY (%(issue_ids)s) AND i.state = 'open' AND i.snoozed_until IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM alerts_alertissue m JOIN alerts_alert o ON o.id = m.alert_id
          WHERE m.issue_id = i.id AND o.state = 'open')
      AND NOT EXISTS (
          SELECT 1 FROM issues_activity x
          WHERE x.issue_id = i.id AND (x.user_id IS NOT NULL OR x.kind = 'reopened'))
    ORDER BY i.id, a.raised_at DESC, a.id DESC
),
carried AS (
    UPDATE issues_issue i
    SET state = r.state_after, acknowledged_by_id = r.acknowledged_by_id,
        acknowledged_at = r.acknowledged_at, snoozed_until = r.snoozed_until,
        snoozed_by_id = r.snoozed_by_id,
        owner_id = coalesce(r.assigned_to_id, i.owner_id),
        assigned_by_id = coalesce(r.assigned_to_id, i.assigned_by_id), updated_at = %(at)s
    FROM (
        SELECT *, CASE WHEN acknowledged_at IS NULL THEN 'open' ELSE 'acknowledged' END
            AS state_after
        FROM response
    ) r
    WHERE i.id = r.issue_id
    RETURNING r.*
),
activity AS (
    INSERT INTO issues_activity (issue_id, kind, at, user_id, text, details)
    SELECT c.issue_id, x.kind, %(at)s, x.user_id, '',
           x.details || jsonb_build_object('source', 'alert:' || c.alert_id)
    FROM carried c CROSS JOIN LATERAL (
        VALUES ('acknowledged', c.acknowledged_by_id, '{}'::jsonb,
                c.acknowledged_at IS NOT NULL),
               ('snoozed', c.snoozed_by_id, jsonb_build_object('until', c.snoozed_until),
                c.snoozed_until IS NOT NULL),
               ('owner', NULL, jsonb_build_object('old', c.owner_before, 'new', c.assigned_to_id),
                c.assigned_to_id IS NOT NULL)
    ) x (kind, user_id, details, applies)
    WHERE x.applies
)
SELECT count(*) FROM carried
