"""Models of the alerts app, one module per subject."""

from apps.alerts.models.alerts import (
    Alert,
    AlertQuerySet,
    HandledDiscrepancy,
    HandledEvent,
    HandledFlagEvent,
    HandledRun,
    HandledStaleness,
    was_mailed,
)
from apps.alerts.models.channels import (
    CalendarFeed,
    Channel,
    ChannelCredential,
    ChannelService,
    SlackRequest,
    Webhook,
)
from apps.alerts.models.deliveries import Delivery, DeliveryQuerySet, Notice, NoticeQuerySet, Tick
from apps.alerts.models.issue_links import AlertIssue, PendingLink
from apps.alerts.models.kinds import (
    KINDS,
    PERSONAL_KINDS,
    DayKind,
    FeedKind,
    FlagKind,
    IssueAlertKind,
    PersonKind,
    SeenKind,
    StateKind,
    SubjectKind,
    TaskKind,
)
from apps.alerts.models.outcomes import Resolution, SkipReason
from apps.alerts.models.preferences import Cadence, Mute, Preference, Subscription
from apps.alerts.models.settings import AlertPolicy, AlertSettings

__all__ = [
    "KINDS",
    "PERSONAL_KINDS",
    "Alert",
    "AlertIssue",
    "AlertPolicy",
    "AlertQuerySet",
    "AlertSettings",
    "Cadence",
    "CalendarFeed",
    "Channel",
    "ChannelCredential",
    "ChannelService",
    "DayKind",
    "Delivery",
    "DeliveryQuerySet",
    "FeedKind",
    "FlagKind",
    "HandledDiscrepancy",
    "HandledEvent",
    "HandledFlagEvent",
    "HandledRun",
    "HandledStaleness",
    "IssueAlertKind",
    "Mute",
    "Notice",
    "NoticeQuerySet",
    "PendingLink",
    "PersonKind",
    "Preference",
    "Resolution",
    "SeenKind",
    "SkipReason",
    "SlackRequest",
    "StateKind",
    "SubjectKind",
    "Subscription",
    "TaskKind",
    "Tick",
    "Webhook",
    "was_mailed",
]
