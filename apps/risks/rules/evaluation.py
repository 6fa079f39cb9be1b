"""Evaluation of the rules: the open risks of each rule are made to match its facts, in sets and
without needless writes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.common.database.bulk_writes import update_rows
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.risks.models import Confidence, FoundationRisk, RiskTemplate
from apps.risks.rules.definitions import (
    HORIZON_DAYS,
    MIN_VOLATILE_PRICE_MOVES,
    PRICE_MOVE_PERIOD_DAYS,
    RULES,
    SHORT_NOTICE_DAYS,
    Rule,
)

JOB = "risks.refresh_risks"
CLOSING_REASON = "The conditions of the rule no longer hold."
_LOCK = 7_201_804_429


@dataclass(frozen=True, slots=True)
class RuleChanges:
    raised: int = 0
    changed: int = 0
    closed: int = 0

    def __add__(self, other: "RuleChanges") -> "RuleChanges":
        return RuleChanges(
            self.raised + other.raised, self.changed + other.changed, self.closed + other.closed
        )


@dataclass(frozen=True, slots=True)
class RuleFact:
    node_id: int
    key: str
    likelihood: int | None
    source_url: str
    sentence: str


@transaction.atomic
def apply_rules(*, at: datetime) -> RuleChanges:
    """Add, change and close the risks of all rules by the facts of `at`. Rules whose template does
    not exist are skipped."""
    templates = RiskTemplate.objects.in_bulk({rule.template for rule in RULES}, field_name="code")
    params: dict[str, Any] = {
        "day": day_of(at),
        "at": at,
        "horizon": HORIZON_DAYS,
        "short_notice": SHORT_NOTICE_DAYS,
        "memory": PRICE_MOVE_PERIOD_DAYS,
        "volatile": MIN_VOLATILE_PRICE_MOVES,
        "in_scope": [str(status) for status in Application.IN_SCOPE],
    }
    changes = RuleChanges()
    with connection.cursor() as cursor:
        # one run at a time; a second one then has nothing to change
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("DROP TABLE IF EXISTS risk_standing, risk_held")
        cursor.execute(
            """
            CREATE TEMPORARY TABLE risk_standing ON COMMIT DROP AS
            SELECT DISTINCT d.offering_id
            FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
            WHERE is_live(d.since, d.until, %(day)s)
                AND a.status = ANY (%(in_scope)s)
            """,
            params,
        )
        cursor.execute(
            """
            CREATE TEMPORARY TABLE risk_held ON COMMIT DROP AS
            SELECT DISTINCT f.node_id FROM risk_standing s
            JOIN catalog_footing f ON f.offering_id = s.offering_id
            """
        )
        cursor.execute("CREATE UNIQUE INDEX ON risk_held (node_id)")
        cursor.execute("ANALYZE risk_standing, risk_held")
        for rule in RULES:
            template = templates.get(rule.template)
            if template is not None:
                cursor.execute(rule.facts, params)
                facts = {row[0]: RuleFact(*row) for row in cursor.fetchall()}
                with audit_context(job=JOB, reason=f"rule: {rule.name.label.lower()}"):
                    changes += _apply_rule(rule, template, facts, at)
        cursor.execute("DROP TABLE risk_standing, risk_held")
    return changes


def _apply_rule(
    rule: Rule, template: RiskTemplate, facts: dict[int, RuleFact], at: datetime
) -> RuleChanges:
    """Raise, update and close the foundation risks of one rule so that they match its facts.

    `facts` is {node: current fact}. A risk whose node has no fact any more is closed.
    """
    open_risks = {
        risk.node_id: risk
        for risk in FoundationRisk.objects.filter(
            rule=rule.name, closed_at__isnull=True
        ).select_for_update()
    }
    nodes_without_risk = facts.keys() - open_risks.keys()
    # a risk on the node from a user, or from another rule of the template, already covers it
    occupied_nodes = set(
        FoundationRisk.objects.filter(
            template=template, closed_at__isnull=True, node__in=nodes_without_risk
        )
        .exclude(rule=rule.name)
        .values_list("node_id", flat=True)
    )
    new_risks = [
        _build_risk(rule, template, facts[node_id], at)
        for node_id in sorted(nodes_without_risk - occupied_nodes)
    ]
    FoundationRisk.objects.bulk_create(new_risks, batch_size=2000)
    changes_by_id = {}
    for node_id in facts.keys() & open_risks.keys():
        columns = _changed_columns(open_risks[node_id], template, facts[node_id], at)
        if columns:
            changes_by_id[open_risks[node_id].pk] = columns
    n_changed = update_rows(FoundationRisk, changes_by_id)
    obsolete_ids = [open_risks[node_id].pk for node_id in open_risks.keys() - facts.keys()]
    n_closed = 0
    if obsolete_ids:
        n_closed = FoundationRisk.objects.filter(pk__in=obsolete_ids).update(
            closed_at=at, closed_reason=CLOSING_REASON, updated_at=at
        )
    return RuleChanges(raised=len(new_risks), changed=n_changed, closed=n_closed)


def _build_risk(rule: Rule, template: RiskTemplate, fact: RuleFact, at: datetime) -> FoundationRisk:
    """Return the unsaved risk of a fact, at the usual level of the template unless the fact states
    a likelihood."""
    return FoundationRisk(
        template=template,
        node_id=fact.node_id,
        inherits=template.inherits_by_default,
        likelihood=fact.likelihood or template.usual_likelihood,
        impact=template.usual_impact,
        confidence=Confidence.HIGH,
        rule=rule.name,
        facts=fact.sentence,
        facts_key=fact.key[:200],
        source_url=fact.source_url[:1000],
        opened_at=at,
        changed_at=at,
    )


def _changed_columns(
    risk: FoundationRisk, template: RiskTemplate, fact: RuleFact, at: datetime
) -> dict[str, Any]:
    """Return the columns that differ. Levels set by a user are unchanged until the facts change
    materially."""
    columns: dict[str, Any] = {}
    if risk.facts != fact.sentence:
        columns["facts"] = fact.sentence
    if risk.source_url != fact.source_url[:1000]:
        columns["source_url"] = fact.source_url[:1000]
    if risk.facts_key != fact.key[:200]:
        columns |= {
            "facts_key": fact.key[:200],
            "changed_at": at,
            "likelihood": fact.likelihood or template.usual_likelihood,
        }
        if risk.dismissed_at is not None:
            # the user and reason of the dismissal are left for later readers
            columns["dismissed_at"] = None
    if columns:
        columns["updated_at"] = at
    return columns
