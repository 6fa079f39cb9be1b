"""What the pages of the intake say: senders by name, states, kinds and what each asks for. Plain Python."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.alerts.seen_alerts import KIND_OF
from apps.alerts.seen_words import GUIDANCE, clause_of
from apps.intake.models import Discrepancy, Observation

Kind, State = Discrepancy.Kind, Observation.State

KINDS: Mapping[str, Any] = {
    Kind.SHADOW: gettext_lazy("Seen, not declared"),
    Kind.UNSEEN: gettext_lazy("Declared, not seen"),
    Kind.DRIFT: gettext_lazy("Another version answers"),
    Kind.OTHER_SERVED: gettext_lazy("Another model answers"),
    Kind.OUT_OF_USE: gettext_lazy("Retired, and still calling"),
}
STATES: Mapping[str, Any] = {
    "open": gettext_lazy("Open"),
    Discrepancy.Closed.DECLARED: gettext_lazy("Declared"),
    Discrepancy.Closed.ENDED: gettext_lazy("Ended, or no longer so"),
    Discrepancy.Closed.DISMISSED: gettext_lazy("Left as it is"),
}
OBSERVED: Mapping[str, Any] = {
    State.NEW: gettext_lazy("being worked through"),
    State.MATCHED: gettext_lazy("part of a dependency"),
    State.UNRESOLVED: gettext_lazy("model not known"),
    State.UNCLAIMED: gettext_lazy("application not known"),
    State.OUT_OF_USE: gettext_lazy("application not in use"),
    State.SET_ASIDE: gettext_lazy("set aside"),
}

_SENDERS: Mapping[str, Any] = {
    "otlp": gettext_lazy("Traces (OTLP)"),
    "otlp-metrics": gettext_lazy("Metrics (OTLP)"),
    "litellm": gettext_lazy("LiteLLM calls"),
    "litellm-callback": gettext_lazy("LiteLLM calls"),
    "litellm-config": gettext_lazy("LiteLLM configuration"),
    "cyclonedx": gettext_lazy("CycloneDX"),
    "spdx": gettext_lazy("SPDX"),
    "backstage": gettext_lazy("Backstage"),
    "azure-deployments": gettext_lazy("Azure deployments"),
    "bedrock-profiles": gettext_lazy("Bedrock profiles"),
    "terraform": gettext_lazy("Terraform state"),
}


def sender(stream: str) -> str:
    """`CycloneDX by cdxgen`, `Traces (OTLP)`; a sender nobody here knows is called as it calls itself."""
    form, _sep, maker = stream.partition(":")
    name = str(_SENDERS.get(form, form))
    return _("%(name)s by %(maker)s") % {"name": name, "maker": maker} if maker else name


def endpoint(scope: str) -> str:
    """Where a sender's name was used: `Traces and metrics (OTLP)`, `Calls through the gateway eu`."""
    if not scope:
        return _("traces and metrics (OTLP)")
    form = scope.partition(":")[0]
    return sender(scope) if form in _SENDERS and ":" in scope else _("gateway %(name)s") % {"name": scope}


def finding(row: Discrepancy) -> str:
    """`calls gpt-4o at OpenAI, which nobody declared`"""
    return clause_of(KIND_OF[row.kind], [row.details], 1)


def todo(kind: str) -> str:
    return GUIDANCE[KIND_OF[kind]][1]
