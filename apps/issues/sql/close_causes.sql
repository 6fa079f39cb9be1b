-- Closes causes without an issue that waits for their end; for some applications only their causes.
UPDATE issues_cause c SET closed_at = %(at)s
WHERE c.closed_at IS NULL AND {which}
  AND NOT EXISTS (
      SELECT 1 FROM issues_issue i
      WHERE i.cause_id = c.id
        AND (i.state <> 'resolved' OR i.resolved_by_id IS NOT NULL AND i.fact_key <> ''))
