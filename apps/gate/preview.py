"""What a policy would do to everything that the register says is called today, before it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import orjson
from django.db import connection

from apps.gate.actions import Days
from apps.gate.models.policy import ELSEWHERE
from apps.gate.rules import Level, Rule
from apps.inventory.choosing.deciding_sql import DECIDING, JUDGED

# the rules of judging.py, for all applications at once; no names are asked about, so FR005 and FR009 find nothing, and
# an evaluation that failed lately does not outweigh an earlier one that passed
_PREVIEW = f"""
WITH RECURSIVE used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED (
    SELECT d.id, d.application_id, d.offering_id, d.via_party_id
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status IN ('pilot', 'production') AND d.since <= %(on)s::date
      AND (d.until IS NULL OR d.until > %(on)s::date)
),
{DECIDING}, {JUDGED},
horizon AS (
    SELECT * FROM jsonb_to_recordset(%(horizons)s::jsonb) AS h(criticality int, warning_days int, error_days int)
),
ending AS (
    SELECT u.application_id, o.date_kind = 'firm' AS firm, o.retires_on - %(on)s::date AS days_left, h.error_days
    FROM catalog_offering o
    JOIN used u ON u.offering_id = o.id JOIN inventory_application a ON a.id = u.application_id
    JOIN horizon h ON h.criticality = a.criticality
    WHERE o.retires_on <= %(on)s::date + h.warning_days AND o.lifecycle <> 'retired'
      AND NOT (o.date_kind = 'firm' AND o.retires_on <= %(on)s::date)
),
held_against(application_id, rule, most) AS (
    SELECT application_id, 'FR001', 'error' FROM judged WHERE blocked OR criticality_outside
    UNION ALL
    SELECT application_id, 'FR007', CASE WHEN class_unknown THEN 'warning' ELSE 'error' END FROM judged
    WHERE class_outside
    UNION ALL
    SELECT application_id, 'FR008', CASE WHEN region_unknown THEN 'warning' ELSE 'error' END FROM judged
    WHERE region_outside
    UNION ALL
    SELECT u.application_id, 'FR001', 'error' FROM used u WHERE %(requires_approval)s
      AND NOT EXISTS (SELECT 1 FROM counting c WHERE c.dependency_id = u.id)
    UNION ALL
    SELECT u.application_id, 'FR002', 'error' FROM catalog_offering o JOIN used u ON u.offering_id = o.id
    WHERE o.lifecycle = 'retired' OR (o.date_kind = 'firm' AND o.retires_on <= %(on)s::date)
    UNION ALL
    SELECT application_id, 'FR003',
           CASE WHEN firm AND error_days > 0 AND days_left <= error_days THEN 'raised'
                WHEN firm THEN 'error' ELSE 'warning' END
    FROM ending
    UNION ALL
    SELECT u.application_id, 'FR004', 'error' FROM catalog_offering o JOIN used u ON u.offering_id = o.id
    WHERE o.version_id IS NULL AND NOT o.not_a_model
    UNION ALL
    SELECT u.application_id, 'FR006', 'error' FROM used u JOIN inventory_application a ON a.id = u.application_id
    JOIN catalog_offering o ON o.id = u.offering_id
    WHERE %(levels)s::jsonb ->> 'FR006' <> 'off' AND a.criticality = ANY (%(evidence_criticalities)s)
      AND NOT EXISTS (
        SELECT 1 FROM risks_evidence e
        WHERE e.passed AND e.kind IN ('own_evaluation', 'red_team')
          AND (e.application_id IS NULL OR e.application_id = a.id)
          AND (e.offering_id = o.id OR (e.offering_id IS NULL AND e.version_id = o.version_id))
          AND e.run_on > %(on)s::date - %(evidence_days)s AND (e.expires_on IS NULL OR e.expires_on > %(on)s::date))
    UNION ALL
    SELECT DISTINCT u.application_id, 'FR010', 'error' FROM used u
    JOIN inventory_application a ON a.id = u.application_id
    WHERE trim(a.business_owner) = '' AND trim(a.technical_owner) = ''
),
weighed AS (
    SELECT application_id, rule,
           CASE WHEN level = 'off' THEN 0 WHEN most = 'raised' THEN 3
                ELSE least(CASE level WHEN 'error' THEN 3 WHEN 'warning' THEN 2 ELSE 1 END,
                           CASE most WHEN 'error' THEN 3 ELSE 2 END) END AS gravity
    FROM (SELECT h.*, %(levels)s::jsonb ->> h.rule AS level FROM held_against h) AS h
),
by_rule AS (SELECT application_id, rule, max(gravity) AS gravity FROM weighed GROUP BY application_id, rule)
SELECT rule, gravity, count(*) FROM by_rule WHERE gravity > 0 GROUP BY rule, gravity
UNION ALL
SELECT '', gravity, count(*)
FROM (SELECT application_id, max(gravity) AS gravity FROM by_rule GROUP BY application_id) AS a
WHERE gravity > 0 GROUP BY gravity
UNION ALL
SELECT 'all', 0, count(DISTINCT application_id) FROM used
"""
_LEVELS = {3: Level.ERROR, 2: Level.WARNING, 1: Level.NOTE}


@dataclass(frozen=True, slots=True)
class RuleCount:
    """Applications by the gravest level at which the rule finds something."""

    rule: Rule
    n_errors: int
    n_warnings: int
    n_notes: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Of the applications in pilot and production that call anything; without baselines and waivers."""

    n_applications: int
    n_blocked: int
    n_warned: int
    rules: tuple[RuleCount, ...]


def preview(
    *,
    levels: Mapping[str, str],
    days: Sequence[Days],
    environment: str,
    requires_approval: bool,
    evidence_days: int,
    evidence_criticalities: Sequence[int],
    on: date,
) -> Preview:
    """As if each application went to `environment` today with what it calls; one statement."""
    by_criticality: dict[int, Days] = {}
    for each in days:
        if each.warning_days is None or each.error_days is None:
            continue
        if each.environment == environment or (
            each.environment == ELSEWHERE and each.criticality not in by_criticality
        ):
            by_criticality[each.criticality] = each
    horizons = [
        {"criticality": each.criticality, "warning_days": each.warning_days, "error_days": each.error_days}
        for each in by_criticality.values()
    ]
    counts: dict[tuple[str, int], int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _PREVIEW,
            {
                "on": on, "levels": orjson.dumps(dict(levels)).decode(), "horizons": orjson.dumps(horizons).decode(),
                "requires_approval": requires_approval, "evidence_days": evidence_days,
                "evidence_criticalities": list(evidence_criticalities),
            },
        )  # fmt: skip
        for rule, gravity, n in cursor.fetchall():
            counts[rule, gravity] = n
    return Preview(
        n_applications=counts.get(("all", 0), 0),
        n_blocked=counts.get(("", 3), 0),
        n_warned=counts.get(("", 2), 0),
        rules=tuple(
            RuleCount(rule, *(counts.get((str(rule), gravity), 0) for gravity in _LEVELS))
            for rule in Rule
            if any(counts.get((str(rule), gravity)) for gravity in _LEVELS)
        ),
    )
