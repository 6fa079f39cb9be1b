-- IDs of the alerts that might notify of the issues %(issue_ids)s: those about the issue, about its
-- application, or about the record of its cause.
SELECT a.id
FROM alerts_alert a
WHERE a.subject_kind = 'issue' AND a.subject_id = ANY (%(issue_ids)s)
UNION
SELECT a.id
FROM issues_issue i
JOIN alerts_alert a ON a.application_ids @> jsonb_build_array(i.application_id)
WHERE i.id = ANY (%(issue_ids)s) AND i.application_id IS NOT NULL
UNION
SELECT a.id
FROM (
    SELECT split_part(split_part(c.subject, '/', 1), ':', 1) AS type,
           split_part(split_part(c.subject, '/', 1), ':', 2)::bigint AS id
    FROM issues_issue i JOIN issues_cause c ON c.id = i.cause_id
    WHERE i.id = ANY (%(issue_ids)s) AND i.application_id IS NULL
) record
CROSS JOIN LATERAL (
    SELECT id FROM alerts_alert
    WHERE subject_id = record.id
      AND subject_kind = CASE record.type WHEN 'token' THEN 'key' ELSE record.type END
    UNION ALL
    SELECT id FROM alerts_alert WHERE record.type = 'flag' AND flag_id = record.id
    UNION ALL
    SELECT id FROM alerts_alert WHERE record.type = 'source' AND source_id = record.id
    UNION ALL
    SELECT n.id
    FROM feeds_feedrun r JOIN alerts_alert n ON n.run_id = r.id
    WHERE record.type = 'source' AND r.source_id = record.id
) a
