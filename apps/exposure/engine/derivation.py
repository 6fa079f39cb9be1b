"""The SQL that derives the engine's tables, for the applications of `exposure_due` or, when that is
empty of restriction, for all. Two working tables come first: `due_use` (live dependencies) and
`due_fact` (their offerings).

Shares, candidates, grades: docs/exposure.md, sections Terms, Alternatives and
independence.
"""

from apps.inventory.models import Dependency

_ROLES = ", ".join(f"('{role}', {code})" for code, role in enumerate(Dependency.Role.values))

# the ultimate parent of every party; a circle of parents is cut where it would begin again
_TOPS = """
chain(id, above, steps, path) AS (
    SELECT id, id, 0, ARRAY[id] FROM catalog_provider
    UNION ALL
    SELECT c.id, p.parent_id, c.steps + 1, c.path || p.parent_id
    FROM chain c JOIN catalog_provider p ON p.id = c.above
    WHERE p.parent_id IS NOT NULL AND NOT p.parent_id = ANY (c.path)
),
top AS MATERIALIZED (SELECT DISTINCT ON (id) id, above AS top FROM chain ORDER BY id, steps DESC)"""

# {due} restricts to the affected applications
USES = f"""
CREATE TEMPORARY TABLE due_use ON COMMIT DROP AS
SELECT d.id, d.application_id, a.team_id, a.criticality, d.offering_id, r.code AS role,
    d.fallback_order,
       d.traffic_share AS share, d.monthly_spend AS spend, d.via_party_id,
       CASE d.reached WHEN 'gateway' THEN 1 WHEN 'embedded' THEN 2 ELSE 0 END AS reached,
       a.monthly_spend AS application_spend, a.users_affected AS users
FROM inventory_dependency d
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(statuses)s)
JOIN (VALUES {_ROLES}) AS r(role, code) ON r.role = d.role
WHERE d.since <= %(day)s AND (d.until IS NULL OR d.until > %(day)s) {{due}}
"""

# one row for each offering that is used or was tested as a way out: what answers in its place
# today, and who is in it
FACTS = f"""
CREATE TEMPORARY TABLE due_fact ON COMMIT DROP AS
WITH RECURSIVE {_TOPS},
wanted AS (
    SELECT offering_id FROM due_use
    UNION
    SELECT t.target_id FROM inventory_exittest t
    JOIN due_use u ON u.id = t.dependency_id AND u.role = 0
),
answering AS (
    SELECT w.offering_id, coalesce(min(n.ref) FILTER (WHERE n.ref <> w.offering_id),
        w.offering_id) AS effective_id
    FROM wanted w LEFT JOIN exposure_heldfooting f ON f.offering_id = w.offering_id
    LEFT JOIN catalog_node n ON n.id = f.node_id AND n.kind = 1
    GROUP BY w.offering_id
)
SELECT w.offering_id, e.id AS effective_id, e.version_id, e.host_id, v.foundation_id,
       td.top AS developer_top,
       array_remove(ARRAY[td.top, th.top, tg.top], NULL) AS parties,
       NOT retired AS alive,
       NOT (retired OR (e.retires_on IS NOT NULL AND e.retires_on <= %(horizon)s)
            OR (e.retires_on IS NULL AND e.lifecycle = 'deprecated')) AS alive_at_horizon,
       (SELECT min(turn) FROM (VALUES
            (CASE WHEN e.date_kind = 'firm' AND NOT retired THEN e.retires_on END),
            (CASE WHEN NOT retired AND e.retires_on > %(horizon)s
                  THEN e.retires_on - (%(horizon)s::date - %(day)s::date) END)) AS turns(turn)) AS
                  turns_on
FROM answering w
JOIN catalog_offering e ON e.id = w.effective_id
CROSS JOIN LATERAL (SELECT e.lifecycle = 'retired' OR (e.date_kind = 'firm'
    AND e.retires_on <= %(day)s) IS TRUE
                    AS retired) r
LEFT JOIN catalog_version v ON v.id = e.version_id
LEFT JOIN catalog_foundation b ON b.id = v.foundation_id
LEFT JOIN top td ON td.id = b.developer_id
LEFT JOIN top th ON th.id = e.host_id
LEFT JOIN top tg ON tg.id = e.gateway_id
"""

