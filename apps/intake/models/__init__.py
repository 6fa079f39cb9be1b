"""The records of the intake, one module per subject."""

from apps.intake.models.discrepancies import Discrepancy, IntakeSettings
from apps.intake.models.imports import Import, ImportContent, ImportQuerySet, ImportRow, SheetMemory
from apps.intake.models.observations import (
    CallBatch,
    Confidence,
    NameDecision,
    Observation,
    ObservationQuerySet,
    SeenCall,
    Service,
    UsageDay,
)
from apps.intake.models.tokens import TokenBinding

__all__ = [
    "CallBatch",
    "Confidence",
    "Discrepancy",
    "Import",
    "ImportContent",
    "ImportQuerySet",
    "ImportRow",
    "IntakeSettings",
    "NameDecision",
    "Observation",
    "ObservationQuerySet",
    "SeenCall",
    "Service",
    "SheetMemory",
    "TokenBinding",
    "UsageDay",
]
