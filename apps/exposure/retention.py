"""Retention of exposure: decisions permanently, answers for a limited time, snapshots thinned
out."""

from django.conf import settings
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
from apps.exposure.models import LossRun, ScenarioRun
from apps.exposure.snapshots.daily import DAILY_RETENTION_MONTHS


def _snapshot_limit() -> str:
    return (
        f"daily for {DAILY_RETENTION_MONTHS} months, then monthly for "
        f"{format_days(settings.HISTORY_DAYS or None)}"
    )


declare_retention(
    RetentionRule(
        LossRun,
        RetentionGroup.RUNS,
        ended=Coalesce("finished_at", "queued_at"),
        setting="RUN_DAYS",
        only=~Q(state__in=LossRun.OPEN),
        latest_per=("state",),
    ),
    RetentionRule(
        ScenarioRun,
        RetentionGroup.RUNS,
        ended=Coalesce("finished_at", "queued_at"),
        setting="RUN_DAYS",
        only=~Q(state__in=ScenarioRun.OPEN),
        # the answer that users find with the scenario
        latest_per=("scenario", "state"),
    ),
    TaskLimit(
        "exposure_nodesnapshot", RetentionGroup.DERIVED, "exposure.take_snapshot", _snapshot_limit
    ),
    TaskLimit(
        "exposure_concentrationsnapshot",
        RetentionGroup.DERIVED,
        "exposure.take_snapshot",
        _snapshot_limit,
    ),
    TaskLimit(
        "exposure_monthlyconcentration",
        RetentionGroup.DERIVED,
        "exposure.take_snapshot",
        lambda: f"monthly for {format_days(settings.HISTORY_DAYS or None)}",
    ),
    *permanent_tables(
        RetentionGroup.INVENTORY,
        "exposure policies, flags with reasons, campaigns and loss assumptions",
        "exposure_baseloss",
        "exposure_campaign",
        "exposure_campaign_offerings",
        "exposure_campaigntask",
        "exposure_campaigntask_evidence",
        "exposure_eventrate",
        "exposure_exposureflag",
        "exposure_exposuresettings",
        "exposure_flagevent",
        "exposure_policy",
        "exposure_scenario",
        "exposure_taskstep",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED,
        "engine tables; deleted when a refresh no longer produces them",
        "exposure_candidate",
        "exposure_minimalcutset",
        "exposure_enginestate",
        "exposure_handledevent",
        "exposure_enginefooting",
        "exposure_activedependency",
        "exposure_nodereach",
        "exposure_nodesummary",
        "exposure_pairgrade",
        "exposure_partyfooting",
        "exposure_path",
        "exposure_candidategrade",
        "exposure_scopedapplication",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED,
        "measured every hour; deleted when a dependency is no longer a primary model",
        "exposure_measuredopenweights",
    ),
)
