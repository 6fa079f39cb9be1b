"""Data retention of the intake: files and calls expire, observed usage is kept without limit."""

from django.conf import settings
from django.db.models import F, Q

from apps.common.retention import (
    RetentionGroup,
    RetentionRule,
    TaskLimit,
    declare_retention,
    format_days,
    permanent_tables,
)
from apps.intake.accounts.pulls import KEPT_PULLS
from apps.intake.models import Discrepancy, Import, IntakeSettings, Observation
from apps.intake.telemetry.limits import CALL_KEY_HOURS
from apps.intake.telemetry.retention import SERIES_DAYS
from apps.intake.telemetry.sender_facts import LIFETIMES


def _usage_limit() -> str:
    return format_days(IntakeSettings.objects.get(pk=1).usage_retention_days)


def _payload_limit() -> str:
    return format_days(settings.PAYLOAD_DAYS or None)


declare_retention(
    # an import leads to its changes in the history, so it is kept as long as the history
    RetentionRule(
        Import,
        RetentionGroup.HISTORY,
        ended=F("received_at"),
        setting="HISTORY_DAYS",
        only=~Q(state__in=Import.OPEN),
        parts=(
            "intake.ImportContent",
            "intake.ImportRow",
            "intake.ImportValue",
            "intake.ImportRowEdit",
        ),
    ),
    RetentionRule(
        Observation,
        RetentionGroup.OBSERVATIONS,
        ended=F("last_seen_at"),
        setting="HISTORY_DAYS",
        only=Q(dependency__isnull=True),
    ),
    RetentionRule(
        Discrepancy,
        RetentionGroup.OBSERVATIONS,
        ended=F("closed_at"),
        setting="HISTORY_DAYS",
        # a response of a user stays valid until that user undoes it
        only=Q(closed_by__isnull=True),
        parts=("alerts.HandledDiscrepancy",),
    ),
    TaskLimit(
        "intake_importcontent", RetentionGroup.FILES, "intake.forget_old_files", _payload_limit
    ),
    TaskLimit("intake_importrow", RetentionGroup.FILES, "intake.forget_old_files", _payload_limit),
    TaskLimit(
        "intake_importvalue", RetentionGroup.FILES, "intake.forget_old_files", _payload_limit
    ),
    TaskLimit(
        "intake_importrowedit", RetentionGroup.FILES, "intake.forget_old_files", _payload_limit
    ),
    TaskLimit("intake_usageday", RetentionGroup.OBSERVATIONS, "intake.forget_calls", _usage_limit),
    TaskLimit(
        "intake_billedcost", RetentionGroup.OBSERVATIONS, "intake.forget_calls", _usage_limit
    ),
    TaskLimit(
        "intake_countedcall",
        RetentionGroup.OBSERVATIONS,
        "intake.forget_calls",
        lambda: format_days(CALL_KEY_HOURS // 24),
    ),
    TaskLimit(
        "intake_meteredseries",
        RetentionGroup.OBSERVATIONS,
        "intake.forget_calls",
        lambda: format_days(SERIES_DAYS),
    ),
    TaskLimit(
        "intake_senderfact",
        RetentionGroup.OBSERVATIONS,
        "intake.forget_calls",
        lambda: format_days(max(LIFETIMES.values()).days),
    ),
    TaskLimit(
        "intake_servicetoken", RetentionGroup.OBSERVATIONS, "intake.forget_calls", _usage_limit
    ),
    TaskLimit(
        "intake_callbatch",
        RetentionGroup.OBSERVATIONS,
        "intake.add_up_calls",
        lambda: format_days(1),
    ),
    TaskLimit(
        "intake_unmatchedcall",
        RetentionGroup.OBSERVATIONS,
        "intake.add_up_calls",
        lambda: format_days(1),
    ),
    TaskLimit(
        "intake_cloudpull",
        RetentionGroup.OBSERVATIONS,
        "intake.pull_due_accounts",
        lambda: f"the last {KEPT_PULLS} of each account",
    ),
    *permanent_tables(
        RetentionGroup.OBSERVATIONS,
        "what is in use, and the decisions of users about services and names",
        "intake_accountdeployment",
        "intake_cloudaccount",
        "intake_cloudcredential",
        "intake_deployment",
        "intake_handledidentity",
        "intake_intakesettings",
        "intake_streamsummary",
        "intake_namedecision",
        "intake_service",
        "intake_savedmapping",
        "intake_tokenbinding",
    ),
)
