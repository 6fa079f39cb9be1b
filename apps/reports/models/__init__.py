"""What the reports need and no floor below holds, and the packs of evidence that were asked for."""

from apps.reports.models.packs import EvidencePack, EvidencePackPart
from apps.reports.models.statements import (
    CachedReportFigures,
    ComponentAnswer,
    ModelStatement,
    ReportingEntity,
)

__all__ = [
    "CachedReportFigures",
    "ComponentAnswer",
    "EvidencePack",
    "EvidencePackPart",
    "ModelStatement",
    "ReportingEntity",
]
