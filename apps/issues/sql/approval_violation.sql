-- One fact is one approval; each application that violates it, or still needs it after it expired,
-- has an issue. A violation that only missing data could settle (`is_certain` false) waits as long
-- as other missing data.
WITH used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED (
    SELECT d.id, d.application_id, d.offering_id, d.via_party_id
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(on)s::date)
      AND (%(application_ids)s::bigint[] IS NULL
           OR d.application_id = ANY (%(application_ids)s::bigint[]))
),
{deciding_approvals},
{needed_approvals},
{judged_uses},
violation AS (
    SELECT dependency_id, application_id, approval_id, criticality, blocked, criticality_outside,
           class_outside, region_outside, terms_outside, false AS expired, NULL::date AS expired_on,
           blocked OR criticality_outside OR (class_outside AND NOT class_unknown)
               OR (region_outside AND NOT region_unknown)
               OR (terms_outside AND NOT terms_unknown) AS is_certain
    FROM judged WHERE blocked OR criticality_outside OR class_outside OR region_outside
        OR terms_outside
    UNION ALL
    SELECT n.dependency_id, n.application_id, n.approval_id, a.criticality, false, false, false,
           false, false, true, p.expires_on, true
    FROM needing n JOIN expiring p ON p.id = n.approval_id
    JOIN inventory_application a ON a.id = n.application_id
)
SELECT 'approval:' || v.approval_id AS subject, v.application_id, min(v.expired_on) AS due_on,
       CASE WHEN NOT bool_or(v.is_certain) THEN 30 WHEN v.criticality <= 1 THEN 0 ELSE 14 END
           AS allowance_days,
       array_agg(DISTINCT d.offering_id) AS offering_ids,
       CASE WHEN bool_or(v.blocked) THEN 'blocked'
            WHEN bool_or(v.expired) THEN 'expired ' || min(v.expired_on)
            ELSE 'restricted' END AS fact_key,
       jsonb_build_object(
           'dependencies', jsonb_agg(DISTINCT v.dependency_id),
           'blocked', bool_or(v.blocked), 'criticality', bool_or(v.criticality_outside),
           'data_class', bool_or(v.class_outside), 'region', bool_or(v.region_outside),
           'data_terms', bool_or(v.terms_outside),
           'expired', bool_or(v.expired), 'is_certain', bool_or(v.is_certain)
       ) AS details
FROM violation v JOIN inventory_dependency d ON d.id = v.dependency_id
GROUP BY v.approval_id, v.application_id, v.criticality
