-- Products with a model that retires, or has retired lately, among those that they may contain: one
-- row for each product and application that uses it. Whether the application uses that model is for
-- its vendor to say. The date is the next one, otherwise that of the last retirement.
WITH retiring AS (
    SELECT c.offering_id, c.ends_on, h.name AS host, coalesce(v.name, f.name) AS model,
           c.is_retired OR c.ends_on <= %(day)s::date AS is_retired
    FROM candidate_retirement() c
    LEFT JOIN catalog_provider h ON h.id = c.host_id
    LEFT JOIN catalog_version v ON v.id = c.version_id
    LEFT JOIN catalog_foundation f ON f.id = c.foundation_id
    WHERE c.ends_on BETWEEN %(day)s::date - 180 AND %(horizon)s::date
),
product AS (
    SELECT r.offering_id,
           coalesce(min(r.ends_on) FILTER (WHERE NOT r.is_retired), max(r.ends_on)) AS due_on,
           jsonb_agg(jsonb_build_object('model', r.model, 'host', r.host, 'ends_on', r.ends_on,
                                        'is_retired', r.is_retired)
                     ORDER BY r.is_retired, r.ends_on, r.model) AS models
    FROM retiring r GROUP BY r.offering_id
)
SELECT 'offering:' || o.id || '/models' AS subject, d.application_id, p.due_on,
       p.due_on AS act_by, ARRAY[o.id] AS offering_ids, p.due_on::text AS fact_key,
       jsonb_build_object('code', 'product_models', 'kind', o.kind, 'name', o.name,
                          'host', h.name, 'models', p.models,
                          'dependencies', jsonb_agg(d.id ORDER BY d.id)) AS details
FROM product p
JOIN catalog_offering o ON o.id = p.offering_id
JOIN catalog_provider h ON h.id = o.host_id
JOIN inventory_dependency d ON d.offering_id = o.id AND is_live(d.since, d.until, %(day)s::date)
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
    AND (%(application_ids)s::bigint[] IS NULL OR a.id = ANY (%(application_ids)s::bigint[]))
GROUP BY o.id, h.id, d.application_id, p.due_on, p.models
