"""Alert rules of the organisation: reminder days, escalation hours, price thresholds."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.common.history.context import track_history
from apps.inventory.models import Criticality

MILESTONES = (180, 90, 60, 30, 14, 7, 1, 0)


class PublicRows[M: models.Model](models.QuerySet[M]):
    """Rows that every signed-in user can view: the rules by which alerts are created."""

    def visible_to(self, user: Any) -> "PublicRows[M]":
        return self if user.is_authenticated and user.is_active else self.none()


def _build_days_field(default: Any, text: str) -> Any:
    return ArrayField(
        models.PositiveSmallIntegerField(), default=default, blank=True, help_text=text
    )


def usual_milestones() -> list[int]:
    return list(MILESTONES)


def usual_soft_milestones() -> list[int]:
    return [90, 0]


def usual_expiry_milestones() -> list[int]:
    return [30, 7, 0]


def usual_review_milestones() -> list[int]:
    return [14, 0]


@track_history()
class AlertPolicy(models.Model):
    """The alert rules for applications of one criticality; four rows, always present."""

    criticality = models.PositiveSmallIntegerField(choices=Criticality, unique=True)
    milestones = _build_days_field(
        usual_milestones,
        "Days before a retirement on which the owners of the applications are reminded.",
    )
    soft_milestones = _build_days_field(
        usual_soft_milestones, "The same for an earliest retirement date."
    )
    escalate_team_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Hours without a response after which an alert is escalated to the team "
        "owners; empty: never.",
    )
    escalate_governance_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Further hours after which an alert is escalated to governance; empty: never.",
    )

    objects = PublicRows["AlertPolicy"].as_manager()

    class Meta:
        ordering = ["criticality"]
        verbose_name_plural = "alert policies"

    def __str__(self) -> str:
        return f"alerts of {self.get_criticality_display().lower()} applications"

    @property
    def first_hours(self) -> int | None:
        """Return the hours until the first escalation: to the team's owners, or if that is off, to
        governance."""
        return (
            self.escalate_team_hours
            if self.escalate_team_hours is not None
            else self.escalate_governance_hours
        )


@track_history()
class AlertSettings(models.Model):
    """The single row (id 1) of alert rules that do not depend on the application."""

    price_percent = models.PositiveSmallIntegerField(
        default=5, help_text="Price changes of at least this percentage raise an alert."
    )
    price_monthly_usd = models.PositiveIntegerField(
        default=100,
        help_text="Price changes of at least this amount per month for one team, in USD, "
        "raise an alert.",
    )
    expiry_milestones = _build_days_field(
        usual_expiry_milestones, "Days before acceptances, tests, waivers and approvals expire."
    )
    review_milestones = _build_days_field(
        usual_review_milestones, "Days before reviews and treatments are due."
    )
    escalate_from_severity = models.PositiveSmallIntegerField(
        default=3, help_text="Alerts below this severity are not escalated."
    )

    objects = PublicRows["AlertSettings"].as_manager()

    class Meta:
        verbose_name_plural = "alert settings"
        constraints = [
            models.CheckConstraint(name="alert_settings_one_row", condition=Q(id=1)),
            models.CheckConstraint(
                name="alert_settings_severity_1_to_5",
                condition=Q(escalate_from_severity__range=(1, 5)),
                violation_error_message="Enter a severity between 1 (info) and 5 (urgent).",
            ),
        ]

    def __str__(self) -> str:
        return "alert settings"
