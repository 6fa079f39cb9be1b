"""Tables derived from the inventory and the catalogue for one day, so that every query needs only
one or two joins.

All rows can be rebuilt (docs/exposure.md, section Tables); none was entered by users. IDs are plain
numbers, not foreign keys, since rows are replaced in bulk and a deleted application is removed by
the next refresh.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class EngineState(models.Model):
    """The single row (ID 1) with the day and the settings of the tables."""

    as_of = models.DateField(null=True)
    settings_digest = models.CharField(max_length=64, blank=True)
    built_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True)
    n_applications = models.PositiveIntegerField(default=0, help_text="Applications in scope.")

    def __str__(self) -> str:
        return f"exposure as of {self.as_of}"


class ScopedApplication(models.Model):
    """An application in scope, with its weights. Spend is per month in USD; null if not
    recorded."""

    application_id = models.BigIntegerField(primary_key=True)
    team_id = models.BigIntegerField()
    criticality = models.PositiveSmallIntegerField()
    n_paths = models.IntegerField(help_text="Active primary models with traffic.")
    points = models.BigIntegerField()
    users = models.BigIntegerField(null=True)
    spend = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    unresolved = models.BooleanField(help_text="A primary model is unresolved.")
    independent_fallback = models.BooleanField(
        help_text="Every primary model has a fallback with independence 4 or higher."
    )
    judge_shares_lineage = models.BooleanField(
        help_text="A judge or guardrail shares lineage with a primary model."
    )

    class Meta:
        indexes = [
            models.Index(fields=["criticality", "application_id"], name="scoped_by_criticality"),
            models.Index(
                fields=["team_id"], include=["application_id", "criticality"], name="scoped_by_team"
            ),
        ]

    def __str__(self) -> str:
        return f"application {self.application_id}"


class ActiveDependency(models.Model):
    """A live dependency in any role, as counted by the blast radius."""

    dependency_id = models.BigIntegerField(primary_key=True)
    offering_id = models.BigIntegerField()
    application_id = models.BigIntegerField()
    team_id = models.BigIntegerField()
    criticality = models.PositiveSmallIntegerField()
    role = models.PositiveSmallIntegerField(
        help_text="Order of the role; 0 primary, 1 fallback or standby."
    )
    reached = models.PositiveSmallIntegerField(
        help_text="0 direct, 1 through a gateway, 2 inside a product."
    )
    via_party_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["offering_id"],
                include=["application_id", "team_id", "criticality", "role"],
                name="active_by_offering",
            ),
            models.Index(fields=["application_id"], name="active_by_application"),
            models.Index(
                fields=["via_party_id", "reached"],
                name="active_by_party",
                include=["application_id", "team_id", "criticality", "role"],
                condition=models.Q(via_party_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"dependency {self.dependency_id}"


class Path(models.Model):
    """A live primary with traffic. `parties` are the ultimate parents of all its parties; weights
    are of this path."""

    dependency_id = models.BigIntegerField(primary_key=True)
    application_id = models.BigIntegerField()
    team_id = models.BigIntegerField()
    criticality = models.PositiveSmallIntegerField()
    offering_id = models.BigIntegerField()
    effective_id = models.BigIntegerField(help_text="Offering that is served today.")
    reached = models.PositiveSmallIntegerField()
    via_party_id = models.BigIntegerField(null=True)
    parties = ArrayField(models.BigIntegerField())
    share = models.FloatField(
        help_text="Share of the application's primary traffic; above 0, up to 1."
    )
    points = models.FloatField()
    users = models.FloatField()
    spend = models.FloatField()

    class Meta:
        indexes = [
            models.Index(
                fields=["offering_id"], include=["application_id", "share"], name="path_by_offering"
            ),
            models.Index(fields=["effective_id"], name="path_by_effective"),
            models.Index(
                fields=["application_id"],
                include=["offering_id", "share"],
                name="path_by_application",
            ),
            models.Index(
                fields=["via_party_id", "reached"],
                name="path_by_party",
                condition=models.Q(via_party_id__isnull=False),
            ),
            models.Index(
                fields=["application_id", "dependency_id"],
                name="path_of_critical",
                condition=models.Q(criticality=0),
            ),
        ]

    def __str__(self) -> str:
        return f"dependency {self.dependency_id}"


class Candidate(models.Model):
    """A possible replacement for an application's primary models. `primary_id` is set for a past
    exit test's target, which helps only the primary it was tested for; the others are active
    fallbacks and standby primaries."""

    application_id = models.BigIntegerField()
    primary_id = models.BigIntegerField(null=True)
    dependency_id = models.BigIntegerField(null=True)
    offering_id = models.BigIntegerField()
    effective_id = models.BigIntegerField()
    reached = models.PositiveSmallIntegerField()
    via_party_id = models.BigIntegerField(null=True)
    parties = ArrayField(models.BigIntegerField())
    place = models.IntegerField(
        help_text="Order among equals: declared fallbacks, standby, exit-test targets."
    )
    tested = models.BooleanField(
        help_text="The latest exit test passed and is valid; otherwise untested or expired."
    )
    ever_tested = models.BooleanField()
    alive = models.BooleanField()
    alive_at_horizon = models.BooleanField()
    next_change_on = models.DateField(
        null=True, help_text="Next date on which one of the flags changes."
    )

    class Meta:
        indexes = [
            models.Index(fields=["application_id"], name="candidate_by_application"),
            models.Index(fields=["offering_id"], name="candidate_by_offering"),
            models.Index(fields=["effective_id"], name="candidate_by_effective"),
            models.Index(fields=["next_change_on"], name="candidate_by_next_change"),
        ]

    def __str__(self) -> str:
        return f"candidate of {self.application_id}"


class CandidateGrade(models.Model):
    """A candidate for a live primary with traffic, and its independence from it, 0 to 5; queries of
    states join this table.

    Targets of past exit tests are not `is_immediate`: they help only if there is notice.
    """

    pk = models.CompositePrimaryKey("primary_id", "candidate_id")
    primary_id = models.BigIntegerField()
    candidate_id = models.BigIntegerField()
    application_id = models.BigIntegerField()
    grade = models.PositiveSmallIntegerField()
    offering_id = models.BigIntegerField()
    reached = models.PositiveSmallIntegerField()
    via_party_id = models.BigIntegerField(null=True)
    dependency_id = models.BigIntegerField(null=True)
    place = models.IntegerField()
    is_immediate = models.BooleanField()
    tested = models.BooleanField()
    alive = models.BooleanField()
    alive_at_horizon = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["application_id"], name="candidate_grade_by_application")]

    def __str__(self) -> str:
        return f"{self.candidate_id} for {self.primary_id}"


class PairGrade(models.Model):
    """Independence of two effective offerings, 0 to 4; 4 means 4 or 5, depending on the parties of
    both paths."""

    pk = models.CompositePrimaryKey("primary_id", "candidate_id")
    primary_id = models.BigIntegerField()
    candidate_id = models.BigIntegerField()
    grade = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["candidate_id", "primary_id"],
                include=["grade"],
                name="pair_grade_by_candidate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.primary_id}>{self.candidate_id}: {self.grade}"


class EngineFooting(models.Model):
    """The upstream nodes of the catalogue as of the last refresh. Sums must be computed and
    subtracted over the same rows, even if the catalogue has changed since."""

    pk = models.CompositePrimaryKey("node_id", "offering_id")
    node_id = models.BigIntegerField()
    offering_id = models.BigIntegerField()
    via = models.PositiveSmallIntegerField()
    depth = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["offering_id"],
                include=["node_id", "via", "depth"],
                name="engine_footing_by_offering",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offering_id} on {self.node_id}"


class PartyFooting(models.Model):
    """The gateway or vendor nodes of a dependency with `via_party`, parents included."""

    reached = models.PositiveSmallIntegerField()
    party_id = models.BigIntegerField()
    node_id = models.BigIntegerField()
    depth = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["node_id", "reached", "party_id"], name="party_footing_once"
            ),
        ]
        indexes = [models.Index(fields=["party_id", "reached"], name="party_footing_by_party")]

    def __str__(self) -> str:
        return f"{self.party_id} on {self.node_id}"


class NodeSummary(models.Model):
    """Sums per node and state under one failure mode: for single points of failure, flags and the
    daily snapshot."""

    pk = models.CompositePrimaryKey("node_id", "threat", "state")
    node_id = models.BigIntegerField()
    threat = models.PositiveSmallIntegerField(
        help_text="Failure mode; codes as in threats.THREATS."
    )
    state = models.PositiveSmallIntegerField(
        help_text="0 exposed, 1 cushioned, 2 portable, 3 partial."
    )
    n = models.BigIntegerField()
    n_critical = models.BigIntegerField()
    points = models.BigIntegerField()
    users = models.BigIntegerField()
    spend = models.DecimalField(max_digits=20, decimal_places=2)

    class Meta:
        indexes = [
            models.Index(
                fields=["threat", "state", "-n_critical", "-n"], name="node_summary_gravest"
            )
        ]

    def __str__(self) -> str:
        return f"node {self.node_id}"


class NodeReach(models.Model):
    """Number of applications, and of critical ones, that depend on a node, in any role and by any
    relationship."""

    node_id = models.BigIntegerField(primary_key=True)
    n = models.BigIntegerField()
    n_critical = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"node {self.node_id}: {self.n}"


class MinimalCutSet(models.Model):
    """One minimal cut set: nodes whose joint failure stops the threshold of critical applications;
    stored by the hourly job."""

    node_ids = ArrayField(models.BigIntegerField())
    share = models.FloatField()
    as_of = models.DateField()

    class Meta:
        ordering = ["-share", "id"]

    def __str__(self) -> str:
        return f"{self.node_ids}: {self.share:.0%}"
