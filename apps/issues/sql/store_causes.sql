-- Opens the causes of the facts, opens closed ones again and brings dates up to date. An evaluation
-- of some applications knows only their dates, so it can move a date forward and never back.
INSERT INTO issues_cause AS c (kind, subtype, subject, due_on, is_earliest, opened_at)
SELECT kind, min(subtype), subject, min(due_on), coalesce(bool_and(is_earliest), false), %(at)s
FROM issue_fact
GROUP BY kind, subject
ORDER BY kind, subject
ON CONFLICT (kind, subject) DO UPDATE
SET closed_at = NULL,
    opened_at = CASE WHEN c.closed_at IS NULL THEN c.opened_at ELSE EXCLUDED.opened_at END,
    due_on = CASE WHEN %(application_ids)s::bigint[] IS NULL OR c.closed_at IS NOT NULL
                  THEN EXCLUDED.due_on ELSE least(c.due_on, EXCLUDED.due_on) END,
    is_earliest = CASE WHEN %(application_ids)s::bigint[] IS NULL OR c.closed_at IS NOT NULL
                       THEN EXCLUDED.is_earliest ELSE c.is_earliest AND EXCLUDED.is_earliest END
WHERE c.closed_at IS NOT NULL
   OR EXCLUDED.due_on < c.due_on OR (EXCLUDED.due_on IS NULL) <> (c.due_on IS NULL)
   OR %(application_ids)s::bigint[] IS NULL
      AND (EXCLUDED.due_on, EXCLUDED.is_earliest) IS DISTINCT FROM (c.due_on, c.is_earliest)
