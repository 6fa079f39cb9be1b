"""Rule engine: from facts to findings and a decision. Plain Python: rows and a policy in, findings
out; no clock.

Findings are distinguished by rule and subject: the model's known ID if there is one, otherwise its
name."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from apps.catalog.models import DateKind, Offering, OfferingStage
from apps.gate.matching import ModelMatch, RequestedModel
from apps.gate.models import GatePolicy, Waiver
from apps.gate.rules.definitions import Decision, Level, Matching, Rule, weaker_level
from apps.gate.rules.used_capabilities import UsedCapabilities
from apps.inventory.governance.violations import ApprovalObstacle
from apps.inventory.models import Application
from apps.risks.models import Evidence

_GROUND_RULE = {
    "blocked": Rule.NOT_APPROVED,
    "criticality": Rule.NOT_APPROVED,
    "data_class": Rule.DATA_CLASS,
    "region": Rule.REGION,
    "data_terms": Rule.NOT_APPROVED,
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
        text = f"{self.rule}\x1f{application}\x1f{self.model.casefold()}\x1f{self.file}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RuleContext:
    """The input of the rules. `offerings` are by ID, with host and replacement loaded; `against`
    (approval violations) are by position in `requested`; `undecided` are the positions of known
    models without an approval decision; `evidence` by offering ID. `closed` is {offering: its
    stage} of those closed to new customers; `used_since` {offering: first day} of what the
    application uses."""

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
    closed: Mapping[int, OfferingStage] = field(default_factory=dict)
    used_since: Mapping[int, date] = field(default_factory=dict)
    capabilities: UsedCapabilities = field(default_factory=UsedCapabilities)


def apply_rules(context: RuleContext) -> list[Finding]:
    """Return the findings in the order of the requested models, those about the application first;
    rules that are off have none."""
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
                *_check_closed(context, requested, match),
                *_check_capabilities(context, requested, match),
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
    max_level: str = Level.ERROR,
    replacement: str = "",
    by_date: date | None = None,
    level: str = "",
) -> Finding:
    """Return a finding at the level of the policy, or at `level` if one is given, but at most at
    `max_level`."""
    return Finding(
        rule=str(rule),
        level=weaker_level(level or context.policy.level(rule), max_level),
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
    """Yield a finding if the name does not identify the served model, or not on the host."""
    if match.is_open or match.kind == Matching.FAMILY:
        host_text = f" at {requested.host}" if requested.host else ""
        message = (
            f"'{requested.model}' is a model family and does not identify the served model. Use "
            "the ID of one release."
            if match.kind == Matching.FAMILY
            else f"'{requested.model}'{host_text} does not identify the served model: {match.why}. "
            "Identify the name in the registry, or use the model ID."
        )
        yield _create_finding(context, Rule.UNRESOLVED_ALIAS, requested, match, message)
    elif match.kind == Matching.UNRESOLVED:
        yield _create_finding(
            context,
            Rule.UNKNOWN_MODEL,
            requested,
            match,
            f"{_capitalise(match.why)}. Check the spelling. If it is correct, identify the model "
            "in the registry.",
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
    """Yield a finding if the offering is retired or retires within the horizon; an earliest date
    can only warn."""
    offering = context.offerings.get(match.offering) if match.offering is not None else None
    if offering is None:
        return
    model_at_host = f"{requested.model} at {offering.host.name}"
    replacement = _replacement_name(offering)
    advice = f" Migrate to {replacement}." if replacement else " Select another model."
    retires_on = offering.retires_on
    if offering.is_retired(context.on):
        since_text = f" since {retires_on:%Y-%m-%d}" if retires_on else ""
        yield _create_finding(
            context,
            Rule.RETIRED,
            requested,
            match,
            f"{model_at_host} is retired{since_text}.{advice}",
            replacement=replacement,
            by_date=retires_on,
        )
        return
    warning_days, error_days = context.horizon
    if retires_on is None or retires_on > context.on + timedelta(days=warning_days):
        return
    days_left = (retires_on - context.on).days
    is_firm = offering.date_kind == DateKind.FIRM
    is_near = is_firm and error_days > 0 and days_left <= error_days
    level: str = context.policy.level(Rule.RETIRES_SOON)
    if is_near and level != Level.OFF:
        level = Level.ERROR.value
    if is_firm:
        unit = "day" if days_left == 1 else "days"
        message = (
            f"{model_at_host} retires on {retires_on:%Y-%m-%d}, in {days_left} {unit}.{advice}"
        )
    else:
        message = (
            f"{model_at_host} can retire from {offering.retires_month or retires_on} on; the host "
            f"has not announced a date.{advice}"
        )
    yield _create_finding(
        context,
        Rule.RETIRES_SOON,
        requested,
        match,
        message,
        max_level=Level.ERROR if is_firm else Level.WARNING,
        replacement=replacement,
        by_date=retires_on,
        level=level,
    )


def _check_closed(
    context: RuleContext, requested: RequestedModel, match: ModelMatch
) -> Iterable[Finding]:
    """Yield a finding if the offering is closed to new customers and the application did not use it
    before. A retired offering has a finding of its own."""
    offering = context.offerings.get(match.offering) if match.offering is not None else None
    stage = context.closed.get(offering.pk) if offering is not None else None
    if offering is None or stage is None or offering.is_retired(context.on):
        return
    used_since = context.used_since.get(offering.pk)
    if used_since is not None and used_since < (stage.starts_on or context.on):
        return
    replacement = _replacement_name(offering)
    since_text = f" since {stage.starts_on:%Y-%m-%d}" if stage.starts_on else ""
    advice = f"Use {replacement}." if replacement else "Select another model."
    yield _create_finding(
        context,
        Rule.CLOSED_TO_NEW,
        requested,
        match,
        f"{requested.model} at {offering.host.name} is closed to new customers{since_text}. "
        f"{advice}",
        replacement=replacement,
    )


def _check_capabilities(
    context: RuleContext, requested: RequestedModel, match: ModelMatch
) -> Iterable[Finding]:
    """Yield a finding if the offering lacks what the application is recorded to use; what nobody
    states can only warn, and never passes as stated."""
    offering = context.offerings.get(match.offering) if match.offering is not None else None
    if offering is None:
        return
    model_at_host = f"{requested.model} at {offering.host.name}"
    name = context.application.name
    if losses := context.capabilities.lacking.get(offering.pk):
        yield _create_finding(
            context,
            Rule.CAPABILITY_MISSING,
            requested,
            match,
            f"{model_at_host} {losses}, but {name} is recorded to use that. Select another model, "
            "or correct the requirements in the registry.",
        )
    elif unknowns := context.capabilities.unstated.get(offering.pk):
        yield _create_finding(
            context,
            Rule.CAPABILITY_MISSING,
            requested,
            match,
            f"No source states whether {model_at_host} has {unknowns}, which {name} is recorded to "
            "use. Test it, and enter the result at the offering.",
            max_level=Level.WARNING,
        )


def _check_decisions(
    context: RuleContext, position: int, requested: RequestedModel, match: ModelMatch
) -> Iterable[Finding]:
    """Yield a finding for each rule that an approval violates, and one if an approval is required
    but missing. `position` is that of the model in the request."""
    for obstacle in context.against.get(position, ()):
        by_rule: dict[tuple[str, str], list[str]] = {}
        for ground, sentence in zip(obstacle.grounds, obstacle.why, strict=True):
            # a ground that depends on facts that are not recorded can only warn
            max_level = Level.WARNING if ground in obstacle.open_grounds else Level.ERROR
            by_rule.setdefault((str(_GROUND_RULE[ground]), str(max_level)), []).append(sentence)
        for (rule, rule_max_level), sentences in by_rule.items():
            yield _create_finding(
                context,
                rule,
                requested,
                match,
                f"{requested.model}: {' '.join(sentences)}",
                max_level=rule_max_level,
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
    """Yield a finding if the policy requires an evaluation for this criticality and none is recent,
    valid and passed."""
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
        reason = f"its newest evaluation, of {newest[0].run_on:%Y-%m-%d}, failed"
    elif any(state == Evidence.State.PASSED and row.run_on > oldest for row, state in states):
        return
    elif states:
        reason = f"its newest evaluation, of {states[0][0].run_on:%Y-%m-%d}, has expired"
    else:
        reason = "it has not been evaluated on own workloads"
    yield _create_finding(
        context,
        Rule.EVIDENCE_MISSING,
        requested,
        match,
        f"{requested.model}: {reason}. Evaluate it, and record the result.",
    )


def _replacement_name(offering: Offering) -> str:
    return (
        offering.replacement.api_id
        if offering.replacement is not None
        else offering.replacement_text
    )


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


# --- against waivers and the baseline -------------------------------------------------------------


def apply_waivers(findings: Iterable[Finding], waivers: Sequence[Waiver]) -> list[Finding]:
    """Return each finding with the waiver that covers it the longest, if any; `waivers` are valid
    on the day."""
    waived_findings = []
    for finding in findings:
        names = (finding.model, finding.resolved_id)
        matching_waivers = [
            waiver for waiver in waivers if waiver.covers(finding.rule, names, finding.offering)
        ]
        if matching_waivers:
            longest = max(matching_waivers, key=lambda waiver: (waiver.until, waiver.pk))
            finding = replace(finding, waiver=longest.pk, waived_until=longest.until)
        waived_findings.append(finding)
    return waived_findings


def mark_new_findings(
    findings: Iterable[Finding], baseline_levels: Mapping[tuple[str, str], str]
) -> list[Finding]:
    """Mark new findings. `baseline_levels` is {(rule, subject): highest level} of the released
    run; a finding of a higher level is new."""
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
    blocking_findings = [
        finding for finding in findings if finding.blocks and (finding.is_new or blocks_all)
    ]
    if blocking_findings:
        others_note = (
            f" And {len(blocking_findings) - 1} more." if len(blocking_findings) > 1 else ""
        )
        verb = "finding blocks" if len(blocking_findings) == 1 else "findings block"
        return (
            f"{len(blocking_findings)} {verb} the build, of {models}: "
            f"{blocking_findings[0].message}{others_note}"
        )
    if decision == Decision.WARN:
        open_findings = [
            finding
            for finding in findings
            if finding.level in (Level.ERROR, Level.WARNING) and finding.waiver is None
        ]
        n_released = sum(1 for finding in open_findings if finding.level == Level.ERROR)
        released_note = (
            f" {n_released} would block, but {'was' if n_released == 1 else 'were'} released "
            "before."
            if n_released
            else ""
        )
        noun = "finding" if len(open_findings) == 1 else "findings"
        return (
            f"Nothing blocks the build; {len(open_findings)} {noun} in {models} should be "
            f"reviewed.{released_note}"
        )
    n_waived = sum(1 for finding in findings if finding.waiver is not None)
    return f"Nothing blocks the build with {models}." + (f" {n_waived} waived." if n_waived else "")
