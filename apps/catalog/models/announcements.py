"""Announced retirements as a user recorded them: one fact for a set of model IDs."""

from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.catalog.models.claims import Assertion, ProviderEvent
from apps.catalog.models.foundations import Foundation, Version
from apps.catalog.models.offerings import DateKind, Offering
from apps.catalog.models.providers import Provider, PublicQuerySet
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date

SUBJECT_FIELDS = ("version", "foundation", "provider", "offering")


class AnnouncementScope(models.TextChoices):
    """How the model IDs of an announcement were selected."""

    ALL_HOSTS = "all_hosts", "All hosts"
    HOSTS = "hosts", "Selected hosts"
    MODEL_IDS = "model_ids", "Selected model IDs"


class RetirementAnnouncementQuerySet(PublicQuerySet["RetirementAnnouncement"]):
    def open(self) -> "RetirementAnnouncementQuerySet":
        """Select announcements that are not withdrawn."""
        return self.filter(withdrawn_at__isnull=True)


@track_history()
class RetirementAnnouncement(models.Model):
    """The retirement of a set of offerings, as the provider announced it and a user recorded it.

    Its subject is the version, foundation, provider or offering that the user entered; `offerings`
    are the model IDs that it covers. For each of them it has written a manual value, which raised
    an event. Readers see those events as one fact.
    """

    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, blank=True, related_name="announcements"
    )
    foundation = models.ForeignKey(
        Foundation, on_delete=models.PROTECT, null=True, blank=True, related_name="announcements"
    )
    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="announcements"
    )
    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    scope = models.CharField(max_length=9, choices=AnnouncementScope)
    offerings = models.ManyToManyField(
        Offering,
        through="AnnouncedOffering",
        through_fields=("announcement", "offering"),
        related_name="announcements",
    )
    retires_on = models.DateField("retires on", validators=[validate_plausible_date])
    date_kind = models.CharField(max_length=10, choices=DateKind)
    successor = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    source_url = models.CharField("source URL", max_length=1000, blank=True)
    notice_text = LimitedTextField(
        "provider notice", blank=True, help_text="Text of the notice, as the provider wrote it."
    )
    announced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="User who recorded it; empty for the command line.",
    )
    announced_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawal_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)

    objects = RetirementAnnouncementQuerySet.as_manager()

    class Meta:
        ordering = ["-announced_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="announcement_has_one_subject",
                condition=reduce(
                    or_,
                    (
                        Q(**{f"{other}__isnull": other != name for other in SUBJECT_FIELDS})
                        for name in SUBJECT_FIELDS
                    ),
                ),
                violation_error_message=(
                    "An announcement is about one version, foundation, provider or offering."
                ),
            ),
            models.CheckConstraint(
                name="announcement_withdrawal_has_reason",
                condition=Q(withdrawn_at__isnull=True, withdrawal_reason="")
                | Q(withdrawn_at__isnull=False) & ~Q(withdrawal_reason=""),
                violation_error_message="A withdrawal needs a reason.",
            ),
        ]

    def __str__(self) -> str:
        return f"Retirement of {self.subject_name}"

    @property
    def subject(self) -> Any:
        """Return the version, foundation, provider or offering that the user entered."""
        return self.version or self.foundation or self.provider or self.offering

    @property
    def subject_name(self) -> str:
        """Return the name of the subject as readers know it."""
        if self.version is not None:
            return self.version.name or self.version.identifier
        return str(self.subject)

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None


@track_history()
class AnnouncedOffering(models.Model):
    """An offering that an announcement covers, with what applied to it before.

    `earlier_claim` is the manual value that the announcement replaced, empty without one.
    `is_open` is false once the announcement is withdrawn.
    """

    announcement = models.ForeignKey(
        RetirementAnnouncement, on_delete=models.CASCADE, related_name="announced_offerings"
    )
    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, related_name="announced_offerings"
    )
    claim = models.ForeignKey(Assertion, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField(
        ProviderEvent,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="announced_offering",
    )
    withdrawal_event = models.OneToOneField(
        ProviderEvent,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="withdrawn_offering",
    )
    earlier_retires_on = models.DateField(null=True, blank=True)
    earlier_date_kind = models.CharField(max_length=10, choices=DateKind, blank=True)
    earlier_replacement = models.ForeignKey(
        Offering, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    earlier_claim = models.JSONField(default=dict, blank=True)
    is_open = models.BooleanField(default=True)

    class Meta:
        ordering = ["announcement", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["announcement", "offering"], name="announced_offering_once"
            ),
            models.UniqueConstraint(
                fields=["offering"],
                name="announced_offering_one_open",
                condition=Q(is_open=True),
                violation_error_message=(
                    "Another announcement covers this offering. Withdraw that one first."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"offering {self.offering_id} of announcement {self.announcement_id}"
