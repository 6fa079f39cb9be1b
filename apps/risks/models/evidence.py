"""Evidence: evaluations on own workloads, papers, incidents."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Offering, Version
from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Application
from apps.risks.models.catalogue import RiskTemplate


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def visible_to(self, user: Any) -> "EvidenceQuerySet":
        """Select evidence that the user can view: about versions and offerings all of it, about
        applications that of their teams."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(Q(application__isnull=True) | Q(application__team__in=user.team_roles()))

    def failing_or_expired_on(self, day: date) -> "EvidenceQuerySet":
        return self.filter(Q(passed=False) | Q(expires_on__lte=day))


@track_history()
class Evidence(models.Model):
    """Evidence about an application, a version, an offering, or an application on one of these.

    `passed` is null for documents without a measurement (a model card, a contract).
    """

    class Kind(models.TextChoices):
        OWN_EVALUATION = "own_evaluation", "Evaluation on own workload"
        RED_TEAM = "red_team", "Red-team exercise"
        BENCHMARK = "benchmark", "Third-party benchmark"
        PROVIDER_CARD = "provider_card", "Provider's documentation"
        EXIT_TEST = "exit_test", "Exit test"
        INCIDENT = "incident", "Incident"
        CONTRACT = "contract", "Contract"
        DOCUMENT = "document", "Other document"

    class Evaluator(models.TextChoices):
        FIRST = "first", "Own organisation"
        SECOND = "second", "Provider"
        THIRD = "third", "Third party"

    class State(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILING = "failing", "Failing"
        EXPIRED = "expired", "Expired"
        ON_FILE = "on_file", "Recorded"

    kind = models.CharField(max_length=14, choices=Kind)
    tool = models.CharField(
        max_length=60, blank=True, help_text="promptfoo, inspect_ai, lm-eval, garak, ..."
    )
    run = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="ID of the run in the tool.",
    )
    evaluator = models.CharField(max_length=6, choices=Evaluator, default=Evaluator.FIRST)
    application = models.ForeignKey(
        Application,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="evidence",
        help_text="Empty: concerns the version or offering, not one application.",
    )
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, blank=True, related_name="evidence"
    )
    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="evidence"
    )
    template = models.ForeignKey(
        RiskTemplate,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="evidence",
        help_text="Risk that the evidence tests; empty: all inherited risks.",
    )
    dataset = models.CharField(max_length=200, blank=True)
    metric = models.CharField(max_length=120, blank=True)
    value = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    threshold = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    higher_is_better = models.BooleanField(default=True)
    passed = models.BooleanField(null=True, blank=True)
    n = models.PositiveIntegerField("number of cases", null=True, blank=True)
    run_on = models.DateField(validators=[validate_plausible_date])
    expires_on = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Expires on (not valid from this date).",
    )
    digest = models.CharField(
        max_length=64,
        blank=True,
        validators=[
            RegexValidator(r"^[0-9a-f]{64}$", "A SHA-256 digest has 64 hexadecimal digits.")
        ],
        help_text="SHA-256 digest of the file.",
    )
    link = models.URLField(max_length=1000, blank=True)
    note = LimitedTextField(blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField()

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["-run_on", "-id"]
        verbose_name_plural = "evidence"
        indexes = [
            models.Index(fields=["application"], name="evidence_by_application"),
            models.Index(
                fields=["recorded_at"], name="evidence_failing", condition=Q(passed=False)
            ),
            models.Index(fields=["tool", "run"], name="evidence_by_run", condition=~Q(run="")),
        ]
        constraints = [
            models.CheckConstraint(
                name="evidence_is_about_something",
                condition=Q(application__isnull=False)
                | Q(version__isnull=False)
                | Q(offering__isnull=False),
                violation_error_message=(
                    "Select what was tested: an application, a version or an offering."
                ),
            ),
            models.CheckConstraint(
                name="evidence_expires_after_run",
                condition=Q(expires_on__isnull=True) | Q(expires_on__gt=F("run_on")),
                violation_error_message="The evidence must expire after its date.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.run_on}"

    def state(self, day: date) -> "Evidence.State":
        """Return the state; failing comes before expired, because an old failure still needs
        attention."""
        if self.passed is False:
            return Evidence.State.FAILING
        if self.expires_on is not None and self.expires_on <= day:
            return Evidence.State.EXPIRED
        return Evidence.State.ON_FILE if self.passed is None else Evidence.State.PASSED


class EvaluationItemsQuerySet(models.QuerySet["EvaluationItems"]):
    def visible_to(self, user: Any) -> "EvaluationItemsQuerySet":
        """Select the results of evidence that the user can view."""
        return self.filter(evidence__in=Evidence.objects.visible_to(user).order_by().values("pk"))


class EvaluationItems(models.Model):
    """Results of the single items behind a figure: IDs, scores and digests of short answers.

    They are imported with their evidence and never changed. `content` is compressed JSON
    (evaluations/item_results.py), because they are only read as a whole.
    """

    evidence = models.OneToOneField(Evidence, on_delete=models.CASCADE, related_name="items")
    n = models.PositiveIntegerField("number of items")
    content = models.BinaryField()

    objects = EvaluationItemsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "evaluation items"

    def __str__(self) -> str:
        return f"{self.n} items of evidence {self.evidence_id}"
