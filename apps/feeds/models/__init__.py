"""Models of polls, provider notices and received notices."""

from apps.feeds.models.polls import (
    FeedRun,
    FeedRunQuerySet,
    Health,
    HostPause,
    Payload,
    PollState,
    ProviderNotice,
    ProviderNoticeQuerySet,
    QuarantinedRow,
    QuarantinedRowQuerySet,
    QuarantineReason,
    SourceMapping,
    source_health,
)
from apps.feeds.models.received_notices import (
    NoticeAnnouncement,
    NoticeMailSettings,
    NoticeMailStatus,
    ReceivedNotice,
    ReceivedNoticeQuerySet,
)

__all__ = [
    "FeedRun",
    "FeedRunQuerySet",
    "Health",
    "HostPause",
    "NoticeAnnouncement",
    "NoticeMailSettings",
    "NoticeMailStatus",
    "Payload",
    "PollState",
    "ProviderNotice",
    "ProviderNoticeQuerySet",
    "QuarantineReason",
    "QuarantinedRow",
    "QuarantinedRowQuerySet",
    "ReceivedNotice",
    "ReceivedNoticeQuerySet",
    "SourceMapping",
    "source_health",
]
