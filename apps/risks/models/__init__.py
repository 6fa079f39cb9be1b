"""The records of inherited risk, one module per subject."""

from apps.risks.models.assessments import (
    Assessment,
    AssessmentEvidence,
    HandledEvent,
    StaleCause,
    Treatment,
)
from apps.risks.models.catalogue import (
    Layer,
    Modifier,
    Predicate,
    RiskTemplate,
    Taxonomy,
    TaxonomyEntry,
    TemplateMapping,
)
from apps.risks.models.counts import CountState, DependencyCount, LevelCount, RiskCount, TeamCount
from apps.risks.models.evidence import EvaluationItems, Evidence
from apps.risks.models.risks import Confidence, FoundationRisk, RiskEvidence, RuleName

__all__ = [
    "Assessment",
    "AssessmentEvidence",
    "Confidence",
    "CountState",
    "DependencyCount",
    "EvaluationItems",
    "Evidence",
    "FoundationRisk",
    "HandledEvent",
    "Layer",
    "LevelCount",
    "Modifier",
    "Predicate",
    "RiskCount",
    "RiskEvidence",
    "RiskTemplate",
    "RuleName",
    "StaleCause",
    "Taxonomy",
    "TaxonomyEntry",
    "TeamCount",
    "TemplateMapping",
    "Treatment",
]
