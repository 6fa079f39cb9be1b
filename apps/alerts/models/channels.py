"""Delivery channels other than email: signed webhooks, and calendar feeds to which users
subscribe."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Team, own
from apps.common.history.context import track_history


def new_nonce() -> str:
    return secrets.token_hex(16)


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, user: Any) -> "WebhookQuerySet":
        return (
            self if user.is_authenticated and user.is_active and user.can_read_all else self.none()
        )


@track_history(exclude=("last_sent_at",))
class Webhook(models.Model):
    """A URL that receives alerts as signed JSON. The secret is derived from `nonce` and the
    installation's key, so that a copy of the database cannot sign. A new nonce is a new secret, and
    until `old_until` the previous secret signs as well."""

    name = models.CharField(max_length=100, unique=True)
    url = models.URLField(max_length=500)
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)
    old_nonce = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )
    old_until = models.DateTimeField(null=True, blank=True, editable=False)
    team = models.ForeignKey(
        Team,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="webhooks",
        help_text="Only alerts of this team and its sub-teams; empty: all.",
    )
    kinds = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="Empty: all types."
    )
    min_severity = models.PositiveSmallIntegerField(default=1)
    enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_sent_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="webhook_severity_1_to_5",
                condition=Q(min_severity__range=(1, 5)),
                violation_error_message="Enter a severity between 1 (info) and 5 (urgent).",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    def visible_to(self, user: Any) -> "CalendarFeedQuerySet":
        """Select the user's own feeds."""
        return self.filter(own(user)) if user.is_authenticated and user.is_active else self.none()


@track_history(exclude=("last_used_at",))
class CalendarFeed(models.Model):
    """A secret URL under which an app that cannot sign in (calendar or feed reader) reads what the
    user can view. Only the SHA-256 of the secret is stored."""

    class Kind(models.TextChoices):
        CALENDAR = "calendar", "Calendar"
        ALERTS = "alerts", "Alert feed (Atom)"
        CHANGES = "changes", "Change feed (Atom)"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_feeds"
    )
    kind = models.CharField(
        max_length=8, choices=Kind, default=Kind.CALENDAR, db_default=Kind.CALENDAR
    )
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
