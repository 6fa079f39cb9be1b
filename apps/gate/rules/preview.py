"""Policy preview: what a policy would decide about all current dependencies, before it is saved.

The rules are those of `rules/engine.py`: dependencies that do not differ in any input of a rule are
evaluated once. Waivers and released baselines are left out, since a policy does not change them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from apps.catalog.models import Offering, OfferingStage
from apps.gate.actions import HorizonDays
from apps.gate.matching import ModelMatch, RequestedModel, match_offerings
from apps.gate.models import GatePolicy
from apps.gate.models.policy import horizon_for
from apps.gate.rules.definitions import Level, Rule
from apps.gate.rules.engine import RuleContext, apply_rules, is_owned
from apps.gate.rules.evaluation import (
    applicable_evidence,
    is_closed_rule_on,
    load_closed_offerings,
    load_evaluations,
    needs_evidence,
)
from apps.gate.rules.used_capabilities import UsedCapabilities, find_lacking_uses
from apps.inventory.governance.approval_sql import (
    DECIDING_APPROVALS,
    JUDGED_USES,
    OUTSIDE_COLUMNS,
)
from apps.inventory.governance.violations import (
    GROUND_COLUMNS,
    ApprovalObstacle,
    violation_grounds,
)
from apps.inventory.models import Application, Approval, Dependency
from apps.risks.models import Evidence

# One row per active use of an application in pilot or production. `against` lists the columns
# above, one entry per approval that the use violates; `is_decided` states whether any approval
# applies to the use, also one that permits it.
_USES = f"""
WITH used(id, application_id, offering_id, via_party_id, since) AS NOT MATERIALIZED (
    SELECT d.id, d.application_id, d.offering_id, d.via_party_id, d.since
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status IN ('pilot', 'production') AND is_live(d.since, d.until, %(on)s::date)
),
{DECIDING_APPROVALS}, {JUDGED_USES},
-- the violated approvals of each use
held_against AS (
    SELECT dependency_id, array_agg(DISTINCT ARRAY[{", ".join(GROUND_COLUMNS)}]) AS against
    FROM judged WHERE {" OR ".join(OUTSIDE_COLUMNS)}
    GROUP BY dependency_id
),
-- uses to which any approval applies; empty unless the policy requires one
decided_use AS (SELECT DISTINCT dependency_id FROM counting WHERE %(requires_approval)s)
SELECT u.application_id, u.offering_id, u.id, h.against,
       NOT %(requires_approval)s OR c.dependency_id IS NOT NULL AS is_decided,
       min(u.since) OVER (PARTITION BY u.application_id, u.offering_id) AS used_since
FROM used u
LEFT JOIN held_against h ON h.dependency_id = u.id
LEFT JOIN decided_use c ON c.dependency_id = u.id
"""
_LEVELS = (Level.ERROR, Level.WARNING, Level.NOTE)
_GRAVITY = {level.value: level.gravity for level in Level}


@dataclass(frozen=True, slots=True)
class RuleCount:
    """The number of applications by the highest level of the rule's findings."""

    rule: Rule
    n_errors: int
    n_warnings: int
    n_notes: int


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """The preview over applications in pilot and production with dependencies; without baselines
    and waivers."""

    n_applications: int
    n_blocked: int
    n_warned: int
    rules: tuple[RuleCount, ...]


def preview_policy(
    *,
    levels: Mapping[str, str],
    days: Sequence[HorizonDays],
    environment: str,
    requires_approval: bool,
    evidence_days: int,
    evidence_criticalities: Sequence[int],
    on: date,
) -> PolicyPreview:
    """Count as if each application were released to `environment` today with its current
    dependencies; eleven statements at most."""
    policy = GatePolicy(
        levels=dict(levels),
        requires_approval=requires_approval,
        evidence_days=evidence_days,
        evidence_criticalities=list(evidence_criticalities),
    )
    levels_by_application = highest_levels(policy=policy, days=days, environment=environment, on=on)
    by_rule: Counter[tuple[str, str]] = Counter()
    overall: Counter[str] = Counter()
    for levels_by_rule in levels_by_application.values():
        by_rule.update(levels_by_rule.items())
        if levels_by_rule:
            overall[max(levels_by_rule.values(), key=_GRAVITY.__getitem__)] += 1
    return PolicyPreview(
        n_applications=len(levels_by_application),
        n_blocked=overall[Level.ERROR],
        n_warned=overall[Level.WARNING],
        rules=tuple(
            RuleCount(rule, *(by_rule[rule, level] for level in _LEVELS))
            for rule in Rule
            if any(by_rule[rule, level] for level in _LEVELS)
        ),
    )


def highest_levels(
    *, policy: GatePolicy, days: Sequence[HorizonDays], environment: str, on: date
) -> dict[int, dict[str, str]]:
    """Return {application: {rule: highest level}} of every application with dependencies; rules
    without findings are left out, and so are waivers."""
    horizons = [
        setting
        for setting in days
        if setting.warning_days is not None and setting.error_days is not None
    ]
    judge = _UseEvaluator(policy, horizons, environment, on)
    levels_by_application: dict[int, dict[str, str]] = {}
    for use in _load_uses(requires_approval=policy.requires_approval, on=on):
        levels_by_rule = levels_by_application.setdefault(use[0], {})
        for rule, level in judge.finding_levels(*use):
            if rule not in levels_by_rule or _GRAVITY[level] > _GRAVITY[levels_by_rule[rule]]:
                levels_by_rule[rule] = level
    return levels_by_application


type _Against = list[list[bool]] | None
type _Use = tuple[int, int, int, _Against, bool, date]


