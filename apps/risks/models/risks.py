"""Risks recorded once on a foundation or provider and inherited by all dependencies on it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Node, PublicQuerySet
from apps.common.database.fields import LimitedTextField, StoredColumn
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.risks.models.catalogue import RiskTemplate
from apps.risks.models.evidence import Evidence

LEVELS = [(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]


class Confidence(models.TextChoices):
    """Confidence in the assessed levels; independent of likelihood."""

    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"


class RuleName(models.TextChoices):
    """The built-in rules, each one function in rules/."""

    RETIREMENT = "retirement", "Retirement within the planning horizon"
    REDIRECT = "redirect", "Redirect after retirement"
    MOVING_NAME = "moving_name", "Unpinned alias"
    SHORT_NOTICE = "short_notice", "Short notice period"
    ONE_HOST = "one_host", "Single host"
    PRICE_MOVES = "price_moves", "Price volatility"
    TERMS = "terms", "Terms changed"
    LICENCE = "licence", "Licence changed"


class FoundationRiskQuerySet(PublicQuerySet["FoundationRisk"]):
    def open(self) -> "FoundationRiskQuerySet":
        """Return the risks that are open, that is not closed and not dismissed."""
        return self.filter(FoundationRisk.OPEN)

    def handed_on(self) -> "FoundationRiskQuerySet":
        """Return the open risks that dependencies on the node inherit."""
        return self.open().filter(inherits=True)


@track_history(exclude=("updated_at", "inherent"))
class FoundationRisk(models.Model):
    """A template, or an own risk without one, attached to one node of the catalogue.

    A risk raised by a rule has its facts as a sentence, and as `facts_key`, which changes when they
    change materially: that reopens a dismissed risk and makes assessments stale. `changed_at` is
    the time of the last such change, or of the last change of the levels by a user.
    """

    OPEN: ClassVar[Q] = Q(closed_at__isnull=True, dismissed_at__isnull=True)

    template = models.ForeignKey(
        RiskTemplate, on_delete=models.PROTECT, null=True, blank=True, related_name="risks"
    )
    title = models.CharField(
        max_length=300, blank=True, help_text="Title of the risk; empty: the title of the template."
    )
    description = LimitedTextField(blank=True)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="foundation_risks")
    inherits = models.BooleanField(
        default=True, help_text="Dependencies on the node inherit the risk."
    )
    likelihood = models.PositiveSmallIntegerField(
        choices=LEVELS, help_text="Inherent likelihood: 1 rare to 5 almost certain."
    )
    impact = models.PositiveSmallIntegerField(
        choices=LEVELS, help_text="Inherent impact: 1 negligible to 5 severe."
    )
    inherent = StoredColumn(
        expression=F("likelihood") * F("impact"),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )
    confidence = models.CharField(max_length=6, choices=Confidence, default=Confidence.MEDIUM)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    evidence = models.ManyToManyField(
        Evidence, through="RiskEvidence", blank=True, related_name="foundation_risks"
    )

    rule = models.CharField(max_length=12, choices=RuleName, blank=True, editable=False)
    facts = models.TextField(blank=True, help_text="Basis of the risk, as a sentence.")
    facts_key = models.CharField(max_length=200, blank=True, editable=False)
    source_url = models.CharField(max_length=1000, blank=True)

    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    review_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=500, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    dismissed_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = FoundationRiskQuerySet.as_manager()

    class Meta:
        ordering = ["-inherent", "id"]
        indexes = [
            models.Index(
                F("inherent").desc(),
                "id",
                name="foundation_risk_gravest",
                condition=Q(closed_at__isnull=True, dismissed_at__isnull=True, inherits=True),
            ),
            models.Index(fields=["node"], name="foundation_risk_by_node"),
            models.Index(fields=["-inherent", "-id"], name="foundation_risk_in_order"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "node"],
                name="foundation_risk_once",
                condition=Q(closed_at__isnull=True, template__isnull=False),
                violation_error_message=(
                    "This risk is already recorded on this node. Change it, or close it first."
                ),
            ),
            models.CheckConstraint(
                name="foundation_risk_levels_1_to_5",
                condition=Q(likelihood__range=(1, 5), impact__range=(1, 5)),
                violation_error_message="Likelihood and impact must be between 1 and 5.",
            ),
            models.CheckConstraint(
                name="foundation_risk_has_a_name",
                condition=Q(template__isnull=False) | ~Q(title=""),
                violation_error_message="Choose a template, or enter a title.",
            ),
            models.CheckConstraint(
                name="foundation_risk_dismissed_with_reason",
                condition=Q(dismissed_at__isnull=True) | ~Q(dismissed_reason=""),
                violation_error_message="Enter a reason for dismissing the risk.",
            ),
        ]

    def __str__(self) -> str:
        return self.title or (str(self.template) if self.template_id else f"risk {self.pk}")


@track_history()
class RiskEvidence(models.Model):
    """Evidence attached to a foundation risk."""

    risk = models.ForeignKey(
        FoundationRisk, on_delete=models.CASCADE, related_name="evidence_links"
    )
    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="risk_links")

    class Meta:
        ordering = ["risk", "evidence"]
        constraints = [
            models.UniqueConstraint(
                fields=["risk", "evidence"],
                name="risk_evidence_once",
                violation_error_message="This evidence is already attached.",
            )
        ]

    def __str__(self) -> str:
        return f"evidence {self.evidence_id} of risk {self.risk_id}"
