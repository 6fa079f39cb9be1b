-- RT.07.01, a row for each contract, party and service behind a critical or important function:
-- columns as in dora_0202. Reads report_way, report_use and report_party.
WITH own AS (SELECT * FROM report_way WHERE criticality <= 1),
alternative AS (
    SELECT DISTINCT w.contract_id, w.party_id, w.service, h.name
    FROM own w
    JOIN report_use u ON u.dependency_id = w.dependency_id
    JOIN exposure_candidate c ON c.application_id = w.application_id AND c.alive
        AND (c.primary_id IS NULL OR c.primary_id = w.dependency_id)
        AND (c.dependency_id IS NULL OR c.dependency_id <> w.dependency_id)
            AND NOT u.party_top = ANY (c.parties)
    JOIN catalog_offering o ON o.id = c.effective_id
    JOIN catalog_provider h ON h.id = o.host_id
    UNION
    SELECT contract_id, party_id, service, target_host FROM own WHERE target_host IS NOT NULL
    UNION
    SELECT contract_id, party_id, service, named FROM own WHERE named IS NOT NULL
),
named AS (
    SELECT contract_id, party_id, service, string_agg(name, ', ' ORDER BY name) AS names
    FROM (SELECT *, row_number() OVER (PARTITION BY contract_id, party_id, service
    ORDER BY name) AS place
          FROM alternative) ranked
    WHERE place <= 12 GROUP BY contract_id, party_id, service
),
assessed AS (
    SELECT contract_id, party_id, service, count(*) AS n, count(subst) AS n_known,
           count(*) FILTER (WHERE subst_entered) AS n_entered,
           max(array_position(ARRAY['easily', 'medium', 'highly_complex', 'not'],
           subst)) AS hardest,
           count(*) FILTER (WHERE has_plan) AS n_plans,
           max(array_position(ARRAY['easy', 'difficult', 'highly_complex'],
           reintegration)) AS reintegration,
           CASE WHEN bool_or(alternatives = 'no') THEN 'no' WHEN bool_or(alternatives = 'yes')
               THEN 'yes'
                WHEN bool_or(alternatives = 'na') THEN 'na' END AS alternatives,
           count(*) FILTER (WHERE alternatives = 'yes') AS n_alternatives,
           count(*) FILTER (WHERE alternatives_entered) AS n_alternatives_entered,
           (array_agg(application_id ORDER BY subst IS NOT NULL, has_plan, criticality,
               application_id))[1] AS lacking
    FROM own GROUP BY contract_id, party_id, service
),
why AS (
    SELECT w.contract_id, w.party_id, w.service,
           CASE WHEN bool_or(w.reason = 'both')
                     OR (bool_or(w.reason = 'migration') AND bool_or(w.reason = 'no_alternatives'))
                         THEN 'both'
                ELSE max(w.reason) END AS reason
    FROM own w WHERE w.subst IN ('not', 'highly_complex')
    GROUP BY w.contract_id, w.party_id, w.service
),
impact AS (
    SELECT w.contract_id, w.party_id, w.service, count(*) AS n,
        count(nullif(a.impact_of_discontinuing, '')) AS n_known,
           max(array_position(ARRAY['low', 'medium', 'high'], a.impact_of_discontinuing)) AS worst
    FROM (SELECT DISTINCT contract_id, party_id, service, application_id FROM own) w
    JOIN inventory_application a ON a.id = w.application_id
    GROUP BY w.contract_id, w.party_id, w.service
)
SELECT row_number() OVER (ORDER BY k.ref NULLS LAST, p.name, p.id) AS n, p.name AS about,
       x.contract_id AS at_contract, x.party_id AS at_provider, x.lacking AS at_application,
       nullif(k.ref, '') AS c0010, CASE WHEN NOT %(office)s THEN 'office' END AS h0010,
       p.lei AS c0020, NULL::text AS h0020, CASE WHEN p.lei IS NOT NULL THEN 'LEI' END AS c0030,
       CASE WHEN p.lei IS NULL THEN 'follows' END AS h0030,
       x.service AS c0040, CASE WHEN NOT %(office)s THEN 'office' END AS h0040,
       (ARRAY['easily', 'medium', 'highly_complex', 'not'])[x.hardest] AS c0050,
       CASE WHEN x.hardest IS NULL THEN NULL
            WHEN x.n_known = x.n THEN 'subst:' || x.n_entered || ':' || x.n - x.n_entered || ':' ||
                x.n
            ELSE 'subst_part:' || x.n_known || ':' || x.n_known - x.n_entered || ':' || x.n END AS
            h0050,
       CASE WHEN x.hardest >= 3 THEN y.reason END AS c0060,
       CASE WHEN x.hardest < 3 THEN 'substitutable' END AS h0060,
       k.last_audit_on AS c0070, CASE WHEN NOT %(office)s THEN 'office' END AS h0070,
       CASE WHEN x.n_plans = x.n THEN 'yes' ELSE 'no' END AS c0080,
           'plans:' || x.n_plans || ':' || x.n AS h0080,
       (ARRAY['easy', 'difficult', 'highly_complex'])[x.reintegration] AS c0090,
           NULL::text AS h0090,
       (ARRAY['low', 'medium', 'high'])[i.worst] AS c0100,
       CASE WHEN i.worst IS NOT NULL THEN 'worst:' || i.n_known || ':' || i.n END AS h0100,
       x.alternatives AS c0110,
       CASE WHEN x.alternatives IS NOT NULL
            THEN 'alternatives:' || x.n_alternatives || ':' || x.n || ':' ||
            x.n_alternatives_entered END AS h0110,
       m.names AS c0120,
       CASE WHEN m.names IS NOT NULL THEN 'hosts' WHEN x.alternatives IN ('no', 'na')
           THEN 'no_alternatives' END
           AS h0120
FROM assessed x
JOIN report_party p ON p.id = x.party_id
LEFT JOIN inventory_contract k ON k.id = x.contract_id
LEFT JOIN why y ON y.party_id = x.party_id AND y.contract_id IS NOT DISTINCT FROM x.contract_id
    AND y.service IS NOT DISTINCT FROM x.service
LEFT JOIN named m ON m.party_id = x.party_id AND m.contract_id IS NOT DISTINCT FROM x.contract_id
    AND m.service IS NOT DISTINCT FROM x.service
LEFT JOIN impact i ON i.party_id = x.party_id AND i.contract_id IS NOT DISTINCT FROM x.contract_id
    AND i.service IS NOT DISTINCT FROM x.service
