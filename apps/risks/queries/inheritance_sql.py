"""SQL of inheritance: pairs of a foundation risk and a live dependency whose upstream nodes include
the risk's node.

The pairs are not stored. A pair exists if the risk is open and inheritable, the dependency is live
on the day, the upstream nodes of its offering include the node (or, for a gateway or vendor, the
party it is reached through is the node or a subsidiary), and the template's condition is met.

There are two ways to read a page; the code chooses between them, not the planner:

- from the risks: for each risk in order its first rows. A node with many dependencies is read by
  walking the applications in order until the page is full; one with few by collecting and sorting
  them.
- from the applications, if few are requested: all their upstream nodes, joined with the risks on
  them.
"""

from typing import Final

from apps.common.database.statements import load_statement
from apps.inventory.models import Application
from apps.risks.models import Predicate, RuleName

IN_SCOPE: Final = [str(status) for status in Application.IN_SCOPE]

# dependency `d` is in use on the day by an application `a` in scope
LIVE: Final = """is_live(d.since, d.until, %(day)s)"""
IS_COUNTED: Final = (
    "a.status = ANY (%(in_scope)s) AND (%(teams)s::bigint[] IS NULL OR a.team_id = ANY (%(teams)s))"
)

# the conditions of the templates on dependency `d`
_PREDICATES: Final[dict[str, str]] = {
    Predicate.JUDGE_SHARES_BASE: """d.role IN ('judge', 'guardrail') AND EXISTS (
        SELECT 1 FROM inventory_dependency p
        JOIN catalog_footing pf ON pf.offering_id = p.offering_id
        JOIN catalog_node pn ON pn.id = pf.node_id
            AND pn.kind IN (node_kind('version'), node_kind('foundation'))
        JOIN catalog_footing jf ON jf.node_id = pf.node_id AND jf.offering_id = d.offering_id
        WHERE p.application_id = d.application_id AND p.role = 'primary'
          AND is_live(p.since, p.until, %(day)s))""",
    Predicate.CALLS_MOVING_NAME: """(d.binding = 'alias' OR (d.binding <> 'pinned' AND EXISTS (
        SELECT 1 FROM catalog_offering mo
        LEFT JOIN catalog_alias ma ON ma.id = mo.alias_id LEFT
        JOIN catalog_version mv ON mv.id = mo.version_id
        WHERE mo.id = d.offering_id
          AND (CASE WHEN ma.id IS NULL THEN mo.binding = 'alias' ELSE ma.kind <> 'synonym' END
               OR coalesce(mv.moving, false)))))""",
}
# conditions on dependency `d` under which its retirement is planned; higher apps add theirs
_MIGRATION_PLANS: Final[dict[str, str]] = {}
_PLAN_HISTORIES: Final[dict[str, tuple[str, ...]]] = {}


def register_migration_plans(name: str, condition: str, *, histories: tuple[str, ...]) -> None:
    """Add SQL that is true if dependency `d` has a migration plan, and the history tables that
    change with it. `name` identifies the source."""
    _MIGRATION_PLANS[name] = condition
    _PLAN_HISTORIES[name] = histories


def plan_histories() -> list[str]:
    """Return the history tables of all registered plans."""
    return [table for tables in _PLAN_HISTORIES.values() for table in tables]


def predicates() -> dict[str, str]:
    """Return {condition of a template: its SQL on dependency `d`}."""
    return {**_PREDICATES, Predicate.UNPLANNED_RETIREMENT: f"NOT ({migration_plans()})"}


def migration_plans() -> str:
    """Return SQL that is true if dependency `d` has a migration plan."""
    return " OR ".join(_MIGRATION_PLANS.values()) or "false"


def _applies_sql() -> str:
    return " OR ".join(
        [
            "r.applies_when = ''",
            *(f"(r.applies_when = '{name}' AND {sql})" for name, sql in predicates().items()),
        ]
    )


# a short notice period of a host remains a risk of what is being migrated; a retirement does not
CONDITION_OF_RISK: Final = f"""CASE WHEN r.rule = '{RuleName.SHORT_NOTICE}' THEN ''
    ELSE coalesce(t.applies_when, '') END"""

# (id, above): every provider with itself and each of its corporate parents
PARTY: Final = """party(id, above) AS MATERIALIZED (
    SELECT provider_id, ancestor_id FROM provider_ancestor
)"""
# gateways and vendors are also reached by the dependency's own party
_PARTY_KINDS: Final = "r.kind IN (node_kind('gateway'), node_kind('vendor'))"
_REACHED: Final = (
    "d.reached = CASE r.kind WHEN node_kind('gateway') THEN 'gateway' ELSE 'embedded' END"
)

