-- RT.05.01, a row for each party: columns as in dora_0202. Reads report_link, report_cost and
-- report_party.
WITH party AS (
    SELECT provider_id AS id FROM report_link UNION SELECT party_id FROM report_cost
),
everyone AS (
    SELECT id FROM party UNION SELECT t.top FROM party JOIN report_party t ON t.id = party.id
),
direct AS (
    SELECT party_id FROM report_link WHERE rank = 1 UNION SELECT party_id FROM report_cost
),
spent AS (
    SELECT party_id, min(currency) AS currency, sum(cost) AS cost, count(*) AS n,
        min(id) AS contract_id,
           max(how) AS how, bool_and(cost IS NOT NULL) AND count(DISTINCT currency) = 1 AS whole
    FROM report_cost GROUP BY party_id
)
SELECT row_number() OVER (ORDER BY p.name, p.id) AS n, p.name AS about,
       coalesce(s.contract_id, k.contract_id) AS at_contract, p.id AS at_provider,
       NULL::bigint AS at_application,
       p.top AS at_parent,
       p.lei AS c0010, NULL::text AS h0010,
       CASE WHEN p.lei IS NOT NULL THEN 'LEI' END AS c0020,
       CASE WHEN p.lei IS NULL THEN 'follows' END AS h0020,
       nullif(q.legal_name, '') AS c0050, NULL::text AS h0050,
       nullif(q.person_type, '') AS c0070, NULL::text AS h0070,
       nullif(q.country, '') AS c0080, NULL::text AS h0080,
       CASE WHEN s.whole THEN s.currency END AS c0090,
       CASE WHEN d.party_id IS NULL THEN 'not_direct' WHEN NOT %(office)s
           THEN 'office' END AS h0090,
       CASE WHEN s.whole THEN s.cost END AS c0100,
       CASE WHEN d.party_id IS NULL THEN 'not_direct' WHEN NOT %(office)s THEN 'office'
            WHEN s.whole AND s.n > 1 THEN 'contracts:' || s.n WHEN s.whole THEN s.how END AS h0100,
       CASE WHEN p.top <> p.id THEN p.top_lei END AS c0110, CASE WHEN p.top = p.id
           THEN 'own_parent' END AS h0110,
       CASE WHEN p.top <> p.id AND p.top_lei IS NOT NULL THEN 'LEI' END AS c0120,
       CASE WHEN p.top = p.id THEN 'own_parent' WHEN p.top_lei IS NULL THEN 'follows' END AS h0120
FROM everyone x
JOIN report_party p ON p.id = x.id
JOIN catalog_provider q ON q.id = p.id
LEFT JOIN direct d ON d.party_id = p.id
LEFT JOIN spent s ON s.party_id = p.id
LEFT JOIN report_party k ON %(office)s AND k.id = p.id
