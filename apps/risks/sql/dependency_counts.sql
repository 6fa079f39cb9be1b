-- numbers of the dependencies of applications in scope, as the triggers of migration 0005 keep them
SELECT d.offering_id, d.via_party_id, d.reached, d.binding,
    CASE WHEN d.since > (d.created_at AT TIME ZONE 'UTC')::date THEN d.since END AS starts_on,
    d.until AS ends_on, count(*) AS n,
    count(*) FILTER (WHERE a.criticality = 0) AS n_critical,
    count(*) FILTER (WHERE a.data_classification = 'secret') AS n_secret,
    count(*) FILTER (WHERE a.criticality = 0 AND a.data_classification = 'secret')
        AS n_critical_secret
FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
WHERE a.status IN ('pilot', 'production')
GROUP BY 1, 2, 3, 4, 5, 6
