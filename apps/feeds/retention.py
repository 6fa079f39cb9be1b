"""Retention of polls: runs are kept for a period, the facts they established for ever."""

from django.conf import settings
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
from apps.feeds.models import FeedRun, QuarantinedRow

declare_retention(
    RetentionRule(
        FeedRun,
        RetentionGroup.RUNS,
        ended=Coalesce("finished_at", "queued_at"),
        setting="RUN_DAYS",
        only=~Q(status__in=FeedRun.OPEN),
        # A marker that the run was handled is of no use without the run.
        parts=("alerts.HandledRun",),
        # The latest run of each source and status shows the current state of the source.
        latest_per=("source", "status"),
    ),
    RetentionRule(QuarantinedRow, RetentionGroup.RUNS, ended=F("resolved_at"), setting="RUN_DAYS"),
    TaskLimit(
        "feeds_payload",
        RetentionGroup.FILES,
        "feeds.forget_old_payloads",
        lambda: format_days(settings.PAYLOAD_DAYS or None),
    ),
    *permanent_tables(
        RetentionGroup.CATALOGUE,
        "how sources are read, and the decisions of users about provider notices",
        "feeds_providernotice",
        "feeds_hostpause",
        "feeds_pollstate",
        "feeds_sourcemapping",
    ),
)
