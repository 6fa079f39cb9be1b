-- Versions that retire, or have retired, and that applications still use: one row for each version
-- and application; an offering without a version is a fact of its own. All model IDs of a version,
-- at all hosts, are one fact; the date is the first one among the dependencies of the application.
-- A feature of the host that a dependency uses is a fact of its own as well.
--
-- An offering that is redirected retires when the one served in its place does. One without a date
-- retires with the first row of the same host that covers it: the same model ID, or its version.
-- `act_by` is the last day on which a migration can start: the retirement date minus its effort.
WITH live AS (
    SELECT d.id, d.application_id, d.offering_id, d.role, a.criticality, d.features
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
      AND (%(application_ids)s::bigint[] IS NULL
           OR d.application_id = ANY (%(application_ids)s::bigint[]))
),
served AS MATERIALIZED (
    SELECT c.offering_id AS called_id, r.effective_id IS NOT NULL AS is_redirected,
           o.id, o.kind, o.host_id, o.api_id, o.region_scope, o.service_tier, o.version_id,
           o.retires_on, o.date_kind, o.lifecycle, o.due_status
    FROM (SELECT DISTINCT offering_id FROM live) c
    LEFT JOIN redirected_offering() r ON r.offering_id = c.offering_id
    JOIN catalog_offering o ON o.id = coalesce(r.effective_id, c.offering_id)
),
retiring AS (
    SELECT called_id, id AS offering_id, version_id, retires_on,
           date_kind = 'not_before' AND lifecycle <> 'retired' AS is_earliest,
           lifecycle = 'retired' AS is_confirmed, due_status
    FROM served
    WHERE (lifecycle = 'retired' OR retires_on IS NOT NULL)
      AND NOT (date_kind = 'not_before' AND lifecycle <> 'retired' AND retires_on < %(day)s::date)
    UNION ALL
    (
        SELECT DISTINCT ON (s.called_id) s.called_id, x.id, s.version_id, x.retires_on,
               x.date_kind = 'not_before' AND x.lifecycle <> 'retired',
               x.lifecycle = 'retired', x.due_status
        FROM served s
        CROSS JOIN LATERAL (
            SELECT o.id, o.retires_on, o.date_kind, o.lifecycle, o.due_status
            FROM catalog_offering o
            WHERE o.host_id = s.host_id AND o.api_id = s.api_id AND o.retires_on IS NOT NULL
              AND o.kind = 'model_id'
              AND o.region_scope IN ('', s.region_scope)
              -- the end of a fine-tuned model is not that of its base model
              AND (o.service_tier <> 'fine-tuned' OR s.service_tier = 'fine-tuned')
            UNION ALL
            SELECT o.id, o.retires_on, o.date_kind, o.lifecycle, o.due_status
            FROM catalog_footing f
            JOIN catalog_node n ON n.id = f.node_id AND n.kind = node_kind('version')
            JOIN catalog_offering o ON o.version_id = n.ref AND o.host_id = s.host_id
            LEFT JOIN catalog_alias a ON a.id = o.alias_id
            WHERE f.offering_id = s.id AND f.via IN (0, 2) AND o.retires_on IS NOT NULL
              AND o.kind = 'model_id'
              AND o.region_scope IN ('', s.region_scope)
              AND (o.service_tier <> 'fine-tuned' OR s.service_tier = 'fine-tuned')
              AND NOT CASE WHEN a.id IS NULL THEN o.binding = 'alias'
                           ELSE a.kind <> 'synonym' END
        ) x
        WHERE s.retires_on IS NULL AND s.lifecycle <> 'retired' AND NOT s.is_redirected
          AND s.kind = 'model_id'
          AND NOT (x.date_kind = 'not_before' AND x.lifecycle <> 'retired'
                   AND x.retires_on < %(day)s::date)
        ORDER BY s.called_id, x.date_kind = 'not_before', x.retires_on, x.id
    )
),
-- the last open task of each dependency; a join, since campaigns open many tasks at a time, before
-- the planner knows of them
task AS (
    SELECT DISTINCT ON (k.dependency_id) k.dependency_id, k.id, k.state, k.waived_until
    FROM live l
    JOIN exposure_campaigntask k ON k.dependency_id = l.id
    JOIN exposure_campaign c ON c.id = k.campaign_id
    WHERE c.state = 'open' AND k.state <> 'obsolete'
    ORDER BY k.dependency_id, k.id DESC
),
dependency AS (
    SELECT l.id, l.application_id, l.role, l.criticality, l.offering_id AS called_id,
           r.offering_id, r.version_id, r.retires_on, r.is_earliest, r.is_confirmed, r.due_status,
           coalesce(t.effort_days, p.estimated_days) AS effort_days,
           CASE WHEN t.effort_days IS NOT NULL THEN 'test'
                WHEN p.estimated_days IS NOT NULL THEN 'estimate' END AS basis,
           k.id AS task_id, k.state AS task_state, k.waived_until, false AS is_feature
    FROM live l
    JOIN retiring r ON r.called_id = l.offering_id
    LEFT JOIN LATERAL (
        SELECT t.effort_days FROM inventory_exittest t
        WHERE t.dependency_id = l.id AND t.tested_on <= %(day)s::date AND t.result <> 'failed'
          AND t.effort_days IS NOT NULL
        ORDER BY t.tested_on DESC, t.id DESC LIMIT 1
    ) t ON true
    LEFT JOIN inventory_exitplan p ON p.dependency_id = l.id
    LEFT JOIN task k ON k.dependency_id = l.id
    UNION ALL
    -- a migration to another model is no plan for the end of a feature
    SELECT l.id, l.application_id, l.role, l.criticality, o.id, o.id, NULL, o.retires_on,
           o.date_kind = 'not_before' AND o.lifecycle <> 'retired', o.lifecycle = 'retired',
           o.due_status, NULL, NULL, NULL, NULL, NULL, true
    FROM live l
    JOIN catalog_offering c ON c.id = l.offering_id
    CROSS JOIN LATERAL unnest(l.features) used(name)
    JOIN catalog_offering o ON o.host_id = c.host_id AND o.api_id = used.name
        AND o.kind IN ('feature', 'endpoint', 'parameter')
    WHERE l.features <> '{}' AND (o.lifecycle = 'retired' OR o.retires_on IS NOT NULL)
      AND NOT (o.date_kind = 'not_before' AND o.lifecycle <> 'retired'
               AND o.retires_on < %(day)s::date)
),
dated AS (
    SELECT *, retires_on - coalesce(ceil(effort_days), 0)::int AS act_by,
           retires_on - %(margin)s::int AS finish_by
    FROM dependency
)
SELECT CASE WHEN version_id IS NULL THEN 'offering:' || min(offering_id)
            ELSE 'version:' || version_id END AS subject,
       application_id,
       min(retires_on) AS due_on,
       bool_and(is_earliest) AS is_earliest,
       min(finish_by - coalesce(ceil(effort_days), 0)::int) AS start_by,
       min(finish_by) AS finish_by,
       CASE WHEN bool_or(retires_on IS NULL) THEN NULL ELSE min(act_by) END AS act_by,
       0 AS allowance_days,
       CASE WHEN bool_or(task_id IS NULL) THEN ''
            WHEN bool_and(task_state = 'waived' AND waived_until > %(day)s::date) THEN 'accepted'
            WHEN bool_or(task_state IN ('in_progress', 'ready', 'done')) THEN 'in_progress'
            ELSE 'planned' END AS derived_state,
       CASE WHEN bool_and(task_state = 'waived') THEN min(waived_until) END AS accepted_until,
       min(task_id) AS task_id,
       array_agg(DISTINCT offering_id) || array_agg(DISTINCT called_id) AS offering_ids,
       coalesce(min(retires_on)::text, 'retired') AS fact_key,
       jsonb_build_object(
           'effort_days', max(effort_days), 'basis', coalesce(max(basis), ''),
           -- of the date of the issue, which is the first one
           'is_confirmed', (array_agg(is_confirmed ORDER BY retires_on NULLS FIRST, id))[1],
           'due_status', (array_agg(due_status ORDER BY retires_on NULLS FIRST, id))[1],
           'dependencies', jsonb_agg(jsonb_build_object(
               'dependency', id, 'role', role, 'called', called_id, 'offering', offering_id,
               'retires_on', retires_on, 'is_earliest', is_earliest, 'effort_days', effort_days,
               'is_feature', is_feature
           ) ORDER BY retires_on, id)
       ) AS details
FROM dated
GROUP BY application_id, version_id, CASE WHEN version_id IS NULL THEN offering_id END
HAVING min(retires_on) IS NULL OR min(retires_on) <= %(horizon)s::date
    OR min(act_by) <= %(day)s::date + 30
