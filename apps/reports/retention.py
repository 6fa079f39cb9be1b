"""Retention of evidence packs: the record of a pack and its content is stored as long as the
history."""

from django.db.models import Q
from django.db.models.functions import Coalesce

from apps.common.retention import (
    RetentionGroup,
    RetentionRule,
    TaskLimit,
    declare_retention,
    format_days,
    permanent_tables,
)
from apps.reports.models import EvidencePack
from apps.reports.packs.actions import PACK_RETENTION

declare_retention(
    RetentionRule(
        EvidencePack,
        RetentionGroup.HISTORY,
        ended=Coalesce("finished_at", "as_of"),
        setting="HISTORY_DAYS",
        only=~Q(state__in=EvidencePack.OPEN),
        parts=("reports.EvidencePackPart",),
    ),
    TaskLimit(
        "reports_evidencepackpart",
        RetentionGroup.FILES,
        "reports.drop_expired_packs",
        lambda: format_days(PACK_RETENTION.days),
    ),
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "the statements of users for reports",
        "reports_boardcommentary",
        "reports_componentanswer",
        "reports_modelstatement",
        "reports_reportingentity",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED, "figures that are recalculated", "reports_cachedreportfigures"
    ),
)
