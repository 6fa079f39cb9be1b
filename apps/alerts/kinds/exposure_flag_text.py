"""Texts about exposure flags, for emails, pages and the admin; no queries.

`flag.policy` must be loaded. The shape of `Alert.details` of an alert about a flag, with the values
at the time of its event:

    {"value": decimal text, "limit": decimal text, "n": number of applications}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.alerts.models import Alert, FlagKind
from apps.alerts.text import counted, one_line, share
from apps.exposure.models import Basis, ExposureFlag, Policy, Predicate, StandingState
from apps.exposure.policy_values import counts_critical, is_share

_REDUCE_OR_ACCEPT = "Reduce the exposure or accept it until a date."
# {kind: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    FlagKind.OPENED: ("Over tolerance", _REDUCE_OR_ACCEPT),
    FlagKind.WORSENED: ("Above accepted level", _REDUCE_OR_ACCEPT),
    FlagKind.ACCEPTANCE_EXPIRED: ("Acceptance expired", _REDUCE_OR_ACCEPT),
    FlagKind.RESOLVED: ("Back within tolerance", "No action needed."),
}

# {weight: (what the share is of, whether that is plural)}
_WEIGHTS: Mapping[str, tuple[str, bool]] = {
    Basis.COUNT: ("of applications", True),
    Basis.CRITICALITY: ("of applications, weighted by criticality,", True),
    Basis.SPEND: ("of the monthly spend", False),
    Basis.USERS: ("of users", True),
}
_PREDICATES: Mapping[str, tuple[str, str]] = {
    Predicate.NO_INDEPENDENT_FALLBACK: (
        "has no independent fallback",
        "have no independent fallback",
    ),
    Predicate.JUDGE_SHARES_LINEAGE: (
        "has a judge or guardrail that shares a foundation with its primary model",
        "have a judge or guardrail that shares a foundation with their primary model",
    ),
    Predicate.UNRESOLVED_PRIMARY: (
        "has an unresolved primary model",
        "have an unresolved primary model",
    ),
}
# {states that a policy counts: (verb for one application, verb for several)}.
_STATES: Mapping[frozenset[str], tuple[str, str]] = {
    frozenset(StandingState.values): ("depends on", "depend on"),
    frozenset({"exposed", "cushioned"}): ("has no tested exit from", "have no tested exit from"),
    frozenset({"exposed"}): ("has no alternative to", "have no alternative to"),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured value and its tolerance, at one time."""

    value: Decimal
    limit: Decimal


def current_measurement(flag: ExposureFlag) -> Measurement:
    return Measurement(flag.value, flag.limit)


def measurement_when_raised(alert: Alert, flag: ExposureFlag) -> Measurement:
    """Return the measurement at the time of the alert; the current one if the alert has none."""
    details = alert.details
    return Measurement(
        Decimal(details.get("value", flag.value)), Decimal(details.get("limit", flag.limit))
    )


def format_measure(policy: Policy, value: Decimal) -> str:
    """Format a value as `62%`, or as `12` if the policy counts applications."""
    return share(value) if is_share(policy) else f"{int(value):,}"


def flag_clause(policy: Policy, measurement: Measurement, *, node: str, kind: str) -> str:
    """Return a clause such as `62% of critical applications depend on Google as developer`, without
    the tolerance."""
    singular, plural = _find_verbs(policy)
    if is_share(policy):
        share_of, is_plural = (
            ("of critical applications", True)
            if counts_critical(policy)
            else _WEIGHTS[policy.basis]
        )
        subject, verb = (
            f"{share(measurement.value)} {share_of}",
            plural if is_plural else singular,
        )
    else:
        noun = "critical application" if counts_critical(policy) else "application"
        subject, verb = (
            counted(int(measurement.value), noun),
            singular if int(measurement.value) == 1 else plural,
        )
    if policy.predicate:
        return f"{subject} {verb}"
    return f"{subject} {verb} {one_line(node)}{f' as {kind}' if kind else ''}"


def tolerance_text(policy: Policy, measurement: Measurement) -> str:
    """Return the tolerance as `tolerance 50%`."""
    return f"tolerance {format_measure(policy, measurement.limit)}"


def _find_verbs(policy: Policy) -> tuple[str, str]:
    """Return (singular, plural) of the policy's verb phrase."""
    if policy.predicate:
        return _PREDICATES[policy.predicate]
    states = frozenset(policy.states)
    if states in _STATES:
        return _STATES[states]
    state_names = " or ".join(state.label.lower() for state in StandingState if state in states)
    return f"would be {state_names} without", f"would be {state_names} without"


def node_kind_label(flag: ExposureFlag) -> str:
    """Return the kind of the flag's node, such as `developer`; empty for a flag of the portfolio.
    `flag.node` must be loaded."""
    return "" if flag.node is None else flag.node.get_kind_display()


def flag_alert_details(event: Any, flag: ExposureFlag) -> dict[str, Any]:
    """Return the `Alert.details` of an alert about an event of a flag."""
    return {
        "value": str(event.value.normalize()),
        "limit": str(flag.limit.normalize()),
        "n": flag.n_applications,
    }
