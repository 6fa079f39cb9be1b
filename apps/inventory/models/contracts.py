"""Contracts with providers, and the documents that developers must provide, for reports and due
diligence."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Foundation, Provider
from apps.common.database.fields import LimitedTextField
from apps.common.database.tree_triggers import refuse_cycles
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date


class OrganisationWideQuerySet[M: models.Model](models.QuerySet[M]):
    """Records of the whole organisation, visible to governance, auditors and administrators."""

    def visible_to(self, user: Any) -> "OrganisationWideQuerySet[M]":
        return (
            self if user.is_authenticated and user.is_active and user.can_read_all else self.none()
        )


class OnFile(models.TextChoices):
    """Values of a clause of the contract: present or absent; empty means unknown."""

    YES = "yes", "In the contract"
    NO = "no", "Not in the contract"


@track_history(exclude=("updated_at",))
class Contract(models.Model):
    """A contract with a party of the supply chain. Field names follow DORA's register of
    information (RT.02.01, RT.02.02)."""

    class Kind(models.TextChoices):
        STANDALONE = "standalone", "Standalone"
        OVERARCHING = "overarching", "Overarching"
        SUBSEQUENT = "subsequent", "Subsequent or associated"

    class Termination(models.TextChoices):
        """Reasons for the end of a contract as RT.02.02.0090 lists them."""

        EXPIRED = "expired", "Expired and not renewed"
        BREACH = "breach", "Provider in breach"
        IMPEDIMENT = "impediment", "Impediments of the provider"
        WEAKNESS = "weakness", "Provider's weaknesses in handling data"
        AUTHORITY = "authority", "Requested by the competent authority"
        OTHER = "other", "Other reasons"

    class Stores(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"

    class TrainingUse(models.TextChoices):
        NO = "no", "Not used for training"
        OPT_OUT = "opt_out", "Used unless opted out"
        YES = "yes", "Used for training"

    party = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="contracts")
    ref = models.CharField("reference", max_length=100)
    name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=11, choices=Kind, default=Kind.STANDALONE)
    overarching = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="subsequent"
    )
    ict_service_type = models.CharField(
        "ICT service type",
        max_length=3,
        blank=True,
        help_text="S01 to S19 of the DORA register of information.",
    )
    starts_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    ends_on = models.DateField(
        null=True, blank=True, validators=[validate_plausible_date], help_text="Empty: open-ended."
    )
    currency = models.CharField(max_length=3, default="USD")
    annual_cost = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    notice_days_ours = models.PositiveIntegerField(
        null=True, blank=True, help_text="Notice period for us, in days."
    )
    notice_days_theirs = models.PositiveIntegerField(
        null=True, blank=True, help_text="Notice period for the provider, in days."
    )
    deprecation_notice_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Contractual days between announcement and retirement of a model.",
    )
    governing_law = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166-1 alpha-2 code of the country."
    )
    provision_country = models.CharField(max_length=2, blank=True)
    stores_data = models.CharField(
        max_length=3,
        choices=Stores,
        blank=True,
        default="",
        db_default="",
        help_text="Whether the service stores data.",
    )
    data_country = models.CharField(
        max_length=2, blank=True, help_text="Location where data is stored."
    )
    processing_country = models.CharField(
        max_length=2,
        blank=True,
        default="",
        db_default="",
        help_text="Location where data is processed.",
    )
    termination_reason = models.CharField(
        max_length=10,
        choices=Termination,
        blank=True,
        default="",
        db_default="",
        help_text="Reason for termination; empty: not terminated.",
    )
    last_audit_on = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Date of the last audit of the provider (RT.07.01.0070).",
    )
    price_protection = models.CharField(max_length=3, choices=OnFile, blank=True)
    exit_clause = models.CharField(max_length=3, choices=OnFile, blank=True)
    termination_assistance = models.CharField(max_length=3, choices=OnFile, blank=True)
    audit_right = models.CharField(max_length=3, choices=OnFile, blank=True)
    ip_indemnity = models.CharField("IP indemnity", max_length=3, choices=OnFile, blank=True)
    training_use = models.CharField(max_length=7, choices=TrainingUse, blank=True)
    terms_url = models.URLField(max_length=500, blank=True)
    terms_digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 digest of the terms when last read."
    )
    terms_read_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    note = LimitedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OrganisationWideQuerySet["Contract"].as_manager()

    class Meta:
        ordering = ["party", "ref"]
        triggers = [
            refuse_cycles(
                "contract_no_circle",
                "inventory_contract",
                "overarching_id",
                (
                    "This would place the contract under itself. Choose another overarching "
                    "contract."
                ),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["party", "ref"],
                name="contract_once",
                violation_error_message=(
                    "A contract with this provider and reference already exists."
                ),
            ),
            models.CheckConstraint(
                name="contract_ends_after_start",
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gt=F("starts_on")),
                violation_error_message="The contract must end after it starts.",
            ),
            models.CheckConstraint(
                name="contract_cost_not_negative",
                condition=Q(annual_cost__isnull=True) | Q(annual_cost__gte=0),
                violation_error_message="The annual cost must be 0 or more.",
            ),
            models.CheckConstraint(
                name="contract_not_its_own_frame",
                condition=Q(overarching__isnull=True) | ~Q(overarching=F("id")),
                violation_error_message=(
                    "A contract cannot be its own overarching contract. Choose another one."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} with {self.party.name}"


@track_history(exclude=("updated_at",))
class AnnexItem(models.Model):
    """One item of Annex XII of the AI Act, which the developer of a foundation must provide to
    downstream providers."""

    class Item(models.TextChoices):
        TASKS = "1a", "1(a) intended tasks and systems"
        ACCEPTABLE_USE = "1b", "1(b) acceptable use policies"
        RELEASE = "1c", "1(c) release date and distribution"
        INTERACTION = "1d", "1(d) interaction with external hardware and software"
        SOFTWARE = "1e", "1(e) relevant software versions"
        ARCHITECTURE = "1f", "1(f) architecture and parameters"
        MODALITY = "1g", "1(g) modality and format of inputs and outputs"
        LICENCE = "1h", "1(h) licence"
        INTEGRATION = "2a", "2(a) technical means to integrate"
        LIMITS = "2b", "2(b) modality, format and maximum size"
        TRAINING_DATA = "2c", "2(c) data used for training, testing and validation"

    class Status(models.TextChoices):
        MISSING = "missing", "Missing"
        REQUESTED = "requested", "Requested"
        RECEIVED = "received", "Received"
        PUBLIC = "public", "Public"
        REFUSED = "refused", "Refused"

    foundation = models.ForeignKey(Foundation, on_delete=models.CASCADE, related_name="annex_items")
    item = models.CharField(max_length=2, choices=Item)
    status = models.CharField(max_length=9, choices=Status, default=Status.MISSING)
    requested_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    due_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    received_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    link = models.URLField(max_length=500, blank=True)
    note = LimitedTextField(blank=True)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = OrganisationWideQuerySet["AnnexItem"].as_manager()

    class Meta:
        ordering = ["foundation", "item"]
        verbose_name = "Annex XII item"
        constraints = [
            models.UniqueConstraint(
                fields=["foundation", "item"],
                name="annex_item_once",
                violation_error_message=(
                    "This item of the foundation is already recorded. Change it instead."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.foundation_id} {self.item}: {self.status}"
