"""Models of the gate app, one module per subject."""

from apps.gate.models.policy import GatePolicy, Horizon
from apps.gate.models.runs import GateFinding, GateRun, GateRunQuerySet
from apps.gate.models.waivers import MAX_WAIVER_DURATION, Waiver, WaiverQuerySet

__all__ = [
    "MAX_WAIVER_DURATION",
    "GateFinding",
    "GatePolicy",
    "GateRun",
    "GateRunQuerySet",
    "Horizon",
    "Waiver",
    "WaiverQuerySet",
]
