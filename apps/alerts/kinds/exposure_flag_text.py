"""How a flag is put into words, in mails, on pages and in the admin alike. Plain Python: a flag in,
words out.

`flag.policy` must be loaded. The shape of `Alert.details` of an alert about a flag:

    {"value": decimal text, "limit": decimal text, "n": applications counted}   as they were when it
    happened
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.alerts.models import Alert, FlagKind
from apps.alerts.text import counted, one_line, share
from apps.exposure.models import Basis, ExposureFlag, Policy, Predicate, StandingState
from apps.exposure.policy_values import counts_critical, is_share

# {kind: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    FlagKind.OPENED: ("Over tolerance", "Decide: spread the load, or accept it until a day."),
    FlagKind.WORSENED: (
        "Beyond what was accepted",
        "The value has passed the ceiling of the acceptance, which is over. Decide anew.",
    ),
    FlagKind.ACCEPTANCE_EXPIRED: (
        "Acceptance ran out",
        "The day until which it was accepted has come. Spread the load, or accept it until another "
        "day.",
    ),
    FlagKind.RESOLVED: ("Under tolerance again", "Nothing to do."),
}

_WEIGHTS: Mapping[str, str] = {
    Basis.COUNT: "of applications",
    Basis.CRITICALITY: "of the applications' weight by criticality",
    Basis.SPEND: "of the monthly spend",
    Basis.USERS: "of the users",
}
_PREDICATES: Mapping[str, tuple[str, str]] = {
    Predicate.NO_INDEPENDENT_FALLBACK: (
        "has no independent fallback",
        "have no independent fallback",
    ),
    Predicate.JUDGE_SHARES_LINEAGE: (
        "has a judge or guardrail that shares its base",
        "have a judge or guardrail that shares their base",
    ),
    Predicate.UNRESOLVED_PRIMARY: (
        "has a primary that nobody has placed",
        "have a primary that nobody has placed",
    ),
}
# what the states that a policy counts mean for whoever is in them; all four are plain standing
_STATES: Mapping[frozenset[str], tuple[str, str]] = {
    frozenset(StandingState.values): ("rests on", "rest on"),
    frozenset({"exposed", "cushioned"}): ("can be stopped by", "can be stopped by"),
    frozenset({"exposed"}): (
        "has nothing to fall back on without",
        "have nothing to fall back on without",
    ),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value against its line, at one moment."""

    value: Decimal
    limit: Decimal


def current_measurement(flag: ExposureFlag) -> Measurement:
    return Measurement(flag.value, flag.limit)


def measurement_when_raised(alert: Alert, flag: ExposureFlag) -> Measurement:
    """What was measured when the alert about the flag was raised; of an alert that does not say,
    what is now."""
    details = alert.details
    return Measurement(
        Decimal(details.get("value", flag.value)), Decimal(details.get("limit", flag.limit))
    )


def format_measure(policy: Policy, value: Decimal) -> str:
    """`62 %`, or `12` where the policy counts."""
    return share(value) if is_share(policy) else f"{int(value):,}"


def flag_clause(policy: Policy, at: Measurement, *, node: str, kind: str) -> str:
    """`62 % of critical applications rest on Google as developer`, without the line."""
    one, many = _verbs(policy)
    if is_share(policy):
        whole = "of critical applications" if counts_critical(policy) else _WEIGHTS[policy.basis]
        # a share of applications is several of them, a share of spend is one thing
        subject, verb = f"{share(at.value)} {whole}", many if "applications" in whole else one
    else:
        noun = "critical application" if counts_critical(policy) else "application"
        subject, verb = counted(int(at.value), noun), one if int(at.value) == 1 else many
    if policy.predicate:
        return f"{subject} {verb}"
    return f"{subject} {verb} {one_line(node)}{f' as {kind}' if kind else ''}"


def tolerance_text(policy: Policy, at: Measurement) -> str:
    """`limit 50 %`"""
    return f"limit {format_measure(policy, at.limit)}"


def _verbs(policy: Policy) -> tuple[str, str]:
    """(of one, of several)"""
    if policy.predicate:
        return _PREDICATES[policy.predicate]
    states = frozenset(policy.states)
    if states in _STATES:
        return _STATES[states]
    named = " or ".join(state.label.lower() for state in StandingState if state in states)
    return f"stands {named} on", f"stand {named} on"


def node_kind_label(flag: ExposureFlag) -> str:
    """`developer`; empty for a flag of the portfolio. `flag.node` must be loaded."""
    return "" if flag.node is None else flag.node.get_kind_display()


def flag_alert_details(event: Any, flag: ExposureFlag) -> dict[str, Any]:
    """What an alert keeps of an event in a flag's life."""
    return {
        "value": str(event.value.normalize()),
        "limit": str(flag.limit.normalize()),
        "n": flag.n_applications,
    }
