"""Retention of risks: assessments and their evidence."""

from apps.common.retention import RetentionGroup, declare_retention, permanent_tables

declare_retention(
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "assessments and acceptances by users, and their evidence",
        "risks_assessment",
        "risks_assessmentevidence",
        "risks_evaluationitems",
        "risks_evidence",
        "risks_foundationrisk",
        "risks_modifier",
        "risks_riskevidence",
        "risks_risktemplate",
        "risks_taxonomy",
        "risks_taxonomyentry",
        "risks_templatemapping",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED,
        "counts that can be recalculated, and the provider events that were handled",
        "risks_countstate",
        "risks_dependencycount",
        "risks_handledevent",
        "risks_levelcount",
        "risks_riskcount",
        "risks_teamcount",
    ),
)
