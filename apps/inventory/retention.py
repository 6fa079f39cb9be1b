"""Retention of the inventory: records entered by users, and requests for export files."""

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
from apps.inventory.export_files import FILE_RETENTION
from apps.inventory.models import ListExport

declare_retention(
    RetentionRule(
        ListExport,
        RetentionGroup.RUNS,
        ended=Coalesce("finished_at", "as_of"),
        setting="RUN_DAYS",
        only=~Q(state__in=ListExport.OPEN),
        parts=("inventory.ListExportPart",),
    ),
    TaskLimit(
        "inventory_listexportpart",
        RetentionGroup.FILES,
        "inventory.drop_expired_files",
        lambda: format_days(FILE_RETENTION.days),
    ),
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "what users entered and decided about applications",
        "inventory_adaptation",
        "inventory_annexitem",
        "inventory_application",
        "inventory_approval",
        "inventory_confirmationsettings",
        "inventory_contract",
        "inventory_decisionproposal",
        "inventory_dependency",
        "inventory_exchangerate",
        "inventory_exitplan",
        "inventory_exittest",
        "inventory_selection",
        "inventory_selectioncandidate",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED,
        "derived from the inventory; deleted when the inventory changes",
        "inventory_cachedfinding",
        "inventory_cachedrunway",
        "inventory_readmodelstate",
        "inventory_changedapplication",
        "inventory_staleapplication",
    ),
)
