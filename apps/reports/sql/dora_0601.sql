-- RT.06.01, a row for each function: columns as in dora_0202. Reads report_use.
WITH app AS (
    SELECT DISTINCT u.application_id, u.fkey FROM report_use u
)
SELECT row_number() OVER (ORDER BY min(a.criticality), f.fkey) AS n,
       coalesce(max(nullif(a.business_function, '')), max(a.name)) AS about,
       NULL::bigint AS at_contract,
       NULL::bigint AS at_provider, (array_agg(a.id
       ORDER BY a.criticality, a.id))[1] AS at_application,
       max(nullif(a.function_ref, '')) AS c0010, NULL::text AS h0010,
       (array_agg(a.licensed_activity ORDER BY a.criticality,
           a.id) FILTER (WHERE a.licensed_activity <> ''))[1]
           AS c0020, NULL::text AS h0020,
       (array_agg(a.business_function ORDER BY a.criticality,
           a.id) FILTER (WHERE a.business_function <> ''))[1]
           AS c0030, NULL::text AS h0030,
       max(e.lei) AS c0040, NULL::text AS h0040,
       CASE WHEN min(a.criticality) <= 1 THEN 'yes' ELSE 'no' END AS c0050,
       'critical:' || count(*) FILTER (WHERE a.criticality <= 1) || ':' || count(*) AS h0050,
       left(string_agg(DISTINCT nullif(a.criticality_reason, ''), '; '), 300) AS c0060,
       CASE WHEN count(nullif(a.criticality_reason, '')) > 0
                THEN 'reasons:' || count(nullif(a.criticality_reason, ''))
            WHEN min(a.criticality) > 1 THEN 'not_critical' END AS h0060,
       max(a.criticality_assessed_on) AS c0070,
       CASE WHEN max(a.criticality_assessed_on) IS NOT NULL
            THEN 'latest:' || count(a.criticality_assessed_on) || ':' || count(*) END AS h0070,
       min(a.rto_hours) AS c0080,
       CASE WHEN min(a.rto_hours) IS NOT NULL THEN 'shortest:' || count(a.rto_hours) || ':' ||
           count(*) END AS h0080,
       min(a.rpo_hours) AS c0090,
       CASE WHEN min(a.rpo_hours) IS NOT NULL THEN 'shortest:' || count(a.rpo_hours) || ':' ||
           count(*) END AS h0090,
       (ARRAY['low', 'medium', 'high'])[
           max(array_position(ARRAY['low', 'medium', 'high'], a.impact_of_discontinuing))
       ] AS c0100,
       CASE WHEN count(nullif(a.impact_of_discontinuing, '')) > 0
            THEN 'worst:' || count(nullif(a.impact_of_discontinuing,
            '')) || ':' || count(*) END AS h0100
FROM app f
JOIN inventory_application a ON a.id = f.application_id
CROSS JOIN (SELECT max(nullif(lei, '')) AS lei FROM reports_reportingentity) e
GROUP BY f.fkey