# given shares stand; missing ones divide what is left of 1; all are then scaled to 1
# (docs/exposure.md)
PRIMARIES = f"""
CREATE TEMPORARY TABLE due_primary ON COMMIT DROP AS
WITH RECURSIVE {_TOPS},
counted AS (
    SELECT u.*, count(*) OVER w AS n, count(*) FILTER (WHERE share IS NULL) OVER w AS n_open,
           coalesce(sum(share) OVER w, 0) AS given
    FROM due_use u WHERE role = 0 WINDOW w AS (PARTITION BY application_id)
),
-- shares are kept to 15 places, so what is left of 1 is nothing when it is less than that
-- could explain
rest AS (SELECT *, CASE WHEN given < 1 - 1e-9 THEN 1 - given ELSE 0 END AS rest FROM counted),
raw AS (
    SELECT *, coalesce(share, rest / nullif(n_open, 0)) AS raw,
           given + CASE WHEN n_open > 0 THEN rest ELSE 0 END AS total
    FROM rest
)
SELECT r.id, r.application_id, r.team_id, r.criticality, r.offering_id, f.effective_id, r.reached,
    r.via_party_id,
       CASE WHEN t.top IS NULL THEN f.parties ELSE f.parties || t.top END AS parties, r.spend,
           r.application_spend,
       r.users, (CASE WHEN r.total = 0 THEN 1.0 / r.n ELSE r.raw / r.total END)::float8 AS share
FROM raw r JOIN due_fact f ON f.offering_id = r.offering_id LEFT JOIN top t ON t.id = r.via_party_id
"""

PATHS = """
INSERT INTO exposure_path (dependency_id, application_id, team_id, criticality, offering_id,
    effective_id, reached,
                           via_party_id, parties, share, points, users, spend)
SELECT id, application_id, team_id, criticality, offering_id, effective_id, reached, via_party_id,
    parties, share,
       (%(points)s::int[])[criticality + 1] * share, coalesce(users, 0) * share,
       CASE WHEN bool_and(spend IS NOT NULL) OVER w THEN spend::float8
            ELSE coalesce(application_spend, 0)::float8 * share END
FROM due_primary WHERE share > 0
WINDOW w AS (PARTITION BY application_id)
"""

CANDIDATES = f"""
INSERT INTO exposure_candidate (application_id, primary_id, dependency_id, offering_id,
    effective_id, reached,
                                via_party_id, parties, place, tested, ever_tested, alive,
                                alive_at_horizon, turns_on)
WITH RECURSIVE {_TOPS},
test AS MATERIALIZED (
    SELECT u.application_id, u.id AS primary_id, u.role, t.id, t.target_id, t.result, t.tested_on,
        t.tested_version_id,
           coalesce(t.expires_on, t.tested_on + %(validity)s) AS ends_on
    FROM {{tests}}
    WHERE t.tested_on <= %(day)s
),
latest AS MATERIALIZED (
    SELECT DISTINCT ON (application_id, target_id) * FROM test
    ORDER BY application_id, target_id, tested_on DESC, id DESC
),
standby AS (SELECT * FROM due_primary WHERE share = 0),
offered AS (
    SELECT application_id, NULL::bigint AS primary_id, id AS dependency_id, offering_id, reached,
        via_party_id,
           fallback_order::int AS place
    FROM due_use WHERE role = 1
    UNION ALL
    SELECT application_id, NULL, id, offering_id, reached, via_party_id, 100000 FROM standby
    UNION ALL
    SELECT DISTINCT t.application_id, t.primary_id, NULL::bigint, t.target_id, 0, NULL::bigint,
        200000
    FROM test t JOIN due_primary p ON p.id = t.primary_id AND p.share > 0
    WHERE NOT EXISTS (SELECT 1 FROM due_use f
                      WHERE f.application_id = t.application_id AND f.role = 1
                          AND f.offering_id = t.target_id)
      AND NOT EXISTS (SELECT 1 FROM standby s
                      WHERE s.application_id = t.application_id AND s.offering_id = t.target_id)
)
SELECT o.application_id, o.primary_id, o.dependency_id, o.offering_id, f.effective_id, o.reached,
    o.via_party_id,
       CASE WHEN t.top IS NULL THEN f.parties ELSE f.parties || t.top END, o.place,
       in_date, l.id IS NOT NULL, f.alive, f.alive_at_horizon, least(f.turns_on, CASE WHEN in_date
       THEN l.ends_on END)
FROM offered o
JOIN due_fact f ON f.offering_id = o.offering_id
LEFT JOIN latest l ON l.application_id = o.application_id AND l.target_id = o.offering_id
LEFT JOIN top t ON t.id = o.via_party_id
CROSS JOIN LATERAL (
    SELECT (l.result = 'passed' AND l.ends_on > %(day)s
            AND (l.tested_version_id IS NULL OR l.tested_version_id IS NOT DISTINCT
            FROM f.version_id)) IS TRUE
           AS in_date
) dated
WHERE l.result IS DISTINCT FROM 'failed'
ORDER BY o.application_id, o.place, o.dependency_id, o.offering_id
"""

