"""Choosing what to build on, over REST: contracts, documents, decisions, selections and
scorecards."""

from apps.api.choosing.approvals import ApprovalViewSet
from apps.api.choosing.contracts import AnnexItemViewSet, ContractViewSet
from apps.api.choosing.scorecards import (
    FoundationScorecardView,
    ProviderScorecardView,
    ScorecardComparisonView,
)
from apps.api.choosing.selections import SelectionViewSet

__all__ = [
    "AnnexItemViewSet",
    "ApprovalViewSet",
    "ContractViewSet",
    "FoundationScorecardView",
    "ProviderScorecardView",
    "ScorecardComparisonView",
    "SelectionViewSet",
]
