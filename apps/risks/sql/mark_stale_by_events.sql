-- The events that are not handled yet, the dependencies that each affects, and their assessments of
-- risks that such an event makes stale. An event on an offering affects dependencies that call it
-- or are redirected to it; a date or a new price also those that call the same release on the same
-- host (a price only in the same region and tier); a moved alias only itself.
WITH waiting AS (
    SELECT e.* FROM catalog_providerevent e
    WHERE NOT EXISTS (SELECT 1 FROM risks_handledevent h WHERE h.event_id = e.id)
),
concerned AS (SELECT w.id, w.kind, w.offering_id FROM waiting w WHERE EXISTS (SELECT 1
FROM risks_assessment)),
reached AS (
    SELECT e.id AS event_id, f.offering_id
    FROM concerned e JOIN catalog_node n ON n.kind = node_kind('offering') AND n.ref = e.offering_id
    JOIN catalog_footing f ON f.node_id = n.id
    UNION
    SELECT e.id, o.id
    FROM concerned e JOIN catalog_offering x ON x.id = e.offering_id
    LEFT JOIN catalog_alias a ON a.id = x.alias_id
    JOIN catalog_offering o ON o.host_id = x.host_id AND o.version_id = x.version_id
    WHERE NOT (CASE WHEN a.id IS NULL THEN x.binding = 'alias' ELSE a.kind <> 'synonym' END)
      AND CASE WHEN e.kind = 'repriced' THEN o.region_scope = x.region_scope
          AND o.service_tier = x.service_tier
               WHEN e.kind IN ('announced', 'moved_earlier', 'moved_later', 'withdrawn', 'retired',
                   'delisted')
               THEN x.region_scope = '' OR o.region_scope = x.region_scope
               ELSE false END
),
touched AS (
    SELECT DISTINCT ON (s.id) s.id, e.id AS event_id,
        CASE e.kind WHEN 'alias_moved' THEN 'Alias moved: '
        WHEN 'announced' THEN 'Retirement announced: '
        WHEN 'moved_earlier' THEN 'Retirement moved earlier: '
        WHEN 'moved_later' THEN 'Retirement moved later: '
        WHEN 'withdrawn' THEN 'Retirement withdrawn: ' WHEN 'retired' THEN 'Retired: '
        WHEN 'delisted' THEN 'Delisted: ' WHEN 'repriced' THEN 'Price changed: '
        WHEN 'terms_changed' THEN 'Terms changed: ' WHEN 'released' THEN 'Released: '
        ELSE 'Source disagreement: ' END
    || x.api_id || ' on ' || h.name
    || CASE WHEN e.kind IN ('alias_moved', 'moved_earlier', 'moved_later')
            THEN coalesce(', from ' || (e.old #>> '{}'), '')
                || coalesce(' to ' || (e.new #>> '{}'), '')
            WHEN e.effective_on IS NOT NULL THEN ', ' || e.effective_on ELSE '' END
    || ' (detected ' || to_char(e.detected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ').' AS because
    FROM reached g JOIN waiting e ON e.id = g.event_id
    JOIN catalog_offering x ON x.id = e.offering_id JOIN catalog_provider h ON h.id = x.host_id
    JOIN inventory_dependency d ON d.offering_id = g.offering_id
    JOIN risks_assessment s ON s.dependency_id = d.id
    JOIN risks_foundationrisk r ON r.id = s.risk_id
    LEFT JOIN risks_risktemplate t ON t.id = r.template_id
    WHERE s.state <> 'stale' AND s.assessed_at < greatest(e.detected_at, e.created_at)
      AND e.kind = ANY (coalesce(t.stale_by, %(own)s::text[])::text[])
    ORDER BY s.id, e.detected_at, e.id
),
marked AS (
    UPDATE risks_assessment s
    SET state = 'stale', stale_since = %(at)s, stale_cause = %(cause)s, stale_reason = t.because,
        stale_event_id = t.event_id, version = s.version + 1, updated_at = %(at)s
    FROM touched t WHERE s.id = t.id AND s.state <> 'stale'
    RETURNING s.stale_event_id
)
INSERT INTO risks_handledevent (event_id, handled_at, n_assessments)
SELECT w.id, %(at)s, (SELECT count(*) FROM marked m WHERE m.stale_event_id = w.id) FROM waiting w
ORDER BY w.id
ON CONFLICT DO NOTHING
RETURNING n_assessments
