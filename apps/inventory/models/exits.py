"""Evidence of portability: adaptations built on a dependency, its exit plan and its exit tests."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.catalog.models import Offering, Version
from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models.change_queue import application_change_triggers
from apps.inventory.models.dependencies import Dependency

_OF_DEPENDENCY = "JOIN inventory_dependency d ON d.id = r.dependency_id"


class OfDependencyQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows of a dependency, visible to users who can view its application."""

    def visible_to(self, user: Any) -> "OfDependencyQuerySet[M]":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(dependency__application__team__in=user.team_roles())


@track_history(exclude=("updated_at",))
class Adaptation(models.Model):
    """Work that the organisation built on a dependency, its cost, and whether it can be reused on
    another foundation."""

    class Kind(models.TextChoices):
        PROMPT = "prompt", "Prompt"
        FEW_SHOT = "few_shot", "Few-shot examples"
        FINE_TUNE = "fine_tune", "Fine-tune"
        RETRIEVAL = "retrieval", "Retrieval"
        AGENTIC_TOOLS = "agentic_tools", "Agentic tools"

    class Moves(models.TextChoices):
        PORTABLE = "portable", "Reusable as is"
        RE_RUN = "re_run", "Re-run"
        REBUILD = "rebuild", "Rebuild"

    dependency = models.ForeignKey(Dependency, on_delete=models.CASCADE, related_name="adaptations")
    kind = models.CharField(max_length=13, choices=Kind)
    name = models.CharField(max_length=200, blank=True)
    artefact_ref = models.CharField(
        max_length=500, blank=True, help_text="Location: repository, registry or path."
    )
    moves = models.CharField(max_length=8, choices=Moves, blank=True, help_text="Empty: unknown.")
    invested_days = models.DecimalField(max_digits=9, decimal_places=1, null=True, blank=True)
    invested_cost = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="USD."
    )
    note = LimitedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OfDependencyQuerySet["Adaptation"].as_manager()

    class Meta:
        ordering = ["dependency", "kind", "id"]
        constraints = [
            models.CheckConstraint(
                name="adaptation_invested_not_negative",
                condition=(Q(invested_days__isnull=True) | Q(invested_days__gte=0))
                & (Q(invested_cost__isnull=True) | Q(invested_cost__gte=0)),
                violation_error_message="The investment must be 0 or more.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.get_kind_display()


@track_history(exclude=("updated_at",))
class ExitPlan(models.Model):
    """The plan to migrate away from a dependency. The choices of substitutability and the fields
    below it are DORA's (RT.07.01)."""

    class Substitutability(models.TextChoices):
        NOT = "not", "Not substitutable"
        HIGHLY_COMPLEX = "highly_complex", "Highly complex to substitute"
        MEDIUM = "medium", "Medium complexity to substitute"
        EASILY = "easily", "Easily substitutable"

    class Reason(models.TextChoices):
        NO_ALTERNATIVES = "no_alternatives", "No real alternatives"
        MIGRATION = "migration", "Migration is difficult"
        BOTH = "both", "Both"

    class Reintegration(models.TextChoices):
        EASY = "easy", "Easy"
        DIFFICULT = "difficult", "Difficult"
        HIGHLY_COMPLEX = "highly_complex", "Highly complex"

    class Reliance(models.TextChoices):
        """Degree of reliance on the service (RT.02.02.0180)."""

        NOT_SIGNIFICANT = "not_significant", "Not significant"
        LOW = "low", "Low reliance"
        MATERIAL = "material", "Material reliance"
        FULL = "full", "Full reliance"

    class Alternatives(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"
        NOT_APPLICABLE = "na", "Not applicable"

    dependency = models.OneToOneField(
        Dependency, on_delete=models.CASCADE, related_name="exit_plan"
    )
    target = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="planned_exits"
    )
    substitutability = models.CharField(max_length=14, choices=Substitutability, blank=True)
    reason = models.CharField(
        max_length=15,
        choices=Reason,
        blank=True,
        help_text="Reason why the service is hard to substitute.",
    )
    reintegration = models.CharField(max_length=14, choices=Reintegration, blank=True)
    reliance = models.CharField(
        max_length=15,
        choices=Reliance,
        blank=True,
        default="",
        db_default="",
        help_text=(
            "Reliance of the application on the service; empty: derived from its alternatives."
        ),
    )
    alternatives_identified = models.CharField(max_length=3, choices=Alternatives, blank=True)
    alternatives = LimitedTextField(blank=True)
    blockers = LimitedTextField(blank=True)
    estimated_days = models.DecimalField(max_digits=7, decimal_places=1, null=True, blank=True)
    estimated_cost = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="USD."
    )
    next_test_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    note = LimitedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OfDependencyQuerySet["ExitPlan"].as_manager()

    class Meta:
        ordering = ["dependency"]
        triggers = application_change_triggers(
            "exit_plan", "d.application_id", through=_OF_DEPENDENCY
        )
        constraints = [
            models.CheckConstraint(
                name="exit_plan_estimates_not_negative",
                condition=(Q(estimated_days__isnull=True) | Q(estimated_days__gte=0))
                & (Q(estimated_cost__isnull=True) | Q(estimated_cost__gte=0)),
                violation_error_message="Estimated effort and cost must be 0 or more.",
            ),
            models.CheckConstraint(
                name="exit_plan_says_why_hard",
                condition=~Q(substitutability__in=["not", "highly_complex"]) | ~Q(reason=""),
                violation_error_message=(
                    "Select why it is hard to substitute: no alternatives, migration, or both."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"exit plan of {self.dependency_id}"


@track_history(exclude=("updated_at",))
class ExitTest(models.Model):
    """A test of migrating the dependency's work to `target`, with its effort. A passed test is
    valid until it expires."""

    class Result(models.TextChoices):
        PASSED = "passed", "Passed"
        PARTIAL = "partial", "Partly passed"
        FAILED = "failed", "Failed"

    dependency = models.ForeignKey(Dependency, on_delete=models.CASCADE, related_name="exit_tests")
    target = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="exit_tests")
    tested_version = models.ForeignKey(
        Version,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="exit_tests",
        help_text=(
            "Version that was served; if another version is served today, the test is "
            "no longer valid."
        ),
    )
    tested_on = models.DateField(validators=[validate_plausible_date])
    result = models.CharField(max_length=7, choices=Result)
    effort_days = models.DecimalField(
        max_digits=7,
        decimal_places=1,
        null=True,
        blank=True,
        help_text="Measured duration of the migration, in calendar days.",
    )
    cost = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="USD."
    )
    quality_delta = models.DecimalField(
        max_digits=8,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="Change of your own metric, target minus current; negative is worse.",
    )
    quality_metric = models.CharField(max_length=200, blank=True)
    expires_on = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text=(
            "Expires on (not valid from this date); empty: the default validity after the test."
        ),
    )
    evidence_ref = models.CharField(max_length=500, blank=True)
    note = LimitedTextField(blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OfDependencyQuerySet["ExitTest"].as_manager()

    class Meta:
        ordering = ["dependency", "-tested_on", "-id"]
        indexes = [
            models.Index(
                fields=["dependency", "target", "-tested_on", "-id"], name="exit_test_latest"
            ),
            models.Index(fields=["tested_on"], name="exit_test_by_day"),
            # next expiries, for calendars
            models.Index(
                fields=["expires_on"],
                name="exit_test_by_end",
                condition=Q(result="passed", expires_on__isnull=False),
            ),
        ]
        triggers = application_change_triggers(
            "exit_test", "d.application_id", through=_OF_DEPENDENCY
        )
        constraints = [
            models.CheckConstraint(
                name="exit_test_amounts_not_negative",
                condition=(Q(effort_days__isnull=True) | Q(effort_days__gte=0))
                & (Q(cost__isnull=True) | Q(cost__gte=0)),
                violation_error_message="Effort and cost must be 0 or more.",
            ),
            models.CheckConstraint(
                name="exit_test_expires_after_test",
                condition=Q(expires_on__isnull=True) | Q(expires_on__gt=models.F("tested_on")),
                violation_error_message="The test must expire after its date.",
            ),
        ]

    def __str__(self) -> str:
        return f"exit to {self.target_id} on {self.tested_on}: {self.result}"

    def ends_on(self, validity: timedelta) -> date:
        """Return the first day on which the test is no longer valid."""
        return self.expires_on or self.tested_on + validity
