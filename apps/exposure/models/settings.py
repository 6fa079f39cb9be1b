"""Settings of the exposure measurement: one row that governance changes, with the defaults of
docs/exposure.md."""

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from apps.catalog.models import IncidentImpact
from apps.catalog.providers.outages import DEFAULT_THRESHOLD, THRESHOLD_HOURS, OutageThreshold
from apps.common.history.context import track_history
from apps.exposure.threats import (
    DEFAULT_CRITICALITY_POINTS,
    DEFAULT_REQUIRED_GRADE,
    DEFAULT_STATE_FACTOR,
    THREATS,
)
from apps.inventory.models import Application

MAX_DAYS = 36_500
MAX_POINTS = 1_000_000
# the impacts that the threshold of outages can have
OUTAGE_IMPACTS = [choice for choice in IncidentImpact.choices if choice[0] != IncidentImpact.NONE]


def default_statuses() -> list[str]:
    return [str(status) for status in Application.IN_SCOPE]


def default_points() -> dict[str, int]:
    return dict(DEFAULT_CRITICALITY_POINTS)


def default_grades() -> dict[str, dict[str, int]]:
    return {threat: dict(grades) for threat, grades in DEFAULT_REQUIRED_GRADE.items()}


def default_factors() -> dict[str, str]:
    return dict(DEFAULT_STATE_FACTOR)


def default_cut_kinds() -> list[str]:
    return ["developer", "host", "gateway", "vendor", "region", "foundation"]


@track_history(exclude=("updated_at",))
class ExposureSettings(models.Model):
    """The single row (ID 1). A change rebuilds the derived tables, except one of the threshold of
    outages, which applies to the next simulation."""

    ONLY: ClassVar[int] = 1

    statuses = ArrayField(
        models.CharField(max_length=10),
        default=default_statuses,
        help_text="Applications with these statuses are in scope.",
    )
    criticality_points = models.JSONField(
        default=default_points, help_text="Weight of an application by criticality."
    )
    required_grade = models.JSONField(
        default=default_grades,
        help_text=('Required independence of a fallback: {failure mode: {layer or "*": 0 to 5}}.'),
    )
    test_validity_days = models.PositiveIntegerField(
        default=365,
        validators=[MaxValueValidator(MAX_DAYS)],
        help_text="Validity of an exit test without an expiry date, in days.",
    )
    horizon_days = models.PositiveIntegerField(
        default=180,
        validators=[MaxValueValidator(MAX_DAYS)],
        help_text="Planning horizon in days: a fallback must be served at least this long.",
    )
    cut_kinds = ArrayField(models.CharField(max_length=10), default=default_cut_kinds)
    cut_threshold = models.DecimalField(
        max_digits=16,
        decimal_places=15,
        default=Decimal("0.5"),
        help_text="Share of the critical weight that a cut set must stop.",
    )
    state_factor = models.JSONField(
        default=default_factors, help_text="Share of the loss of an exposed application, by state."
    )
    outage_impact = models.CharField(
        max_length=8,
        choices=OUTAGE_IMPACTS,
        default=DEFAULT_THRESHOLD.impact,
        help_text="Incidents with at least this impact count as outages in simulated losses.",
    )
    outage_hours = models.FloatField(
        default=DEFAULT_THRESHOLD.hours,
        help_text=(
            "Shortest incident that counts as an outage in simulated losses, in hours: 0, 0.5, 1, "
            "2, 4 or 8."
        ),
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "exposure settings"
        constraints = [
            models.CheckConstraint(name="exposure_settings_once", condition=Q(id=1)),
            models.CheckConstraint(
                name="exposure_settings_cut_threshold",
                condition=Q(cut_threshold__gt=0, cut_threshold__lte=1),
                violation_error_message=(
                    "The share that a cut set must stop must be above 0 and at most 1."
                ),
            ),
            models.CheckConstraint(
                name="exposure_settings_days_within_a_century",
                condition=Q(test_validity_days__lte=36_500, horizon_days__lte=36_500),
                violation_error_message="Enter at most 36,500 days.",
            ),
            models.CheckConstraint(
                name="exposure_settings_outage_hours",
                condition=Q(outage_hours__in=THRESHOLD_HOURS),
                violation_error_message="Enter 0, 0.5, 1, 2, 4 or 8 hours.",
            ),
        ]

    def __str__(self) -> str:
        return "exposure settings"

    @property
    def outage_threshold(self) -> OutageThreshold:
        return OutageThreshold(self.outage_impact, self.outage_hours)

    def clean(self) -> None:
        """Raise ValidationError for unknown statuses, points out of range, and grades outside 0 to
        5."""
        problems: dict[str, Any] = {}
        if unknown_statuses := sorted(set(self.statuses) - set(Application.Status.values)):
            problems["statuses"] = (
                f"'{unknown_statuses[0]}' is not a valid status. Use a status of applications."
            )
        if not isinstance(self.criticality_points, dict) or any(
            not isinstance(points, int) or isinstance(points, bool) or not 0 <= points <= MAX_POINTS
            for points in self.criticality_points.values()
        ):
            problems["criticality_points"] = (
                f"Enter a whole number from 0 to {MAX_POINTS:,} for each criticality."
            )
        grades = self.required_grade if isinstance(self.required_grade, dict) else {}
        if set(grades) - set(THREATS) or not all(
            _is_grade(grade) for table in grades.values() for grade in table.values()
        ):
            problems["required_grade"] = (
                f"Enter grades from 0 to 5 for the failure modes {', '.join(THREATS)}."
            )
        if problems:
            raise ValidationError(problems)


def _is_grade(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 5
