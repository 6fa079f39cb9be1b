-- RT.02.02, a row for each contract, party, service and function: n, about, at_… (where a value is
-- entered), and for each column its value c… and its note h…, which explains how it was derived or
-- why it does not apply. Reads report_use, report_party and report_way.
WITH service AS (
    SELECT u.contract_id, u.party_id, u.service, u.fkey, min(u.criticality) AS criticality,
           count(DISTINCT u.application_id) AS n_applications,
           count(DISTINCT u.application_id) FILTER (WHERE u.data_classification <> '') AS
           n_classified,
           max(array_position(ARRAY['public', 'internal', 'confidential', 'secret'],
           u.data_classification))
               AS classified,
           (array_agg(u.application_id ORDER BY u.data_classification <> '', u.criticality,
               u.application_id))[1]
               AS lacking,
           (array_agg(u.application_id ORDER BY u.criticality, u.application_id))[1] AS gravest
    FROM report_use u GROUP BY u.contract_id, u.party_id, u.service, u.fkey
),
relied AS (
    SELECT contract_id, party_id, service, fkey, count(*) AS n, count(reliance) AS n_entered,
           max(array_position(ARRAY['not_significant', 'low', 'material', 'full'],
           reliance)) AS entered,
           count(*) FILTER (WHERE way = 0) AS n_without, count(*) FILTER (WHERE way = 2) AS n_tested
    FROM report_way GROUP BY contract_id, party_id, service, fkey
)
SELECT row_number() OVER (ORDER BY k.ref NULLS LAST, p.name, p.id, s.fkey) AS n,
       p.name || ' for ' || coalesce(nullif(a.business_function, ''), a.name) AS about,
       s.contract_id AS at_contract, s.party_id AS at_provider, s.gravest AS at_application,
       nullif(k.ref, '') AS c0010, CASE WHEN NOT %(office)s THEN 'office' END AS h0010,
       e.lei AS c0020, NULL::text AS h0020,
       p.lei AS c0030, NULL::text AS h0030, CASE WHEN p.lei IS NOT NULL THEN 'LEI' END AS c0040,
       CASE WHEN p.lei IS NULL THEN 'follows' END AS h0040,
       nullif(a.function_ref, '') AS c0050, NULL::text AS h0050,
       s.service AS c0060, CASE WHEN NOT %(office)s THEN 'office' END AS h0060,
       k.starts_on AS c0070, CASE WHEN NOT %(office)s THEN 'office' END AS h0070,
       CASE WHEN k.id IS NOT NULL THEN coalesce(k.ends_on, '9999-12-31'::date) END AS c0080,
       CASE WHEN NOT %(office)s THEN 'office' WHEN k.id IS NOT NULL AND k.ends_on IS NULL
           THEN 'open_ended' END
           AS h0080,
       nullif(k.termination_reason, '') AS c0090,
       CASE WHEN NOT %(office)s THEN 'office'
            WHEN k.id IS NOT NULL AND k.termination_reason = '' THEN 'in_force' END AS h0090,
       k.notice_days_ours AS c0100, CASE WHEN NOT %(office)s THEN 'office'
            WHEN k.notice_days_ours IS NULL AND s.criticality > 1 THEN 'not_critical' END AS h0100,
       k.notice_days_theirs AS c0110, CASE WHEN NOT %(office)s THEN 'office'
            WHEN k.notice_days_theirs IS NULL AND s.criticality > 1 THEN 'not_critical' END AS
       h0110,
       nullif(k.governing_law, '') AS c0120,
       CASE WHEN NOT %(office)s THEN 'office'
            WHEN nullif(k.governing_law, '') IS NULL AND s.criticality > 1 THEN 'not_critical' END
           AS h0120,
       nullif(k.provision_country, '') AS c0130,
       CASE WHEN NOT %(office)s THEN 'office' END AS h0130,
       nullif(k.stores_data, '') AS c0140, CASE WHEN NOT %(office)s THEN 'office' END AS h0140,
       nullif(k.data_country, '') AS c0150,
       CASE WHEN NOT %(office)s THEN 'office' WHEN k.stores_data = 'no' AND k.data_country = ''
           THEN 'not_stored' END
           AS h0150,
       nullif(k.processing_country, '') AS c0160,
       CASE WHEN NOT %(office)s THEN 'office' END AS h0160,
       CASE s.classified WHEN 1 THEN 'low' WHEN 2 THEN 'low' WHEN 3 THEN 'medium' WHEN 4
           THEN 'high' END AS c0170,
       CASE WHEN s.classified IS NOT NULL THEN 'classification:' || s.n_classified || ':' ||
           s.n_applications
            WHEN k.stores_data = 'no' THEN 'not_stored' WHEN s.criticality > 1
                THEN 'not_critical' END AS h0170,
       CASE WHEN r.entered IS NOT NULL
                THEN (ARRAY['not_significant', 'low', 'material', 'full'])[r.entered]
            WHEN r.n IS NULL THEN 'not_significant' WHEN r.n_without > 0 THEN 'full'
            WHEN r.n_tested < r.n THEN 'material' ELSE 'low' END AS c0180,
       CASE WHEN r.entered IS NOT NULL THEN 'reliance_entered:' || r.n_entered || ':' || r.n
            WHEN r.n IS NULL THEN 'leans'
            ELSE 'reliance:' || r.n_without || ':' || r.n || ':' || r.n_tested END AS h0180
FROM service s
JOIN report_party p ON p.id = s.party_id
JOIN inventory_application a ON a.id = s.gravest
LEFT JOIN inventory_contract k ON k.id = s.contract_id
LEFT JOIN relied r ON r.party_id = s.party_id AND r.fkey = s.fkey
    AND r.contract_id IS NOT DISTINCT FROM s.contract_id AND r.service IS NOT DISTINCT
    FROM s.service
CROSS JOIN (SELECT max(nullif(lei, '')) AS lei FROM reports_reportingentity) e
