"""Models of the reports app: data that only reports need, and evidence packs."""

from apps.reports.models.commentary import MAX_COMMENTARY_LENGTH, BoardCommentary
from apps.reports.models.packs import EvidencePack, EvidencePackPart
from apps.reports.models.statements import (
    CachedReportFigures,
    ComponentAnswer,
    ModelStatement,
    ReportingEntity,
)

__all__ = [
    "MAX_COMMENTARY_LENGTH",
    "BoardCommentary",
    "CachedReportFigures",
    "ComponentAnswer",
    "EvidencePack",
    "EvidencePackPart",
    "ModelStatement",
    "ReportingEntity",
]
