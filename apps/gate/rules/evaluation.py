"""Evaluation of a gate request: loads all input of the rules from the registry, applies them, and
returns the outcome.

About twenty statements for any number of models, none of them a write."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from django.db.models import Min, Q

from apps.catalog.models import Footing, NodeKind, Offering, OfferingStage, Provider, Stage, Via
from apps.common.time import day_of
from apps.gate.matching import ModelMatch, ModelMatcher, RequestedModel, match_offerings
from apps.gate.models import GateFinding, GatePolicy, GateRun, Horizon, Waiver
from apps.gate.models.policy import describe_horizon, horizon_for
from apps.gate.rules.catalogue_freshness import Catalogue, catalogue_state
from apps.gate.rules.definitions import EXIT_CODES, Decision, Level, Matching, Rule
from apps.gate.rules.engine import (
    Finding,
    RuleContext,
    apply_rules,
    apply_waivers,
    decide,
    mark_new_findings,
    summarise_findings,
)
from apps.gate.rules.used_capabilities import UsedCapabilities, load_used_capabilities
from apps.inventory.governance.violations import ApprovalObstacle, ConsideredUse, obstacles_to_uses
from apps.inventory.models import Application, Dependency
from apps.risks.models import Evidence

_EVALUATIONS = (Evidence.Kind.OWN_EVALUATION, Evidence.Kind.RED_TEAM)


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """A snapshot of the current policy, read once."""

    policy: GatePolicy
    horizons: tuple[Horizon, ...]

    @classmethod
    def load(cls) -> "PolicySnapshot":
        return cls(GatePolicy.objects.get(pk=1), tuple(Horizon.objects.all()))


@dataclass(frozen=True, slots=True)
class GateOutcome:
    decision: Decision
    exit_code: int
    summary: str
    policy_version: int
    catalogue: Catalogue
    horizon: dict[str, Any]
    requested: tuple[RequestedModel, ...]
    matches: tuple[ModelMatch | None, ...]
    findings: tuple[Finding, ...]
    baseline_run: GateRun | None

    @property
    def digest(self) -> str:
        """Return the digest of the outcome: equal outcomes have equal digests, also if the
        catalogue was read again in between."""
        rows = [
            [
                finding.rule,
                finding.level,
                finding.message,
                finding.model,
                finding.resolved_id,
                finding.file,
                finding.line,
                finding.is_new,
                finding.waiver,
                finding.waived_until,
            ]
            for finding in self.findings
        ]
        content = [self.decision.value, self.exit_code, self.policy_version, self.horizon, rows]
        return hashlib.sha256(orjson.dumps(content)).hexdigest()

    @property
    def evaluated(self) -> list[dict[str, object]]:
        return [
            {
                "model": requested.model,
                "resolved_id": match.resolved_id or None if match else None,
                "match": str(match.kind if match else Matching.UNRESOLVED),
                "location": {"file": requested.file, "line": requested.line}
                if requested.file
                else None,
            }
            for requested, match in zip(self.requested, self.matches, strict=True)
        ]


def evaluate_models(
    *,
    application: Application,
    requested: Sequence[RequestedModel],
    environment: str,
    at: datetime,
    mode: str = GateRun.Mode.ENFORCE,
    baseline: str = GateRun.Baseline.LAST_RELEASED,
    blocks_all: bool = False,
    rules: PolicySnapshot | None = None,
    incomplete: str = "",
    known_matches: Sequence[ModelMatch] | None = None,
    catalogue: Catalogue | None = None,
) -> GateOutcome:
    """Evaluate the requested models. `incomplete` is a sentence that says why not everything could
    be examined; with it nothing passes. `known_matches` are the matches of `requested`, if they
    need no lookup. `catalogue` is its state `at` that time, if known; no request from outside may
    supply one."""
    rules = rules or PolicySnapshot.load()
    today = day_of(at)
    if catalogue is None:
        catalogue = catalogue_state(at=at, stale_after_days=rules.policy.stale_after_days)
    matches = (
        tuple(known_matches) if known_matches is not None else _match_models(application, requested)
    )
    context = load_rule_context(
        application, requested, matches, rules, environment=environment, on=today
    )
    findings = apply_waivers(
        apply_rules(context),
        list(Waiver.objects.standing_on(today).filter(application=application)),
    )
    released = (
        last_released_run(application=application, environment=environment)
        if baseline == GateRun.Baseline.LAST_RELEASED
        else None
    )
    findings = mark_new_findings(findings, finding_levels(released) if released is not None else {})
    refusal = catalogue.refusal or incomplete
    decision = decide(findings, blocks_all=blocks_all, refusal=refusal)
    return GateOutcome(
        decision=decision,
        exit_code=0 if mode == GateRun.Mode.REPORT else EXIT_CODES[decision],
        summary=summarise_findings(
            findings,
            decision=decision,
            refusal=refusal,
            n_models=len(requested),
            blocks_all=blocks_all,
        ),
        policy_version=rules.policy.version,
        catalogue=catalogue,
        horizon=describe_horizon(rules.horizons, environment, application.criticality),
        requested=tuple(requested),
        matches=matches,
        findings=tuple(findings),
        baseline_run=released,
    )


def _match_models(
    application: Application, requested: Sequence[RequestedModel]
) -> tuple[ModelMatch | None, ...]:
    by_names = ModelMatcher(application).match(requested)
    return tuple(None if model.is_wildcard else by_names[model.names] for model in requested)


def evaluate_inventory(*, application: Application, environment: str, at: datetime) -> GateOutcome:
    """Evaluate all models that the application uses today according to the registry; nothing is
    stored."""
    today = day_of(at)
    rows = list(
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=today), application=application, since__lte=today
        )
        .order_by("role", "fallback_order", "pk")
        .values_list(
            "offering_id",
            "offering__api_id",
            "offering__host__slug",
            "offering__region_scope",
            "via_party_id",
        )
    )
    return evaluate_models(
        application=application,
        requested=[RequestedModel(api_id, host, region) for _, api_id, host, region, _ in rows],
        known_matches=match_offerings([row[0] for row in rows], [row[4] for row in rows]),
        environment=environment,
        at=at,
    )


def last_released_run(*, application: Application, environment: str) -> GateRun | None:
    """Return the run that the application last released to the environment."""
    return (
        GateRun.objects.filter(
            application=application, environment=environment, released_at__isnull=False
        )
        .order_by("-released_at", "-pk")
        .first()
    )


def finding_levels(run: GateRun) -> dict[tuple[str, str], str]:
    """Return {(rule, subject in lower case): the highest level} of a run's findings."""
    levels: dict[tuple[str, str], str] = {}
    for rule, level, model, resolved_id in GateFinding.objects.filter(run=run).values_list(
        "rule", "level", "model", "resolved_id"
    ):
        key = (rule, (resolved_id or model).casefold())
        if key not in levels or Level(level).gravity > Level(levels[key]).gravity:
            levels[key] = level
    return levels


