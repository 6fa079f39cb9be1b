-- Every provider with itself (depth 0) and each of its corporate parents.
-- A trigger refuses circles; where one stands nevertheless, it is cut where it would begin again.
CREATE OR REPLACE VIEW provider_ancestor AS
WITH RECURSIVE above(provider_id, ancestor_id, depth) AS (
    SELECT id, id, 0 FROM catalog_provider
    UNION ALL
    SELECT above.provider_id, p.parent_id, above.depth + 1
    FROM above JOIN catalog_provider p ON p.id = above.ancestor_id
    WHERE p.parent_id IS NOT NULL
) CYCLE ancestor_id SET is_circle USING path
SELECT provider_id, ancestor_id, depth FROM above WHERE NOT is_circle;
