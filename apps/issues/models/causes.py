"""Causes: facts of the world, or of the organisation's own policies, that make work."""

from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.catalog.models import Offering
from apps.common.history.context import track_history
from apps.common.history.derived import derived_record


class CauseKind(models.TextChoices):
    """A kind of fact. `apps/issues/kinds/` has one class for each that has records."""

    RETIREMENT = "retirement", "Retirement"
    PRICE_CHANGE = "price_change", "Price change"
    INCIDENT = "incident", "Incident"
    EXPOSURE_FLAG = "exposure_flag", "Exposure flag"
    APPROVAL_VIOLATION = "approval_violation", "Approval violation"
    APPROVAL_EXPIRY = "approval_expiry", "Approval expiry"
    DEADLINE = "deadline", "Deadline"
    FALLBACK_RETIRES = "fallback_retires", "Fallback retires"
    STALE_ASSESSMENT = "stale_assessment", "Stale assessment"
    USAGE_DISCREPANCY = "usage_discrepancy", "Usage discrepancy"
    MIGRATION_TASK = "migration_task", "Migration task"
    FEED_REVIEW = "feed_review", "Feed needs review"
    MISSING_DATA = "missing_data", "Missing data"
    TOLERANCE_CHANGE = "tolerance_change", "Decision to confirm"
    TOKEN_EXPIRY = "token_expiry", "API token expiry"
    PROPOSED_USE_CASE = "proposed_use_case", "Proposed use case"


class CauseQuerySet(models.QuerySet["Cause"]):
    def open(self) -> "CauseQuerySet":
        """Select causes that persist."""
        return self.filter(closed_at__isnull=True)

    def visible_to(self, user: Any) -> "CauseQuerySet":
        """Select causes with at least one issue that the user can view."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        # the model of issues refers to this one, so it cannot be imported here
        issue_model: Any = self.model._meta.get_field("issues").related_model
        visible = issue_model.objects.visible_to(user)
        return self.filter(Exists(visible.filter(cause=OuterRef("pk"))))


@derived_record(user_input=Q(issues__activity__user__isnull=False))
@track_history()
class Cause(models.Model):
    """One fact that makes work, such as the retirement of one version at all hosts concerned.

    `subject` says what the fact is about, as `type:ID` of the record ("version:12", "flag:7"), with
    a qualifier after a slash where one record has several such facts ("application:4/review"). A
    fact that returns opens its cause again, so that (kind, subject) is one row for ever.
    """

    kind = models.CharField(max_length=20, choices=CauseKind)
    subtype = models.CharField(
        max_length=20, blank=True, help_text="Part of the kind, such as the type of a deadline."
    )
    subject = models.CharField(
        max_length=120, help_text="Record that the fact is about, for example `version:12`."
    )
    due_on = models.DateField(
        null=True, blank=True, help_text="First date among its open issues; null without a date."
    )
    is_earliest = models.BooleanField(
        default=False, help_text="The date is a lower bound: not before this date."
    )
    offerings = models.ManyToManyField(
        Offering, through="CauseOffering", related_name="+", blank=True
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CauseQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="cause_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_on", "id"],
                name="cause_open_by_date",
                condition=Q(closed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class CauseOffering(models.Model):
    """An offering that a cause concerns: a model ID at a host that retires, or gets a new price."""

    cause = models.ForeignKey(Cause, on_delete=models.CASCADE, related_name="cause_offerings")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cause", "offering"], name="cause_offering_once"),
        ]

    def __str__(self) -> str:
        return f"offering {self.offering_id} of cause {self.cause_id}"
