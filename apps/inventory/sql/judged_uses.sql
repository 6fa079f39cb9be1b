-- Uses held against the approvals that apply to them; a part of a statement, after
-- deciding_approvals.sql. `judged` has a row per use and blocking or restricted approval.
-- Regions of an application are separated by commas; all of them must be allowed, compared without
-- case. `terms` are the accepted data terms of the offering that serves the requests; an unknown
-- term satisfies no condition.
-- approvals that decide about the offering, and those about the gateway or vendor of the use
counting AS (
    SELECT u.id AS dependency_id, u.application_id, u.offering_id, c.approval_id
    FROM deciding c JOIN used u ON u.offering_id = c.offering_id
    UNION
    SELECT u.id, u.application_id, u.offering_id, w.approval_id FROM way w
    JOIN used u ON u.via_party_id = w.party_id
),
-- what the conditions on data terms compare; read only for approvals that have such conditions
stated AS (
    SELECT c.*, p.decision, p.criticalities, p.data_classes, p.regions, p.requires_no_training,
           p.max_retention_days, p.requires_zero_retention, p.residencies, p.terms_data_classes,
           a.criticality, a.data_classification, a.geography, t.terms,
           (t.terms #>> '{training_use,value}')::boolean AS training_use,
           (t.terms #>> '{retention_days,value}')::bigint AS retention_days,
           (t.terms #>> '{zero_retention,value}')::boolean AS zero_retention,
           t.terms #> '{residency,value}' AS residency,
           p.decision = 'restricted' AND (p.terms_data_classes = '{}'
               OR a.data_classification = ''
               OR a.data_classification = ANY (p.terms_data_classes)) AS terms_apply
    FROM counting c
    JOIN inventory_approval p ON p.id = c.approval_id AND p.decision IN ('blocked', 'restricted')
    JOIN inventory_application a ON a.id = c.application_id
    LEFT JOIN LATERAL (
        SELECT s.values AS terms
        FROM catalog_settledclaims s
        WHERE s.topic = 'data_terms' AND s.offering_id = coalesce(
            (SELECT e.effective_id FROM redirected_offering() e
             WHERE e.offering_id = c.offering_id), c.offering_id)
    ) t ON p.requires_no_training OR p.max_retention_days IS NOT NULL
        OR p.requires_zero_retention OR p.residencies <> '{}'
),
-- per condition: true if it is met, false if not, null if the term is unknown or it does not apply
term AS (
    SELECT *,
           CASE WHEN requires_no_training THEN NOT training_use END AS is_untrained,
           retention_days <= max_retention_days AS is_brief,
           CASE WHEN requires_zero_retention THEN
               CASE WHEN retention_days = 0 THEN true ELSE zero_retention END END AS is_zero,
           CASE WHEN residencies <> '{}' AND jsonb_typeof(residency) = 'array' THEN
               (SELECT bool_and(lower(trim(r)) IN
                   (SELECT lower(trim(x)) FROM unnest(residencies) x))
                FROM jsonb_array_elements_text(residency) r) END AS is_resident
    FROM stated
),
judged AS (
    SELECT dependency_id, application_id, approval_id, criticality,
           decision = 'blocked' AS blocked,
           -- an empty list of a restricted approval allows all values
           decision = 'restricted' AND criticalities <> '{}'
               AND NOT criticality = ANY (criticalities) AS criticality_outside,
           decision = 'restricted' AND data_classes <> '{}'
               AND NOT data_classification = ANY (data_classes) AS class_outside,
           -- an application without geography is outside, too; region_unknown tells the two cases
           -- apart
           decision = 'restricted' AND regions <> '{}' AND NOT (
               geography <> '' AND regexp_split_to_array(lower(trim(geography)),
               '\s*[,;/]\s*')
                   <@ (SELECT array_agg(lower(trim(r)))
                   FROM unnest(regions) r)) AS region_outside,
           data_classification = '' AS class_unknown, geography = '' AS region_unknown,
           terms_apply AND (
               (requires_no_training AND is_untrained IS NOT TRUE)
               OR (max_retention_days IS NOT NULL AND is_brief IS NOT TRUE)
               OR (requires_zero_retention AND is_zero IS NOT TRUE)
               OR (residencies <> '{}' AND is_resident IS NOT TRUE)) AS terms_outside,
           -- whether a stated term could still clear it
           (terms_data_classes <> '{}' AND data_classification = '')
               OR NOT coalesce(NOT is_untrained, false) AND NOT coalesce(NOT is_brief, false)
                   AND NOT coalesce(NOT is_zero, false) AND NOT coalesce(NOT is_resident, false)
               AS terms_unknown,
           terms
    FROM term
)
