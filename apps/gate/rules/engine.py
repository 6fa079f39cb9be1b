"""Rule engine: from facts to findings and a decision. Plain Python: rows and a policy in, findings
out; no clock.

Findings are distinguished by rule and subject: the model's known ID if there is one, otherwise its
name."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from apps.catalog.models import DateKind, Offering
from apps.gate.matching import ModelMatch, RequestedModel
from apps.gate.models import GatePolicy, Waiver
from apps.gate.rules.definitions import Decision, Level, Matching, Rule, weaker_level
from apps.inventory.governance.violations import ApprovalObstacle
from apps.inventory.models import Application
from apps.risks.models import Evidence

_GROUND_RULE = {
    "blocked": Rule.NOT_APPROVED,
    "criticality": Rule.NOT_APPROVED,
    "data_class": Rule.DATA_CLASS,
    "region": Rule.REGION,
}


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    level: str
    message: str
    model: str = ""
    resolved_id: str = ""
    offering: int | None = None
    file: str = ""
    line: int | None = None
    replacement: str = ""
    by_date: date | None = None
    is_new: bool = True
    waiver: int | None = None
    waived_until: date | None = None

    @property
    def subject(self) -> str:
        return self.resolved_id or self.model

    @property
    def blocks(self) -> bool:
        return self.level == Level.ERROR and self.waiver is None

    def fingerprint(self, application: str) -> str:
        words = f"{self.rule}\x1f{application}\x1f{self.model.casefold()}\x1f{self.file}"
        return hashlib.sha256(words.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RuleContext:
    """The input of the rules. `offerings` are by ID, with host and replacement loaded; `against`
    (approval violations) are by position in `requested`; `undecided` are the positions of known
    models without an approval decision; `evidence` by offering ID."""

    application: Application
    on: date
    policy: GatePolicy
    horizon: tuple[int, int]
    requested: Sequence[RequestedModel]
    matches: Sequence[ModelMatch | None]
    offerings: Mapping[int, Offering]
    against: Mapping[int, Sequence[ApprovalObstacle]] = field(default_factory=dict)
    undecided: frozenset[int] = frozenset()
    evidence: Mapping[int, Sequence[Evidence]] = field(default_factory=dict)
    party_names: Mapping[int, str] = field(default_factory=dict)


def apply_rules(context: RuleContext) -> list[Finding]:
    """Return the findings in the order of the requested models, the application's own first; a rule
    that is off finds nothing."""
    findings = list(_check_owner(context))
    for position, (requested, match) in enumerate(
        zip(context.requested, context.matches, strict=True)
    ):
        if requested.is_wildcard:
            created = [
                _create_finding(
                    context,
                    Rule.WILDCARD,
                    requested,
                    None,
                    f"'{requested.model}' allows any model. Name the models.",
                )
            ]
        elif match is None or match.is_set_aside:
            continue
        else:
            created = [
                *_check_identity(context, requested, match),
                *_check_lifecycle(context, requested, match),
                *_check_decisions(context, position, requested, match),
                *_check_evidence(context, requested, match),
            ]
        findings += created
    return [finding for finding in findings if finding.level != Level.OFF]


def _create_finding(
    context: RuleContext,
    rule: str,
    requested: RequestedModel,
    match: ModelMatch | None,
    message: str,
    *,
    most: str = Level.ERROR,
    replacement: str = "",
    by_date: date | None = None,
    level: str = "",
) -> Finding:
    return Finding(
        rule=str(rule),
        level=weaker_level(level or context.policy.level(rule), most),
        message=message,
        model=requested.model,
        resolved_id=match.resolved_id if match else "",
        offering=match.offering if match else None,
        file=requested.file,
        line=requested.line,
        replacement=replacement,
        by_date=by_date,
    )


def _check_owner(context: RuleContext) -> Iterable[Finding]:
    application = context.application
    if is_owned(application.business_owner, application.technical_owner):
        return
    yield Finding(
        rule=str(Rule.NO_OWNER),
        level=context.policy.level(Rule.NO_OWNER),
        message=f"{application.name} has no business owner and no technical owner. Enter one "
        "in the registry.",
    )


def is_owned(business_owner: str, technical_owner: str) -> bool:
    return bool(business_owner.strip() or technical_owner.strip())


def _check_identity(
    context: RuleContext, requested: RequestedModel, match: ModelMatch
) -> Iterable[Finding]:
    if match.is_open or match.kind == Matching.FAMILY:
        where = f" at {requested.host}" if requested.host else ""
        why = (
            f"'{requested.model}' is a model family and does not identify the served model. Use "
            "the ID of one release."
            if match.kind == Matching.FAMILY
            else f"'{requested.model}'{where} does not identify the served model: {match.why}. "
            "Identify the name in the registry, or use the model ID."
        )
        yield _create_finding(context, Rule.UNRESOLVED_ALIAS, requested, match, why)
    elif match.kind == Matching.UNRESOLVED:
        yield _create_finding(
            context,
            Rule.UNKNOWN_MODEL,
            requested,
            match,
            f"{_capital(match.why)}. Check the spelling. If it is correct, identify the model in "
            "the registry.",
        )
    elif match.offering is None and match.party is not None:
        name = context.party_names.get(match.party, requested.host)
        yield _create_finding(
            context,
            Rule.UNKNOWN_MODEL,
            requested,
            match,
            f"{match.resolved_id} is known, but not as an offering of {name}, so its retirement "
            "date is unknown. Check the host.",
        )


def _check_lifecycle(
    context: RuleContext, requested: RequestedModel, match: ModelMatch
) -> Iterable[Finding]:
    offering = context.offerings.get(match.offering) if match.offering is not None else None
    if offering is None:
        return
    where = f"{requested.model} at {offering.host.name}"
    instead = _replacement(offering)
    move = f" Migrate to {instead}." if instead else " Select another model."
    ends = offering.retires_on
    if offering.is_retired(context.on):
        since = f" since {ends:%Y-%m-%d}" if ends else ""
        yield _create_finding(
            context,
            Rule.RETIRED,
            requested,
            match,
            f"{where} is retired{since}.{move}",
            replacement=instead,
            by_date=ends,
        )
        return
    warning_days, error_days = context.horizon
    if ends is None or ends > context.on + timedelta(days=warning_days):
        return
    left = (ends - context.on).days
    firm = offering.date_kind == DateKind.FIRM
    is_near = firm and error_days > 0 and left <= error_days
    level: str = context.policy.level(Rule.RETIRES_SOON)
    if is_near and level != Level.OFF:
        level = Level.ERROR.value
    if firm:
        says = (
            f"{where} retires on {ends:%Y-%m-%d}, in {left} {'day' if left == 1 else 'days'}.{move}"
        )
    else:
        says = (
            f"{where} can retire from {ends:%Y-%m-%d} on; the host has not announced a date.{move}"
        )
    yield _create_finding(
        context,
        Rule.RETIRES_SOON,
        requested,
        match,
        says,
        most=Level.ERROR if firm else Level.WARNING,
        replacement=instead,
        by_date=ends,
        level=level,
    )


def _check_decisions(
    context: RuleContext, position: int, requested: RequestedModel, match: ModelMatch
) -> Iterable[Finding]:
    for obstacle in context.against.get(position, ()):
        by_rule: dict[tuple[str, str], list[str]] = {}
        for ground, sentence in zip(obstacle.grounds, obstacle.why, strict=True):
            # what only something that is not on record would settle warns at most
            most = Level.WARNING if ground in obstacle.open_grounds else Level.ERROR
            by_rule.setdefault((str(_GROUND_RULE[ground]), str(most)), []).append(sentence)
        for (rule, at_most), sentences in by_rule.items():
            yield _create_finding(
                context,
                rule,
                requested,
                match,
                f"{requested.model}: {' '.join(sentences)}",
                most=at_most,
            )
    if position in context.undecided:
        yield _create_finding(
            context,
            Rule.NOT_APPROVED,
            requested,
            match,
            f"{requested.model}: {match.resolved_id} has no approval. Ask a governance user to "
            "decide.",
        )


def _check_evidence(
    context: RuleContext, requested: RequestedModel, match: ModelMatch
) -> Iterable[Finding]:
    if (
        match.offering is None
        or context.application.criticality not in context.policy.evidence_criticalities
    ):
        return
    rows = context.evidence.get(match.offering, ())
    oldest = context.on - timedelta(days=context.policy.evidence_days)
    states = [(row, row.state(context.on)) for row in rows]
    newest = states[0] if states else None
    if newest is not None and newest[1] == Evidence.State.FAILING:
        why = f"its newest evaluation, of {newest[0].run_on:%Y-%m-%d}, failed"
    elif any(state == Evidence.State.PASSED and row.run_on > oldest for row, state in states):
        return
    elif states:
        why = f"its newest evaluation, of {states[0][0].run_on:%Y-%m-%d}, has expired"
    else:
        why = "it has not been evaluated on own workloads"
    yield _create_finding(
        context,
        Rule.EVIDENCE_MISSING,
        requested,
        match,
        f"{requested.model}: {why}. Evaluate it, and record the result.",
    )


def _replacement(offering: Offering) -> str:
    return (
        offering.replacement.api_id
        if offering.replacement is not None
        else offering.replacement_text
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


# --- against waivers and the baseline -------------------------------------------------------------


def apply_waivers(findings: Iterable[Finding], waivers: Sequence[Waiver]) -> list[Finding]:
    """Return each finding with the waiver that covers it the longest, if any; `waivers` are valid
    on the day."""
    covered = []
    for finding in findings:
        names = (finding.model, finding.resolved_id)
        covering = [
            waiver for waiver in waivers if waiver.covers(finding.rule, names, finding.offering)
        ]
        if covering:
            longest = max(covering, key=lambda each: (each.until, each.pk))
            finding = replace(finding, waiver=longest.pk, waived_until=longest.until)
        covered.append(finding)
    return covered


def mark_new_findings(
    findings: Iterable[Finding], baseline_levels: Mapping[tuple[str, str], str]
) -> list[Finding]:
    """Mark new findings. `known` is {(rule, subject): highest level} of the released run; a finding
    of a higher level is new."""
    return [
        replace(
            finding,
            is_new=Level(
                baseline_levels.get((finding.rule, finding.subject.casefold()), Level.OFF)
            ).gravity
            < Level(finding.level).gravity,
        )
        for finding in findings
    ]


def decide(findings: Iterable[Finding], *, blocks_all: bool, refusal: str) -> Decision:
    """Return the decision. `refusal` is why no decision is possible, otherwise empty; with it
    nothing passes, whatever the findings."""
    findings = list(findings)
    if refusal:
        return Decision.UNKNOWN
    if any(finding.blocks and (finding.is_new or blocks_all) for finding in findings):
        return Decision.BLOCK
    if any(
        finding.level in (Level.ERROR, Level.WARNING) and finding.waiver is None
        for finding in findings
    ):
        return Decision.WARN
    return Decision.PASS


def summarise_findings(
    findings: Sequence[Finding], *, decision: str, refusal: str, n_models: int, blocks_all: bool
) -> str:
    """Summarise the run in one or two sentences for the log of a pipeline."""
    if refusal:
        return refusal
    models = f"{n_models} {'model' if n_models == 1 else 'models'}"
    if not n_models:
        return "No model is named, so nothing blocks the build."
    stops = [finding for finding in findings if finding.blocks and (finding.is_new or blocks_all)]
    if stops:
        more = f" And {len(stops) - 1} more." if len(stops) > 1 else ""
        verb = "finding blocks" if len(stops) == 1 else "findings block"
        return f"{len(stops)} {verb} the build, of {models}: {stops[0].message}{more}"
    if decision == Decision.WARN:
        heard = [
            finding
            for finding in findings
            if finding.level in (Level.ERROR, Level.WARNING) and finding.waiver is None
        ]
        old = sum(1 for finding in heard if finding.level == Level.ERROR)
        known = (
            f" {old} would block, but {'was' if old == 1 else 'were'} released before."
            if old
            else ""
        )
        found = "finding" if len(heard) == 1 else "findings"
        return (
            f"Nothing blocks the build; {len(heard)} {found} in {models} should be reviewed.{known}"
        )
    waived = sum(1 for finding in findings if finding.waiver is not None)
    return f"Nothing blocks the build with {models}." + (f" {waived} waived." if waived else "")