# the inheritable risks, limited by {which}; {node} adds kind and ref of the node
RISK: Final = """risk AS {kept} (
    SELECT r.id, r.inherent, r.node_id, {condition} AS applies_when {node}
    FROM risks_foundationrisk r {join} LEFT JOIN risks_risktemplate t ON t.id = r.template_id
    WHERE r.closed_at IS NULL AND r.dismissed_at IS NULL AND r.inherits {which}
)"""
_EAGER: Final = {
    "kept": "MATERIALIZED",
    "node": ", n.kind, n.ref",
    "join": "JOIN catalog_node n ON n.id = r.node_id",
}
_INLINE: Final = {**_EAGER, "kept": "NOT MATERIALIZED"}
_LAZY: Final = {"kept": "NOT MATERIALIZED", "node": "", "join": ""}

# the upstream nodes of dependency `d` include the node of risk `r`
HOLDS: Final = f"""(EXISTS (SELECT 1 FROM catalog_footing f
            WHERE f.node_id = r.node_id AND f.offering_id = d.offering_id)
    OR ({_PARTY_KINDS} AND {_REACHED} AND d.via_party_id IN (SELECT p.id FROM party p
    WHERE p.above = r.ref)))"""

# a node with more dependencies is read by walking the applications instead of collecting them
WIDE: Final = 2000

_AFTER: Final = """(a.criticality, a.id) {beyond}= (r.from_criticality, r.from_application)
    AND (a.criticality, a.id, d.id) {beyond} (r.from_criticality, r.from_application,
        r.from_dependency)"""

# The risks in order, each with the position where its rows begin: the cursor for the risk of the
# cursor, the start for others. Not materialised, so that nothing beyond a full page is computed.
_ORDERED: Final = """(
    SELECT o.*, n.kind, n.ref
    FROM (
        SELECT r.*,
            -- the cursor resumes in its own risk; all other risks start at the edge, before their
            -- first row
            CASE WHEN r.id = %(after_risk)s THEN %(after_criticality)s
                ELSE {edge_small} END::smallint
                AS from_criticality,
            CASE WHEN r.id = %(after_risk)s THEN %(after_application)s
                ELSE {edge} END::bigint AS from_application,
            CASE WHEN r.id = %(after_risk)s THEN %(after_dependency)s
                ELSE {edge} END::bigint AS from_dependency
        FROM risk r
        -- without a cursor all risks; otherwise those from the risk of the cursor on
        WHERE %(after_risk)s::bigint IS NULL OR r.inherent {lower} %(after_inherent)s
           OR (r.inherent = %(after_inherent)s AND r.id {beyond}= %(after_risk)s)
        ORDER BY r.inherent {falling}, r.id {rising}
    ) o
    -- fenced, or the planner hashes every node there is for the few that are looked at
    CROSS JOIN LATERAL (SELECT x.kind, x.ref FROM catalog_node x WHERE x.id = o.node_id OFFSET 0) n
) r"""

FROM_RISKS: Final = load_statement("risks", "inherited_from_risks")

# Applications first: {chosen} is the condition on `a` and `d`.
_FEW: Final = """WITH {party}, {risk},
mine AS MATERIALIZED (
    SELECT d.id, d.application_id, d.offering_id, d.role, d.binding, d.reached, d.via_party_id,
        a.criticality
    FROM inventory_application a JOIN inventory_dependency d ON d.application_id = a.id
    WHERE {counts} AND {live} AND {chosen}
),
-- nodes that the dependencies depend on: through their offering, and through their own party
hit AS (
    SELECT f.node_id, m.id FROM mine m JOIN catalog_footing f ON f.offering_id = m.offering_id
    UNION
    SELECT n.id, m.id FROM mine m JOIN party p ON p.id = m.via_party_id
    JOIN catalog_node n ON n.kind = CASE m.reached WHEN 'gateway' THEN node_kind('gateway')
        ELSE node_kind('vendor') END AND n.ref = p.above
),
"""
FROM_APPLICATIONS: Final = (
    _FEW
    + """page AS (
    SELECT r.id AS risk_id, d.id AS dependency_id, r.inherent, d.criticality, d.application_id
    FROM risk r JOIN hit h ON h.node_id = r.node_id JOIN mine d ON d.id = h.id
    LEFT JOIN risks_assessment s ON s.risk_id = r.id AND s.dependency_id = d.id
    -- the keyset of the cursor; the severity is negated, since it falls while the other columns
    -- rise
    WHERE ({applies}) AND {state} AND (%(after_risk)s::bigint IS NULL OR
        (-r.inherent::int, r.id, d.criticality, d.application_id, d.id) {beyond}
        (-%(after_inherent)s::int, %(after_risk)s::bigint, %(after_criticality)s::int,
            %(after_application)s::bigint,
         %(after_dependency)s::bigint))
    ORDER BY r.inherent {falling}, r.id {rising}, d.criticality {rising}, d.application_id {rising},
        d.id {rising}
    LIMIT %(size)s
)
"""
)

