-- A user's own channel receives each pending notification of that user, at the same time as the
-- email is written or before.
INSERT INTO alerts_notice
    (alert_id, user_id, team_id, webhook_id, why, occasion, application_ids, urgent, owed_at,
     skip_reason, skip_details)
SELECT n.alert_id, NULL, NULL, w.id, 'channel', n.occasion, n.application_ids, n.urgent, n.owed_at,
    '', '{}'
FROM alerts_webhook w
JOIN alerts_notice n ON n.user_id = w.person_id AND n.delivery_id IS NULL AND n.skip_reason = ''
JOIN alerts_alert a ON a.id = n.alert_id
WHERE w.enabled AND n.owed_at >= w.created_at
    AND (w.kinds = '{}' OR a.kind = ANY (w.kinds)) AND a.severity >= w.min_severity
    AND split_part(n.occasion, ' ', 1) <> 'asked'
    AND NOT EXISTS (
        SELECT 1 FROM alerts_notice x
        WHERE x.alert_id = n.alert_id AND x.webhook_id = w.id AND x.occasion = n.occasion)
ORDER BY n.id
ON CONFLICT DO NOTHING
