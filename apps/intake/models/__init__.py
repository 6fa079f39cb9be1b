"""Models of the intake, one module per subject."""

from apps.intake.models.billed_costs import BilledCost, BilledCostQuerySet
from apps.intake.models.cloud_accounts import (
    AccountDeployment,
    CloudAccount,
    CloudCredential,
    CloudPull,
)
from apps.intake.models.deployments import Deployment, DeploymentQuerySet
from apps.intake.models.discrepancies import (
    Discrepancy,
    HandledIdentity,
    IntakeSettings,
    StreamSummary,
)
from apps.intake.models.imports import (
    Import,
    ImportContent,
    ImportQuerySet,
    ImportRow,
    ImportRowEdit,
    ImportValue,
    SavedMapping,
)
from apps.intake.models.observations import (
    CallBatch,
    Confidence,
    CountedCall,
    MeteredSeries,
    NameDecision,
    Observation,
    ObservationQuerySet,
    Service,
    ServiceQuerySet,
    ServiceToken,
    UnmatchedCall,
    UsageDay,
)
from apps.intake.models.senders import SenderFact
from apps.intake.models.tokens import TokenBinding

__all__ = [
    "AccountDeployment",
    "BilledCost",
    "BilledCostQuerySet",
    "CallBatch",
    "CloudAccount",
    "CloudCredential",
    "CloudPull",
    "Confidence",
    "CountedCall",
    "Deployment",
    "DeploymentQuerySet",
    "Discrepancy",
    "HandledIdentity",
    "Import",
    "ImportContent",
    "ImportQuerySet",
    "ImportRow",
    "ImportRowEdit",
    "ImportValue",
    "IntakeSettings",
    "MeteredSeries",
    "NameDecision",
    "Observation",
    "ObservationQuerySet",
    "SavedMapping",
    "SenderFact",
    "Service",
    "ServiceQuerySet",
    "ServiceToken",
    "StreamSummary",
    "TokenBinding",
    "UnmatchedCall",
    "UsageDay",
]
