-- Independence of pairs of uses, 0 to 5 as docs/exposure.md defines it: (position, grade). A use is
-- an offering with the gateway or vendor it is reached through; redirected ones are followed.
WITH asked AS (
    SELECT * FROM unnest(%(firsts)s::bigint[], %(first_parties)s::bigint[], %(seconds)s::bigint[],
        %(second_parties)s::bigint[]) WITH ORDINALITY
        AS a(first_id, first_party, second_id, second_party, position)
),
top AS MATERIALIZED (
    SELECT DISTINCT ON (provider_id) provider_id AS id, ancestor_id AS top FROM provider_ancestor
    ORDER BY provider_id, depth DESC
),
fact AS MATERIALIZED (
    SELECT w.id AS offering_id, e.id AS effective_id, e.version_id, e.host_id, v.foundation_id,
           td.top AS developer_top, array_remove(ARRAY[td.top, th.top, tg.top], NULL) AS parties
    FROM (SELECT first_id AS id FROM asked UNION SELECT second_id FROM asked) w
    LEFT JOIN redirected_offering() r ON r.offering_id = w.id
    JOIN catalog_offering e ON e.id = coalesce(r.effective_id, w.id)
    LEFT JOIN catalog_version v ON v.id = e.version_id
    LEFT JOIN catalog_foundation b ON b.id = v.foundation_id
    LEFT JOIN top td ON td.id = b.developer_id
    LEFT JOIN top th ON th.id = e.host_id
    LEFT JOIN top tg ON tg.id = e.gateway_id
)
SELECT a.position - 1 AS position,
       CASE WHEN p.effective_id = c.effective_id THEN 0
            WHEN p.version_id IS NULL OR c.version_id IS NULL OR p.version_id = c.version_id
                THEN CASE WHEN p.host_id = c.host_id THEN 0 ELSE 1 END
            WHEN p.foundation_id = c.foundation_id OR EXISTS (
                SELECT 1 FROM catalog_footing x
                JOIN catalog_node n ON n.id = x.node_id AND n.kind = node_kind('version')
                JOIN catalog_footing y ON y.node_id = x.node_id AND y.offering_id = c.effective_id
                WHERE x.offering_id = p.effective_id) THEN 2
            WHEN p.developer_top = c.developer_top THEN 3
            WHEN array_remove(p.parties || tp.top, NULL) && array_remove(c.parties || tc.top, NULL)
                THEN 4
            ELSE 5 END AS grade
FROM asked a
JOIN fact p ON p.offering_id = a.first_id
JOIN fact c ON c.offering_id = a.second_id
LEFT JOIN top tp ON tp.id = a.first_party
LEFT JOIN top tc ON tc.id = a.second_party
