"""Outbox: notifications (who receives an alert) and deliveries (the log of messages sent)."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Team, own
from apps.alerts.models.alerts import Alert
from apps.alerts.models.channels import Webhook
from apps.alerts.models.outcomes import SkipReason, delivery_sentence, skip_sentence
from apps.alerts.models.preferences import Mute

_ONE_RECIPIENT = (
    Q(team__isnull=False, user__isnull=True, webhook__isnull=True)
    | Q(team__isnull=True, user__isnull=False, webhook__isnull=True)
    | Q(team__isnull=True, user__isnull=True, webhook__isnull=False)
)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: Any) -> "DeliveryQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        teams = user.team_roles()
        of_channels = ~Q(webhook__service="webhook") & (
            Q(webhook__team__in=teams) | own(user, "webhook__person")
        )
        return self.filter(Q(team__in=teams) | own(user) | of_channels)


class Delivery(models.Model):
    """One message to one address. `message_id` is fixed before the first attempt and never changes.

    Links with a secret of the recipient (to respond, to unsubscribe) are inserted into the message
    only while it is sent, so that readers of the delivery log cannot act for others."""

    class State(models.TextChoices):
        QUEUED = "queued", "Pending"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Not sent"

    class Kind(models.TextChoices):
        DIGEST = "digest", "Digest"
        SUMMARY = "summary", "First summary"
        IMMEDIATE = "immediate", "Immediate"
        HEARTBEAT = "heartbeat", "Empty digest"
        WEBHOOK = "webhook", "Webhook"
        MAILBOX = "mailbox", "Mailbox preferences changed"
        USE_CASE = "use_case", "Proposed use case"
        CHANNEL = "channel", "Channel message"
        DISABLED = "disabled", "Channel disabled"

    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    webhook = models.ForeignKey(
        Webhook, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.DIGEST)
    address = models.CharField(
        max_length=500, help_text="Email address, URL of the webhook, or name of the channel."
    )
    message_id = models.CharField(max_length=200, unique=True)
    thread = models.CharField(
        max_length=200, blank=True, help_text="Message-ID of the first email of the thread."
    )
    subject = models.CharField(max_length=300)
    body_text = models.TextField(help_text="Text of the email, or JSON of the message.")
    body_html = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=500, blank=True, help_text="Reason of the failure.")
    skip_reason = models.CharField(max_length=16, choices=SkipReason, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        help_text="Earliest time of sending; each failed attempt postpones it."
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(
        default=timezone.now, help_text="Time of creation; the Date of the email."
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["due_at"],
                name="delivery_owed",
                condition=Q(state__in=["queued", "sending"]),
            ),
            models.Index(fields=["-created_at", "-id"], name="delivery_latest"),
            models.Index(
                fields=["user", "-created_at"],
                name="delivery_by_user",
                condition=Q(user__isnull=False),
            ),
            models.Index(
                fields=["team", "-created_at"],
                name="delivery_by_team",
                condition=Q(team__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(name="delivery_has_one_recipient", condition=_ONE_RECIPIENT),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.address}"

    @property
    def reason_sentence(self) -> str:
        """Return why it was skipped or has failed; empty otherwise."""
        return delivery_sentence(self.skip_reason, self.reason)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def owed(self) -> "NoticeQuerySet":
        """Select pending notifications: in no message yet, and not skipped."""
        return self.filter(delivery__isnull=True, skip_reason="")

    def visible_to(self, user: Any) -> "NoticeQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(Q(alert__team__in=user.team_roles()) | own(user))


class Notice(models.Model):
    """A notification of one recipient of an alert, on one occasion, and its outcome: the proof of
    who was notified.

    It is in a `delivery`, skipped for `skip_reason`, or pending. The recipient is a user, a team
    mailbox, or a webhook or other channel."""

    class Why(models.TextChoices):
        OWNER = "owner", "owner of the application"
        TEAM = "team", "mailbox of the team"
        TEAM_OWNER = "team_owner", "team owner"
        GOVERNANCE = "governance", "governance"
        OPERATOR = "operator", "administrator"
        ESCALATION = "escalation", "escalated"
        ASSIGNED = "assigned", "assignee"
        SUBSCRIPTION = "subscription", "subscribed"
        WEBHOOK = "webhook", "is a webhook"
        CHANNEL = "channel", "is a channel"
        OWN = "own", "creator"
        MENTIONED = "mentioned", "mentioned in a comment"
        DEPUTY = "deputy", "deputy"

    class Occasion(models.TextChoices):
        """The trigger of a notification, once for an alert and recipient; a repeatable one includes
        its date, `woken 2026-12-01`."""

        RAISED = "raised", "Raised"
        RESOLVED = "resolved", "Resolved"
        ESCALATED = "escalated", "Escalated"
        WOKEN = "woken", "Snooze ended"
        UNMUTED = "unmuted", "Mute ended"
        ASSIGNED = "assigned", "Assigned"
        ASKED = "asked", "Requested"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        REOPENED = "reopened", "Reopened"

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="notices")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="notices"
    )
    webhook = models.ForeignKey(
        Webhook, on_delete=models.PROTECT, null=True, blank=True, related_name="notices"
    )
    why = models.CharField(max_length=12, choices=Why)
    occasion = models.CharField(max_length=30, default=Occasion.RAISED)
    application_ids = models.JSONField(
        null=True, blank=True, help_text="Null: all applications of the alert."
    )
    urgent = models.BooleanField(default=False)
    owed_at = models.DateTimeField()
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="notices"
    )
    skip_reason = models.CharField(
        max_length=16, choices=SkipReason, blank=True, help_text="Reason why it was not sent."
    )
    skip_details = models.JSONField(
        default=dict, blank=True, help_text="`until` of a mute; `text` of another reason."
    )
    mute = models.ForeignKey(
        Mute,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Mute that applied.",
    )

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["owed_at", "id"]
        indexes = [
            models.Index(
                fields=["user", "team", "webhook", "owed_at"],
                name="notice_owed",
                include=["urgent"],
                condition=Q(delivery__isnull=True, skip_reason=""),
            ),
            models.Index(
                fields=["delivery"], name="notice_carried", condition=Q(delivery__isnull=False)
            ),
            models.Index(
                fields=["webhook", "alert", "id"],
                name="notice_by_channel",
                condition=Q(webhook__isnull=False),
            ),
            # Rows are inserted in the order of their age, and purged by age once a night.
            BrinIndex(fields=["owed_at"], name="notice_by_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "user", "team", "webhook", "occasion"],
                name="notice_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="notice_has_one_recipient", condition=_ONE_RECIPIENT),
        ]

    def __str__(self) -> str:
        return f"{self.occasion} {self.alert_id}"

    @property
    def skip_sentence(self) -> str:
        """Return why it was skipped; empty if it is in a message, or pending."""
        return skip_sentence(self.skip_reason, self.skip_details)

    @property
    def occasion_word(self) -> str:
        """Return the occasion without its date."""
        return self.occasion.partition(" ")[0]


class Tick(models.Model):
    """The time at which a job last completed: whatever became due since then is due now, even if
    the clock was changed meanwhile."""

    name = models.CharField(max_length=30, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M}"
