"""Stored counts of assessed inherited risks, since counting every dependency takes too long for a
page. All of them can be counted again; none was entered by users."""

from django.db import models

from apps.accounts.models import Team
from apps.risks.models.risks import FoundationRisk


class CountState(models.Model):
    """The single row (ID 1) with the time of the counts."""

    counted_at = models.DateTimeField()
    n_applications = models.PositiveIntegerField(help_text="Applications in scope.")
    changes = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Date and latest history entries of the count.",
    )

    def __str__(self) -> str:
        return f"risks counted at {self.counted_at}"


class RiskCount(models.Model):
    """The number of dependencies that inherit a risk, in total and by state of assessment."""

    risk = models.OneToOneField(
        FoundationRisk, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    n_inherited = models.PositiveIntegerField()
    n_assessed = models.PositiveIntegerField()
    n_stale = models.PositiveIntegerField()
    n_not_applicable = models.PositiveIntegerField()
    n_accepted = models.PositiveIntegerField()
    n_critical = models.PositiveIntegerField(help_text="In critical applications.")
    n_critical_decided = models.PositiveIntegerField(
        help_text="Number of these with an assessment."
    )
    n_secret = models.PositiveIntegerField(
        default=0, help_text="In applications with strictly confidential data."
    )
    n_critical_secret = models.PositiveIntegerField(
        default=0, help_text="Number of these in critical applications."
    )

    def __str__(self) -> str:
        return f"risk {self.risk_id}: {self.n_inherited}"


class TeamCount(models.Model):
    """The number of inherited risks of a team's applications, in total and by state of
    assessment."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True, related_name="+")
    n_inherited = models.PositiveIntegerField()
    n_assessed = models.PositiveIntegerField()
    n_stale = models.PositiveIntegerField()
    n_not_applicable = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"team {self.team_id}: {self.n_inherited}"


class LevelCount(models.Model):
    """The number of assessed risks by their assessed level."""

    class Basis(models.TextChoices):
        CURRENT = "current", "Current"
        RESIDUAL = "residual", "Residual"

    basis = models.CharField(max_length=8, choices=Basis)
    likelihood = models.PositiveSmallIntegerField()
    impact = models.PositiveSmallIntegerField()
    n = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["basis", "likelihood", "impact"],
                name="level_count_once",
                violation_error_message="This level is already counted.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.basis} {self.likelihood} x {self.impact}: {self.n}"
