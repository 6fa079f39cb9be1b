"""The SQL that derives the engine's tables, for the applications of `exposure_due`, or for all in a
full build.

Two working tables come first: `due_use` (live dependencies) and `due_fact` (their offerings).
Shares, candidates and grades are defined in docs/exposure.md, sections Terms, Alternatives and
independence.
"""

from apps.common.database.statements import load_statement
from apps.inventory.models import Dependency

_ROLES = ", ".join(f"('{role}', {code})" for code, role in enumerate(Dependency.Role.values))

# the ultimate parent of every party
_TOPS = """
top AS MATERIALIZED (
    SELECT DISTINCT ON (provider_id) provider_id AS id, ancestor_id AS top FROM provider_ancestor
    ORDER BY provider_id, depth DESC
)"""

# {due} restricts to the affected applications
USES = f"""
CREATE TEMPORARY TABLE due_use ON COMMIT DROP AS
SELECT d.id, d.application_id, a.team_id, a.criticality, d.offering_id, r.code AS role,
    d.fallback_order,
       d.traffic_share AS share, d.monthly_spend AS spend, d.via_party_id,
       -- codes of the way the model is reached: 0 directly, 1 gateway, 2 embedded by a vendor
       CASE d.reached WHEN 'gateway' THEN 1 WHEN 'embedded' THEN 2 ELSE 0 END AS reached,
       a.monthly_spend AS application_spend, a.users_affected AS users
FROM inventory_dependency d
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(statuses)s)
JOIN (VALUES {_ROLES}) AS r(role, code) ON r.role = d.role
WHERE is_live(d.since, d.until, %(day)s) {{due}}
"""

FACTS = load_statement("exposure", "derive_facts")

# recorded shares are used as they are; missing ones divide the remainder of 1; all are then scaled
# to 1 (docs/exposure.md)
PRIMARIES = f"""
CREATE TEMPORARY TABLE due_primary ON COMMIT DROP AS
WITH {_TOPS},
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
       -- users and points are divided by share; spend is that of the dependency if all primaries
       -- record it
       (%(points)s::int[])[criticality + 1] * share, coalesce(users, 0) * share,
       CASE WHEN bool_and(spend IS NOT NULL) OVER w THEN spend::float8
            ELSE coalesce(application_spend, 0)::float8 * share END
FROM due_primary WHERE share > 0
WINDOW w AS (PARTITION BY application_id)
"""

CANDIDATES = load_statement("exposure", "derive_candidates")

# exit tests count for their application, even if their dependency has ended since
ALL_TESTS = """inventory_exittest t JOIN inventory_dependency u0 ON u0.id = t.dependency_id
    JOIN LATERAL (SELECT u0.application_id, u0.id, u0.role) u ON true"""
DUE_TESTS = f"{ALL_TESTS} JOIN exposure_due due ON due.application_id = u0.application_id"

LIVE_USES = """
INSERT INTO exposure_activedependency (dependency_id, offering_id, application_id, team_id,
    criticality,
    role, reached,
                              via_party_id)
SELECT u.id, u.offering_id, u.application_id, u.team_id, u.criticality,
       -- a primary model without traffic (share 0) is a standby and counts as a fallback (role 1)
       CASE WHEN u.role = 0 AND p.share = 0 THEN 1 ELSE u.role END, u.reached, u.via_party_id
FROM due_use u LEFT JOIN due_primary p ON p.id = u.id
"""

PAIRS = load_statement("exposure", "derive_pair_grades")

# grade 4 of a pair stays 4 if the two paths have a party in common, and becomes 5 if they have none
RESCUES = """
INSERT INTO exposure_candidategrade (primary_id, candidate_id, application_id, grade,
    offering_id, reached,
    via_party_id,
                             dependency_id, place, is_immediate, tested, alive, alive_at_horizon)
SELECT p.id, c.id, p.application_id,
       -- independence 4 to 5 depends on the parties of both paths, which the pair of offerings does
       -- not include
       CASE WHEN g.grade < 4 OR p.parties && c.parties THEN g.grade ELSE 5 END,
       c.offering_id, c.reached, c.via_party_id, c.dependency_id, c.place, c.primary_id IS NULL,
       c.tested, c.alive,
       c.alive_at_horizon
FROM due_primary p
-- a candidate without a primary is one for all primaries of its application
JOIN exposure_candidate c ON c.application_id = p.application_id AND (c.primary_id IS NULL
    OR c.primary_id = p.id)
JOIN exposure_pairgrade g ON g.primary_id = p.effective_id AND g.candidate_id = c.effective_id
WHERE p.share > 0
"""

# `independent`: primary models with an immediate fallback of another developer; `judged`:
# applications with a judge or guardrail (roles 2 and 3) of the lineage of a primary model
SCOPED = """
INSERT INTO exposure_scopedapplication (application_id, team_id, criticality, n_paths, points,
    users, spend, unresolved, independent_fallback, judge_shares_lineage)
WITH independent AS MATERIALIZED (
    SELECT DISTINCT r.primary_id FROM exposure_candidategrade r JOIN due_primary p
        ON p.id = r.primary_id
    WHERE r.is_immediate AND r.alive AND r.grade >= 4
),
path AS (
    SELECT p.application_id, count(*) AS n, bool_or(f.is_unresolved) AS unresolved,
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

# gateways and vendors of live dependencies, with their corporate parents, read at the same time as
# the paths
PARTY_FOOTING = """
WITH used AS (
    SELECT DISTINCT reached, via_party_id AS party FROM due_use
    WHERE via_party_id IS NOT NULL AND reached > 0
)
SELECT u.reached, u.party,
       CASE u.reached WHEN 1 THEN node_kind('gateway') ELSE node_kind('vendor') END AS kind,
       a.ancestor_id AS ref, a.depth
FROM used u JOIN provider_ancestor a ON a.provider_id = u.party
"""
