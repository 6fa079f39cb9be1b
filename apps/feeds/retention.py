"""Retention of polls: runs are kept for a period, the facts they established for ever."""

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from apps.common.retention import (
    RetentionGroup,
    RetentionRule,
    TaskLimit,
    declare_retention,
    format_days,
    permanent_tables,
)
from apps.feeds.models import FeedRun, NoticeAnnouncement, QuarantinedRow, ReceivedNotice

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
    RetentionRule(
        ReceivedNotice,
        RetentionGroup.RUNS,
        ended=Coalesce("dismissed_at", "received_at"),
        setting="RUN_DAYS",
        # a notice that waits for a decision is kept
        only=Q(dismissed_at__isnull=False)
        | Q(Exists(NoticeAnnouncement.objects.filter(notice=OuterRef("pk")))),
        parts=("feeds.NoticeAnnouncement",),
    ),
    TaskLimit(
        "feeds_payload",
        RetentionGroup.FILES,
        "feeds.forget_old_payloads",
        lambda: format_days(settings.PAYLOAD_DAYS or None),
    ),
    *permanent_tables(
        RetentionGroup.RUNS,
        "it ends with its received notice",
        "feeds_noticeannouncement",
    ),
    *permanent_tables(
        RetentionGroup.RUNS,
        "the one row of settings, and the one row of the mailbox's state",
        "feeds_noticemailsettings",
        "feeds_noticemailstatus",
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