def load_rule_context(
    application: Application,
    requested: Sequence[RequestedModel],
    matches: Sequence[ModelMatch | None],
    rules: PolicySnapshot,
    *,
    environment: str,
    on: date,
) -> RuleContext:
    """Load everything that the rules read, for all requested models, in a fixed number of
    statements. `matches` are in the order of `requested`."""
    ids = {match.offering for match in matches if match is not None and match.offering is not None}
    policy = rules.policy
    uses = {
        position: ConsideredUse(match.offering or match.kin or 0, match.party)
        for position, match in enumerate(matches)
        if match is not None and (match.offering or match.kin) is not None
    }
    against: dict[ConsideredUse, list[ApprovalObstacle]] = {}
    decided_uses: set[ConsideredUse] = set()
    if any(
        policy.level(rule) != Level.OFF
        for rule in (Rule.NOT_APPROVED, Rule.DATA_CLASS, Rule.REGION)
    ):
        against, decided_uses = obstacles_to_uses(
            application=application,
            uses=list(dict.fromkeys(uses.values())),
            on=on,
            with_decided_uses=policy.requires_approval,
        )
    parties = {match.party for match in matches if match is not None and match.party is not None}
    return RuleContext(
        application=application,
        on=on,
        policy=policy,
        horizon=horizon_for(rules.horizons, environment, application.criticality),
        requested=requested,
        matches=matches,
        offerings=Offering.objects.select_related("host", "replacement").in_bulk(ids),
        against={position: against[use] for position, use in uses.items() if use in against},
        undecided=frozenset(position for position, use in uses.items() if use not in decided_uses)
        if policy.requires_approval
        else frozenset(),
        evidence=applicable_evidence(
            load_evaluations(ids, applications=[application.pk]), application.pk
        )
        if needs_evidence(policy, application.criticality)
        else {},
        party_names=dict(Provider.objects.filter(pk__in=parties).values_list("pk", "name"))
        if parties
        else {},
        closed=load_closed_offerings(ids, on=on) if is_closed_rule_on(policy) else {},
        used_since=_load_used_since(application, ids, on=on) if is_closed_rule_on(policy) else {},
        capabilities=load_used_capabilities(application, ids, on=on)
        if policy.level(Rule.CAPABILITY_MISSING) != Level.OFF
        else UsedCapabilities(),
    )


