"""Migration campaigns: one event, offering or announced retirement opens a campaign, with one task
for each affected dependency."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Offering, ProviderEvent, RetirementAnnouncement
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
    """Migration of everything that uses a set of offerings, which retire or change.

    `offerings` is the set; `subject` represents it where one is shown. `target` is the usual
    successor; with `targets` each offering has its own. `due_on` is the latest finish date of all
    tasks."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    title = models.CharField(max_length=200)
    event = models.ForeignKey(
        ProviderEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    announcement = models.ForeignKey(
        RetirementAnnouncement,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
    )
    subject = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="campaigns")
    offerings = models.ManyToManyField(Offering, related_name="+", blank=True)
    target = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    targets = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="Targets by offering, from a what-if scenario: {offering ID: target ID}. If it "
        "has any, only dependencies on these offerings have a task.",
    )
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
                condition=Q(state="open", event__isnull=True, announcement__isnull=True),
                violation_error_message="A campaign for this offering is already open.",
            ),
            models.UniqueConstraint(
                fields=["announcement"],
                name="campaign_one_open_per_announcement",
                condition=Q(state="open", announcement__isnull=False),
                violation_error_message="A campaign for this announcement is already open.",
            ),
            models.CheckConstraint(
                name="campaign_has_one_reason",
                condition=Q(event__isnull=True) | Q(announcement__isnull=True),
                violation_error_message=(
                    "A campaign is about an event or an announced retirement, not both."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def subject_name(self) -> str:
        """Return the name of what retires or changes; needs `announcement` and `subject`."""
        if self.announcement is not None:
            return self.announcement.subject_name
        return self.subject.api_id

    @property
    def ends_on(self) -> date | None:
        """Return the retirement date of the subject."""
        return self.subject.retires_on


class TaskTimingKind(StrEnum):
    """How an unfinished task is placed in time."""

    ON_TIME = "on_time"
    TOO_LATE = "too_late"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class TaskTiming:
    """`days` is by how much a task is overdue (after its finish date) or too late (after its start
    date); 0 on time."""

    kind: TaskTimingKind
    days: int = 0


def task_timing(
    *,
    start_by: date | None,
    finish_by: date | None,
    scheduled_on: date | None,
    is_started: bool,
    today: date,
) -> TaskTiming:
    """Return the timing of an unfinished task; the same rule as `overdue` and `too_late` of the
    QuerySet."""
    if finish_by is None:
        return TaskTiming(TaskTimingKind.ON_TIME)
    was_possible = scheduled_on is None or finish_by >= scheduled_on
    if finish_by < today and was_possible:
        return TaskTiming(TaskTimingKind.OVERDUE, (today - finish_by).days)
    if start_by is not None and start_by < today and not (is_started and was_possible):
        return TaskTiming(TaskTimingKind.TOO_LATE, (today - start_by).days)
    return TaskTiming(TaskTimingKind.ON_TIME)


class CampaignTaskQuerySet(models.QuerySet["CampaignTask"]):
    def unfinished(self) -> "CampaignTaskQuerySet":
        """Select tasks with work left; deferred ones wait."""
        return self.filter(state__in=CampaignTask.UNFINISHED)

    def overdue(self, on: date) -> "CampaignTaskQuerySet":
        """Select unfinished tasks whose finish date is past and was not when it was set."""
        return self.unfinished().filter(overdue_condition(on))

    def too_late(self, on: date) -> "CampaignTaskQuerySet":
        """Select unfinished tasks that no longer fit before their finish date: not started by the
        start date, or with a finish date that was past when it was set."""
        return self.unfinished().filter(too_late_condition(on))

    def visible_to(self, user: Any) -> "CampaignTaskQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(dependency__application__team__in=user.team_roles())


def overdue_condition(on: date) -> Q:
    """Return the condition of `CampaignTaskQuerySet.overdue` on the dates."""
    was_possible = Q(scheduled_on__isnull=True) | Q(finish_by__gte=F("scheduled_on"))
    return Q(finish_by__lt=on) & was_possible


def too_late_condition(on: date) -> Q:
    """Return the condition of `CampaignTaskQuerySet.too_late` on dates and state."""
    return Q(start_by__lt=on) & (
        Q(state="open", finish_by__gte=on) | Q(finish_by__lt=F("scheduled_on"))
    )


@track_history(exclude=("updated_at",))
class CampaignTask(models.Model):
    """One dependency to migrate. It is signed off with evidence on the own workload, or deferred.

    The work takes place between `start_by` and `finish_by`. `scheduled_on` is the day on which
    these dates were set: a task that could not be on time then is too late, not overdue."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        READY = "ready", "Ready to sign off"
        DONE = "done", "Signed off"
        WAIVED = "waived", "Deferred until"
        OBSOLETE = "obsolete", "No longer needed"

    # states in which there still is something to do; a deferral only postpones it
    UNFINISHED: ClassVar[tuple[str, ...]] = (State.OPEN, State.IN_PROGRESS, State.READY)

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
    start_by = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Last date to start: the finish date minus the days of the migration.",
    )
    finish_by = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Last date to finish: the retirement date minus a margin of 14 days.",
    )
    scheduled_on = models.DateField(
        null=True, blank=True, help_text="Date on which start and finish were set."
    )
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
        ordering = ["campaign", "finish_by", "id"]
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

    def timing(self, today: date) -> TaskTiming | None:
        """Return whether the task is on time on `today`; None if nothing is left to do."""
        if self.state not in self.UNFINISHED:
            return None
        return task_timing(
            start_by=self.start_by,
            finish_by=self.finish_by,
            scheduled_on=self.scheduled_on,
            is_started=self.state != self.State.OPEN,
            today=today,
        )


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
