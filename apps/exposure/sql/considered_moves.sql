-- A part of a statement: the paths and the graded candidates of applications as if each considered
-- move were made by itself. The last two relations have the names and columns of the engine's
-- tables, so that the engine's statements after them read these. A move is an application of its
-- own, whose ID is -position; one without a change leaves everything as it is. A fallback that is
-- moved counts as not tested.
move AS MATERIALIZED (
    SELECT m.application_id, m.position
    FROM unnest(%(applications)s::bigint[]) WITH ORDINALITY AS m(application_id, position)
),
change AS MATERIALIZED (
    SELECT * FROM unnest(%(positions)s::bigint[], %(dependencies)s::bigint[],
        %(offerings)s::bigint[]) AS c(position, dependency_id, offering_id)
),
moved_path AS MATERIALIZED (
    SELECT m.position, p.dependency_id AS origin_id, p.reached, p.via_party_id, p.share,
           -- unique over all moves
           p.dependency_id * %(n_moves)s + m.position - 1 AS dependency_id,
           coalesce(c.offering_id, p.offering_id) AS offering_id
    FROM move m JOIN exposure_path p ON p.application_id = m.application_id
    LEFT JOIN change c ON c.position = m.position AND c.dependency_id = p.dependency_id
),
moved_candidate AS MATERIALIZED (
    SELECT m.position, c.id, c.primary_id, c.dependency_id, c.reached, c.via_party_id, c.place,
           c.tested AND x.offering_id IS NULL AS tested,
           coalesce(x.offering_id, c.offering_id) AS offering_id
    FROM move m JOIN exposure_candidate c ON c.application_id = m.application_id
    LEFT JOIN change x ON x.position = m.position AND x.dependency_id = c.dependency_id
),
moved_judge AS MATERIALIZED (
    SELECT m.position, coalesce(c.offering_id, l.offering_id) AS offering_id
    FROM move m
    JOIN exposure_activedependency l ON l.application_id = m.application_id AND l.role IN (2, 3)
    LEFT JOIN change c ON c.position = m.position AND c.dependency_id = l.dependency_id
),
top AS MATERIALIZED (
    SELECT DISTINCT ON (provider_id) provider_id AS id, ancestor_id AS top FROM provider_ancestor
    ORDER BY provider_id, depth DESC
),
fact AS MATERIALIZED (
    SELECT w.offering_id, e.id AS effective_id, e.version_id, e.host_id, v.foundation_id,
           td.top AS developer_top, array_remove(ARRAY[td.top, th.top, tg.top], NULL) AS parties,
           NOT r.retired AS alive,
           NOT (r.retired OR (e.retires_on IS NOT NULL AND e.retires_on <= %(horizon)s)
                OR (e.retires_on IS NULL AND e.lifecycle = 'deprecated')) AS alive_at_horizon,
           e.version_id IS NULL AND NOT EXISTS (
               SELECT 1 FROM exposure_enginefooting x
               JOIN catalog_node n ON n.id = x.node_id AND n.kind = node_kind('foundation')
               WHERE x.offering_id = e.id AND e.kind <> 'model_id') AS is_unresolved
    FROM (SELECT offering_id FROM moved_path UNION SELECT offering_id FROM moved_candidate
          UNION SELECT offering_id FROM moved_judge) w
    LEFT JOIN redirected_offering() x ON x.offering_id = w.offering_id
    JOIN catalog_offering e ON e.id = coalesce(x.effective_id, w.offering_id)
    CROSS JOIN LATERAL (SELECT e.lifecycle = 'retired' OR (e.date_kind = 'firm'
        AND e.retires_on <= %(day)s) IS TRUE AS retired) r
    LEFT JOIN catalog_version v ON v.id = e.version_id
    LEFT JOIN catalog_foundation b ON b.id = v.foundation_id
    LEFT JOIN top td ON td.id = b.developer_id
    LEFT JOIN top th ON th.id = e.host_id
    LEFT JOIN top tg ON tg.id = e.gateway_id
),
graded AS MATERIALIZED (
    SELECT pair.first_id, pair.second_id,
           CASE WHEN p.effective_id = c.effective_id THEN 0
                WHEN p.version_id IS NULL OR c.version_id IS NULL OR p.version_id = c.version_id
                    THEN CASE WHEN p.host_id = c.host_id THEN 0 ELSE 1 END
                WHEN p.foundation_id = c.foundation_id OR EXISTS (
                    SELECT 1 FROM exposure_enginefooting x
                    JOIN catalog_node n ON n.id = x.node_id AND n.kind = node_kind('version')
                    JOIN exposure_enginefooting y ON y.node_id = x.node_id
                        AND y.offering_id = c.effective_id
                    WHERE x.offering_id = p.effective_id) THEN 2
                WHEN p.developer_top = c.developer_top THEN 3
                ELSE 4 END AS grade,
           p.version_id IS NOT NULL AND c.version_id IS NOT NULL AS is_resolved
    FROM (
        SELECT p.offering_id AS first_id, c.offering_id AS second_id
        FROM moved_path p JOIN moved_candidate c ON c.position = p.position
        UNION
        SELECT p.offering_id, j.offering_id
        FROM moved_path p JOIN moved_judge j ON j.position = p.position
    ) pair
    JOIN fact p ON p.offering_id = pair.first_id
    JOIN fact c ON c.offering_id = pair.second_id
),
exposure_path AS MATERIALIZED (
    SELECT -position AS application_id, dependency_id, offering_id, reached, via_party_id, share
    FROM moved_path
),
exposure_candidategrade AS MATERIALIZED (
    SELECT p.dependency_id AS primary_id, c.id AS candidate_id, c.offering_id, c.reached,
           c.via_party_id, c.dependency_id, c.place, c.primary_id IS NULL AS is_immediate, c.tested,
           fc.alive, fc.alive_at_horizon,
           CASE WHEN g.grade < 4 OR array_remove(fp.parties || tp.top, NULL)
                && array_remove(fc.parties || tc.top, NULL) THEN g.grade ELSE 5 END AS grade
    FROM moved_path p
    JOIN moved_candidate c ON c.position = p.position
        AND (c.primary_id IS NULL OR c.primary_id = p.origin_id)
    JOIN graded g ON g.first_id = p.offering_id AND g.second_id = c.offering_id
    JOIN fact fp ON fp.offering_id = p.offering_id
    JOIN fact fc ON fc.offering_id = c.offering_id
    LEFT JOIN top tp ON tp.id = p.via_party_id
    LEFT JOIN top tc ON tc.id = c.via_party_id
)
