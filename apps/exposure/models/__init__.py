"""Models of the exposure app, one module per subject."""

from apps.exposure.models.campaigns import Campaign, CampaignTask, TaskStep
from apps.exposure.models.engine import (
    ActiveDependency,
    Candidate,
    CandidateGrade,
    EngineFooting,
    EngineState,
    MinimalCutSet,
    NodeReach,
    NodeSummary,
    PairGrade,
    PartyFooting,
    Path,
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
    "ActiveDependency",
    "BaseLoss",
    "Basis",
    "Campaign",
    "CampaignTask",
    "Candidate",
    "CandidateGrade",
    "ConcentrationSnapshot",
    "EngineFooting",
    "EngineState",
    "EventRate",
    "ExposureFlag",
    "ExposureSettings",
    "FlagEvent",
    "HandledEvent",
    "Layer",
    "LossRun",
    "MinimalCutSet",
    "NodeReach",
    "NodeSnapshot",
    "NodeSummary",
    "OrganisationQuerySet",
    "PairGrade",
    "PartyFooting",
    "Path",
    "Policy",
    "Predicate",
    "RunState",
    "Scenario",
    "ScenarioRun",
    "ScopedApplication",
    "StandingState",
    "TaskStep",
]
