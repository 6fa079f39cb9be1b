-- Live primaries whose offering retires, most urgent first; columns of PrimaryRunway.
--
-- A primary with a share of exactly 0 is a standby and is left out: its share is recorded as 0, or
-- not recorded while the others already add up to 1 (thirds with 15 digits miss it slightly); if
-- all shares are 0, all count equally. Effort: the last test with a recorded effort that did not
-- fail, else the estimate.
WITH ending AS (
    SELECT o.id, o.retires_on,
           CASE WHEN o.retires_on IS NULL AND NOT o.lifecycle = 'retired' THEN NULL
                WHEN o.retires_on IS NULL THEN 0
                WHEN o.date_kind = 'not_before' AND o.lifecycle <> 'retired'
                    THEN greatest(o.retires_on - %(on)s::date, 0)
                ELSE o.retires_on - %(on)s::date END AS days_left,
           o.date_kind = 'not_before' AND (o.retires_on IS NOT NULL
           OR o.lifecycle = 'retired') AS at_least
    FROM catalog_offering o
    WHERE o.retires_on IS NOT NULL OR o.lifecycle IN ('retired', 'deprecated')
),
live AS (
    SELECT d.id, d.application_id, a.criticality,
        coalesce(e.effective_id, d.offering_id) AS offering_id,
        d.traffic_share,
           coalesce(sum(d.traffic_share) OVER own, 0) AS given,
           count(*) OVER own > count(d.traffic_share) OVER own
               AS some_missing
    FROM {dependencies} d
    JOIN {applications} a ON a.id = d.application_id
    LEFT JOIN redirected_offering() e ON e.offering_id = d.offering_id
    WHERE d.role = 'primary' AND a.status = ANY (%(statuses)s)
      AND is_live(d.since, d.until, %(on)s::date)
      AND (%(application_ids)s::bigint[] IS NULL
          OR d.application_id = ANY (%(application_ids)s::bigint[]))
      AND (%(team_ids)s::bigint[] IS NULL OR a.team_id = ANY (%(team_ids)s::bigint[]))
    WINDOW own AS (PARTITION BY d.application_id)
),
found AS (
    SELECT l.id, l.application_id, l.criticality, l.offering_id, x.retires_on, x.days_left,
        x.at_least,
           coalesce(t.effort_days, p.estimated_days) AS effort_days,
           CASE WHEN t.effort_days IS NOT NULL THEN 'test' WHEN p.estimated_days IS NOT NULL
               THEN 'estimate' END
               AS basis
    FROM live l
    JOIN ending x ON x.id = l.offering_id
    LEFT JOIN LATERAL (
        SELECT t.effort_days FROM inventory_exittest t
        WHERE t.dependency_id = l.id AND t.tested_on <= %(on)s::date AND t.result <> 'failed'
          AND t.effort_days IS NOT NULL
        ORDER BY t.tested_on DESC, t.id DESC LIMIT 1
    ) t ON true
    LEFT JOIN inventory_exitplan p ON p.dependency_id = l.id
    WHERE l.traffic_share > 0 OR (l.traffic_share IS NULL AND l.given < 1 - 1e-9)
       OR (l.traffic_share = 0 AND l.given = 0 AND NOT l.some_missing)
),
urgent AS (
    SELECT *, days_left - effort_days AS runway, coalesce(days_left - effort_days,
        days_left) AS urgency FROM found
)
SELECT id AS dependency_id, application_id, criticality, offering_id, retires_on, days_left,
    effort_days, basis, runway, at_least,
    CASE WHEN days_left IS NULL THEN 'announced_without_date' END AS why
FROM urgent
WHERE (NOT %(has_place)s
   OR (coalesce(urgency, 'Infinity'), criticality, id)
      > (coalesce(%(urgency)s::numeric, 'Infinity'), %(criticality)s::int,
      %(dependency_id)s::bigint))
  AND (NOT %(only_late)s OR days_left < effort_days)
ORDER BY coalesce(urgency, 'Infinity'), criticality, id
LIMIT %(limit)s
