"""The records of the inventory, one module per subject."""

from apps.inventory.models.applications import (
    CRITICALITY_WORDS,
    Application,
    ApplicationQuerySet,
    Criticality,
)
from apps.inventory.models.change_queue import TouchedApplication
from apps.inventory.models.contracts import AnnexItem, Contract, OnFile
from apps.inventory.models.decisions import Approval, Selection, SelectionCandidate
from apps.inventory.models.dependencies import Dependency, DependencyQuerySet
from apps.inventory.models.exits import Adaptation, ExitPlan, ExitTest
from apps.inventory.models.exports import MADE_BY_WORKER, MadeFile, MadeFilePart, MadeFileQuerySet
from apps.inventory.models.files import WrittenFile, WrittenFilePart
from apps.inventory.models.read_models import KeptFinding, KeptRunway, KeptState, UnkeptApplication

__all__ = [
    "CRITICALITY_WORDS",
    "MADE_BY_WORKER",
    "Adaptation",
    "AnnexItem",
    "Application",
    "ApplicationQuerySet",
    "Approval",
    "Contract",
    "Criticality",
    "Dependency",
    "DependencyQuerySet",
    "ExitPlan",
    "ExitTest",
    "KeptFinding",
    "KeptRunway",
    "KeptState",
    "MadeFile",
    "MadeFilePart",
    "MadeFileQuerySet",
    "OnFile",
    "Selection",
    "SelectionCandidate",
    "TouchedApplication",
    "UnkeptApplication",
    "WrittenFile",
    "WrittenFilePart",
]
