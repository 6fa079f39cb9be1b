-- Offerings that could succeed those of the given dependencies, with the reasons why each is looked
-- at: (dependency_id, offering_id, reason, place, is_new_host). `place` orders the candidates of one
-- reason; a host is new if the organisation decides by approvals, and has neither used nor approved
-- it. The result has more rows than a reader is shown; fit and region decide which of them.
WITH subject AS MATERIALIZED (
    SELECT d.id, d.application_id, d.role, d.since, o.id AS offering_id, o.version_id, o.host_id,
           o.category, o.replacement_id, v.foundation_id, b.developer_id
    FROM inventory_dependency d
    JOIN catalog_offering o ON o.id = d.offering_id
    LEFT JOIN catalog_version v ON v.id = o.version_id
    LEFT JOIN catalog_foundation b ON b.id = v.foundation_id
    WHERE d.id = ANY (%(dependencies)s)
),
used AS MATERIALIZED (
    SELECT DISTINCT o.id, o.host_id, o.version_id FROM exposure_activedependency l
    JOIN catalog_offering o ON o.id = l.offering_id
),
-- hosts that the organisation uses (0), or has approved (1)
known_host AS MATERIALIZED (
    SELECT host_id, min(place) AS place FROM (
        SELECT host_id, 0 AS place FROM used
        UNION
        SELECT coalesce(o.host_id, a.provider_id), 1 FROM inventory_approval a
        LEFT JOIN catalog_offering o ON o.id = a.offering_id
        WHERE a.revoked_at IS NULL AND a.decision <> 'blocked'
          AND is_live(a.decided_on, a.expires_on, %(day)s::date)
    ) known WHERE host_id IS NOT NULL GROUP BY host_id
),
-- input and output price of the base tier, per million tokens, in US dollars
price AS MATERIALIZED (
    SELECT offering_id, max(amount) FILTER (WHERE unit = 'input') AS input,
           max(amount) FILTER (WHERE unit = 'output') AS output
    FROM catalog_price
    WHERE unit IN ('input', 'output') AND above_tokens = 0 AND currency = 'USD'
      AND valid @> %(moment)s::timestamptz
    GROUP BY offering_id
),
served AS MATERIALIZED (
    SELECT o.id, o.host_id, o.category, o.version_id, v.foundation_id, v.released_on, b.developer_id,
           coalesce(h.place, 2) AS host_place, h.place IS NOT NULL AS is_known_host,
           -- three tokens in for one token out, as usual
           3 * p.input + coalesce(p.output, 0) AS price
    FROM catalog_offering o
    JOIN catalog_version v ON v.id = o.version_id
    JOIN catalog_foundation b ON b.id = v.foundation_id
    LEFT JOIN known_host h ON h.host_id = o.host_id
    LEFT JOIN price p ON p.offering_id = o.id
    WHERE o.kind = 'model_id' AND NOT o.not_a_model AND o.lifecycle <> 'retired'
      AND o.service_tier = ''
),
-- many dependencies of one cause use one offering, so that this is read once
model AS MATERIALIZED (
    SELECT DISTINCT s.offering_id, s.version_id, s.foundation_id, s.developer_id, s.category,
           v.released_on - 365 AS released_from, 3 * p.input + coalesce(p.output, 0) AS price
    FROM subject s
    LEFT JOIN catalog_version v ON v.id = s.version_id
    LEFT JOIN price p ON p.offering_id = s.offering_id
),
-- dependencies of the whole organisation on the same foundation, also ended ones
peer AS MATERIALIZED (
    SELECT v.foundation_id, d.id, d.application_id, d.role, d.until
    FROM catalog_version v
    JOIN catalog_offering o ON o.version_id = v.id
    JOIN inventory_dependency d ON d.offering_id = o.id
    WHERE v.foundation_id IN (SELECT foundation_id FROM model)
),
learnt AS MATERIALIZED (
    SELECT DISTINCT p.foundation_id, t.target_id AS offering_id, 'tested' AS reason FROM peer p
    JOIN inventory_exittest t ON t.dependency_id = p.id
    UNION
    -- what took the place of an ended use of the same model in the same role, on the same day
    SELECT p.foundation_id, n.offering_id, 'moved' FROM peer p
    JOIN inventory_dependency n ON n.application_id = p.application_id AND n.role = p.role
        AND n.since = p.until AND n.id <> p.id
),
direct AS MATERIALIZED (
    SELECT id, replacement_id AS offering_id, 'replacement' AS reason FROM subject
    UNION
    SELECT s.id, a.successor_id, 'replacement' FROM subject s
    JOIN catalog_announcedoffering x ON x.offering_id = s.offering_id
    JOIN catalog_retirementannouncement a ON a.id = x.announcement_id AND a.withdrawn_at IS NULL
    UNION
    SELECT p.dependency_id, p.target_id, 'planned' FROM inventory_exitplan p
    WHERE p.dependency_id = ANY (%(dependencies)s)
    UNION
    SELECT s.id, l.offering_id, l.reason FROM subject s
    JOIN learnt l ON l.foundation_id = s.foundation_id
    UNION
    SELECT s.id, f.offering_id, 'fallback' FROM subject s
    JOIN inventory_dependency f ON f.application_id = s.application_id AND f.role = 'fallback'
        AND f.id <> s.id AND is_live(f.since, f.until, %(day)s::date)
    WHERE s.role = 'primary'
),
-- the models of direct candidates on the other known hosts
elsewhere AS (
    SELECT DISTINCT d.id, o.id AS offering_id, d.reason, o.host_place
    FROM direct d JOIN catalog_offering x ON x.id = d.offering_id
    JOIN served o ON o.version_id = x.version_id AND o.id <> x.id AND o.is_known_host
),
-- other models in the same category and price class, not much older: those that the organisation
-- uses, and the latest of each developer; the offerings of one version on one host have one place
compatible AS MATERIALIZED (
    SELECT m.offering_id AS old_id, o.id AS offering_id, o.version_id, o.host_id, o.host_place,
           o.developer_id = m.developer_id AS is_same_developer,
           o.version_id IN (SELECT version_id FROM used WHERE version_id IS NOT NULL) AS is_used,
           dense_rank() OVER (PARTITION BY m.offering_id, o.developer_id
                              ORDER BY o.released_on DESC NULLS LAST, o.version_id) AS age
    FROM model m
    JOIN served o ON o.category = m.category AND (o.is_known_host OR o.host_id = o.developer_id)
        AND o.foundation_id <> m.foundation_id
        AND coalesce(o.released_on >= m.released_from, m.released_from IS NULL)
        AND CASE WHEN o.developer_id <> m.developer_id
            THEN o.price BETWEEN m.price / %(factor)s AND m.price * %(factor)s
            ELSE o.price <= m.price * %(smaller)s::numeric AND o.price > 0 END
),
other AS MATERIALIZED (
    SELECT old_id, offering_id,
           CASE WHEN is_same_developer THEN 'smaller' ELSE 'class' END AS reason,
           dense_rank() OVER (PARTITION BY old_id, is_same_developer, is_used
                              ORDER BY age, host_place, version_id, host_id) AS place
    FROM compatible
),
-- models whose weights are open, on machines of the organisation
own AS MATERIALIZED (
    SELECT m.offering_id AS old_id, o.id AS offering_id,
           row_number() OVER (PARTITION BY m.offering_id
                              ORDER BY o.released_on DESC NULLS LAST, o.id) AS place
    FROM model m
    JOIN served o ON o.category IN (m.category, '')
        AND o.foundation_id IS DISTINCT FROM m.foundation_id
    JOIN catalog_provider h ON h.id = o.host_id AND h.slug = %(own_hosting)s
),
of_model AS MATERIALIZED (
    SELECT m.offering_id AS old_id, o.id AS offering_id, 'same_version' AS reason,
           o.host_place AS place
    FROM model m JOIN served o ON o.version_id = m.version_id
    UNION ALL SELECT old_id, offering_id, reason, place FROM other
        WHERE place <= CASE reason WHEN 'class' THEN %(max_class)s ELSE %(max_smaller)s END
    UNION ALL SELECT old_id, offering_id, 'own_hosting', place FROM own WHERE place <= %(max_own)s
)
SELECT found.id AS dependency_id, offering_id, reason, place,
       o.host_id NOT IN (SELECT host_id FROM known_host) AND EXISTS (
           SELECT 1 FROM inventory_approval a WHERE a.revoked_at IS NULL
               AND is_live(a.decided_on, a.expires_on, %(day)s::date)) AS is_new_host
FROM (
    SELECT id, offering_id, reason, 0 AS place FROM direct
    UNION ALL SELECT id, offering_id, reason, 1 + host_place FROM elsewhere
    UNION ALL SELECT s.id, o.offering_id, o.reason, o.place FROM subject s
        JOIN of_model o ON o.old_id = s.offering_id
) found
-- a part of an API and a name without a model ID cannot be called
JOIN catalog_offering o ON o.id = found.offering_id AND o.kind = 'model_id' AND NOT o.not_a_model
WHERE o.id NOT IN (SELECT s.offering_id FROM subject s WHERE s.id = found.id)
ORDER BY found.id, place, reason, offering_id
