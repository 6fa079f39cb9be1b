"""Proposals: decisions that a second governance person confirms, and the settings that require
it."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.inventory.models.dependencies import Dependency


class ProposalQuerySet(models.QuerySet["DecisionProposal"]):
    def visible_to(self, user: Any) -> "ProposalQuerySet":
        """Select all for organisation roles; otherwise acceptances of the user's teams."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(dependency__application__team__in=user.team_roles())

    def open(self) -> "ProposalQuerySet":
        """Select proposals that wait for a second person."""
        return self.filter(state=DecisionProposal.State.PROPOSED)


@track_history()
class DecisionProposal(models.Model):
    """A decision that applies once a second governance person has confirmed it.

    `target` names the record as `type:ID`, with a qualifier after a slash, like the subject of a
    cause. `before` is the record as the proposer saw it: a confirmation is refused once the record
    differs. `after` is what the decision sets. A proposal never expires.

    `applied`: the tolerance was loosened during a breach while no second person was required.
    """

    class Kind(models.TextChoices):
        TOLERANCE = "tolerance", "Tolerance"
        ACCEPTANCE = "acceptance", "Acceptance of a critical risk"
        BLOCK = "block", "Block"
        SETTING = "setting", "Requirement of a second person"

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        CONFIRMED = "confirmed", "Confirmed"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        APPLIED = "applied", "Applied by one person"

    kind = models.CharField(max_length=10, choices=Kind)
    target = models.CharField(
        max_length=120, help_text="Record that the decision is about, for example `policy:3`."
    )
    target_name = models.CharField(
        max_length=300, help_text="Name of the record when the decision was proposed."
    )
    dependency = models.ForeignKey(
        Dependency,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="decision_proposals",
        help_text="Dependency whose risk is accepted; empty for other decisions.",
    )
    before = models.JSONField(default=dict, help_text="Values of the record when proposed.")
    after = models.JSONField(default=dict, help_text="Values that the decision sets.")
    reason = LimitedTextField(max_length=MAX_REASON_LENGTH)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = LimitedTextField(
        max_length=MAX_REASON_LENGTH,
        blank=True,
        help_text="Reason for confirming, rejecting or withdrawing.",
    )

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-proposed_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["kind", "target"],
                condition=Q(state="proposed"),
                name="decision_proposal_one_open",
                violation_error_message=(
                    "A decision about this record is already proposed. Confirm, reject or withdraw "
                    "it first."
                ),
            ),
            models.CheckConstraint(
                name="decision_proposal_decided_with_user",
                condition=Q(
                    state__in=["proposed", "applied"],
                    decided_by__isnull=True,
                    decided_at__isnull=True,
                )
                | Q(
                    state__in=["confirmed", "rejected", "withdrawn"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                violation_error_message="A decision on a proposal must have a user and a time.",
            ),
            models.CheckConstraint(
                name="decision_proposal_two_persons",
                condition=~Q(state__in=["confirmed", "rejected"]) | ~Q(decided_by=F("proposed_by")),
                violation_error_message=(
                    "A proposal cannot be confirmed by the user who made it. Another governance "
                    "user must decide."
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["target", "-id"], name="decision_proposal_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.target_name}: {self.state}"

    @property
    def target_id(self) -> int:
        """Return the ID of the record: 3 of `policy:3`."""
        return int(self.target.partition("/")[0].partition(":")[2])


@track_history()
class ConfirmationSettings(models.Model):
    """The one row (id 1): decisions that a second governance person must confirm."""

    ONLY: ClassVar[int] = 1

    tolerances = models.BooleanField(
        default=True,
        help_text="A tolerance that is loosened while a measurement is above it.",
    )
    acceptances = models.BooleanField(
        default=False,
        help_text="The acceptance of a critical inherited risk: likelihood times impact is 15 or "
        "more.",
    )
    blocks = models.BooleanField(
        default=False, help_text="The block of a provider, foundation, version or offering."
    )

    class Meta:
        verbose_name = verbose_name_plural = "confirmation settings"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="confirmation_settings_once", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "confirmation settings"
