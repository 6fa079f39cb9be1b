"""What is kept of what was handed in: that a pack was made and what was in it, as long as the history."""

from django.db.models import Q
from django.db.models.functions import Coalesce

from apps.common.retention import Group, RetentionRule, TaskLimit, days_in_words, declare, kept_tables
from apps.reports.models import EvidencePack
from apps.reports.packs.actions import KEPT

declare(
    RetentionRule(
        EvidencePack,
        Group.HISTORY,
        ended=Coalesce("finished_at", "as_of"),
        setting="HISTORY_DAYS",
        only=~Q(state__in=EvidencePack.OPEN),
        parts=("reports.EvidencePackPart",),
    ),
    TaskLimit(
        "reports_evidencepackpart",
        Group.FILES,
        "reports.drop_expired_packs",
        lambda: days_in_words(KEPT.days),
    ),
    *kept_tables(
        Group.INVENTORY,
        "what people stated for reports",
        "reports_componentanswer",
        "reports_modelstatement",
        "reports_reportingentity",
    ),
    *kept_tables(Group.DERIVED, "figures that are counted again", "reports_keptfigures"),
)
