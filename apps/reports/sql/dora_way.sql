-- alternatives of a primary that do not go through the party: 2 a valid tested exit, 1 a candidate,
-- 0 none
SELECT u.dependency_id, u.application_id, u.contract_id, u.party_id, u.service, u.fkey,
    u.criticality,
       coalesce(b.way, 0) AS way, b.effort_days,
       CASE WHEN x.substitutability <> '' THEN x.substitutability
            WHEN b.way = 2 AND b.effort_days <= {max_easy_days} THEN 'easily'
            WHEN b.way = 2 AND coalesce(b.effort_days, 0) <= {max_medium_days} THEN 'medium'
            WHEN b.way >= 1 OR th.id IS NOT NULL THEN 'highly_complex'
            WHEN x.alternatives_identified = 'no' THEN 'not' END AS subst,
       coalesce(x.substitutability <> '', false) AS subst_entered,
       CASE WHEN x.reason <> '' THEN x.reason
            WHEN coalesce(x.substitutability, '') <> '' THEN NULL
            WHEN b.way >= 1 OR th.id IS NOT NULL THEN 'migration'
            WHEN x.alternatives_identified = 'no' THEN 'no_alternatives' END AS reason,
       nullif(x.reliance, '') AS reliance, nullif(x.reintegration, '') AS reintegration,
       x.id IS NOT NULL AS has_plan,
       CASE WHEN x.alternatives_identified <> '' THEN x.alternatives_identified
            WHEN b.way >= 1 OR th.id IS NOT NULL THEN 'yes' END AS alternatives,
       coalesce(x.alternatives_identified <> '', false) AS alternatives_entered,
       nullif(x.alternatives, '') AS named, th.name AS target_host
FROM report_use u
LEFT JOIN inventory_exitplan x ON x.dependency_id = u.dependency_id
LEFT JOIN catalog_offering t ON t.id = x.target_id
-- a plan whose target depends on the party is no exit from it
LEFT JOIN report_party th ON th.id = t.host_id AND th.top <> u.party_top
LEFT JOIN (
    SELECT u.dependency_id, max(CASE WHEN c.tested THEN 2 ELSE 1 END) AS way,
           min(test.effort_days) FILTER (WHERE c.tested) AS effort_days
    FROM report_use u
    JOIN exposure_candidate c ON c.application_id = u.application_id AND c.alive
        AND (c.primary_id IS NULL OR c.primary_id = u.dependency_id)
        AND (c.dependency_id IS NULL OR c.dependency_id <> u.dependency_id)
    LEFT JOIN LATERAL (
        SELECT e.effort_days FROM inventory_exittest e
        JOIN inventory_dependency d ON d.id = e.dependency_id
        WHERE d.application_id = u.application_id AND e.target_id = c.offering_id
            AND e.result = 'passed'
          AND e.tested_on <= %(on)s::date
        ORDER BY e.tested_on DESC, e.id DESC LIMIT 1
    ) test ON c.tested
    WHERE u.stands AND NOT u.party_top = ANY (c.parties)
    GROUP BY u.dependency_id
) b ON b.dependency_id = u.dependency_id
WHERE u.stands
