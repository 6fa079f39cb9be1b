-- Ongoing incidents of impact major or critical, and the applications concerned: one row for each
-- incident and application. An incident that names models concerns those; any other the whole host.
-- A dependency whose region the incident does not name is not concerned; one without a region is.
-- Incidents that were forgotten (open for weeks without an update), known only afterwards, or about
-- other services than models are left out.
--
-- `fallback` is the worst one among the primary models concerned: `missing`; `same_party`, where all
-- have a party in common with the host; `untested`; `tested`. Other roles have none.
WITH ongoing AS (
    SELECT x.id, x.host_id, x.title, x.impact, x.started_at, x.components, x.url, x.reopened_at,
           p.name AS host, p.status_page_url,
           ARRAY(SELECT lower(replace(replace(r, ' ', ''), '-', ''))
                 FROM jsonb_array_elements_text(x.regions) r) AS regions,
           ARRAY(SELECT v.version_id FROM catalog_incident_versions v WHERE v.incident_id = x.id)
               AS version_ids,
           ARRAY(SELECT o.offering_id FROM catalog_incident_offerings o WHERE o.incident_id = x.id)
               AS offering_ids,
           (SELECT a.ancestor_id FROM provider_ancestor a WHERE a.provider_id = x.host_id
            ORDER BY a.depth DESC LIMIT 1) AS party_id
    FROM catalog_incident x JOIN catalog_provider p ON p.id = x.host_id
    WHERE x.ended_at IS NULL AND x.affects_models AND x.impact IN ('major', 'critical')
      AND (NOT x.backfilled OR x.reopened_at IS NOT NULL)
      AND x.last_update_at > %(at)s::timestamptz - %(forgotten_days)s::int * interval '1 day'
),
live AS (
    SELECT d.id, d.application_id, d.offering_id, d.role, d.via_party_id
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
      AND d.role <> 'fallback' AND d.traffic_share IS DISTINCT FROM 0
      AND (%(application_ids)s::bigint[] IS NULL
           OR d.application_id = ANY (%(application_ids)s::bigint[]))
      AND EXISTS (SELECT 1 FROM ongoing)
),
concerned AS (
    SELECT g.id AS incident_id, l.id AS dependency_id, l.application_id, l.offering_id, l.role,
           g.host_id, g.party_id
    FROM live l
    LEFT JOIN redirected_offering() r ON r.offering_id = l.offering_id
    JOIN catalog_offering o ON o.id = coalesce(r.effective_id, l.offering_id)
    JOIN ongoing g ON g.host_id IN (o.host_id, o.gateway_id, l.via_party_id)
    WHERE (g.version_ids = '{{}}' AND g.offering_ids = '{{}}'
           OR o.version_id IS NULL OR o.version_id = ANY (g.version_ids)
           OR o.id = ANY (g.offering_ids) OR l.offering_id = ANY (g.offering_ids))
      AND (g.regions = '{{}}' OR 'global' = ANY (g.regions) OR o.region_scope = ''
           OR lower(replace(replace(o.region_scope, ' ', ''), '-', '')) = ANY (g.regions))
),
exit AS (
    SELECT c.incident_id, c.application_id, c.offering_id, coalesce(b.best, 0) AS best
    FROM concerned c
    LEFT JOIN LATERAL (
        SELECT max(CASE WHEN c.party_id = ANY (k.parties) THEN 1 WHEN k.tested THEN 3 ELSE 2 END)
            AS best
        FROM exposure_candidategrade e JOIN exposure_candidate k ON k.id = e.candidate_id
        WHERE c.role = 'primary' AND e.primary_id = c.dependency_id AND e.is_immediate AND e.alive
    ) b ON true
)
SELECT 'incident:' || g.id AS subject, e.application_id,
       (g.started_at AT TIME ZONE 'UTC')::date AS due_on,
       (g.started_at AT TIME ZONE 'UTC')::date AS act_by,
       array_agg(DISTINCT e.offering_id) AS offering_ids,
       g.impact || coalesce(' ' || extract(epoch FROM g.reopened_at)::bigint, '') AS fact_key,
       jsonb_build_object(
           'host', g.host, 'title', g.title, 'impact', g.impact,
           'started_at', to_char(g.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'),
           'components', jsonb_path_query_array(g.components, '$[0 to 4]'),
           'url', coalesce(nullif(g.url, ''), g.status_page_url),
           'fallback', (ARRAY['missing', 'same_party', 'untested', 'tested'])[min(e.best) + 1])
           AS details
FROM exit e JOIN ongoing g ON g.id = e.incident_id
GROUP BY g.id, g.host, g.title, g.impact, g.started_at, g.components, g.url, g.status_page_url,
         g.reopened_at, e.application_id
