"""The doors of the intake: documents and sheets, Dependency-Track's shape of them, and what became
of each."""

from apps.api.intake.boms import BomTokenView, BomUploadView
from apps.api.intake.documents import IntakeView
from apps.api.intake.imports import ImportViewSet
from apps.api.intake.observations import ObservationViewSet

__all__ = ["BomTokenView", "BomUploadView", "ImportViewSet", "IntakeView", "ObservationViewSet"]
