"""Assessments of inherited risks, and the causes that made them stale."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import ProviderEvent
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField, StoredColumn
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Dependency
from apps.risks.models.evidence import Evidence
from apps.risks.models.risks import LEVELS, Confidence, FoundationRisk


class Treatment(models.TextChoices):
    """The four risk treatments of ISO 31000."""

    AVOID = "avoid", "Avoid"
    REDUCE = "reduce", "Reduce"
    SHARE = "share", "Share"
    ACCEPT = "accept", "Accept"


class StaleCause(models.TextChoices):
    EVENT = "event", "Provider event"
    REPLACED = "replaced", "Dependency ended or replaced"
    EXIT_TEST_EXPIRED = "exit_test_expired", "Exit test expired"
    EVIDENCE_FAILED = "evidence_failed", "New evidence fails"
    EVIDENCE_EXPIRED = "evidence_expired", "Evidence expired"
    FACTS_CHANGED = "facts_changed", "Risk changed"
    ACCEPTANCE_EXPIRED = "acceptance_expired", "Acceptance expired"
    ACCEPTANCE_REVOKED = "acceptance_revoked", "Acceptance revoked"


class AssessmentQuerySet(models.QuerySet["Assessment"]):
    def visible_to(self, user: Any) -> "AssessmentQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(dependency__application__team__in=user.team_roles())

    def accepted_on(self, day: date) -> "AssessmentQuerySet":
        """Select the acceptances in force on `day`."""
        return self.filter(
            treatment=Treatment.ACCEPT, accepted_until__gt=day, revoked_at__isnull=True
        )


def _score_column(likelihood: str, impact: str) -> StoredColumn:
    return StoredColumn(
        expression=F(likelihood) * F(impact),
        output_field=models.PositiveSmallIntegerField(null=True),
        db_persist=True,
    )


@track_history(exclude=("updated_at", "inherent", "current", "residual"))
class Assessment(models.Model):
    """One row per foundation risk and dependency, created by the first assessment; without a row
    the risk is unassessed.

    `version` counts the changes: a writer passes the version that was read. `inherent_*` are the
    levels at the time of assessment, adaptations applied; current is with today's controls,
    residual after the planned treatment. An acceptance stays recorded after it expires;
    `accepts_on` checks its validity.
    """

    class State(models.TextChoices):
        ASSESSED = "assessed", "Assessed"
        STALE = "stale", "Stale"
        NOT_APPLICABLE = "not_applicable", "Not applicable"

    risk = models.ForeignKey(FoundationRisk, on_delete=models.CASCADE, related_name="assessments")
    dependency = models.ForeignKey(Dependency, on_delete=models.CASCADE, related_name="assessments")
    version = models.PositiveIntegerField(default=1, editable=False)
    state = models.CharField(max_length=14, choices=State, default=State.ASSESSED)
    not_applicable_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)

    inherent_likelihood = models.PositiveSmallIntegerField(choices=LEVELS)
    inherent_impact = models.PositiveSmallIntegerField(choices=LEVELS)
    current_likelihood = models.PositiveSmallIntegerField(choices=LEVELS, null=True, blank=True)
    current_impact = models.PositiveSmallIntegerField(choices=LEVELS, null=True, blank=True)
    residual_likelihood = models.PositiveSmallIntegerField(choices=LEVELS, null=True, blank=True)
    residual_impact = models.PositiveSmallIntegerField(choices=LEVELS, null=True, blank=True)
    inherent = _score_column("inherent_likelihood", "inherent_impact")
    current = _score_column("current_likelihood", "current_impact")
    residual = _score_column("residual_likelihood", "residual_impact")
    confidence = models.CharField(max_length=6, choices=Confidence, default=Confidence.MEDIUM)

    treatment = models.CharField(max_length=6, choices=Treatment, blank=True)
    plan = LimitedTextField(blank=True, help_text="Treatment of the risk.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    due_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    evidence = models.ManyToManyField(
        Evidence, through="AssessmentEvidence", blank=True, related_name="backed_assessments"
    )

    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_until = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    accept_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)

    stale_since = models.DateTimeField(null=True, blank=True)
    stale_cause = models.CharField(max_length=18, choices=StaleCause, blank=True)
    stale_reason = models.TextField(blank=True, help_text="Event or reason, as a sentence.")
    stale_event = models.ForeignKey(
        ProviderEvent,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="stale_assessments",
    )
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    assessed_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-inherent", "-id"]
        indexes = [
            models.Index(fields=["dependency"], name="assessment_by_dependency"),
            models.Index(fields=["-inherent", "-id"], name="assessment_gravest"),
            models.Index(fields=["state", "id"], name="assessment_by_state"),
            models.Index(
                fields=["accepted_until"],
                name="assessment_acceptance_ends",
                condition=Q(treatment="accept"),
            ),
            models.Index(
                fields=["due_on", "id"], name="assessment_due", condition=Q(due_on__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["risk", "dependency"],
                name="assessment_once",
                violation_error_message=(
                    "Another user already assessed this risk. Reload it, then change "
                    "the assessment."
                ),
            ),
            models.CheckConstraint(
                name="assessment_not_applicable_says_why",
                condition=~Q(state="not_applicable") | ~Q(not_applicable_reason=""),
                violation_error_message="Enter a reason why the risk does not apply.",
            ),
            models.CheckConstraint(
                name="assessment_stale_says_why",
                condition=~Q(state="stale") | ~Q(stale_cause=""),
                violation_error_message="Enter the reason why the assessment is stale.",
            ),
            models.CheckConstraint(
                name="assessment_acceptance_is_complete",
                condition=~Q(treatment="accept")
                | (
                    Q(
                        accepted_by__isnull=False,
                        accepted_at__isnull=False,
                        accepted_until__isnull=False,
                    )
                    & ~Q(accept_reason="")
                ),
                violation_error_message=(
                    "An acceptance needs an approver, a reason and an expiry date."
                ),
            ),
            models.CheckConstraint(
                name="assessment_levels_1_to_5",
                condition=Q(inherent_likelihood__range=(1, 5), inherent_impact__range=(1, 5))
                & (Q(current_likelihood__isnull=True) | Q(current_likelihood__range=(1, 5)))
                & (Q(current_impact__isnull=True) | Q(current_impact__range=(1, 5)))
                & (Q(residual_likelihood__isnull=True) | Q(residual_likelihood__range=(1, 5)))
                & (Q(residual_impact__isnull=True) | Q(residual_impact__range=(1, 5))),
                violation_error_message="Likelihood and impact must be between 1 and 5.",
            ),
        ]

    def __str__(self) -> str:
        return f"risk {self.risk_id} of dependency {self.dependency_id}: {self.get_state_display()}"

    def accepts_on(self, day: date) -> bool:
        """Return whether the risk is accepted on `day`: the end is exclusive, and a revoked
        acceptance does not count."""
        return (
            self.treatment == Treatment.ACCEPT
            and self.revoked_at is None
            and self.accepted_until is not None
            and self.accepted_until > day
        )


@track_history()
class AssessmentEvidence(models.Model):
    """Evidence attached to an assessment."""

    assessment = models.ForeignKey(
        Assessment, on_delete=models.CASCADE, related_name="evidence_links"
    )
    evidence = models.ForeignKey(
        Evidence, on_delete=models.PROTECT, related_name="assessment_links"
    )

    class Meta:
        ordering = ["assessment", "evidence"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "evidence"],
                name="assessment_evidence_once",
                violation_error_message="This evidence is already attached.",
            )
        ]

    def __str__(self) -> str:
        return f"evidence {self.evidence_id} of assessment {self.assessment_id}"


class HandledEvent(models.Model):
    """Provider events that this app has processed, found by NOT EXISTS (IDs commit out of
    order)."""

    event = models.OneToOneField(
        ProviderEvent, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    handled_at = models.DateTimeField()
    n_assessments = models.PositiveIntegerField(
        help_text="Number of assessments that became stale."
    )

    def __str__(self) -> str:
        return f"event {self.event_id}"
