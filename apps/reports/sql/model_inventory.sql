-- The rows of the model inventory, a row for each application and foundation version it calls: n,
-- about, at_… (where a value is entered), and for each column of MODEL_INVENTORY_TABLE its value c…
-- and its note h…, which explains how it was derived or why it does not apply. Reads
-- report_model_use.
WITH used AS (
    SELECT application_id, model, max(version_id) AS version_id,
        max(foundation_id) AS foundation_id,
           max(developer_id) AS developer_id, max(identifier) AS identifier, min(api_id) AS api_id,
           min(offering_id) AS offering_id, string_agg(DISTINCT host, ', ' ORDER BY host) AS hosts,
           array_agg(DISTINCT role) AS roles, max(since) AS since, min(retires_on) AS retires_on,
           bool_and(not_generative) AS not_generative, array_agg(dependency_id) AS dependency_ids
    FROM report_model_use GROUP BY application_id, model
),
whole AS (
    SELECT application_id, array_agg(DISTINCT coalesce(identifier,
        api_id) || ' (' || role || ')') AS models
    FROM report_model_use GROUP BY application_id
),
built AS (
    SELECT u.application_id, u.model, string_agg(DISTINCT d.kind, ', ' ORDER BY d.kind) AS kinds
    FROM inventory_adaptation d JOIN report_model_use u ON u.dependency_id = d.dependency_id
    GROUP BY u.application_id, u.model
),
accepted AS (
    SELECT u.application_id, u.model, count(*) AS n
    FROM risks_assessment s JOIN report_model_use u ON u.dependency_id = s.dependency_id
    WHERE s.treatment = 'accept' AND s.revoked_at IS NULL AND s.accepted_until > %(on)s::date
    GROUP BY u.application_id, u.model
),
planned AS (
    SELECT u.application_id, u.model, min(p.next_test_on) FILTER (WHERE p.next_test_on >=
        %(on)s::date) AS next_on
    FROM inventory_exitplan p JOIN report_model_use u ON u.dependency_id = p.dependency_id
    GROUP BY u.application_id, u.model
),
documents AS (
    SELECT foundation_id, count(*) FILTER (WHERE status IN ('received', 'public')) AS n
    FROM inventory_annexitem GROUP BY foundation_id
),
decided AS (
    SELECT * FROM inventory_approval
    WHERE revoked_at IS NULL AND decided_on <= %(on)s::date AND (expires_on IS NULL
        OR expires_on > %(on)s::date)
)
SELECT row_number() OVER (
           ORDER BY a.criticality, a.name, a.id,
               array_position(ARRAY['primary', 'fallback', 'judge', 'guardrail', 'embedding',
                   'reranker', 'tool'], u.roles[1]::text),
               u.model) AS n,
       a.name || ' on ' || coalesce(u.identifier, u.api_id) AS about,
       a.id AS at_application, NULL::bigint AS at_provider, NULL::bigint AS at_contract,
       u.foundation_id AS at_foundation, u.offering_id AS at_offering,
       a.name AS c01, NULL::text AS h01, t.name AS c02, NULL::text AS h02,
       u.identifier AS c03, NULL::text AS h03, p.name AS c04, NULL::text AS h04,
       u.hosts AS c05, NULL::text AS h05, array_to_string(u.roles, ', ') AS c06, NULL::text AS h06,
       CASE WHEN u.not_generative THEN 'check' ELSE 'outside' END AS c07, NULL::text AS h07,
       nullif(a.purpose, '') AS c08, NULL::text AS h08, nullif(a.business_function, '') AS c09,
       NULL::text AS h09,
       nullif(s.intended_use, '') AS c10, NULL::text AS h10, nullif(s.inputs, '') AS c11,
       NULL::text AS h11,
       nullif(array_to_string(ARRAY(
           SELECT m FROM unnest(w.models) m
           WHERE NOT m = ANY (ARRAY(SELECT coalesce(u.identifier, u.api_id) || ' (' || r || ')'
           FROM unnest(u.roles) r))
           ORDER BY m), ', '), '') AS c12,
       CASE WHEN cardinality(w.models) = cardinality(u.roles) THEN 'alone'
           ELSE 'components' END AS h12,
       b.kinds AS c13, CASE WHEN b.kinds IS NOT NULL THEN 'adaptations' END AS h13,
       nullif(s.outputs, '') AS c14, NULL::text AS h14,
       CASE WHEN e.passed IS FALSE THEN 'failing' WHEN e.expires_on <= %(on)s::date THEN 'expired'
            WHEN e.passed THEN 'passed' END AS c15,
       CASE WHEN e.passed IS NOT NULL THEN 'evaluated' END AS h15,
       greatest((a.updated_at AT TIME ZONE 'UTC')::date, u.since) AS c16, 'changed' AS h16,
       d.decision AS c17,
       CASE WHEN d.decision IS NOT NULL THEN 'decided' WHEN u.version_id IS NULL
           THEN 'unplaced' END AS h17,
       coalesce(x.n, 0) AS c18, NULL::text AS h18,
       coalesce(person_name(bo.first_name, bo.last_name, bo.username), nullif(a.business_owner, ''))
           AS c19,
       NULL::text AS h19,
       coalesce(person_name(tw.first_name, tw.last_name, tw.username), nullif(a.technical_owner, ''))
           AS c20,
       NULL::text AS h20,
       nullif(s.validator, '') AS c21, NULL::text AS h21,
       e.run_on AS c22, CASE WHEN e.run_on IS NOT NULL THEN 'evaluated' END AS h22,
       coalesce(s.validation_planned_on, g.next_on) AS c23,
       CASE WHEN s.validation_planned_on IS NULL AND g.next_on IS NOT NULL
           THEN 'planned' END AS h23,
       coalesce(s.valid_until, u.retires_on) AS c24,
       CASE WHEN s.valid_until IS NULL AND u.retires_on IS NOT NULL THEN 'retires' END AS h24,
       a.criticality AS c25, NULL::text AS h25, a.users_affected AS c26, NULL::text AS h26,
       CASE WHEN u.version_id IS NOT NULL THEN 'yes' END AS c27, NULL::text AS h27,
       CASE WHEN %(office)s AND u.foundation_id IS NOT NULL THEN coalesce(k.n, 0) END AS c28,
       CASE WHEN NOT %(office)s THEN 'office' WHEN u.version_id IS NULL THEN 'unplaced' END AS h28,
       nullif(s.limitations, '') AS c29, NULL::text AS h29, nullif(s.monitoring_plan, '') AS c30,
       NULL::text AS h30,
       nullif(s.attested_by, '') AS c31, NULL::text AS h31, s.attested_on AS c32, NULL::text AS h32
