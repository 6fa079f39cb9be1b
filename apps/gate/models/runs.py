"""Gate runs: every check that a pipeline requested, with its findings and decision."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import ApiToken
from apps.catalog.models import Offering
from apps.gate.models.waivers import Waiver
from apps.gate.rules.definitions import Decision, Level, Rule
from apps.inventory.models import Application


class GateRunQuerySet(models.QuerySet["GateRun"]):
    def visible_to(self, user: Any) -> "GateRunQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(application__team__in=user.team_roles())

    def waiting(self) -> "GateRunQuerySet":
        return self.filter(state=GateRun.State.WAITING)


class GateRun(models.Model):
    """One check requested by one pipeline. Without history: it is never changed, only marked as
    released.

    The same request for the same commit is the same run for as long as its result is the same
    (`outcome`)."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Decided"
        FAILED = "failed", "Failed"

    class Mode(models.TextChoices):
        ENFORCE = "enforce", "Enforce"
        REPORT = "report", "Report only"

    class Baseline(models.TextChoices):
        LAST_RELEASED = "last_released", "Last released"
        NONE = "none", "No baseline"

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="gate_runs")
    environment = models.CharField(max_length=60, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    ref = models.CharField(max_length=255, blank=True)
    mode = models.CharField(max_length=7, choices=Mode, default=Mode.ENFORCE)
    baseline = models.CharField(max_length=13, choices=Baseline, default=Baseline.LAST_RELEASED)
    blocks_all = models.BooleanField(
        default=False, help_text="Also report what the baseline already contained."
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the request.")
    question = models.JSONField(
        default=list, help_text="Requested models, until they are evaluated."
    )
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)

    decision = models.CharField(max_length=7, choices=Decision, blank=True)
    exit_code = models.PositiveSmallIntegerField(null=True, blank=True)
    summary = models.TextField(blank=True)
    outcome = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of decision and findings."
    )
    policy_version = models.PositiveIntegerField(null=True, blank=True)
    catalogue_as_of = models.DateTimeField(null=True, blank=True)
    catalogue_sources = models.JSONField(
        default=list,
        blank=True,
        help_text="[{slug, name, read_at}] of the sources of retirement dates, newest first.",
    )
    horizon = models.JSONField(
        default=dict,
        blank=True,
        help_text="{environment, criticality, warning_days, error_days} of FR003.",
    )
    baseline_run = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    evaluated = models.JSONField(default=list, help_text="[{model, resolved_id, match, location}]")
    n_models = models.PositiveIntegerField(default=0)
    n_errors = models.PositiveIntegerField(default=0)
    n_warnings = models.PositiveIntegerField(default=0)
    n_waived = models.PositiveIntegerField(default=0)

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    token = models.ForeignKey(
        ApiToken, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField()
    last_requested_at = models.DateTimeField(
        help_text="Time of the last identical request with the same decision."
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = GateRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["application", "-id"], name="gate_run_by_application"),
            models.Index(
                fields=["application", "commit", "digest", "-id"], name="gate_run_by_question"
            ),
            models.Index(
                fields=["application", "environment", "-released_at"],
                name="gate_run_released",
                condition=Q(released_at__isnull=False),
            ),
            models.Index(fields=["id"], name="gate_run_waiting", condition=Q(state="waiting")),
            models.Index(fields=["last_requested_at"], name="gate_run_by_age"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="gate_run_done_is_decided",
                condition=~Q(state="done") | (~Q(decision="") & Q(exit_code__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"gate run {self.pk}: {self.decision or self.state}"

    @property
    def short_commit(self) -> str:
        return self.commit[:10]

    @property
    def source_names(self) -> str:
        """Return the sources of retirement dates on which its result is based."""
        return ", ".join(source["name"] for source in self.catalogue_sources)


class GateFinding(models.Model):
    """One finding of a run. `model` and `resolved_id` are empty if it is about the application
    itself."""

    run = models.ForeignKey(GateRun, on_delete=models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=5, choices=Rule)
    level = models.CharField(max_length=7, choices=Level)
    model = models.CharField(max_length=300, blank=True)
    resolved_id = models.CharField(max_length=300, blank=True)
    offering = models.ForeignKey(
        Offering, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    file = models.CharField(max_length=300, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    message = models.TextField()
    replacement = models.CharField(max_length=300, blank=True)
    by_date = models.DateField(null=True, blank=True)
    is_new = models.BooleanField(help_text="Not in the baseline, or less severe there.")
    waiver = models.ForeignKey(
        Waiver, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    waived_until = models.DateField(null=True, blank=True)
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of rule, application, model and file."
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "id"], name="gate_finding_by_run")]

    def __str__(self) -> str:
        return f"{self.rule} {self.level}: {self.model}"
