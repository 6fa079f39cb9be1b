"""What is kept of risks: what people assessed, and the evidence for it."""

from apps.common.retention import Group, declare, kept_tables

declare(
    *kept_tables(
        Group.INVENTORY,
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
    *kept_tables(
        Group.DERIVED,
        "counts that are made again, and which provider events have been handled",
        "risks_countstate",
        "risks_handledevent",
        "risks_levelcount",
        "risks_riskcount",
        "risks_teamcount",
    ),
)
