"""The built-in rules: the facts that each looks for, the node, the severity, and the explanation.

Each is one SELECT over the whole catalogue. It can join `risk_standing` (offering: those in use on
the day) and `risk_held` (node: those with dependencies), which evaluation.py creates, and returns

    node_id      the node to raise the risk on
    key          changes when the facts change materially: that reopens a dismissed risk
    likelihood   1 to 5, null for the template's default
    source_url   URL of the source, '' if the catalogue itself is the source
    facts        the explanation, with dates and names but no day counts, which would change daily
"""

from dataclasses import dataclass
from typing import Final

from apps.risks.models import RuleName

# a retirement nearer than this is within the planning horizon; a notice period shorter than a
# quarter is short
HORIZON_DAYS: Final = 180
SHORT_NOTICE_DAYS: Final = 90
# how long a price move, changed terms or a changed licence count as recent
PRICE_MOVE_PERIOD_DAYS: Final = 365
MIN_VOLATILE_PRICE_MOVES: Final = 3


@dataclass(frozen=True, slots=True)
class Rule:
    name: RuleName
    template: str
    facts: str


# the offering itself, if a dependency calls it or is redirected to it
_OFFERING = """catalog_offering o
    JOIN catalog_node n ON n.kind = node_kind('offering') AND n.ref = o.id
    JOIN risk_held held ON held.node_id = n.id JOIN catalog_provider h ON h.id = o.host_id"""
_LIFECYCLE_CLAIM = "LEFT JOIN catalog_assertion says ON says.id = o.lifecycle_claim_id"
_IS_MOVING_NAME = """(CASE WHEN al.id IS NULL THEN o.binding = 'alias' ELSE al.kind <> 'synonym' END
    OR coalesce(v.moving, false))"""

_RETIREMENT = f"""
SELECT n.id AS node_id, concat_ws('|', o.retires_on, o.date_kind, o.lifecycle = 'retired') AS key,
    CASE WHEN o.lifecycle = 'retired' OR o.date_kind = 'firm' THEN 5 ELSE 4 END AS likelihood,
    coalesce(says.source_url, '') AS source_url,
    o.api_id || ' on ' || h.name || CASE
        WHEN o.lifecycle = 'retired' OR (o.date_kind = 'firm' AND o.retires_on <= %(day)s)
        THEN ' retired' || coalesce(' on ' || o.retires_on, '') || ' and is still in use'
        WHEN o.date_kind = 'not_before' THEN ' retires no earlier than ' || o.retires_on
        ELSE ' retires on ' || o.retires_on END
    || coalesce(', announced on ' || o.announced_on, '')
    || coalesce(', suggested replacement ' || coalesce(p.api_id, nullif(o.replacement_text, '')),
    '') || '.' AS facts
FROM {_OFFERING} {_LIFECYCLE_CLAIM} LEFT JOIN catalog_offering p ON p.id = o.replacement_id
-- retired, or to retire within the horizon
WHERE o.lifecycle = 'retired' OR o.retires_on <= %(day)s::date + %(horizon)s
"""

_REDIRECT = f"""
SELECT n.id AS node_id, concat_ws('|', o.retires_on, o.replacement_id, o.replacement_text) AS key,
    NULL::int AS likelihood, coalesce(says.source_url, '') AS source_url,
    'After retirement' || coalesce(' on ' || o.retires_on, '') || ', calls to ' || o.api_id
    || ' on ' || h.name || ' are redirected to '
    || coalesce(p.api_id, nullif(o.replacement_text, ''), 'an unnamed model') || '.' AS facts
FROM {_OFFERING} {_LIFECYCLE_CLAIM} LEFT JOIN catalog_offering p ON p.id = o.replacement_id
WHERE o.end_behaviour = 'redirect' AND (o.lifecycle = 'retired'
    OR o.retires_on <= %(day)s::date + %(horizon)s)
"""

_MOVING_NAME = f"""
SELECT n.id AS node_id, coalesce(v.identifier, '') AS key, NULL::int AS likelihood,
    coalesce(nullif(al.source_url, ''), v.source_url, '') AS source_url,
    o.api_id || ' on ' || h.name || ' is an alias that the provider can move'
    || coalesce('. It currently points to ' || v.identifier, '') || '.' AS facts
FROM {_OFFERING} LEFT JOIN catalog_alias al ON al.id = o.alias_id LEFT
JOIN catalog_version v ON v.id = o.version_id
WHERE {_IS_MOVING_NAME}
"""

_SHORT_NOTICE = """
SELECT n.id AS node_id, promised.days::text AS key, CASE WHEN promised.days < 30 THEN 4
    ELSE 3 END AS likelihood,
    promised.source_url,
    h.name || ' promises ' || promised.days || ' days between announcement and retirement of '
    || promised.scope || ', fewer than the ' || %(short_notice)s || ' days planned for a migration.'
    AS facts
FROM catalog_provider h JOIN catalog_node n ON n.kind = node_kind('host') AND n.ref = h.id
JOIN risk_held held ON held.node_id = n.id
-- the shortest promised notice: published policies first, then the figure of the provider
JOIN LATERAL (
    SELECT days, scope, source_url FROM (
        SELECT p.notice_days AS days, CASE p.scope WHEN 'all' THEN 'all models'
            ELSE 'general models' END AS scope,
            p.source_url, 0 AS rank
        FROM catalog_noticepolicy p
        WHERE p.provider_id = h.id AND p.scope IN ('all', 'general') AND p.notice_days IS NOT NULL
        UNION ALL
        SELECT h.promised_notice_days, 'all models', h.deprecation_policy_url, 1
        WHERE h.promised_notice_days IS NOT NULL
    ) said ORDER BY rank, days LIMIT 1
) promised ON promised.days < %(short_notice)s
"""

