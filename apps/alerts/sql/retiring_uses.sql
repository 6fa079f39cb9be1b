-- Every active use of a retiring offering: (offering, retirement date, soft?, application, team,
-- criticality, is primary?). A redirected offering retires with the offering that serves its calls;
-- an offering without a date retires with the first one whose retirement affects it. The affected
-- offerings are determined by the rules of apps/exposure/queries/dependents.py, with the retirements
-- in place of the table of events; an announced date goes before an earliest one, which only is a
-- lower bound. An application is listed once, also with several dependencies on the offering.
redirected AS MATERIALIZED (SELECT offering_id, effective_id FROM redirected_offering()),
ending AS (
    SELECT o.id, o.kind, o.host_id, o.version_id, o.retires_on, o.date_kind = 'not_before' AS soft,
           o.api_id
    FROM catalog_offering o
    WHERE o.retires_on >= %(day)s::date - %(grace)s AND {which}
),
catalog_providerevent(id, offering_id, source_id, kind) AS (SELECT x.id, x.id, NULL::bigint,
'announced' FROM ending x WHERE x.kind = 'model_id'),
origin AS (
    SELECT x.*, x.id AS called_id FROM ending x
    WHERE NOT EXISTS (SELECT 1 FROM redirected e WHERE e.offering_id = x.id)
    UNION ALL
    SELECT x.*, e.offering_id FROM ending x JOIN redirected e ON e.effective_id = x.id
    UNION ALL (
        SELECT DISTINCT ON (o.id) x.*, o.id
        FROM ({reached}) r JOIN ending x ON x.id = r.event_id
        JOIN catalog_offering o ON o.id = r.offering_id AND o.retires_on IS NULL
            AND o.lifecycle <> 'retired'
        WHERE NOT EXISTS (SELECT 1 FROM redirected e WHERE e.offering_id IN (o.id, x.id))
        ORDER BY o.id, x.soft, x.retires_on, x.id
    )
),
{own}live AS (
    SELECT x.id, x.host_id, x.version_id, x.retires_on, x.soft, d.application_id, a.team_id,
        a.criticality,
           bool_or(d.role = 'primary') AS is_primary
    FROM origin x
    JOIN (
        SELECT d.offering_id AS called_id, d.application_id, d.role, d.since, d.until
        FROM {dependencies} d
        UNION ALL
        -- the features that a dependency uses
        SELECT f.id, d.application_id, d.role, d.since, d.until FROM {dependencies} d
        JOIN catalog_offering m ON m.id = d.offering_id
        CROSS JOIN LATERAL unnest(d.features) used(name)
        JOIN ending f ON f.host_id = m.host_id AND f.api_id = used.name
            AND f.kind IN ('feature', 'endpoint', 'parameter')
        WHERE d.features <> ARRAY[]::varchar[]
    ) d ON d.called_id = x.called_id
    {application}
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
    GROUP BY x.id, x.host_id, x.version_id, x.retires_on, x.soft, d.application_id, a.team_id,
        a.criticality
)
