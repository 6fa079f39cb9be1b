"""Scenarios and simulated losses, stored with their results, so that they can be run again and
compared."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import own
from apps.catalog.models import Node
from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history
from apps.common.jobs import Job
from apps.exposure.models.policies import Basis, Layer, OrganisationQuerySet


class OwnQuerySet[M: models.Model](models.QuerySet[M]):
    """Visible to the user who saved it and to organisation roles, and to all users if it is shared:
    a scenario contains only operations, and each reader runs it over the applications they can
    view."""

    def visible_to(self, user: Any) -> "OwnQuerySet[M]":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if user.can_read_all else self.filter(own(user, "created_by") | Q(shared=True))


def default_layers() -> list[str]:
    return ["developer", "host"]


@track_history(exclude=("updated_at",))
class Scenario(models.Model):
    """Ordered operations on the current portfolio: remove, replace, move, reprice, add, retire.
    Running it changes nothing; each run stores its answer."""

    name = models.CharField(max_length=200)
    note = LimitedTextField(blank=True)
    ops = models.JSONField(help_text="Operations in order; see docs/exposure.md for their form.")
    layers = ArrayField(models.CharField(max_length=10, choices=Layer), default=default_layers)
    basis = models.CharField(max_length=11, choices=Basis, default=Basis.COUNT)
    prices_on = models.DateField(
        null=True, blank=True, help_text="Prices of this date; empty: the date of the run."
    )
    shared = models.BooleanField(
        default=False,
        db_default=False,
        help_text="All users can open it and run it for their own teams.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="scenarios"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OwnQuerySet["Scenario"].as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class RunQuerySet[M: models.Model](models.QuerySet[M]):
    """Runs, visible to the requesting user and to organisation roles."""

    def visible_to(self, user: Any) -> "RunQuerySet[M]":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        own_runs = self.filter(requested_by=user)
        if user.bound_team_id is None:
            return own_runs
        # a bound token reaches only answers for its own teams
        return own_runs.filter(
            whole_organisation=False, team_ids__contained_by=sorted(user.team_roles())
        )


RunState = Job.State
_WAITING = Q(state__in=["queued", "running"])


class ScenarioRun(Job):
    """One answer: before and after with the same failing nodes. `ops` are the operations at the
    time of the run."""

    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, related_name="runs")
    ops = models.JSONField()
    as_of = models.DateField(null=True)
    whole_organisation = models.BooleanField(default=True)
    team_ids = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text="Teams for which it was run; empty: all.",
    )
    result = models.JSONField(null=True)
    details = models.JSONField(
        null=True,
        help_text="Figures for lists: applications by state, affected teams, new flags.",
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    queued_at = models.DateTimeField()

    objects = RunQuerySet["ScenarioRun"].as_manager()

    class Meta:
        ordering = ["-queued_at"]
        indexes = [
            models.Index(fields=["queued_at"], name="scenario_run_waiting", condition=_WAITING)
        ]

    def __str__(self) -> str:
        return f"{self.scenario_id} on {self.as_of}: {self.state}"


@track_history(exclude=("updated_at",))
class EventRate(models.Model):
    """Events per year, for one node or for every node of a kind. The rate of a single node takes
    precedence."""

    class Kind(models.TextChoices):
        RETIREMENT = "retirement", "Retirement"
        OUTAGE = "outage", "Outage"
        DEVELOPER_FAILURE = "developer_failure", "Developer failure"
        REPRICING = "repricing", "Price increase"
        REGRESSION = "regression", "Correlated error"
        SHUTDOWN_DAY = "shutdown_day", "Shutdown day"
        SHORT_NOTICE = "short_notice", "Short notice"

    kind = models.CharField(max_length=17, choices=Kind)
    node_kind = models.CharField(max_length=10)
    node = models.ForeignKey(
        Node, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rate = models.FloatField(
        help_text=(
            "Events per year; for an event that happens once, the probability is 1 - exp(-rate)."
        )
    )
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    once = models.BooleanField(
        default=False, help_text="Happens at most once (a retirement, a failure)."
    )
    severity_cv = models.FloatField(
        default=0, help_text="Spread of severity: standard deviation divided by mean."
    )
    assumption = models.BooleanField(
        default=False, help_text="Assumption, not measured. Replace it with your own value."
    )
    source = LimitedTextField(blank=True)
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OrganisationQuerySet["EventRate"].as_manager()

    class Meta:
        ordering = ["kind", "node_kind", "node"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "node_kind", "node"],
                name="event_rate_once",
                nulls_distinct=False,
                violation_error_message="A rate for this is already recorded. Change it instead.",
            ),
            models.CheckConstraint(
                name="event_rate_not_negative",
                condition=Q(rate__gte=0, severity_cv__gte=0),
                violation_error_message="A rate and its spread must be 0 or more.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of a {self.node_kind}: {self.rate} a year"


@track_history(exclude=("updated_at",))
class BaseLoss(models.Model):
    """The cost of one event for an exposed application, by criticality, as set by the organisation.

    With kind `own` it is the cost of an application's independent incidents, with `chance` per
    year.
    """

    OWN = "own"

    kind = models.CharField(
        max_length=17, choices=[*EventRate.Kind.choices, (OWN, "Independent incidents")]
    )
    criticality = models.PositiveSmallIntegerField()
    amount = models.FloatField(
        help_text="Loss of one event of mean severity, in one currency for all."
    )
    placeholder = models.BooleanField(
        default=True,
        help_text=("Default value. Only relative results are meaningful until you enter your own."),
    )
    chance = models.FloatField(
        default=0, help_text="Probability per year; for independent incidents only."
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = OrganisationQuerySet["BaseLoss"].as_manager()

    class Meta:
        ordering = ["kind", "criticality"]
        verbose_name_plural = "base losses"
        constraints = [
            models.UniqueConstraint(fields=["kind", "criticality"], name="base_loss_once"),
            models.CheckConstraint(
                name="base_loss_in_range",
                condition=Q(amount__gte=0, chance__gte=0, chance__lte=1),
                violation_error_message=(
                    "A loss must be 0 or more, and a probability must be between 0 and 1."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.criticality}: {self.amount}"


class LossRun(Job):
    """One simulated distribution of the yearly loss, with everything needed to reproduce it."""

    seed = models.BigIntegerField(default=1)
    years = models.PositiveIntegerField(default=100_000)
    keep = models.FloatField(
        default=0.999, help_text="Share of the variance that is simulated node by node."
    )
    as_of = models.DateField(null=True)
    assumptions = models.JSONField(
        default=dict, help_text="Rates, base losses, factors and versions of the run."
    )
    result = models.JSONField(null=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    queued_at = models.DateTimeField()

    objects = OrganisationQuerySet["LossRun"].as_manager()

    class Meta:
        ordering = ["-queued_at"]
        indexes = [models.Index(fields=["queued_at"], name="loss_run_waiting", condition=_WAITING)]

    def __str__(self) -> str:
        return f"loss as of {self.as_of}: {self.state}"
