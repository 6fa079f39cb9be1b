"""Discrepancies between declared and observed usage, and the thresholds from which they count."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from apps.catalog.models import IdentityDecision
from apps.common.history.context import track_history
from apps.intake.models.observations import Observation
from apps.inventory.models import Application, Dependency


class DiscrepancyQuerySet(models.QuerySet["Discrepancy"]):
    def visible_to(self, user: Any) -> "DiscrepancyQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(application__team__in=user.team_roles())

    def open(self) -> "DiscrepancyQuerySet":
        return self.filter(closed_at__isnull=True)


@track_history(exclude=("details",))
class Discrepancy(models.Model):
    """Discrepancy from the day it was found to the day it ended or a user responded."""

    class Kind(models.TextChoices):
        SHADOW = "shadow", "Undeclared use"
        UNSEEN = "unseen", "Unconfirmed use"
        DRIFT = "drift", "Version drift"
        OTHER_SERVED = "other_served", "Different model served"
        OUT_OF_USE = "out_of_use", "Retired application in use"

    class Closed(models.TextChoices):
        ENDED = "ended", "No longer observed"
        DECLARED = "declared", "Declared"
        DISMISSED = "dismissed", "Dismissed"

    key = models.CharField(
        max_length=200, help_text="Subject of the discrepancy; at most one per key is open."
    )
    kind = models.CharField(max_length=12, choices=Kind)
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="discrepancies"
    )
    dependency = models.ForeignKey(
        Dependency, on_delete=models.CASCADE, null=True, blank=True, related_name="discrepancies"
    )
    observation = models.ForeignKey(
        Observation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    details = models.JSONField(default=dict, help_text="Names, versions and dates as observed.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_as = models.CharField(max_length=9, choices=Closed, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    quiet_until = models.DateField(
        null=True, blank=True, help_text="Dismissed: not reported again before this date."
    )

    objects = DiscrepancyQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        verbose_name_plural = "discrepancies"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["key"], name="discrepancy_open_once", condition=Q(closed_at__isnull=True)
            ),
            models.CheckConstraint(
                name="discrepancy_closed_somehow",
                condition=Q(closed_at__isnull=True, closed_as="")
                | (Q(closed_at__isnull=False) & ~Q(closed_as="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["kind", "-opened_at", "-id"],
                name="discrepancy_open",
                condition=Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["-opened_at", "-id"],
                name="discrepancy_open_by_time",
                condition=Q(closed_at__isnull=True),
            ),
            models.Index(fields=["application", "-opened_at"], name="discrepancy_by_application"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.key}"


@track_history()
class IntakeSettings(models.Model):
    """Settings of the organisation for observed usage; one row."""

    unseen_after_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text="Days without observed traffic after which a declared use is reported as "
        "unconfirmed.",
    )
    drift_days = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
        help_text="Days whose served model is compared with the same number of days before.",
    )
    declares_shadows = models.BooleanField(
        default=True,
        help_text="Observed usage of known models becomes an observed dependency automatically.",
    )
    document_retention_days = models.PositiveSmallIntegerField(
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3660)],
        help_text="Days for which documents are stored as sent.",
    )
    usage_retention_days = models.PositiveSmallIntegerField(
        default=400,
        validators=[MinValueValidator(30), MaxValueValidator(3660)],
        help_text="Days for which daily calls are stored.",
    )
    billing_tags = models.CharField(
        max_length=500,
        blank=True,
        default="",
        help_text="Tags of bills that name an application, separated by commas, the first that is "
        "set counts. Empty: application, app, service, cost centre, and the key and team of "
        "LiteLLM.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "intake settings"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="intake_settings_one_row", condition=Q(pk=1))
        ]

    def __str__(self) -> str:
        return "intake settings"


class HandledIdentity(models.Model):
    """Decision about an unresolved model that observations have followed, one row when made and one
    when revoked; found by NOT EXISTS."""

    decision = models.ForeignKey(IdentityDecision, on_delete=models.CASCADE, related_name="+")
    was_revoked = models.BooleanField()
    handled_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "handled identities"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["decision", "was_revoked"], name="identity_handled_once"
            )
        ]

    def __str__(self) -> str:
        return f"decision {self.decision_id}{', revoked' if self.was_revoked else ''}"


class StreamSummary(models.Model):
    """Summary of each sender so far, counted for lists: over everything, by the job that finds
    discrepancies."""

    stream = models.CharField(max_length=80, unique=True)
    n_observations = models.PositiveIntegerField()
    n_applications = models.PositiveIntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    n_calls = models.PositiveBigIntegerField(default=0, help_text="Of the last 7 days.")
    n_errors = models.PositiveBigIntegerField(default=0, help_text="Of the last 7 days.")
    counted_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_seen_at"]

    def __str__(self) -> str:
        return self.stream
