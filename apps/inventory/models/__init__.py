"""The records of the inventory, one module per subject."""

from apps.inventory.models.applications import (
    CRITICALITY_WORDS,
    Application,
    ApplicationQuerySet,
    Criticality,
)
from apps.inventory.models.change_queue import ChangedApplication
from apps.inventory.models.contracts import AnnexItem, Contract, OnFile
from apps.inventory.models.decisions import Approval, Selection, SelectionCandidate
from apps.inventory.models.dependencies import Dependency, DependencyQuerySet
from apps.inventory.models.exchange_rates import ExchangeRate, ExchangeRateQuerySet
from apps.inventory.models.exits import Adaptation, ExitPlan, ExitTest
from apps.inventory.models.files import ListExport, ListExportPart
from apps.inventory.models.proposals import ConfirmationSettings, DecisionProposal
from apps.inventory.models.read_models import (
    CachedFinding,
    CachedRunway,
    ReadModelState,
    StaleApplication,
)
from apps.inventory.models.requirements import Requirement
from apps.inventory.models.use_cases import ProposedUseCase, UseCaseLink, UseCaseQuestion

__all__ = [
    "CRITICALITY_WORDS",
    "Adaptation",
    "AnnexItem",
    "Application",
    "ApplicationQuerySet",
    "Approval",
    "CachedFinding",
    "CachedRunway",
    "ChangedApplication",
    "ConfirmationSettings",
    "Contract",
    "Criticality",
    "DecisionProposal",
    "Dependency",
    "DependencyQuerySet",
    "ExchangeRate",
    "ExchangeRateQuerySet",
    "ExitPlan",
    "ExitTest",
    "ListExport",
    "ListExportPart",
    "OnFile",
    "ProposedUseCase",
    "ReadModelState",
    "Requirement",
    "Selection",
    "SelectionCandidate",
    "StaleApplication",
    "UseCaseLink",
    "UseCaseQuestion",
]
