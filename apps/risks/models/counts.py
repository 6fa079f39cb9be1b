"""Stored counts of assessed inherited risks, since counting every dependency takes too long for a
page. All of them can be counted again; none was entered by users."""

from django.db import models
from django.db.models import Q

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


class DependencyCount(models.Model):
    """The number of dependencies of applications in scope that inherit the same risks: they use the
    same offering, in the same way, from and until the same day.

    Statement triggers of the migrations add what each write changes, in its transaction. So the sum
    over all rows is exact at any time, and no writer waits for another. A job adds the rows of the
    same dependencies up into one (`is_total`). IDs are not foreign keys, because a number of 0
    remains until then.
    """

    offering_id = models.BigIntegerField()
    via_party_id = models.BigIntegerField(null=True)
    reached = models.CharField(max_length=8)
    binding = models.CharField(max_length=8)
    starts_on = models.DateField(
        null=True, help_text="Empty: in use since the dependency was entered, or earlier."
    )
    ends_on = models.DateField(null=True)
    n = models.IntegerField()
    n_critical = models.IntegerField()
    n_secret = models.IntegerField()
    n_critical_secret = models.IntegerField()
    is_total = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="dependency_count_added", condition=Q(is_total=False))
        ]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "offering_id",
                    "via_party_id",
                    "reached",
                    "binding",
                    "starts_on",
                    "ends_on",
                ],
                condition=Q(is_total=True),
                nulls_distinct=False,
                name="dependency_count_once",
                violation_error_message="These dependencies are already counted.",
            )
        ]

    def __str__(self) -> str:
        return f"offering {self.offering_id}: {self.n}"