def _load_uses(*, requires_approval: bool, on: date) -> list[_Use]:
    """Return (application, offering, dependency, rows of `GROUND_COLUMNS` that violate approvals,
    whether it is decided, first day of use)."""
    with connection.cursor() as cursor:
        cursor.execute(_USES, {"on": on, "requires_approval": requires_approval})
        uses: list[_Use] = cursor.fetchall()
    return uses


@dataclass(slots=True)
class _UseEvaluator:
    """An evaluator of the rules for the dependencies of all applications. Those that are equal to
    every rule are evaluated once."""

    policy: GatePolicy
    horizons: Sequence[HorizonDays]
    environment: str
    on: date
    profiles: dict[int, int] = field(init=False)
    representatives: list[Application] = field(init=False)
    offerings: dict[int, Offering] = field(init=False)
    matches: dict[int, ModelMatch] = field(init=False)
    evaluations: dict[int, list[Evidence]] = field(init=False)
    closed: dict[int, OfferingStage] = field(init=False)
    lacking: set[tuple[int, int]] = field(init=False)
    _levels_by_input: dict[tuple[Any, ...], tuple[tuple[str, str], ...]] = field(
        init=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Load what the rules read.

        Applications with equal criticality and presence of an owner get equal results, so one
        representative of each such profile is evaluated.
        """
        # criticality and the presence of an owner are all that the rules read of an application
        numbers: dict[tuple[int, bool], int] = {}
        self.profiles = {
            pk: numbers.setdefault((criticality, is_owned(business, technical)), len(numbers))
            for pk, criticality, business, technical in Application.objects.filter(
                status__in=Application.IN_SCOPE
            ).values_list("pk", "criticality", "business_owner", "technical_owner")
        }
        self.representatives = [
            Application(criticality=criticality, business_owner="owner" if has_owner else "")
            for criticality, has_owner in numbers
        ]
        ids = list(
            Dependency.objects.live_on(self.on)
            .order_by()
            .values_list("offering_id", flat=True)
            .distinct()
        )
        self.offerings = Offering.objects.select_related("host", "replacement").in_bulk(ids)
        self.matches = dict(zip(ids, match_offerings(ids, [None] * len(ids)), strict=True))
        needs_evaluations = any(
            needs_evidence(self.policy, application.criticality)
            for application in self.representatives
        )
        self.evaluations = load_evaluations(ids, applications=None) if needs_evaluations else {}
        self.closed = (
            load_closed_offerings(ids, on=self.on) if is_closed_rule_on(self.policy) else {}
        )
        self.lacking = (
            find_lacking_uses(
                Dependency.objects.live_on(self.on)
                .filter(requirements__isnull=False)
                .order_by()
                .values_list("pk", "offering_id")
                .distinct()
            )
            if self.policy.level(Rule.CAPABILITY_MISSING) != Level.OFF
            else set()
        )

    def finding_levels(
        self,
        application: int,
        offering: int,
        dependency: int,
        against: _Against,
        is_decided: bool,
        used_since: date,
    ) -> tuple[tuple[str, str], ...]:
        """Return (rule, level) of each finding about the use and its application."""
        profile = self.profiles[application]
        representative = self.representatives[profile]
        evidence: Mapping[int, Sequence[Evidence]] = {}
        if offering in self.evaluations and needs_evidence(self.policy, representative.criticality):
            evidence = applicable_evidence({offering: self.evaluations[offering]}, application)
        grounds = tuple(tuple(row) for row in against) if against else ()
        rows = tuple(row.pk for row in evidence[offering]) if evidence else ()
        # the first day matters only where new customers are refused
        since = used_since if offering in self.closed else None
        is_lacking = (dependency, offering) in self.lacking
        key = (profile, offering, is_decided, grounds, rows, since, is_lacking)
        levels = self._levels_by_input.get(key)
        if levels is None:
            levels = self._levels_by_input[key] = tuple(
                self._evaluate_use(
                    representative, offering, is_decided, grounds, evidence, used_since, is_lacking
                )
            )
        return levels

    def _evaluate_use(
        self,
        application: Application,
        offering: int,
        is_decided: bool,
        grounds: tuple[tuple[bool, ...], ...],
        evidence: Mapping[int, Sequence[Evidence]],
        used_since: date,
        is_lacking: bool,
    ) -> Iterable[tuple[str, str]]:
        """Return (rule, level) of the findings of one use by the policy that is previewed."""
        used_offering = self.offerings[offering]
        match = self.matches[offering]
        context = RuleContext(
            application=application,
            on=self.on,
            policy=self.policy,
            horizon=horizon_for(self.horizons, self.environment, application.criticality),
            requested=[
                RequestedModel(
                    used_offering.api_id, used_offering.host.slug, used_offering.region_scope
                )
            ],
            matches=[match],
            offerings=self.offerings,
            against={0: [_build_obstacle(row) for row in grounds]},
            undecided=frozenset() if is_decided or match.offering is None else frozenset({0}),
            evidence=evidence,
            closed=self.closed,
            used_since={offering: used_since},
            capabilities=UsedCapabilities({offering: "lacks something"} if is_lacking else {}),
        )
        return ((finding.rule, finding.level) for finding in apply_rules(context))


def _build_obstacle(columns: tuple[bool, ...]) -> ApprovalObstacle:
    """Build an approval violation of a dependency, without its texts."""
    grounds, open_grounds = violation_grounds(dict(zip(GROUND_COLUMNS, columns, strict=True)))
    is_certain = bool(set(grounds) - open_grounds)
    return ApprovalObstacle(
        Approval(), tuple("" for _ in grounds), is_certain, grounds, open_grounds
    )
