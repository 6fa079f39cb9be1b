"""Labels of the observed usage pages: connections, states, types and what each requires. Plain
Python."""

from collections.abc import Mapping
from typing import Any

from apps.alerts.kinds.usage_discrepancies import ALERT_KINDS
from apps.alerts.kinds.usage_discrepancy_text import GUIDANCE, kind_clause
from apps.intake.models import Discrepancy, Observation

Kind, State = Discrepancy.Kind, Observation.State

KINDS: Mapping[str, str] = {
    Kind.SHADOW: "Undeclared use",
    Kind.UNSEEN: "Unconfirmed use",
    Kind.DRIFT: "Version drift",
    Kind.OTHER_SERVED: "Different model served",
    Kind.OUT_OF_USE: "Retired application in use",
}
STATES: Mapping[str, str] = {
    "open": "Open",
    Discrepancy.Closed.DECLARED: "Declared",
    Discrepancy.Closed.ENDED: "Ended",
    Discrepancy.Closed.DISMISSED: "Dismissed",
}
OBSERVED: Mapping[str, str] = {
    State.NEW: "being processed",
    State.MATCHED: "matched to a dependency",
    State.UNRESOLVED: "unresolved model",
    State.UNCLAIMED: "unknown application",
    State.OUT_OF_USE: "retired application",
    State.SET_ASIDE: "not counted",
}

_SENDERS: Mapping[str, str] = {
    "otlp": "Traces (OTLP)",
    "otlp-metrics": "Metrics (OTLP)",
    "litellm": "LiteLLM calls",
    "litellm-callback": "LiteLLM calls",
    "litellm-config": "LiteLLM configuration",
    "cyclonedx": "CycloneDX",
    "spdx": "SPDX",
    "backstage": "Backstage",
    "azure-deployments": "Azure deployments",
    "bedrock-profiles": "Bedrock profiles",
    "terraform": "Terraform state",
    "cloud-account": "Cloud account",
}


def sender_name(stream: str) -> str:
    """Return `CycloneDX by cdxgen`, `Traces (OTLP)`; an unknown sender is named as it names
    itself."""
    sender_format, _sep, maker = stream.partition(":")
    name = str(_SENDERS.get(sender_format, sender_format))
    return f"{name} by {maker}" if maker else name


def endpoint_name(scope: str) -> str:
    """Return the endpoint of a sender's name: `Traces and metrics (OTLP)`, `Calls through the
    gateway eu`."""
    if not scope:
        return "traces and metrics (OTLP)"
    sender_format = scope.partition(":")[0]
    return sender_name(scope) if sender_format in _SENDERS and ":" in scope else f"gateway {scope}"


def describe_discrepancy(row: Discrepancy) -> str:
    """Describe a discrepancy, such as `calls gpt-4o at OpenAI, which nobody declared`."""
    return kind_clause(ALERT_KINDS[row.kind], [row.details], 1)


def describe_action(kind: str, details: Mapping[str, Any]) -> str:
    if details.get("answers"):
        return f"Declare it to choose this model ID for “{details['answers']}”."
    return GUIDANCE[ALERT_KINDS[kind]][1]