FROM used u
JOIN inventory_application a ON a.id = u.application_id
JOIN accounts_team t ON t.id = a.team_id
LEFT JOIN accounts_user bo ON bo.id = a.business_owner_person_id
LEFT JOIN accounts_user tw ON tw.id = a.technical_owner_person_id
JOIN whole w ON w.application_id = u.application_id
LEFT JOIN catalog_provider p ON p.id = u.developer_id
LEFT JOIN reports_modelstatement s ON s.application_id = a.id
LEFT JOIN built b ON b.application_id = u.application_id AND b.model = u.model
LEFT JOIN accepted x ON x.application_id = u.application_id AND x.model = u.model
LEFT JOIN planned g ON g.application_id = u.application_id AND g.model = u.model
LEFT JOIN documents k ON k.foundation_id = u.foundation_id
LEFT JOIN LATERAL (
    SELECT e.passed, e.run_on, e.expires_on FROM risks_evidence e
    LEFT JOIN catalog_offering o ON o.id = e.offering_id
    WHERE e.application_id = u.application_id AND e.kind IN ('own_evaluation', 'red_team')
        AND e.passed IS NOT NULL
      AND e.run_on <= %(on)s::date
      AND coalesce(e.version_id, o.version_id, u.version_id) IS NOT DISTINCT FROM u.version_id
    ORDER BY e.run_on DESC, e.id DESC LIMIT 1
) e ON true
LEFT JOIN LATERAL (
    SELECT c.decision FROM decided c
    WHERE c.offering_id = u.offering_id OR c.version_id = u.version_id
        OR c.foundation_id = u.foundation_id
       OR c.provider_id = u.developer_id
    ORDER BY (c.offering_id IS NOT NULL)::int * 4 + (c.version_id IS NOT NULL)::int * 3
             + (c.foundation_id IS NOT NULL)::int * 2 DESC, c.id DESC
    LIMIT 1
) d ON true
