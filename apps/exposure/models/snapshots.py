"""Daily snapshots of exposure for trends: written once a day, never changed."""

from django.db import models

from apps.exposure.models.policies import Basis, Layer


class NodeSnapshot(models.Model):
    """`NodeSummary` of a day. The table is partitioned by month (see the migration); rows are never
    updated."""

    pk = models.CompositePrimaryKey("day", "node_id", "threat", "state")
    day = models.DateField()
    node_id = models.BigIntegerField()
    threat = models.PositiveSmallIntegerField()
    state = models.PositiveSmallIntegerField()
    n = models.BigIntegerField()
    n_critical = models.BigIntegerField()
    points = models.BigIntegerField()
    users = models.BigIntegerField()
    spend = models.DecimalField(max_digits=20, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.day}: node {self.node_id}"


class ConcentrationSnapshot(models.Model):
    """The indices of a layer by a weight, as of a day; `top` are its largest buckets: [[node ID,
    share], ...]."""

    day = models.DateField()
    layer = models.CharField(max_length=10, choices=Layer)
    basis = models.CharField(max_length=11, choices=Basis)
    n_applications = models.PositiveIntegerField()
    covered_weight = models.FloatField()
    none_weight = models.FloatField()
    unknown = models.FloatField(null=True)
    cr1 = models.FloatField(null=True)
    cr3 = models.FloatField(null=True)
    hhi = models.FloatField(null=True)
    hhi_best = models.FloatField(null=True)
    hhi_worst = models.FloatField(null=True)
    n1 = models.FloatField(null=True)
    n2 = models.FloatField(null=True)
    top = models.JSONField(default=list)

    class Meta:
        ordering = ["day", "layer", "basis"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "layer", "basis"], name="concentration_snapshot_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.layer} by {self.basis}"


class MonthlyConcentration(models.Model):
    """Applications that needed a node at the end of a month; without `node_id`, all in scope.

    A month whose last day has a snapshot keeps the numbers measured on that day. Other months are
    computed from the dates of dependencies and the history of applications, again after each
    change of them.
    """

    class Origin(models.TextChoices):
        SNAPSHOT = "snapshot", "Snapshot of the day"
        COMPUTED = "computed", "Computed from dates and history"

    day = models.DateField(help_text="Last day of the month.")
    node_id = models.BigIntegerField(null=True, help_text="Empty: all applications in scope.")
    n = models.BigIntegerField()
    n_critical = models.BigIntegerField()
    origin = models.CharField(max_length=8, choices=Origin)
    stored_at = models.DateTimeField()

    class Meta:
        ordering = ["day", "node_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["node_id", "day"], name="monthly_concentration_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: node {self.node_id or 'any'}"
