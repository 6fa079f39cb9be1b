-- Changes of each candidate, a foundation or the offerings of a provider: (kind, ref, price events
-- since %(since)s, offerings with a price, first seen with one, models retired by %(day)s, models
-- that will retire, the next retirement).
WITH scope AS (
    SELECT 'foundation' AS kind, v.foundation_id AS ref, o.id, o.version_id, o.api_id, o.lifecycle,
           o.date_kind, o.retires_on
    FROM catalog_version v JOIN catalog_offering o ON o.version_id = v.id
    WHERE v.foundation_id = ANY (%(foundations)s) AND NOT o.not_a_model
        AND o.kind = 'model_id'
    UNION ALL
    SELECT 'provider', o.host_id, o.id, o.version_id, o.api_id, o.lifecycle, o.date_kind, o.retires_on
    FROM catalog_offering o
    WHERE o.host_id = ANY (%(providers)s) AND NOT o.not_a_model AND o.kind = 'model_id'
),
repriced AS (
    SELECT s.kind, s.ref, count(*) AS n
    FROM scope s JOIN catalog_providerevent e ON e.offering_id = s.id
    WHERE e.kind = 'repriced' AND e.detected_at >= %(since)s
        AND e.detected_at < %(until)s
    GROUP BY s.kind, s.ref
),
priced AS (
    SELECT s.kind, s.ref, count(DISTINCT s.id) AS n, min(a.first_seen) AS since
    FROM scope s JOIN catalog_assertion a ON a.offering_id = s.id AND a.topic = 'price'
    WHERE a.withdrawn_at IS NULL
    GROUP BY s.kind, s.ref
),
ended AS (
    SELECT kind, ref,
           count(DISTINCT coalesce(version_id::text, api_id)) FILTER (WHERE
               lifecycle = 'retired' OR (date_kind = 'firm'
               AND retires_on <= %(day)s)) AS n_ended,
           count(DISTINCT coalesce(version_id::text, api_id)) FILTER (WHERE
               lifecycle <> 'retired' AND date_kind = 'firm'
               AND retires_on > %(day)s) AS n_ending,
           min(retires_on) FILTER (WHERE
               lifecycle <> 'retired' AND date_kind = 'firm'
               AND retires_on > %(day)s) AS next_end_on
    FROM scope GROUP BY kind, ref
)
SELECT d.kind, d.ref, coalesce(r.n, 0), coalesce(p.n, 0), p.since, d.n_ended,
    d.n_ending, d.next_end_on
FROM ended d
LEFT JOIN repriced r ON r.kind = d.kind AND r.ref = d.ref
LEFT JOIN priced p ON p.kind = d.kind AND p.ref = d.ref