# tests count for their application, also when made from a dependency that has ended since
ALL_TESTS = """inventory_exittest t JOIN inventory_dependency u0 ON u0.id = t.dependency_id
    JOIN LATERAL (SELECT u0.application_id, u0.id, u0.role) u ON true"""
DUE_TESTS = f"{ALL_TESTS} JOIN exposure_due due ON due.application_id = u0.application_id"

LIVE_USES = """
INSERT INTO exposure_liveuse (dependency_id, offering_id, application_id, team_id, criticality,
    role, reached,
                              via_party_id)
SELECT u.id, u.offering_id, u.application_id, u.team_id, u.criticality,
       CASE WHEN u.role = 0 AND p.share = 0 THEN 1 ELSE u.role END, u.reached, u.via_party_id
FROM due_use u LEFT JOIN due_primary p ON p.id = u.id
"""

# pairs that are asked about and not graded yet: primaries with their candidates, those a failed
# test rules out too, and with judges and guardrails
PAIRS = """
INSERT INTO exposure_pairgrade (primary_id, candidate_id, grade)
WITH pair AS (
    SELECT DISTINCT p.effective_id AS primary_id, c.effective_id AS candidate_id
    FROM due_primary p JOIN exposure_candidate c ON c.application_id = p.application_id
    WHERE p.share > 0 AND (c.primary_id IS NULL OR c.primary_id = p.id)
    UNION
    SELECT DISTINCT p.effective_id, f.effective_id
    FROM due_primary p JOIN due_use u ON u.application_id = p.application_id AND u.role IN (1, 2, 3)
    JOIN due_fact f ON f.offering_id = u.offering_id
    WHERE p.share > 0
    UNION
    SELECT DISTINCT p.effective_id, s.effective_id
    FROM due_primary p JOIN due_primary s ON s.application_id = p.application_id
    WHERE p.share > 0 AND s.share = 0
),
fact AS MATERIALIZED (
    SELECT DISTINCT ON (effective_id) effective_id, version_id, host_id, foundation_id,
        developer_top FROM due_fact
)
SELECT pair.primary_id, pair.candidate_id,
       CASE WHEN pair.primary_id = pair.candidate_id THEN 0
            WHEN p.version_id IS NULL OR c.version_id IS NULL OR p.version_id = c.version_id
                THEN CASE WHEN p.host_id = c.host_id THEN 0 ELSE 1 END
            WHEN p.foundation_id = c.foundation_id OR EXISTS (
                SELECT 1 FROM exposure_heldfooting x
                JOIN catalog_node n ON n.id = x.node_id AND n.kind = 2
                JOIN exposure_heldfooting y ON y.node_id = x.node_id
                    AND y.offering_id = pair.candidate_id
                WHERE x.offering_id = pair.primary_id) THEN 2
            WHEN p.developer_top = c.developer_top THEN 3
            ELSE 4 END
FROM pair JOIN fact p ON p.effective_id = pair.primary_id
JOIN fact c ON c.effective_id = pair.candidate_id
WHERE NOT EXISTS (SELECT 1 FROM exposure_pairgrade g
                  WHERE g.primary_id = pair.primary_id AND g.candidate_id = pair.candidate_id)
"""

