"""What is handed in: the register of information, component files, model inventory, packs, the
board's figures."""

from apps.api.reports.packs import EvidencePackViewSet
from apps.api.reports.tables import (
    BoardView,
    ComponentFileView,
    ModelInventoryRowsView,
    ModelInventoryView,
    RegisterRowsView,
    RegisterView,
)

__all__ = [
    "BoardView",
    "ComponentFileView",
    "EvidencePackViewSet",
    "ModelInventoryRowsView",
    "ModelInventoryView",
    "RegisterRowsView",
    "RegisterView",
]
