"""Names and styles of gate decisions, levels and rules on pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.gate.links import waiver_url
from apps.gate.models import GateFinding
from apps.gate.rules.definitions import Decision, Level, Rule
from apps.gate.rules.engine import Finding

RULES: dict[str, str] = {
    Rule.NOT_APPROVED: "Model not approved",
    Rule.RETIRED: "Model retired",
    Rule.RETIRES_SOON: "Model retires soon",
    Rule.UNRESOLVED_ALIAS: "Ambiguous model name",
    Rule.UNKNOWN_MODEL: "Unknown model",
    Rule.EVIDENCE_MISSING: "Evidence missing or stale",
    Rule.DATA_CLASS: "Data class not allowed",
    Rule.REGION: "Region not allowed",
    Rule.WILDCARD: "Wildcard route",
    Rule.NO_OWNER: "Application without an owner",
    Rule.CLOSED_TO_NEW: "Model closed to new customers",
    Rule.CAPABILITY_MISSING: "Used capability missing",
}
LEVEL_MEANINGS: dict[str, str] = {
    Rule.NOT_APPROVED: "blocked, restricted to other applications, or without a required approval",
    Rule.RETIRED: "the host no longer serves it",
    Rule.RETIRES_SOON: "warns and blocks by the periods below, at any level",
    Rule.UNRESOLVED_ALIAS: "a deployment, a gateway's alias or a family",
    Rule.UNKNOWN_MODEL: "unknown name on that host",
    Rule.EVIDENCE_MISSING: "no valid evaluation on own workloads",
    Rule.DATA_CLASS: "approved for other data only",
    Rule.REGION: "approved for other regions only",
    Rule.WILDCARD: "the route allows any model",
    Rule.NO_OWNER: "no business owner and no technical owner",
    Rule.CLOSED_TO_NEW: "a new use of a model that the host no longer offers to new customers",
    Rule.CAPABILITY_MISSING: "the model lacks what is used; only warns if no source states it",
}
LEVELS: dict[str, str] = {
    Level.ERROR: "Blocks",
    Level.WARNING: "Warns",
    Level.NOTE: "Notes",
    Level.OFF: "Off",
}
DECISIONS: dict[str, str] = {
    Decision.PASS: "Pass",
    Decision.WARN: "Warn",
    Decision.BLOCK: "Block",
    Decision.UNKNOWN: "Cannot decide",
    "": "Pending",
}
# number of filled bars in the severity mark
LEVEL_MARKS = {Level.ERROR: 5, Level.WARNING: 3, Level.NOTE: 1}
DECISION_MARKS = {Decision.PASS: 1, Decision.WARN: 3, Decision.BLOCK: 5, Decision.UNKNOWN: 4, "": 1}


@dataclass(frozen=True, slots=True)
class GateFindingRow:
    """Row of a finding in a table."""

    finding: GateFinding | Finding
    anchor: str
    rule: str
    name: str
    level: str
    level_name: Any
    mark: int
    model: str
    resolved_id: str
    offering: int | None
    place: str
    message: str
    is_new: bool
    waiver: int | None
    waived_until: date | None
    ask_url: str


def order_by_severity(rows: Iterable[GateFindingRow]) -> list[GateFindingRow]:
    """Order findings: blocking ones first, waived ones last; otherwise in their original order."""
    return sorted(rows, key=lambda row: (row.waived_until is not None, -row.mark, not row.is_new))


def finding_row(finding: GateFinding | Finding, application: str) -> GateFindingRow:
    """Return a stored or a computed finding as a row; only stored ones have an anchor."""
    place = finding.file + (f":{finding.line}" if finding.file and finding.line else "")
    if isinstance(finding, GateFinding):
        anchor, offering, waiver = f"finding-{finding.pk}", finding.offering_id, finding.waiver_id
    else:
        anchor, offering, waiver = "", finding.offering, finding.waiver
    url = waiver_url(
        application=application, rule=finding.rule, model=finding.resolved_id or finding.model
    )
    return GateFindingRow(
        finding=finding,
        anchor=anchor,
        rule=finding.rule,
        name=RULES[finding.rule],
        level=finding.level,
        level_name=LEVELS[finding.level],
        mark=LEVEL_MARKS[Level(finding.level)],
        model=finding.model,
        resolved_id=finding.resolved_id if finding.resolved_id != finding.model else "",
        offering=offering,
        place=place,
        message=finding.message,
        is_new=finding.is_new,
        waiver=waiver,
        waived_until=finding.waived_until,
        # links within the registry need only the path
        ask_url=url[url.index("/gate/") :],
    )
