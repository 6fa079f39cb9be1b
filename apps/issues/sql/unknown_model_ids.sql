-- Names whose model ID is not known, and products that do not publish their model: one fact, with
-- an issue for each application that uses it, until a user chooses the model ID.
--
-- If a model ID that the name may be is retired, calls might fail already: the issue is Now. If one
-- retires within the horizon, the issue is as urgent as that retirement: its date minus the effort
-- of the migration. Otherwise, and at the latest, the allowance applies.
WITH live AS (
    SELECT d.id, d.application_id, d.offering_id,
           CASE WHEN a.criticality <= 1 THEN 14 ELSE 30 END AS allowance_days
    FROM catalog_offering o
    JOIN inventory_dependency d ON d.offering_id = o.id
        AND is_live(d.since, d.until, %(day)s::date)
    JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
        AND (%(application_ids)s::bigint[] IS NULL OR a.id = ANY (%(application_ids)s::bigint[]))
    WHERE o.kind = 'name' OR o.kind = 'product' AND NOT EXISTS (
        SELECT 1 FROM catalog_offeringcandidate c WHERE c.offering_id = o.id)
),
known AS (
    SELECT k.name_id, count(*) AS n, count(*) FILTER (WHERE x.is_retired) AS n_retired,
           min(o.retires_on) FILTER (WHERE x.is_retired) AS retired_on,
           min(o.retires_on) FILTER (WHERE x.is_retiring) AS retires_on
    FROM known_model_id() k JOIN catalog_offering o ON o.id = k.offering_id
    CROSS JOIN LATERAL (
        SELECT o.lifecycle = 'retired'
                   OR (o.date_kind = 'firm' AND o.retires_on <= %(day)s::date) IS TRUE AS is_retired,
               o.lifecycle <> 'retired' AND o.date_kind = 'firm'
                   AND o.retires_on > %(day)s::date
                   AND o.retires_on <= %(horizon)s::date AS is_retiring
    ) x
    WHERE k.name_id IN (SELECT offering_id FROM live)
    GROUP BY k.name_id
),
used AS (
    SELECT l.application_id, l.offering_id, l.allowance_days,
           jsonb_agg(l.id ORDER BY l.id) AS dependency_ids,
           max(ceil(coalesce(t.effort_days, p.estimated_days)))::int AS effort_days
    FROM live l
    LEFT JOIN LATERAL (
        SELECT t.effort_days FROM inventory_exittest t
        WHERE t.dependency_id = l.id AND t.tested_on <= %(day)s::date AND t.result <> 'failed'
          AND t.effort_days IS NOT NULL
        ORDER BY t.tested_on DESC, t.id DESC LIMIT 1
    ) t ON true
    LEFT JOIN inventory_exitplan p ON p.dependency_id = l.id
    GROUP BY l.application_id, l.offering_id, l.allowance_days
)
SELECT 'offering:' || o.id AS subject, u.application_id,
       CASE WHEN k.n_retired > 0 THEN 0 ELSE u.allowance_days END AS allowance_days,
       CASE WHEN k.n_retired > 0 THEN k.retired_on
            WHEN k.retires_on IS NOT NULL THEN least(
                k.retires_on - coalesce(u.effort_days, 0),
                coalesce((i.opened_at AT TIME ZONE 'UTC')::date, %(day)s::date) + u.allowance_days)
            END AS act_by,
       ARRAY[o.id] AS offering_ids,
       -- a response to a name does not cover that one of its model IDs has retired since
       o.kind || CASE WHEN k.n_retired > 0 THEN '/retired' ELSE '' END AS fact_key,
       jsonb_build_object(
           'code', 'model_id_unknown', 'kind', o.kind, 'name', o.api_id, 'host', h.name,
           'is_host_stated', h.slug <> 'host-not-stated',
           'n_known', coalesce(k.n, 0), 'n_retired', coalesce(k.n_retired, 0),
           'next_on', k.retires_on, 'retires_on', o.retires_on,
           'is_retired', o.lifecycle = 'retired',
           'dependencies', u.dependency_ids) AS details
FROM used u
JOIN catalog_offering o ON o.id = u.offering_id
JOIN catalog_provider h ON h.id = o.host_id
LEFT JOIN known k ON k.name_id = o.id
LEFT JOIN issues_cause c ON c.kind = 'missing_data' AND c.subject = 'offering:' || o.id
LEFT JOIN issues_issue i ON i.cause_id = c.id AND i.application_id = u.application_id
    AND i.state <> 'resolved'
