-- Risks first: the dependencies of each, until the page is full.
WITH {party}, {risk},
page AS (
    SELECT r.id AS risk_id, x.dependency_id, r.inherent, x.criticality, x.application_id
    FROM {ordered}
    CROSS JOIN LATERAL (
        SELECT count(*) > {wide} AS wide FROM (
            (SELECT 1 FROM catalog_footing f JOIN inventory_dependency d
                ON d.offering_id = f.offering_id AND {live}
             WHERE f.node_id = r.node_id LIMIT {wide} + 1)
            UNION ALL
            (SELECT 1 FROM party p JOIN inventory_dependency d ON d.via_party_id = p.id
                AND {reached}
             WHERE {party_kinds} AND p.above = r.ref LIMIT {wide} + 1)
        ) probe
    ) reach
    CROSS JOIN LATERAL (
        (SELECT a.criticality, a.id AS application_id, d.id AS dependency_id
         FROM (
             SELECT d.id FROM catalog_footing f
             JOIN inventory_dependency d ON d.offering_id = f.offering_id AND {live}
             WHERE f.node_id = r.node_id
             UNION
             SELECT d.id FROM party p JOIN inventory_dependency d ON d.via_party_id = p.id
                 AND {reached} AND {live}
             WHERE {party_kinds} AND p.above = r.ref
         ) standing
         JOIN inventory_dependency d ON d.id = standing.id
         JOIN inventory_application a ON a.id = d.application_id
         LEFT JOIN risks_assessment s ON s.risk_id = r.id AND s.dependency_id = d.id
         WHERE NOT reach.wide AND {counts} AND {chosen} AND ({applies}) AND {after} AND {state}
         ORDER BY a.criticality {rising}, a.id {rising}, d.id {rising} LIMIT %(size)s)
        UNION ALL
        (SELECT a.criticality, a.id, d.id
         FROM inventory_application a JOIN inventory_dependency d ON d.application_id = a.id
         LEFT JOIN risks_assessment s ON s.risk_id = r.id AND s.dependency_id = d.id
         WHERE reach.wide AND {counts} AND {chosen} AND {live} AND {holds} AND ({applies})
             AND {after} AND {state}
         ORDER BY a.criticality {rising}, a.id {rising}, d.id {rising} LIMIT %(size)s)
    ) x
    ORDER BY r.inherent {falling}, r.id {rising}, x.criticality {rising}, x.application_id {rising},
        x.dependency_id {rising}
    LIMIT %(size)s
)
