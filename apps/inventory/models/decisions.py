"""Decisions of the organisation: approvals of models and providers, and selection records."""

from datetime import date

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Foundation, Offering, Provider, PublicQuerySet, Version
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models.change_queue import all_applications_triggers

_ONE_TARGET = (
    Q(provider__isnull=False, foundation__isnull=True, version__isnull=True, offering__isnull=True)
    | Q(
        provider__isnull=True, foundation__isnull=False, version__isnull=True, offering__isnull=True
    )
    | Q(
        provider__isnull=True, foundation__isnull=True, version__isnull=False, offering__isnull=True
    )
    | Q(
        provider__isnull=True, foundation__isnull=True, version__isnull=True, offering__isnull=False
    )
)


class ApprovalQuerySet(PublicQuerySet["Approval"]):
    """Approvals; every signed-in user can read them, in order to follow them."""

    def standing_on(self, day: date) -> "ApprovalQuerySet":
        """Select the decisions in force on `day`: made, not revoked, not expired."""
        return self.filter(
            Q(expires_on__isnull=True) | Q(expires_on__gt=day), decided_on__lte=day
        ).filter(revoked_at__isnull=True)


@track_history(exclude=("updated_at",))
class Approval(models.Model):
    """The decision on one provider, foundation, version or offering. The decision on a narrower
    target applies first."""

    class Decision(models.TextChoices):
        APPROVED = "approved", "Approved"
        RESTRICTED = "restricted", "Restricted"
        BLOCKED = "blocked", "Blocked"

    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    foundation = models.ForeignKey(
        Foundation, on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    version = models.ForeignKey(
        Version, on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    offering = models.ForeignKey(
        Offering, on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    decision = models.CharField(max_length=10, choices=Decision)
    data_classes = ArrayField(
        models.CharField(max_length=12),
        default=list,
        blank=True,
        help_text="Allowed data classifications of applications; empty: all.",
    )
    regions = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="Allowed regions; empty: all.",
    )
    criticalities = ArrayField(
        models.PositiveSmallIntegerField(),
        default=list,
        blank=True,
        help_text="Allowed criticalities of applications (0 critical to 3 low); empty: all.",
    )
    requires_no_training = models.BooleanField(
        default=False, help_text="Inputs must not be used for training."
    )
    max_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Days for which inputs and outputs may be kept at most; empty: any number.",
    )
    requires_zero_retention = models.BooleanField(
        default=False, help_text="Requests without any retention must be possible."
    )
    residencies = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="Regions in which the data must stay; empty: any.",
    )
    terms_data_classes = ArrayField(
        models.CharField(max_length=12),
        default=list,
        blank=True,
        help_text="Data classifications to which the conditions on data terms apply; empty: all.",
    )
    reason = LimitedTextField(max_length=MAX_REASON_LENGTH)
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals_given"
    )
    decided_on = models.DateField(validators=[validate_plausible_date])
    expires_on = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Expires on (not valid from this date).",
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_reason = LimitedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-decided_on", "-id"]
        triggers = all_applications_triggers("approval")
        constraints = [
            models.CheckConstraint(
                name="approval_one_target",
                condition=_ONE_TARGET,
                violation_error_message=(
                    "Choose exactly one provider, foundation, version or offering."
                ),
            ),
            models.CheckConstraint(
                name="approval_expires_unless_blocked",
                condition=Q(decision="blocked") | Q(expires_on__isnull=False),
                violation_error_message="Enter an expiry date. Only a block can be without one.",
            ),
            models.CheckConstraint(
                name="approval_ends_after_decision",
                condition=Q(expires_on__isnull=True) | Q(expires_on__gt=F("decided_on")),
                violation_error_message="The approval must expire after the decision date.",
            ),
            models.CheckConstraint(
                name="approval_restricted_says_to_what",
                condition=~Q(decision="restricted")
                | ~Q(
                    data_classes=[],
                    regions=[],
                    criticalities=[],
                    requires_no_training=False,
                    max_retention_days__isnull=True,
                    requires_zero_retention=False,
                    residencies=[],
                ),
                violation_error_message=(
                    "Select the data classes, regions, criticalities or data terms to which the "
                    "approval is restricted."
                ),
            ),
            models.CheckConstraint(
                name="approval_terms_classes_need_terms",
                condition=Q(terms_data_classes=[])
                | Q(requires_no_training=True)
                | Q(max_retention_days__isnull=False)
                | Q(requires_zero_retention=True)
                | ~Q(residencies=[]),
                violation_error_message=(
                    "Select the data terms that data of these classifications needs."
                ),
            ),
            *(
                models.UniqueConstraint(
                    fields=[target],
                    condition=Q(revoked_at__isnull=True),
                    name=f"approval_one_of_{target}",
                    violation_error_message=(
                        "An approval for this already exists. Revoke or replace it."
                    ),
                )
                for target in ("provider", "foundation", "version", "offering")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.decision} until {self.expires_on}"

    @property
    def target(self) -> Provider | Foundation | Version | Offering:
        target = self.provider or self.foundation or self.version or self.offering
        assert target is not None
        return target


@track_history(exclude=("updated_at",))
class Selection(models.Model):
    """A selection record: which foundation was chosen for a purpose, from which candidates, by
    which criteria, and why."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        DECIDED = "decided", "Decided"
        SUPERSEDED = "superseded", "Superseded"

    title = models.CharField(max_length=200)
    purpose = LimitedTextField(blank=True, help_text="Intended use of the foundation.")
    criteria = models.JSONField(
        default=list, blank=True, help_text='[{"name", "weight", "note"}, ...]'
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    decision = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="selections_decided",
    )
    decided_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    review_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PublicQuerySet["Selection"].as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="selection_decided_is_complete",
                condition=Q(state="draft")
                | (
                    ~Q(decision="")
                    & ~Q(reason="")
                    & Q(decided_by__isnull=False, decided_on__isnull=False)
                ),
                violation_error_message=(
                    "A decided selection record must state the decision, the reason, "
                    "the user and the time."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.title


@track_history()
class SelectionCandidate(models.Model):
    """One candidate of a selection, with its scorecard of the day of the decision."""

    selection = models.ForeignKey(Selection, on_delete=models.CASCADE, related_name="candidates")
    foundation = models.ForeignKey(Foundation, on_delete=models.PROTECT, related_name="candidacies")
    offering = models.ForeignKey(
        Offering,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="candidacies",
        help_text="The host's offering; empty: the foundation on any host.",
    )
    chosen = models.BooleanField(default=False)
    scores = models.JSONField(default=dict, blank=True, help_text="{criterion: {value, note}}")
    scorecard = models.JSONField(
        default=dict, blank=True, help_text="Facts and sources at the time of the decision."
    )
    note = LimitedTextField(blank=True)

    class Meta:
        ordering = ["selection", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["selection", "foundation", "offering"],
                nulls_distinct=False,
                name="selection_candidate_once",
                violation_error_message="This candidate is already part of the selection record.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.selection_id}: {self.foundation_id}"