# all rows, and one page of them in another order
ALL_OF_FEW: Final = (
    _FEW
    + """found AS (
    SELECT r.id AS risk_id, d.id AS dependency_id, r.inherent, d.criticality, d.application_id
    FROM risk r JOIN hit h ON h.node_id = r.node_id JOIN mine d ON d.id = h.id
    LEFT JOIN risks_assessment s ON s.risk_id = r.id AND s.dependency_id = d.id
    WHERE ({applies}) AND {state}
)
"""
)
# stored assessments with their records, read one by one: the fence prevents a hash join over all of
# them
_STORED_ASSESSMENTS: Final = """(SELECT s.* FROM risks_assessment s WHERE {state}) s
    CROSS JOIN LATERAL (SELECT x.* FROM risk x WHERE x.id = s.risk_id OFFSET 0) r
    CROSS JOIN LATERAL (SELECT x.* FROM inventory_dependency x
    WHERE x.id = s.dependency_id OFFSET 0) d
    CROSS JOIN LATERAL (SELECT x.* FROM inventory_application x
    WHERE x.id = d.application_id OFFSET 0) a
    WHERE {counts} AND {live} AND {chosen} AND {holds} AND ({applies})"""

# the same for stored assessments, if few match
ALL_STORED: Final = f"""
WITH {{party}}, {{risk}},
found AS (
    SELECT r.id AS risk_id, d.id AS dependency_id, r.inherent, a.criticality, a.id AS application_id
    FROM {_STORED_ASSESSMENTS}
)
"""
SORTED: Final = """, page AS (
    SELECT p.* FROM found p
    JOIN risks_foundationrisk r ON r.id = p.risk_id LEFT
    JOIN risks_risktemplate t ON t.id = r.template_id
    JOIN inventory_application a ON a.id = p.application_id
    LEFT JOIN risks_assessment s ON s.risk_id = p.risk_id AND s.dependency_id = p.dependency_id
    LEFT JOIN accounts_user u ON u.id = s.owner_id
    ORDER BY {order} LIMIT %(size)s OFFSET %(offset)s
)
"""

# Risks first, with the stored assessments of each: for lists of one state.
FROM_ASSESSMENTS: Final = """
WITH {party}, {risk},
page AS (
    SELECT r.id AS risk_id, x.dependency_id, r.inherent, x.criticality, x.application_id
    FROM {ordered}
    CROSS JOIN LATERAL (
        SELECT a.criticality, a.id AS application_id, d.id AS dependency_id
        FROM risks_assessment s JOIN inventory_dependency d ON d.id = s.dependency_id
        JOIN inventory_application a ON a.id = d.application_id
        WHERE s.risk_id = r.id AND {state} AND {counts} AND {live} AND {chosen} AND {holds}
            AND ({applies})
          AND {after}
        ORDER BY a.criticality {rising}, a.id {rising}, d.id {rising} LIMIT %(size)s
    ) x
    ORDER BY r.inherent {falling}, r.id {rising}, x.criticality {rising}, x.application_id {rising},
        x.dependency_id {rising}
    LIMIT %(size)s
)
"""

# Stored assessments by one of their days, {order}.
FROM_DAYS: Final = f"""
WITH {{party}}, {{risk}},
page AS (
    SELECT r.id AS risk_id, d.id AS dependency_id, r.inherent, a.criticality, a.id AS application_id
    FROM {_STORED_ASSESSMENTS}
    ORDER BY {{order}} LIMIT %(size)s OFFSET %(offset)s
)
"""