# grade 4 of a pair is 4 when the two paths have a party in common, and 5 when they have none
RESCUES = """
INSERT INTO exposure_rescue (primary_id, candidate_id, application_id, grade, offering_id, reached,
    via_party_id,
                             dependency_id, place, at_once, tested, alive, alive_at_horizon)
SELECT p.id, c.id, p.application_id,
       CASE WHEN g.grade < 4 OR p.parties && c.parties THEN g.grade ELSE 5 END,
       c.offering_id, c.reached, c.via_party_id, c.dependency_id, c.place, c.primary_id IS NULL,
       c.tested, c.alive,
       c.alive_at_horizon
FROM due_primary p
JOIN exposure_candidate c ON c.application_id = p.application_id AND (c.primary_id IS NULL
    OR c.primary_id = p.id)
JOIN exposure_pairgrade g ON g.primary_id = p.effective_id AND g.candidate_id = c.effective_id
WHERE p.share > 0
"""

SCOPED = """
INSERT INTO exposure_scopedapplication (application_id, team_id, criticality, n_paths, points,
    users, spend, unresolved,
                                        independent_fallback, judge_shares_lineage)
WITH independent AS MATERIALIZED (
    SELECT DISTINCT r.primary_id FROM exposure_rescue r JOIN due_primary p ON p.id = r.primary_id
    WHERE r.at_once AND r.alive AND r.grade >= 4
),
path AS (
    SELECT p.application_id, count(*) AS n, bool_or(f.version_id IS NULL) AS unresolved,
           bool_and(p.spend IS NOT NULL) AS own_spend, sum(p.spend) AS spend,
           bool_and(i.primary_id IS NOT NULL) AS independent
    FROM due_primary p JOIN due_fact f ON f.offering_id = p.offering_id
    LEFT JOIN independent i ON i.primary_id = p.id
    WHERE p.share > 0 GROUP BY p.application_id
),
judged AS (
    SELECT DISTINCT p.application_id
    FROM due_primary p JOIN due_use u ON u.application_id = p.application_id AND u.role IN (2, 3)
    JOIN due_fact f ON f.offering_id = u.offering_id AND f.version_id IS NOT NULL
    JOIN due_fact pf ON pf.offering_id = p.offering_id AND pf.version_id IS NOT NULL
    JOIN exposure_pairgrade g ON g.primary_id = p.effective_id AND g.candidate_id = f.effective_id
        AND g.grade <= 2
    WHERE p.share > 0
)
SELECT a.id, a.team_id, a.criticality, coalesce(p.n, 0), (%(points)s::int[])[a.criticality + 1],
    a.users_affected,
       CASE WHEN p.own_spend THEN p.spend ELSE a.monthly_spend END,
       coalesce(p.unresolved, false), coalesce(p.independent, false), j.application_id IS NOT NULL
FROM inventory_application a
LEFT JOIN path p ON p.application_id = a.id
LEFT JOIN judged j ON j.application_id = a.id
WHERE a.status = ANY (%(statuses)s) {due}
"""

# gateways and vendors that live dependencies name, with their corporate parents; of the same
# reading as the paths
PARTY_FOOTING = """
WITH RECURSIVE used AS (
    SELECT DISTINCT reached, via_party_id AS party FROM due_use
    WHERE via_party_id IS NOT NULL AND reached > 0
),
above(reached, party, above, depth, path) AS (
    SELECT reached, party, party, 0, ARRAY[party] FROM used
    UNION ALL
    SELECT a.reached, a.party, p.parent_id, a.depth + 1, a.path || p.parent_id
    FROM above a JOIN catalog_provider p ON p.id = a.above
    WHERE p.parent_id IS NOT NULL AND NOT p.parent_id = ANY (a.path)
)
SELECT reached, party, CASE reached WHEN 1 THEN 6 ELSE 8 END AS kind, above AS ref, depth FROM above
"""
