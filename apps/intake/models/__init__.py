"""The records of the intake, one module per subject."""

from apps.intake.models.deployments import Deployment, DeploymentQuerySet
from apps.intake.models.discrepancies import (
    Discrepancy,
    HandledIdentity,
    IntakeSettings,
    KeptStream,
)
from apps.intake.models.imports import Import, ImportContent, ImportQuerySet, ImportRow, SheetMemory
from apps.intake.models.observations import (
    CallBatch,
    Confidence,
    HalfCall,
    MeteredSeries,
    NameDecision,
    Observation,
    ObservationQuerySet,
    SeenCall,
    Service,
    ServiceQuerySet,
    ServiceToken,
    UsageDay,
)
from apps.intake.models.senders import SenderFact
from apps.intake.models.tokens import TokenBinding

__all__ = [
    "CallBatch",
    "Confidence",
    "Deployment",
    "DeploymentQuerySet",
    "Discrepancy",
    "HalfCall",
    "HandledIdentity",
    "Import",
    "ImportContent",
    "ImportQuerySet",
    "ImportRow",
    "IntakeSettings",
    "KeptStream",
    "MeteredSeries",
    "NameDecision",
    "Observation",
    "ObservationQuerySet",
    "SeenCall",
    "SenderFact",
    "Service",
    "ServiceQuerySet",
    "ServiceToken",
    "SheetMemory",
    "TokenBinding",
    "UsageDay",
]
