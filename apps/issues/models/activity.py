"""Activity: the timeline of an issue."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.common.database.fields import LimitedTextField
from apps.common.history.derived import derived_record
from apps.issues.models.issues import Issue


class ActivityQuerySet(models.QuerySet["Activity"]):
    def visible_to(self, user: Any) -> "ActivityQuerySet":
        """Select the activity of issues that the user can view."""
        if user.is_authenticated and user.is_active and user.can_read_all:
            return self
        return self.filter(issue__in=Issue.objects.visible_to(user))


@derived_record(user_input=Q(user__isnull=False))
class Activity(models.Model):
    """One entry of an issue's timeline. `user` is empty for what the registry did itself."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        REOPENED = "reopened", "Reopened"
        DATES = "dates", "Dates changed"
        STATE = "state", "State changed"
        OWNER = "owner", "Owner changed"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        SNOOZED = "snoozed", "Snoozed"
        ACCEPTED = "accepted", "Accepted"
        ACCEPTANCE_REVOKED = "revoked", "Acceptance revoked"
        COMMENT = "comment", "Comment"
        RESOLVED = "resolved", "Resolved"
        UNDONE = "undone", "Response undone"

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="activity")
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    text = LimitedTextField(blank=True, help_text="Comment or reason of the user.")
    details = models.JSONField(
        default=dict, blank=True, help_text="Values before and after, for the sentence."
    )
    mentions = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")

    objects = ActivityQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        verbose_name_plural = "activity"
        indexes = [models.Index(fields=["issue", "-id"], name="activity_by_issue")]

    def __str__(self) -> str:
        return f"{self.kind} of issue {self.issue_id}"