_ONE_HOST = """
SELECT n.id AS node_id, hosts.slug AS key, NULL::int AS likelihood, '' AS source_url,
    hosts.name || ' is the only host of ' || v.identifier || ' in the catalogue. '
    -- unknown weights are reported as unknown, not as closed
    || CASE WHEN f.open_weights IS FALSE THEN 'Its weights are not published.'
    ELSE 'It is not known whether its weights are published.' END AS facts
FROM catalog_version v JOIN catalog_node n ON n.kind = node_kind('version') AND n.ref = v.id
JOIN risk_held held ON held.node_id = n.id
JOIN catalog_foundation f ON f.id = v.foundation_id
JOIN LATERAL (
    SELECT min(h.slug) AS slug, min(h.name) AS name FROM catalog_offering o
    JOIN catalog_provider h ON h.id = o.host_id
    WHERE o.version_id = v.id AND o.kind = 'model_id' AND o.lifecycle <> 'retired'
      -- offerings that are still served on the day
      AND NOT coalesce(o.date_kind = 'firm' AND o.retires_on <= %(day)s, false)
    HAVING count(DISTINCT o.host_id) = 1
) hosts ON true
WHERE f.open_weights IS NOT TRUE AND v.access <> 'weights'
  -- an ancestor is somebody else's host question
  AND EXISTS (SELECT 1 FROM risk_standing s JOIN catalog_footing g ON g.offering_id = s.offering_id
              WHERE g.node_id = n.id AND g.via = 0)
"""

_PRICE_MOVES = f"""
SELECT n.id AS node_id,
    coalesce(moves.last_on::text, '') || CASE WHEN says.floating_since IS NULL THEN ''
    ELSE '|floats' END AS key,
    CASE WHEN says.floating_since IS NOT NULL OR moves.days >= 6 THEN 5 ELSE 4 END AS likelihood,
    coalesce(says.source_url, '') AS source_url,
    'The price of ' || o.api_id || ' on ' || h.name || CASE
        WHEN says.floating_since IS NOT NULL
        THEN ' has changed too often to report each change since ' || says.floating_since
        ELSE ' changed on ' || moves.days || ' days between ' || moves.first_on || ' and '
             || moves.last_on END
    || '.' AS facts
FROM {_OFFERING} LEFT JOIN catalog_assertion says ON says.id = o.price_claim_id
LEFT JOIN LATERAL (
    SELECT count(DISTINCT (e.detected_at AT TIME ZONE 'UTC')::date) AS days,
        min((e.detected_at AT TIME ZONE 'UTC')::date) AS first_on,
        max((e.detected_at AT TIME ZONE 'UTC')::date) AS last_on
    FROM catalog_providerevent e
    WHERE e.offering_id = o.id AND e.kind = 'repriced' AND e.detected_at <= %(at)s
      -- price changes within the memory of the rule
      AND e.detected_at > %(at)s - make_interval(days => %(memory)s)
) moves ON true
-- the source marks the price as floating, or it changed on many days
WHERE says.floating_since IS NOT NULL OR moves.days >= %(volatile)s
"""

_TERMS = f"""
SELECT DISTINCT ON (n.id) n.id AS node_id, e.key AS key, 4 AS likelihood, h.terms_url AS source_url,
    'The terms of ' || o.api_id || ' on ' || h.name || ' changed'
    || coalesce(', valid from ' || e.effective_on, '') || ' (detected '
    || to_char(e.detected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ', ' || src.name || ').' AS facts
FROM {_OFFERING} JOIN catalog_providerevent e ON e.offering_id = o.id AND e.kind = 'terms_changed'
JOIN catalog_source src ON src.id = e.source_id
WHERE e.detected_at <= %(at)s AND e.detected_at > %(at)s - make_interval(days => %(memory)s)
ORDER BY n.id, e.detected_at DESC, e.id DESC
"""

_LICENCE = """
SELECT DISTINCT ON (n.id) n.id AS node_id, f.licence AS key, 4 AS likelihood, f.source_url,
    'The licence of ' || f.name || ' is now ' || f.licence || '. It was ' || was.licence
    || ' until ' || to_char(became.at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || '.' AS facts
FROM catalog_foundation f JOIN catalog_node n ON n.kind = node_kind('foundation') AND n.ref = f.id
JOIN risk_held held ON held.node_id = n.id
-- the last licence before the current one
JOIN LATERAL (
    SELECT b.licence, b.pgh_id FROM catalog_foundationhistory b
    WHERE b.pgh_obj_id = f.id AND b.licence <> '' AND b.licence <> f.licence
    ORDER BY b.pgh_id DESC LIMIT 1
) was ON true
-- the time when the current licence replaced it, if recent
JOIN LATERAL (
    SELECT min(b.pgh_created_at) AS at FROM catalog_foundationhistory b
    WHERE b.pgh_obj_id = f.id AND b.pgh_id > was.pgh_id AND b.licence = f.licence
) became ON became.at > %(at)s - make_interval(days => %(memory)s)
WHERE f.licence <> ''
ORDER BY n.id
"""

RULES: Final = (
    Rule(RuleName.RETIREMENT, "FR-21", _RETIREMENT),
    Rule(RuleName.REDIRECT, "FR-22", _REDIRECT),
    Rule(RuleName.MOVING_NAME, "FR-15", _MOVING_NAME),
    Rule(RuleName.SHORT_NOTICE, "FR-21", _SHORT_NOTICE),
    Rule(RuleName.ONE_HOST, "FR-29", _ONE_HOST),
    Rule(RuleName.PRICE_MOVES, "FR-23", _PRICE_MOVES),
    Rule(RuleName.TERMS, "FR-28", _TERMS),
    Rule(RuleName.LICENCE, "FR-28", _LICENCE),
)
