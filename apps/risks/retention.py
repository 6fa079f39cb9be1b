"""What is kept of risks: what people assessed, and the evidence for it."""

from apps.common.retention import RetentionGroup, declare_retention, permanent_tables

declare_retention(
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "what people assessed and accepted, and the evidence for it",
        "risks_assessment",
        "risks_assessmentevidence",
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
        "counts that are made again, and which provider events have been handled",
        "risks_countstate",
        "risks_handledevent",
        "risks_levelcount",
        "risks_riskcount",
        "risks_teamcount",
    ),
)
