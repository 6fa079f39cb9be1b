"""Notification preferences of users and team mailboxes: frequency, subscriptions, mutes."""

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Team, own
from apps.alerts.models.alerts import Alert
from apps.catalog.models import Foundation, Offering, Provider
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Application

_ONE_RECIPIENT = Q(team__isnull=False, user__isnull=True) | Q(team__isnull=True, user__isnull=False)


class OwnQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows of a user, and those of teams whose records the user can view."""

    def visible_to(self, user: Any) -> "OwnQuerySet[M]":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(own(user) | Q(team__in=user.team_roles()))


class Cadence(models.TextChoices):
    DAILY = "daily", "Daily"
    WORKING_DAYS = "working_days", "Weekdays"
    WEEKLY = "weekly", "Weekly"
    AT_ONCE = "at_once", "Immediately"
    URGENT = "urgent", "Urgent only"
    NEVER = "never", "Off"


@track_history(exclude=("served_at",))
class Preference(models.Model):
    """The notification preferences of one user or team mailbox. Without a row, the defaults of
    these fields apply.

    Hour and time zone of the digest are fields of the user or the team."""

    team = models.OneToOneField(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="mail_preference"
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="mail_preference",
    )
    cadence = models.CharField(max_length=12, choices=Cadence, default=Cadence.DAILY)
    weekday = models.PositiveSmallIntegerField(
        default=0,
        help_text="Day of the weekly digest; 0 is Monday.",
        choices=list(
            enumerate(
                ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
            )
        ),
    )
    immediate = models.BooleanField(default=True, help_text="Send urgent alerts immediately.")
    heartbeat = models.BooleanField(
        default=False, help_text="Send a digest even if nothing changed."
    )
    served_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Hour of the last digest.",
    )

    objects = OwnQuerySet["Preference"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="preference_has_one_recipient", condition=_ONE_RECIPIENT),
            models.CheckConstraint(
                name="preference_weekday",
                condition=Q(weekday__lte=6),
                violation_error_message="Enter a weekday between 0 (Monday) and 6 (Sunday).",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cadence} to {self.user or self.team}"


_SEVERITIES = models.CheckConstraint(
    name="subscription_severity_1_to_5",
    condition=Q(min_severity__range=(1, 5)),
    violation_error_message="Enter a severity between 1 (info) and 5 (urgent).",
)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def visible_to(self, user: Any) -> "SubscriptionQuerySet":
        """Select the user's own subscriptions."""
        return self.filter(own(user)) if user.is_authenticated and user.is_active else self.none()


@track_history(exclude=("updated_at",))
class Subscription(models.Model):
    """A subscription to alerts beyond those routed to the recipient, limited to what the user can
    view. All filters must match."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions"
    )
    name = models.CharField(max_length=100, blank=True)
    provider = models.ForeignKey(
        Provider,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="As developer or host.",
    )
    foundation = models.ForeignKey(
        Foundation, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Includes sub-teams.",
    )
    kinds = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="Empty: all types."
    )
    min_severity = models.PositiveSmallIntegerField(choices=Alert.SEVERITIES, default=1)
    max_days_left = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="Only what is due within this number of days; empty: no limit.",
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["user", "id"]
        constraints = [_SEVERITIES]

    def __str__(self) -> str:
        return self.name or f"subscription {self.pk}"


@track_history()
class Mute(models.Model):
    """A mute of one user or team mailbox until a date. Its alerts are on the page anyway, and those
    still open when it expires are emailed then."""

    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="mutes"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="mutes",
    )
    kind = models.CharField(max_length=20, blank=True)
    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    offering = models.ForeignKey(
        Offering, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    subject = models.CharField(
        max_length=80, blank=True, help_text="`event:17`, `offering:4@2027-01-15`, ..."
    )
    until = models.DateField(
        validators=[validate_plausible_date], help_text="Expires on (not valid from this date)."
    )
    reason = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = OwnQuerySet["Mute"].as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["until"], name="mute_by_end", condition=Q(lifted_at__isnull=True))
        ]
        constraints = [
            models.CheckConstraint(name="mute_has_one_recipient", condition=_ONE_RECIPIENT),
            models.CheckConstraint(
                name="mute_says_what",
                condition=~Q(kind="")
                | ~Q(subject="")
                | Q(provider__isnull=False)
                | Q(offering__isnull=False)
                | Q(application__isnull=False),
                violation_error_message="Select what to mute: an alert type, provider, "
                "model, application or alert.",
            ),
        ]

    def __str__(self) -> str:
        return f"mute until {self.until}"

    def holds_on(self, day: date) -> bool:
        return self.lifted_at is None and day < self.until
