-- PagerDuty is told each change of an alert that it was told of: acknowledged or snoozed, resolved,
-- and open again. `last` is what it was told last.
INSERT INTO alerts_notice
    (alert_id, user_id, team_id, webhook_id, why, occasion, application_ids, urgent, owed_at,
     skip_reason, skip_details)
SELECT a.id, NULL, NULL, w.id, 'channel',
    now.word || ' ' || to_char(%(at)s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
    NULL, true, %(at)s, '', '{}'
FROM alerts_webhook w
JOIN LATERAL (
    SELECT DISTINCT ON (n.alert_id) n.alert_id,
        CASE split_part(n.occasion, ' ', 1)
            WHEN 'resolved' THEN 'resolved' WHEN 'acknowledged' THEN 'acknowledged'
            ELSE 'reopened' END AS word
    FROM alerts_notice n
    -- what was skipped before a message was written was not told
    WHERE n.webhook_id = w.id AND n.skip_reason = ''
    ORDER BY n.alert_id, n.id DESC
) last ON true
JOIN alerts_alert a ON a.id = last.alert_id
CROSS JOIN LATERAL (SELECT CASE a.state
    WHEN 'resolved' THEN 'resolved' WHEN 'open' THEN 'reopened' ELSE 'acknowledged' END AS word) now
WHERE w.service = 'pagerduty' AND w.enabled AND now.word <> last.word
    -- a change that is older was told, or happened while the channel was disabled
    AND greatest(a.raised_at, a.acknowledged_at, a.resolved_at) > %(since)s
ORDER BY a.id, w.id
ON CONFLICT DO NOTHING
