"""Findings and runways, stored so that lists of 100,000 applications can be sorted and filtered by
them.

All rows can be computed again (read_models.py); none was entered by users. IDs are plain numbers,
not foreign keys, since rows are replaced in bulk and those of a deleted application are removed by
the next refresh.
"""

from django.db import models
from django.db.models import Q


class CachedFinding(models.Model):
    """One finding; its sentence is made from code and facts (findings.py). `rank` orders
    severities, 0 is the most severe."""

    application_id = models.BigIntegerField()
    team_id = models.BigIntegerField()
    criticality = models.PositiveSmallIntegerField()
    dependency_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=30)
    rank = models.PositiveSmallIntegerField()
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application_id", "code", "dependency_id"],
                name="cached_finding_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(
                fields=["code", "criticality", "application_id", "dependency_id"],
                name="cached_finding_by_code",
                include=["team_id"],
            ),
            models.Index(
                fields=["rank", "criticality", "application_id", "id"],
                name="cached_finding_by_severity",
            ),
            models.Index(
                fields=["team_id", "rank", "criticality", "application_id"],
                name="cached_finding_by_team",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} of application {self.application_id}"


class CachedRunway(models.Model):
    """One active primary model with an announced retirement (runway.py). `start_by` is the last day
    on which the migration can start, or the retirement date if its duration is unknown; `is_first`
    marks the application's most urgent one."""

    dependency_id = models.BigIntegerField(primary_key=True)
    application_id = models.BigIntegerField()
    team_id = models.BigIntegerField()
    criticality = models.PositiveSmallIntegerField()
    offering_id = models.BigIntegerField()
    retires_on = models.DateField(null=True)
    at_least = models.BooleanField()
    days_left = models.IntegerField(null=True)
    effort_days = models.DecimalField(max_digits=7, decimal_places=1, null=True)
    basis = models.CharField(max_length=8, blank=True)
    start_by = models.DateField(null=True)
    is_first = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(fields=["application_id"], name="cached_runway_by_application"),
            models.Index(
                fields=["start_by", "criticality", "dependency_id"],
                name="cached_runway_most_urgent",
                include=["application_id", "team_id"],
                condition=Q(is_first=True),
            ),
        ]

    def __str__(self) -> str:
        return f"dependency {self.dependency_id} starts its migration by {self.start_by}"


class StaleApplication(models.Model):
    """Queue of applications whose stored findings and runways might be out of date; null means all
    of them."""

    application_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"application {self.application_id or 'any'} is to be looked at"


class ReadModelState(models.Model):
    """The single row (ID 1) with the day of the stored rows."""

    as_of = models.DateField()
    refreshed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"findings and runways as of {self.as_of}"
