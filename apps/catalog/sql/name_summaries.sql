-- What is known of the names %(names)s on %(day)s: their model IDs, how many are retired, of how
-- many the end is known, how many have the date of the name; the versions and foundations that they may be.
SELECT n.id, n.kind, n.api_id AS text, h.name AS host, h.slug <> 'host-not-stated' AS is_host_stated,
       n.lifecycle = 'retired' OR (n.date_kind = 'firm' AND n.retires_on <= %(day)s::date) IS TRUE
           AS is_retired,
       n.retires_on, n.date_kind = 'not_before' AND n.lifecycle <> 'retired' AS is_earliest,
       coalesce(k.n_ids, 0) AS n_ids, coalesce(k.n_retired, 0) AS n_retired,
       coalesce(k.n_ending, 0) AS n_ending, coalesce(k.n_same, 0) AS n_same, k.first_on, k.last_on,
       coalesce(c.n_versions, 0) AS n_versions, coalesce(c.n_lines, 0) AS n_lines
FROM catalog_offering n
JOIN catalog_provider h ON h.id = n.host_id
LEFT JOIN LATERAL (
    SELECT count(*) AS n_ids, count(*) FILTER (WHERE x.is_retired) AS n_retired,
           count(*) FILTER (WHERE x.is_retired OR o.date_kind = 'firm') AS n_ending,
           count(*) FILTER (WHERE o.retires_on = n.retires_on) AS n_same,
           min(o.retires_on) FILTER (WHERE x.is_retired) AS first_on,
           max(o.retires_on) FILTER (WHERE x.is_retired) AS last_on
    FROM known_model_id() m JOIN catalog_offering o ON o.id = m.offering_id
    CROSS JOIN LATERAL (
        SELECT o.lifecycle = 'retired'
            OR (o.date_kind = 'firm' AND o.retires_on <= %(day)s::date) IS TRUE AS is_retired
    ) x
    WHERE m.name_id = n.id
) k ON true
LEFT JOIN LATERAL (
    SELECT count(v.offering_id) AS n_versions, count(DISTINCT v.foundation_id) AS n_lines
    FROM candidate_version() v WHERE v.offering_id = n.id
) c ON true
WHERE n.id = ANY (%(names)s::bigint[]) AND n.kind <> 'model_id'
