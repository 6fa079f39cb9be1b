"""Models of the exposure app, one module per subject."""

from apps.exposure.models.campaigns import Campaign, CampaignTask, TaskStep
from apps.exposure.models.engine import (
    Candidate,
    Cut,
    EngineState,
    HeldFooting,
    LiveUse,
    NodeReach,
    NodeSummary,
    PairGrade,
    PartyFooting,
    Path,
    Rescue,
    ScopedApplication,
)
from apps.exposure.models.policies import (
    Basis,
    ExposureFlag,
    FlagEvent,
    HandledEvent,
    Layer,
    OrganisationQuerySet,
    Policy,
    Predicate,
    StandingState,
)
from apps.exposure.models.scenarios import (
    BaseLoss,
    EventRate,
    LossRun,
    RunState,
    Scenario,
    ScenarioRun,
)
from apps.exposure.models.settings import ExposureSettings
from apps.exposure.models.snapshots import ConcentrationSnapshot, NodeSnapshot

__all__ = [
    "BaseLoss",
    "Basis",
    "Campaign",
    "CampaignTask",
    "Candidate",
    "ConcentrationSnapshot",
    "Cut",
    "EngineState",
    "EventRate",
    "ExposureFlag",
    "ExposureSettings",
    "FlagEvent",
    "HandledEvent",
    "HeldFooting",
    "Layer",
    "LiveUse",
    "LossRun",
    "NodeReach",
    "NodeSnapshot",
    "NodeSummary",
    "OrganisationQuerySet",
    "PairGrade",
    "PartyFooting",
    "Path",
    "Policy",
    "Predicate",
    "Rescue",
    "RunState",
    "Scenario",
    "ScenarioRun",
    "ScopedApplication",
    "StandingState",
    "TaskStep",
]
