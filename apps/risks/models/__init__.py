"""The records of inherited risk, one module per subject."""

from apps.risks.models.assessments import Assessment, AssessmentEvidence, HandledEvent, StaleCause, Treatment
from apps.risks.models.catalogue import (
    Layer,
    Modifier,
    Predicate,
    RiskTemplate,
    Taxonomy,
    TaxonomyEntry,
    TemplateMapping,
)
from apps.risks.models.evidence import Evidence
from apps.risks.models.risks import Confidence, FoundationRisk, RiskEvidence, RuleName

__all__ = [
    "Assessment",
    "AssessmentEvidence",
    "Confidence",
    "Evidence",
    "FoundationRisk",
    "HandledEvent",
    "Layer",
    "Modifier",
    "Predicate",
    "RiskEvidence",
    "RiskTemplate",
    "RuleName",
    "StaleCause",
    "Taxonomy",
    "TaxonomyEntry",
    "TemplateMapping",
    "Treatment",
]
