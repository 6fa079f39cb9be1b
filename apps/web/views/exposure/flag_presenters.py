"""Formats of the values of flags and policies."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apps.catalog.models import NodeKind
from apps.exposure.models import FlagEvent, Policy, StandingState
from apps.exposure.node_names import NodeName
from apps.exposure.policy_values import is_share
from apps.exposure.threats import DEFAULT_THREAT
from apps.web.views.exposure.parameters import (
    BASIS_WORDS,
    KIND_WORDS,
    KINDS,
    STATE_WORDS,
    THREAT_VERBS,
    THREAT_WORDS,
)
from apps.web.wording import join_names, number, share

STATE_CSS = {"open": "open", "acknowledged": "part", "accepted": "part", "resolved": "done"}
EVENT_WORDS = {
    FlagEvent.Kind.OPENED: "Opened",
    FlagEvent.Kind.ACKNOWLEDGED: "Acknowledged",
    FlagEvent.Kind.ACCEPTED: "Accepted",
    FlagEvent.Kind.WORSENED: "Worsened above the accepted value",
    FlagEvent.Kind.REVOKED: "Acceptance revoked",
    FlagEvent.Kind.ACCEPTANCE_EXPIRED: "Acceptance expired",
    FlagEvent.Kind.RESOLVED: "Resolved",
}


def format_value(policy: Policy, value: Decimal | float | None) -> str:
    """Format a share with a decimal if it needs one, or a number of applications."""
    if value is None:
        return "–"
    if is_share(policy):
        percent = float(value) * 100
        return share(value) if abs(percent - round(percent)) < 0.05 else f"{percent:.1f}%"
    return number(int(value)) if float(value) == int(value) else number(round(float(value), 2))


def describe_measure(policy: Policy) -> str:
    """Describe a measure: `share of the critical applications in scope, exposed or cushioned, on
    one developer`."""
    phrases = [str(policy.get_measure_display()).lower()]
    if policy.measure == Policy.Measure.WEIGHT_SHARE:
        phrases[0] = f"share of the weight in scope by {BASIS_WORDS[policy.basis].lower()}"
    if policy.predicate:
        return f"{phrases[0]}: {str(policy.get_predicate_display()).lower()}"
    if 0 < len(policy.states) < len(StandingState):
        phrases.append(_join_alternatives(STATE_WORDS[state].lower() for state in policy.states))
    kinds = _join_alternatives(KIND_WORDS[KINDS[kind]] for kind in policy.kinds if kind in KINDS)
    phrases.append(f"on one {kinds}")
    if policy.threat:
        phrases.append(f"under {THREAT_WORDS[policy.threat].lower()}")
    return ", ".join(phrases)


def describe_value(policy: Policy, value: str, node: NodeName | None) -> str:
    """Describe a measured value: `62 % of the critical applications on Anthropic`."""
    if node is None:
        return f"{value}, {describe_measure(policy)}"
    subject = {
        Policy.Measure.CRITICAL_SHARE: "{value} of the critical applications",
        Policy.Measure.N_CRITICAL: "{value} critical applications",
        Policy.Measure.N_APPLICATIONS: "{value} applications",
        Policy.Measure.WEIGHT_SHARE: "{value} of the weight in scope",
    }[Policy.Measure(policy.measure)].format(value=value)
    if 0 < len(policy.states) < len(StandingState):
        states = _join_alternatives(STATE_WORDS[state].lower() for state in policy.states)
        verb = THREAT_VERBS[policy.threat or DEFAULT_THREAT[node.kind]]
        return f"{subject}: {states} if {node.label} {verb}"
    return f"{subject} on {node.label}"


def _join_alternatives(labels: Iterable[str]) -> str:
    return join_names(list(labels), max_names=8).replace(" and ", " or ")


def kind_of_policy(policy: Policy) -> list[NodeKind]:
    return [KINDS[kind] for kind in policy.kinds if kind in KINDS]


def change_words(event: FlagEvent, policy: Policy) -> Any:
    return f"{EVENT_WORDS[FlagEvent.Kind(event.kind)]} at {format_value(policy, event.value)}"
