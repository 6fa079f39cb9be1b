"""Demo inherited risks: attached to every kind of node, assessed in every state, with evidence of
every kind.

Users act through the actions of the risks app, at past times, so that time affects their decisions
as usual: acceptances expire, evidence expires, events make assessments stale.
"""

from collections.abc import Callable

from django.db import transaction

from apps.catalog.models import NodeKind, Region
from apps.demo.fixtures import (
    DemoError,
    LoadingDay,
    Record,
    RecordLookup,
    read_fixture,
    was_never_used,
)
from apps.inventory.models import Dependency
from apps.risks.actions.assessments import (
    accept_risk,
    assess_risk,
    mark_not_applicable,
    revoke_acceptance,
)
from apps.risks.actions.evidence import attach_evidence, record_evidence
from apps.risks.actions.foundation_risks import close_risk, dismiss_risk, ensure_node, raise_risk
from apps.risks.actions.refresh import refresh_risks
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import Assessment, Evidence, FoundationRisk, RiskTemplate


@transaction.atomic
def load_risks(*, day: LoadingDay) -> None:
    """Raise and assess risks, unless a risk was ever assessed or evidence recorded.

    Needs the demo's applications.
    """
    if not (was_never_used(Assessment) and was_never_used(Evidence)):
        return
    if not RiskTemplate.objects.filter(built_in=True).exists():
        load_risk_catalogue()
    lookup, fixture = RecordLookup(), read_fixture("risks")
    risks = {row["key"]: _raise_risk(row, day, lookup) for row in fixture["risks"]}
    evidence = {row["key"]: file_evidence(row, day, lookup) for row in fixture["evidence"]}
    for row in fixture["decisions"]:
        risk, dependency = risks[row["risk"]], lookup.dependency(row)
        _DECIDE[row["decision"]](risk, dependency, row, day, lookup)
        if "evidence" in row:
            assessment = Assessment.objects.select_related("dependency").get(
                risk=risk, dependency=dependency
            )
            attach_evidence(
                evidence=evidence[row["evidence"]], assessment=assessment, by=lookup.user(row["by"])
            )
    for row in fixture["closed"]:
        close_risk(
            risk=risks[row["risk"]],
            reason=row["because"],
            by=lookup.user(row["by"]),
            at=day.moment(row["at"]),
        )
    # the built-in rules raise their risks, and assessments affected since then become stale
    refresh_risks(day.at)
    for row in fixture["dismissed"]:
        kind, ref = _find_subject(row["node"], lookup)
        raised = FoundationRisk.objects.open().get(rule=row["rule"], node__kind=kind, node__ref=ref)
        dismiss_risk(risk=raised, reason=row["because"], by=lookup.user(row["by"]), at=day.at)


def _raise_risk(row: Record, day: LoadingDay, lookup: RecordLookup) -> FoundationRisk:
    kind, ref = _find_subject(row["node"], lookup)
    facts = day.dated(row.get("facts", {}))
    if "owner" in facts:
        facts["owner"] = lookup.user(facts["owner"])
    return raise_risk(
        node=ensure_node(kind=kind, ref=ref),
        template=RiskTemplate.objects.get(code=row["template"]) if "template" in row else None,
        facts=facts,
        by=lookup.user(row["by"]),
        at=day.moment(row["at"]),
    )


def file_evidence(row: Record, day: LoadingDay, lookup: RecordLookup) -> Evidence:
    """Record the evidence of one row of a fixture."""
    facts = day.dated(
        {
            name: value
            for name, value in row.items()
            if name not in ("key", "kind", "run_on", "at", "by")
        }
    )
    looked_up: dict[str, Callable[[str], object]] = {
        "application": lookup.application,
        "version": lookup.version,
        "template": lambda code: RiskTemplate.objects.get(code=code),
    }
    for name, of in looked_up.items():
        if name in facts:
            facts[name] = of(facts[name])
    if "offering" in facts:
        facts["offering"] = lookup.offering(facts["offering"])
    return record_evidence(
        kind=row["kind"],
        run_on=day.on(row["run_on"]),
        facts=facts,
        by=lookup.user(row["by"]),
        at=day.moment(row["at"]),
    )


# --- decisions ------------------------------------------------------------------------------------


def _assess(
    risk: FoundationRisk, dependency: Dependency, row: Record, day: LoadingDay, lookup: RecordLookup
) -> None:
    facts = day.dated(row["facts"])
    if "owner" in facts:
        facts["owner"] = lookup.user(facts["owner"])
    assess_risk(
        risk=risk,
        dependency=dependency,
        facts=facts,
        expected_version=_assessment_version(risk, dependency),
        by=lookup.user(row["by"]),
        at=day.moment(row["at"]),
    )


def _accept(
    risk: FoundationRisk, dependency: Dependency, row: Record, day: LoadingDay, lookup: RecordLookup
) -> None:
    accept_risk(
        risk=risk,
        dependency=dependency,
        until=day.on(row["until"]),
        reason=row["because"],
        facts=day.dated(row.get("facts", {})),
        expected_version=_assessment_version(risk, dependency),
        by=lookup.user(row["by"]),
        at=day.moment(row["at"]),
    )


def _revoke(
    risk: FoundationRisk, dependency: Dependency, row: Record, day: LoadingDay, lookup: RecordLookup
) -> None:
    revoke_acceptance(
        assessment=Assessment.objects.get(risk=risk, dependency=dependency),
        reason=row["because"],
        expected_version=_assessment_version(risk, dependency),
        by=lookup.user(row["by"]),
        at=day.moment(row["at"]),
    )


def _mark_not_applicable(
    risk: FoundationRisk, dependency: Dependency, row: Record, day: LoadingDay, lookup: RecordLookup
) -> None:
    mark_not_applicable(
        risk=risk,
        dependency=dependency,
        reason=row["because"],
        expected_version=_assessment_version(risk, dependency),
        by=lookup.user(row["by"]),
        at=day.moment(row["at"]),
    )


_DECIDE: dict[
    str, Callable[[FoundationRisk, Dependency, Record, LoadingDay, RecordLookup], None]
] = {
    "assess": _assess,
    "accept": _accept,
    "revoke": _revoke,
    "not_applicable": _mark_not_applicable,
}


def _assessment_version(risk: FoundationRisk, dependency: Dependency) -> int:
    version = (
        Assessment.objects.filter(risk=risk, dependency=dependency)
        .values_list("version", flat=True)
        .first()
    )
    return version or 0


def _find_subject(node: list[str], lookup: RecordLookup) -> tuple[NodeKind, int]:
    """Look up [kind, name], or ["offering", host, API ID, region scope, service tier]; a region is
    "host/region"."""
    kind = NodeKind[node[0].upper()]
    match kind:
        case NodeKind.OFFERING:
            return kind, lookup.offering(node[1:]).pk
        case NodeKind.VERSION:
            return kind, lookup.version(node[1]).pk
        case NodeKind.FOUNDATION:
            return kind, lookup.foundation(node[1]).pk
        case NodeKind.REGION:
            host, name = node[1].split("/")
            region = Region.objects.filter(host=lookup.provider(host), name=name).first()
            if region is None:
                raise DemoError(
                    f"The catalogue does not contain the region {node[1]}. Run manage.py "
                    "load_catalogue first."
                )
            return kind, region.pk
    return kind, lookup.provider(node[1]).pk