NODE_NAME: Final = """CASE n.kind
    WHEN node_kind('offering') THEN (SELECT x.api_id FROM catalog_offering x WHERE x.id = n.ref)
    WHEN node_kind('version') THEN (SELECT x.identifier FROM catalog_version x WHERE x.id = n.ref)
    WHEN node_kind('foundation') THEN (SELECT x.name FROM catalog_foundation x WHERE x.id = n.ref)
    WHEN node_kind('region') THEN (SELECT x.name FROM catalog_region x WHERE x.id = n.ref)
    ELSE (SELECT x.name FROM catalog_provider x WHERE x.id = n.ref) END"""

# the default order of lists, most severe first
GRAVEST: Final = "p.inherent DESC, p.risk_id, p.criticality, p.application_id, p.dependency_id"

# the columns of a row of the page, to be followed by its order; one statement with the page itself
DETAILS: Final = f"""
SELECT p.risk_id, p.dependency_id, p.inherent, p.criticality, p.application_id,
    r.likelihood, r.impact, r.confidence, r.template_id, coalesce(t.code, '') AS code,
    coalesce(nullif(r.title, ''), t.title) AS title, coalesce(t.layer, '') AS layer, r.rule,
    r.facts,
    n.kind AS node_kind, n.ref AS node_ref, {NODE_NAME} AS node_name, f.via, f.depth,
    a.slug AS application, a.name AS application_name, g.slug AS team, g.name AS team_name,
    a.team_id, a.data_classification, d.role,
    d.offering_id, o.api_id, h.slug AS host, h.name AS host_name,
    (SELECT array_agg(DISTINCT k.kind ORDER BY k.kind) FROM inventory_adaptation k
    WHERE k.dependency_id = d.id)
        AS adaptations,
    s.id AS assessment_id, s.version AS assessment_version, coalesce(s.state,
    'unassessed') AS state, s.treatment,
    s.current_likelihood, s.current_impact, s.residual_likelihood, s.residual_impact, s.due_on,
    s.accepted_until,
    s.revoked_at, s.stale_reason, s.stale_event_id, u.username AS owner, w.username AS risk_owner,
    person_name(u.first_name, u.last_name, u.username) AS owner_name
FROM page p
JOIN risks_foundationrisk r ON r.id = p.risk_id LEFT
JOIN risks_risktemplate t ON t.id = r.template_id
JOIN catalog_node n ON n.id = r.node_id
JOIN inventory_dependency d ON d.id = p.dependency_id
JOIN inventory_application a ON a.id = p.application_id
JOIN accounts_team g ON g.id = a.team_id
JOIN catalog_offering o ON o.id = d.offering_id JOIN catalog_provider h ON h.id = o.host_id
LEFT JOIN catalog_footing f ON f.node_id = r.node_id AND f.offering_id = d.offering_id
LEFT JOIN risks_assessment s ON s.risk_id = p.risk_id AND s.dependency_id = p.dependency_id
LEFT JOIN accounts_user u ON u.id = s.owner_id LEFT JOIN accounts_user w ON w.id = r.owner_id
"""


def sql_parts(
    *,
    backwards: bool,
    risk_condition: str = "",
    dependency_condition: str = "true",
    state: str = "true",
    lazily: bool = False,
    inline: bool = False,
) -> dict[str, str]:
    """Return {name: SQL} of the parts that the templates above are composed of.

    `risk_condition`, `dependency_condition` and `state` are SQL from code, never user input.
    `backwards`: the rows before the cursor are read, so all directions are reversed. With `lazily`
    the risks are read in order until enough rows are found; with `inline` they are looked up one by
    one.
    """
    comparison = "<" if backwards else ">"
    direction_sql = {
        "beyond": comparison,
        "lower": ">" if backwards else "<",
        "falling": "ASC" if backwards else "DESC",
        "rising": "DESC" if backwards else "ASC",
        # before the first row and after the last one
        "edge_small": "32767" if backwards else "-1",
        "edge": "9223372036854775807" if backwards else "-1",
    }
    return {
        **direction_sql,
        "party": PARTY,
        "risk": RISK.format(
            **(_LAZY if lazily else _INLINE if inline else _EAGER),
            condition=CONDITION_OF_RISK,
            which=risk_condition,
        ),
        "ordered": _ORDERED.format(**direction_sql),
        "after": _AFTER.format(**direction_sql),
        "live": LIVE,
        "counts": IS_COUNTED,
        "applies": _applies_sql(),
        "holds": HOLDS,
        "chosen": dependency_condition,
        "state": state,
        "reached": _REACHED,
        "party_kinds": _PARTY_KINDS,
        "wide": str(WIDE),
    }
