-- Locks the issues that change. One to which a user responded since the comparison keeps that, and
-- its application is queued for the next evaluation.
WITH locked AS (
    SELECT i.id, i.updated_at
    FROM issues_issue i JOIN changed_issue x ON x.issue_id = i.id
    ORDER BY i.id
    FOR NO KEY UPDATE OF i
),
skipped AS (
    DELETE FROM changed_issue x USING locked l
    WHERE l.id = x.issue_id AND l.updated_at <> x.old_updated_at
    RETURNING x.application_id
)
INSERT INTO issues_changedapplication (application_id)
SELECT DISTINCT application_id FROM skipped
