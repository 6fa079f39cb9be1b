"""The gate: the question pipelines ask, its policy, its runs and its waivers."""

from apps.api.gate.asking import BundleView, GateRunView, GateView, ReleasedView
from apps.api.gate.policy import GatePolicyView
from apps.api.gate.runs import GateRunViewSet
from apps.api.gate.waivers import WaiverViewSet

__all__ = [
    "BundleView",
    "GatePolicyView",
    "GateRunView",
    "GateRunViewSet",
    "GateView",
    "ReleasedView",
    "WaiverViewSet",
]
