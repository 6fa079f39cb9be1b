"""Migration campaigns: one provider event opens a campaign, with one task for each affected
dependency."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.catalog.models import Offering, ProviderEvent
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Adaptation, Dependency
from apps.risks.models import Evidence


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: Any) -> "CampaignQuerySet":
        """Select all campaigns for organisation roles, otherwise those with a task of the user's
        teams."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(
            pk__in=CampaignTask.objects.filter(
                dependency__application__team__in=user.team_roles()
            ).values("campaign")
        )


@track_history(exclude=("updated_at",))
class Campaign(models.Model):
    """The migration of all dependencies on one offering. `subject` retires or changes, `target` is
    the default successor."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    title = models.CharField(max_length=200)
    event = models.ForeignKey(
        ProviderEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    subject = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="campaigns")
    target = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    due_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    note = LimitedTextField(blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closing_note = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["event"],
                name="campaign_one_open_per_event",
                condition=Q(state="open", event__isnull=False),
                violation_error_message="A campaign for this event is already open.",
            ),
            models.UniqueConstraint(
                fields=["subject"],
                name="campaign_one_open_per_subject",
                condition=Q(state="open", event__isnull=True),
                violation_error_message="A campaign for this offering is already open.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class CampaignTaskQuerySet(models.QuerySet["CampaignTask"]):
    def visible_to(self, user: Any) -> "CampaignTaskQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(dependency__application__team__in=user.team_roles())


@track_history(exclude=("updated_at",))
class CampaignTask(models.Model):
    """The migration of one dependency. It is signed off with evidence from the own workload, or
    waived."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        READY = "ready", "Ready to sign off"
        DONE = "done", "Signed off"
        WAIVED = "waived", "Deferred until"
        OBSOLETE = "obsolete", "No longer needed"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tasks")
    dependency = models.ForeignKey(
        Dependency, on_delete=models.PROTECT, related_name="campaign_tasks"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaign_tasks",
    )
    state = models.CharField(max_length=11, choices=State, default=State.OPEN)
    due_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    target = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    successor = models.ForeignKey(
        Dependency,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Dependency that replaced it.",
    )
    before = models.JSONField(
        default=dict, blank=True, help_text="Measured on the current offering: {metric: value}."
    )
    after = models.JSONField(
        default=dict, blank=True, help_text="Measured on the target: {metric: value}."
    )
    signed_off_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_off_at = models.DateTimeField(null=True, blank=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    waived_until = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Deferral expires on (not valid from this date).",
    )
    waived_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    evidence = models.ManyToManyField(
        Evidence,
        blank=True,
        related_name="campaign_tasks",
        help_text="Evidence for the sign-off.",
    )
    note = LimitedTextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CampaignTaskQuerySet.as_manager()

    class Meta:
        ordering = ["campaign", "due_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "dependency"], name="campaign_task_once"),
            models.CheckConstraint(
                name="campaign_task_waiver_ends",
                condition=~Q(state="waived")
                | (Q(waived_by__isnull=False, waived_until__isnull=False) & ~Q(waived_reason="")),
                violation_error_message="A deferral needs a user, a reason and an expiry date.",
            ),
            models.CheckConstraint(
                name="campaign_task_done_is_signed",
                condition=~Q(state="done")
                | Q(signed_off_by__isnull=False, signed_off_at__isnull=False),
                violation_error_message="A task is done when a user has signed it off.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: dependency {self.dependency_id}"


@track_history()
class TaskStep(models.Model):
    """One step of a task, often because of an adaptation."""

    task = models.ForeignKey(CampaignTask, on_delete=models.CASCADE, related_name="steps")
    place = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=30)
    title = models.CharField(max_length=300)
    adaptation = models.ForeignKey(
        Adaptation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    required = models.BooleanField(default=True)
    done_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = LimitedTextField(blank=True)

    class Meta:
        ordering = ["task", "place", "id"]

    def __str__(self) -> str:
        return self.title
