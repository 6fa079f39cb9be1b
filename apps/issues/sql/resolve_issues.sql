-- Resolves the issues of some kinds whose fact is gone, with their activity. A user's resolution of
-- a fact that is gone no longer keeps the issue resolved when the fact returns.
WITH gone AS (
    SELECT i.id, i.state, {resolution} AS resolution
    FROM issues_issue i JOIN issues_cause c ON c.id = i.cause_id
    WHERE c.kind || ':' || c.subtype = ANY (%(kinds)s)
      AND (i.state <> 'resolved' OR i.resolved_by_id IS NOT NULL AND i.fact_key <> '')
      AND (%(application_ids)s::bigint[] IS NULL
           OR i.application_id = ANY (%(application_ids)s::bigint[]))
      AND NOT EXISTS (
          SELECT 1 FROM issue_fact f
          WHERE f.kind = c.kind AND f.subject = c.subject
            AND coalesce(f.application_id, 0) = coalesce(i.application_id, 0))
    ORDER BY i.id
    FOR NO KEY UPDATE OF i
),
forgotten AS (
    UPDATE issues_issue i SET fact_key = ''
    FROM gone g WHERE i.id = g.id AND g.state = 'resolved'
),
resolved AS (
    UPDATE issues_issue i
    SET state = 'resolved', resolved_at = %(at)s, resolution = g.resolution, snoozed_until = NULL,
        updated_at = %(at)s
    FROM gone g WHERE i.id = g.id AND g.state <> 'resolved'
    RETURNING i.id, i.resolution
)
INSERT INTO issues_activity (issue_id, kind, at, text, details)
SELECT id, 'resolved', %(at)s, '', jsonb_build_object('resolution', resolution) FROM resolved
