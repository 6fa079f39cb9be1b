-- Every team with itself (depth 0) and each team above it.
-- A trigger refuses circles; where one stands nevertheless, it is cut where it would begin again.
CREATE OR REPLACE VIEW team_ancestor AS
WITH RECURSIVE above(team_id, ancestor_id, depth) AS (
    SELECT id, id, 0 FROM accounts_team
    UNION ALL
    SELECT above.team_id, t.parent_id, above.depth + 1
    FROM above JOIN accounts_team t ON t.id = above.ancestor_id
    WHERE t.parent_id IS NOT NULL
) CYCLE ancestor_id SET is_circle USING path
SELECT team_id, ancestor_id, depth FROM above WHERE NOT is_circle;
