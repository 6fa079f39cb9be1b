"""Inherited risk over REST, one module per resource."""

from apps.api.risks.assessments import AssessmentViewSet
from apps.api.risks.evidence import EvidenceViewSet
from apps.api.risks.foundation_risks import FoundationRiskViewSet
from apps.api.risks.inherited import InheritedRiskViewSet
from apps.api.risks.templates import RiskTemplateViewSet

__all__ = [
    "AssessmentViewSet",
    "EvidenceViewSet",
    "FoundationRiskViewSet",
    "InheritedRiskViewSet",
    "RiskTemplateViewSet",
]
