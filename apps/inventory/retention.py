"""Retention of the inventory: records entered by users, and requests for export files."""

from django.db.models import F, Q
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
from apps.inventory.models import ListExport, ProposedUseCase

# days after the decision; the form states them
DECLINED_USE_CASE_DAYS = 180

declare_retention(
    RetentionRule(
        ListExport,
        RetentionGroup.RUNS,
        ended=Coalesce("finished_at", "as_of"),
        setting="RUN_DAYS",
        only=~Q(state__in=ListExport.OPEN),
        parts=("inventory.ListExportPart",),
    ),
    # what persons without an account wrote, with their names and addresses
    RetentionRule(
        ProposedUseCase,
        RetentionGroup.INVENTORY,
        ended=F("decided_at"),
        days=DECLINED_USE_CASE_DAYS,
        only=Q(state=ProposedUseCase.State.DECLINED),
        parts=("inventory.UseCaseQuestion",),
    ),
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "part of a proposed use case, and deleted with it",
        "inventory_usecasequestion",
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
        "inventory_requirement",
        "inventory_selection",
        "inventory_selectioncandidate",
        "inventory_usecaselink",
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