def is_closed_rule_on(policy: GatePolicy) -> bool:
    return policy.level(Rule.CLOSED_TO_NEW) != Level.OFF


def load_closed_offerings(offerings: Collection[int], *, on: date) -> dict[int, OfferingStage]:
    """Return {offering: its stage} of those that are closed to new customers; one statement."""
    rows = OfferingStage.objects.filter(offering__in=offerings, stage=Stage.CLOSED_TO_NEW)
    return {row.offering_id: row for row in rows if row.has_begun(on)}


def _load_used_since(
    application: Application, offerings: Collection[int], *, on: date
) -> dict[int, date]:
    """Return {offering: first day of use} of those that the application uses on the day, by the
    registry; one statement."""
    rows = (
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=on),
            application=application,
            offering__in=offerings,
            since__lte=on,
        )
        .order_by()
        .values_list("offering_id")
        .annotate(first=Min("since"))
    )
    return dict(rows)


def needs_evidence(policy: GatePolicy, criticality: int) -> bool:
    is_rule_on = policy.level(Rule.EVIDENCE_MISSING) != Level.OFF
    return is_rule_on and criticality in policy.evidence_criticalities


def load_evaluations(
    offerings: Collection[int], *, applications: Collection[int] | None
) -> dict[int, list[Evidence]]:
    """Return {offering: evaluations of it or of the version it serves, newest first}: those of
    `applications` (of all, if None), and those that are about no application. Two statements."""
    versions: dict[int, set[int]] = {}
    for offering, version in Footing.objects.filter(
        offering__in=offerings, node__kind=NodeKind.VERSION, via=Via.DIRECT
    ).values_list("offering_id", "node__ref"):
        versions.setdefault(offering, set()).add(version)
    version_ids = set().union(*versions.values()) if versions else set()
    rows = Evidence.objects.filter(
        Q(offering__in=offerings) | Q(offering__isnull=True, version__in=version_ids),
        kind__in=_EVALUATIONS,
    )
    if applications is not None:
        rows = rows.filter(Q(application__in=applications) | Q(application__isnull=True))
    by_offering: dict[int, list[Evidence]] = {}
    by_version: dict[int, list[Evidence]] = {}
    for row in rows:
        if row.offering_id is not None:
            by_offering.setdefault(row.offering_id, []).append(row)
        elif row.version_id is not None:
            by_version.setdefault(row.version_id, []).append(row)
    evaluations = {}
    for offering in offerings:
        of_versions = (
            row for version in versions.get(offering, ()) for row in by_version.get(version, ())
        )
        offering_rows = [*by_offering.get(offering, ()), *of_versions]
        if offering_rows:
            evaluations[offering] = sorted(
                offering_rows, key=lambda row: (row.run_on, row.pk), reverse=True
            )
    return evaluations


def applicable_evidence(
    evaluations: Mapping[int, Sequence[Evidence]], application: int
) -> dict[int, list[Evidence]]:
    """Select the evaluations that count for this application: its own, and those that are about no
    application."""
    return {
        offering: [
            row for row in rows if row.application_id is None or row.application_id == application
        ]
        for offering, rows in evaluations.items()
    }
