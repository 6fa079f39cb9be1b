"""What is owed to whom, and the ledger of what was sent."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact

from apps.accounts.models import Team
from apps.catalog.models import ProviderEvent, Source
from apps.common.history import tracked
from apps.exposure.models import ExposureFlag, FlagEvent
from apps.feeds.models import FeedRun


class FlagKind(models.TextChoices):
    """Kinds of alerts about a flag: the events of its life that somebody is owed word of."""

    OPENED = "opened", "Over tolerance"
    WORSENED = "worsened", "Beyond what was accepted"
    ACCEPTANCE_EXPIRED = "acceptance_expired", "Acceptance ran out"
    RESOLVED = "resolved", "Under tolerance again"


class FeedKind(models.TextChoices):
    """Kinds of alerts about a feed: the first two have a run as subject, the others a source."""

    BACKFILLED = "backfilled", "Had already ended"
    SUSPECT = "suspect", "Feed suspect"
    LATE = "late", "Feed late"
    FROZEN = "frozen", "Feed frozen"
    FRESH = "fresh", "Feed fresh again"


class AlertQuerySet(models.QuerySet["Alert"]):
    def owed(self) -> "AlertQuerySet":
        """Alerts that no mail carries yet; trouble with a feed that passed meanwhile is not worth one any more."""
        passed = Q(state=Alert.State.RESOLVED, kind__in=[FeedKind.SUSPECT, FeedKind.LATE, FeedKind.FROZEN])
        return self.filter(delivery__isnull=True).exclude(passed)

    def visible_to(self, user: Any) -> "AlertQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.reads_everything:
            return self
        return self.filter(Q(team__in=user.team_roles()) | Q(user=user))


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: Any) -> "DeliveryQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.reads_everything:
            return self
        return self.filter(Q(team__in=user.team_roles()) | Q(user=user))


class Delivery(models.Model):
    """One mail to one address. `message_id` is fixed before the first attempt and never changes."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    address = models.EmailField()
    message_id = models.CharField(max_length=200, unique=True)
    subject = models.CharField(max_length=300)
    body_text = models.TextField()
    body_html = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it failed or was skipped.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="Not sent before; moved on by each failed attempt.")
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["due_at"], name="delivery_owed", condition=Q(state__in=["queued", "sending"])),
        ]
        constraints = [
            models.CheckConstraint(
                name="delivery_has_one_recipient",
                condition=Q(team__isnull=False, user__isnull=True) | Q(team__isnull=True, user__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.address}"


@tracked()
class Alert(models.Model):
    """A stored state transition that somebody is owed word of; `key` makes it unique for ever."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        RESOLVED = "resolved", "Resolved"

    SEVERITIES: ClassVar[list[tuple[int, str]]] = [
        (1, "Note"), (2, "Low"), (3, "Medium"), (4, "High"), (5, "Severe"),
    ]  # fmt: skip

    key = models.CharField(max_length=200, unique=True, help_text="subject|kind|milestone|recipient")
    kind = models.CharField(max_length=20)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES)
    event = models.ForeignKey(ProviderEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    flag = models.ForeignKey(ExposureFlag, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    run = models.ForeignKey(FeedRun, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    details = models.JSONField(
        default=dict,
        blank=True,
        help_text="What the subject does not say by itself; the shapes stand in feed_words.py and flag_words.py.",
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    application_ids = models.JSONField(default=list, help_text="Applications of the recipient it concerns.")
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    raised_at = models.DateTimeField()
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-raised_at", "-id"]
        indexes = [
            models.Index(fields=["raised_at"], name="alert_undelivered", condition=Q(delivery__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                name="alert_has_one_subject",
                condition=Exact(
                    Func(
                        F("event"),
                        F("flag"),
                        F("run"),
                        F("source"),
                        function="num_nonnulls",
                        output_field=models.IntegerField(),
                    ),
                    1,
                ),
            ),
            models.CheckConstraint(
                name="alert_has_one_recipient",
                condition=Q(team__isnull=False, user__isnull=True) | Q(team__isnull=True, user__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class HandledEvent(models.Model):
    """Provider events this floor has worked through; one row per event, found by NOT EXISTS."""

    event = models.OneToOneField(ProviderEvent, on_delete=models.CASCADE, primary_key=True, related_name="+")
    handled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"event {self.event_id}"


class HandledRun(models.Model):
    """Feed runs this floor has worked through, of those that brought something to tell; found by NOT EXISTS."""

    run = models.OneToOneField(FeedRun, on_delete=models.CASCADE, primary_key=True, related_name="+")
    handled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"run {self.run_id}"


class HandledFlagEvent(models.Model):
    """Turns in the life of flags that this floor has worked through; one row per turn, found by NOT EXISTS."""

    event = models.OneToOneField(FlagEvent, on_delete=models.CASCADE, primary_key=True, related_name="+")
    handled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"flag event {self.event_id}"
