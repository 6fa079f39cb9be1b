"""Offerings: models as hosts serve them, with lifecycle and prices."""

from datetime import date
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Upper

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.models.change_queue import OFFERING_CHANGE_TRIGGER
from apps.catalog.models.claims import Assertion
from apps.catalog.models.foundations import Alias, Foundation, Version
from apps.catalog.models.providers import Provider, PublicQuerySet
from apps.catalog.models.triggers import FOOTING_COMPLETE
from apps.common.history.context import track_history


class Lifecycle(models.TextChoices):
    PREVIEW = "preview", "Preview"
    ACTIVE = "active", "Active"
    LEGACY = "legacy", "Legacy"
    DEPRECATED = "deprecated", "Deprecated"
    RETIRED = "retired", "Retired"
    UNKNOWN = "unknown", "Unknown"


class DateKind(models.TextChoices):
    FIRM = "firm", "Firm"
    NOT_BEFORE = "not_before", "Earliest"


class DueStatus(models.TextChoices):
    """What the source of an announced retirement date says about the offering once the date has
    come."""

    UNCONFIRMED = "unconfirmed", "Not confirmed by the source"
    STILL_LISTED = "still_listed", "Still listed by the source"


class EndBehaviour(models.TextChoices):
    ERROR = "error", "Calls fail"
    REDIRECT = "redirect", "Calls are redirected"
    UNKNOWN = "unknown", "Unknown"


class Binding(models.TextChoices):
    PINNED = "pinned", "Pinned"
    ALIAS = "alias", "Alias"
    UNKNOWN = "unknown", "Unknown"


class IdentityReason(models.TextChoices):
    """How an offering was identified: by the rules, a list of deployments, or a user."""

    RULES = "rules", "Rules"
    DEPLOYMENT = "deployment", "Deployment listing"
    DECISION = "decision", "Decision"


class OfferingKind(models.TextChoices):
    """What `Offering.api_id` holds: a model ID of the host, a name that was written instead, or a
    part of the host's API that can retire by itself."""

    MODEL_ID = "model_id", "Model ID"
    NAME = "name", "Name"
    PRODUCT = "product", "Product"
    FEATURE = "feature", "Feature"
    ENDPOINT = "endpoint", "Endpoint"
    PARAMETER = "parameter", "Parameter"


# Names as people write them, whose model ID is not known.
NAMED_KINDS = (OfferingKind.NAME, OfferingKind.PRODUCT)
# Parts of a host's API: they have dates as a model, and are never counted or matched as one.
FEATURE_KINDS = (OfferingKind.FEATURE, OfferingKind.ENDPOINT, OfferingKind.PARAMETER)


class Stage(models.TextChoices):
    """Stages of an offering before its end, in their order. Some of them are a lifecycle too."""

    PREVIEW = "preview", "Preview"
    ACTIVE = "active", "Active"
    LEGACY = "legacy", "Legacy"
    DEPRECATED = "deprecated", "Deprecated"
    CLOSED_TO_NEW = "closed_to_new", "Closed to new customers"
    TRAINING_ENDED = "training_ended", "Training of fine-tuned models ended"
    EXTENDED_ACCESS = "extended_access", "Extended access"
    RETIRED = "retired", "Retired"


@track_history()
class Region(models.Model):
    """A region of one host: the same name at two hosts means two regions."""

    host = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="regions")
    name = models.CharField(max_length=60)
    source_url = models.URLField(max_length=500, blank=True, default="", db_default="")
    source_on = models.DateField(null=True, blank=True)

    objects = PublicQuerySet["Region"].as_manager()

    class Meta:
        ordering = ["host", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["host", "name"],
                name="region_once",
                violation_error_message="This host already has a region with this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


# follows a name in calendars, emails and the titles of issues
ID_NOT_KNOWN = " (model ID not known)"


class OfferingQuerySet(PublicQuerySet["Offering"]):
    def model_ids(self) -> "OfferingQuerySet":
        """Return what hosts serve: offerings with a model ID, without names, products and
        features."""
        return self.filter(kind=OfferingKind.MODEL_ID)

    def features(self) -> "OfferingQuerySet":
        """Return the features, endpoints and parameters of hosts."""
        return self.filter(kind__in=FEATURE_KINDS)

    def resolved(self) -> "OfferingQuerySet":
        return self.filter(version__isnull=False)

    def unresolved(self) -> "OfferingQuerySet":
        """Return offerings to identify: model IDs without an identification. Names and products are
        asked for their model ID instead; features are no models."""
        return self.model_ids().filter(version__isnull=True, alias__isnull=True, not_a_model=False)

    def ending(self, *, after: date, until: date) -> "OfferingQuerySet":
        """Return offerings with a retirement date in (after, until]."""
        return self.filter(retires_on__gt=after, retires_on__lte=until)


@track_history(exclude=("updated_at",))
class Offering(models.Model):
    """A model as one host serves it; `api_id` is the exact string an application sends to `host`.

    Of a name, `api_id` is the text as it was written, since the model ID is not known; of a
    product its slug; of a feature the name on the page of its host. `OfferingCandidate` holds what
    a name may be. The lifecycle columns of a name are those of one of its model IDs
    (identity/named_models.py). `resolved_to` is the model ID that a user chose for it.

    The lifecycle columns are reconciled from all claims (see claims/precedence.py);
    `lifecycle_claim` is the claim that applies. `due_status` says why an offering whose date has
    come is not retired yet (docs/feeds.md), or was called retired nonetheless. An offering without
    `version` is unresolved; one with `alias` is called by a moving name.
    """

    host = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="offerings")
    api_id = models.CharField(max_length=300)
    region_scope = models.CharField(max_length=60, blank=True, default="")
    service_tier = models.CharField(max_length=80, blank=True, default="")
    kind = models.CharField(
        max_length=10,
        choices=OfferingKind,
        default=OfferingKind.MODEL_ID,
        db_default=OfferingKind.MODEL_ID,
        help_text="Model ID of the host, name as written, product, or feature of the host.",
    )
    resolved_to = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="resolved_names",
        editable=False,
        help_text="Model ID that was chosen for the name.",
    )
    name = models.CharField(max_length=300, blank=True)
    category = models.CharField(
        max_length=40, blank=True, help_text="Function of the model: chat, embedding, rerank, ..."
    )
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, blank=True, related_name="offerings"
    )
    alias = models.ForeignKey(
        Alias, on_delete=models.PROTECT, null=True, blank=True, related_name="offerings"
    )
    binding = models.CharField(max_length=8, choices=Binding, default=Binding.UNKNOWN)
    not_a_model = models.BooleanField(
        default=False, help_text="A tool or price row, as decided by a user or a rule."
    )
    gateway = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="gateway_offerings"
    )
    regions = models.ManyToManyField(Region, blank=True, related_name="offerings")
    identity_confidence = models.DecimalField(max_digits=3, decimal_places=2, default=0)
    identity_reason = models.CharField(
        max_length=10,
        choices=IdentityReason,
        default=IdentityReason.RULES,
        db_default=IdentityReason.RULES,
        help_text="Reason for the model identification.",
    )
    # explanation of the identity for users, step by step
    identity_explanation = models.TextField(blank=True)

    lifecycle = models.CharField(max_length=10, choices=Lifecycle, default=Lifecycle.UNKNOWN)
    announced_on = models.DateField(null=True, blank=True)
    retires_on = models.DateField(null=True, blank=True)
    date_kind = models.CharField(max_length=10, choices=DateKind, blank=True, default="")
    due_status = models.CharField(
        max_length=12,
        choices=DueStatus,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=(
            "Set once an announced date has come: whether its source was not polled since, or "
            "still lists the offering."
        ),
    )
    retires_month = models.CharField(
        max_length=7,
        blank=True,
        default="",
        db_default="",
        help_text="Month of the retirement (YYYY-MM) where its source states no day; the date is "
        "then the first day of the month, as the earliest.",
    )
    end_behaviour = models.CharField(
        max_length=8, choices=EndBehaviour, default=EndBehaviour.UNKNOWN
    )
    replacement = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaces"
    )
    replacement_text = models.CharField(max_length=300, blank=True)
    lifecycle_claim = models.ForeignKey(
        Assertion,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    price_claim = models.ForeignKey(
        Assertion,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OfferingQuerySet.as_manager()

    class Meta:
        ordering = ["host", "api_id", "region_scope", "service_tier"]
        constraints = [
            # a feature can have the text of a model ID, and is not one
            models.UniqueConstraint(
                "host",
                "api_id",
                "region_scope",
                "service_tier",
                Case(When(kind__in=FEATURE_KINDS, then=Value(1)), default=Value(0)),
                name="offering_once",
                violation_error_message=(
                    "This host already has an offering with this model ID, region and tier."
                ),
            ),
            models.CheckConstraint(
                name="offering_date_has_kind",
                condition=Q(retires_on__isnull=True, date_kind="")
                | Q(retires_on__isnull=False) & ~Q(date_kind=""),
                violation_error_message=(
                    "A retirement date needs a type, announced or earliest. Without "
                    "a date, leave the type empty."
                ),
            ),
            models.CheckConstraint(
                name="offering_not_its_own_replacement",
                condition=Q(replacement__isnull=True) | ~Q(replacement=F("id")),
                violation_error_message=(
                    "An offering cannot replace itself. Choose another replacement."
                ),
            ),
            models.CheckConstraint(
                name="offering_model_id_is_final",
                condition=~Q(kind="model_id") | Q(resolved_to__isnull=True),
                violation_error_message="Only a name or a product can have a chosen model ID.",
            ),
            models.CheckConstraint(
                name="offering_month_is_earliest",
                condition=Q(retires_month="") | Q(date_kind="not_before"),
                violation_error_message=(
                    "A month without a day is an earliest retirement date. Choose that type."
                ),
            ),
            models.CheckConstraint(
                name="offering_soft_date_never_retires",
                condition=~Q(date_kind="not_before", lifecycle="retired"),
                violation_error_message=(
                    "An earliest retirement date does not retire the offering. "
                    "Record an announced date first."
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["version"], name="offering_by_version"),
            models.Index(
                fields=["retires_on"], name="offering_by_end", condition=Q(retires_on__isnull=False)
            ),
            models.Index(
                fields=["kind", "host"],
                name="offering_without_model_id",
                condition=~Q(kind="model_id"),
            ),
            GinIndex(OpClass(Upper("api_id"), name="gin_trgm_ops"), name="offering_api_id_search"),
        ]
        triggers = [FOOTING_COMPLETE, OFFERING_CHANGE_TRIGGER]

    def __str__(self) -> str:
        if self.kind == OfferingKind.PRODUCT and self.name:
            return self.name
        region_clause = f" in {self.region_scope}" if self.region_scope else ""
        tier = f" ({self.service_tier})" if self.service_tier else ""
        if self.host.slug == "host-not-stated":
            return f"{self.api_id}, host not stated"
        return f"{self.api_id} on {self.host.name}{region_clause}{tier}"

    @property
    def is_named(self) -> bool:
        """Whether it is a name or a product, whose model ID is not known."""
        return self.kind in NAMED_KINDS

    @property
    def is_feature(self) -> bool:
        """Whether it is a feature, endpoint or parameter of its host rather than a model."""
        return self.kind in FEATURE_KINDS

    @property
    def label(self) -> str:
        """Return the offering as calendars and emails call it: of a name with the note that its
        model ID is not known."""
        return f"{self}{ID_NOT_KNOWN}" if self.kind == OfferingKind.NAME else str(self)

    def days_left(self, today: date) -> int | None:
        """Return the whole days until the retirement date, negative once it has passed; None if no
        date is known."""
        return None if self.retires_on is None else (self.retires_on - today).days

    def is_retired(self, today: date) -> bool:
        """Return whether the offering counts as retired on `today`: its status says so, or an
        announced date has come. A passed earliest date is no retirement.

        Plans, decisions and urgency use this cautious reading. Words use `is_due` as well: a date
        that has come is not yet a retirement that its source confirms."""
        return self.lifecycle == Lifecycle.RETIRED or self._date_has_come(today)

    def is_due(self, today: date) -> bool:
        """Return whether the announced date has come on `today` and the retirement is not confirmed
        yet."""
        return self.lifecycle != Lifecycle.RETIRED and self._date_has_come(today)

    def _date_has_come(self, today: date) -> bool:
        return (
            self.date_kind == DateKind.FIRM
            and self.retires_on is not None
            and self.retires_on <= today
        )


@track_history()
class OfferingStage(models.Model):
    """A stage of an offering as the claim states it; derived with the lifecycle columns.

    `starts_on` is None if the source says that the stage holds, without its first day.
    """

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="stages")
    stage = models.CharField(max_length=15, choices=Stage)
    starts_on = models.DateField(null=True, blank=True)
    date_kind = models.CharField(max_length=10, choices=DateKind, blank=True, default="")
    claim = models.ForeignKey(
        Assertion, on_delete=models.CASCADE, related_name="stages", editable=False
    )

    objects = PublicQuerySet["OfferingStage"].as_manager()

    class Meta:
        ordering = ["offering", "starts_on", "stage"]
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "stage"],
                name="offering_stage_once",
                violation_error_message="This stage of the offering is already recorded.",
            ),
            models.CheckConstraint(
                name="offering_stage_date_has_kind",
                condition=Q(starts_on__isnull=True, date_kind="")
                | Q(starts_on__isnull=False) & ~Q(date_kind=""),
                violation_error_message="The date of a stage needs a type, announced or earliest.",
            ),
        ]
        indexes = [models.Index(fields=["stage", "starts_on"], name="offering_stage_by_day")]

    def __str__(self) -> str:
        return f"{self.get_stage_display()} of {self.offering_id}"

    def has_begun(self, today: date) -> bool:
        """Return whether the stage holds on `today`. A passed earliest date is no proof of it."""
        return self.starts_on is None or (
            self.date_kind == DateKind.FIRM and self.starts_on <= today
        )


@track_history()
class RegionalRetirement(models.Model):
    """The retirement of an offering in one region, where its source states days by region; derived
    with the lifecycle columns. The offering itself has the day on which the last region ends."""

    offering = models.ForeignKey(
        Offering, on_delete=models.CASCADE, related_name="regional_retirements"
    )
    region = models.CharField(max_length=60)
    retires_on = models.DateField(null=True, blank=True)
    date_kind = models.CharField(max_length=10, choices=DateKind, blank=True, default="")
    claim = models.ForeignKey(
        Assertion, on_delete=models.CASCADE, related_name="regional_retirements", editable=False
    )

    objects = PublicQuerySet["RegionalRetirement"].as_manager()

    class Meta:
        ordering = ["offering", "retires_on", "region"]
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "region"],
                name="regional_retirement_once",
                violation_error_message="The date of this region is already recorded.",
            ),
            models.CheckConstraint(
                name="regional_retirement_date_has_kind",
                condition=Q(retires_on__isnull=True, date_kind="")
                | Q(retires_on__isnull=False) & ~Q(date_kind=""),
                violation_error_message="A retirement date needs a type, announced or earliest.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offering_id} in {self.region}"


@track_history()
class OfferingCandidate(models.Model):
    """A version, or a whole foundation, that a name or a product may be."""

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="candidates")
    version = models.ForeignKey(
        Version, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    foundation = models.ForeignKey(
        Foundation, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    source_url = models.URLField(max_length=500, blank=True, default="")
    source_on = models.DateField(null=True, blank=True)

    objects = PublicQuerySet["OfferingCandidate"].as_manager()

    class Meta:
        ordering = ["offering", "id"]
        constraints = [
            models.CheckConstraint(
                name="candidate_is_one_thing",
                condition=Q(version__isnull=False, foundation__isnull=True)
                | Q(version__isnull=True, foundation__isnull=False),
                violation_error_message="Choose a version or a foundation.",
            ),
            models.UniqueConstraint(
                fields=["offering", "version", "foundation"],
                name="candidate_once",
                nulls_distinct=False,
                violation_error_message="This candidate is already listed.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version or self.foundation} for {self.offering_id}"


@track_history()
class OfferingRegion(Offering.regions.through):  # type: ignore[name-defined, misc]
    """The link of an offering to a region of its host in which it is served."""

    objects = PublicQuerySet["OfferingRegion"].as_manager()

    class Meta:
        proxy = True
        verbose_name = "region of an offering"
        verbose_name_plural = "regions of offerings"

    def __str__(self) -> str:
        return f"{self.offering} in {self.region}"


class PriceQuerySet(PublicQuerySet["Price"]):
    def at(self, moment: Any) -> "PriceQuerySet":
        return self.filter(valid__contains=moment)


@track_history()
class Price(models.Model):
    """`amount` in `currency` per million of `unit`, above `above_tokens` input tokens, for a time
    range."""

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="prices")
    unit = models.CharField(max_length=20, choices=list(PRICE_UNITS.items()))
    above_tokens = models.PositiveIntegerField(
        default=0, help_text="Applies to requests with more tokens than this."
    )
    amount = models.DecimalField(max_digits=20, decimal_places=8)
    currency = models.CharField(max_length=3, default="USD")
    valid = DateTimeRangeField(
        help_text="From (inclusive) to (exclusive); without an end: until further notice."
    )
    claim = models.ForeignKey(
        Assertion, on_delete=models.PROTECT, null=True, blank=True, related_name="prices"
    )

    objects = PriceQuerySet.as_manager()

    class Meta:
        ordering = ["offering", "unit", "above_tokens", "valid"]
        constraints = [
            ExclusionConstraint(
                name="price_ranges_do_not_overlap",
                expressions=[
                    ("offering", RangeOperators.EQUAL),
                    ("unit", RangeOperators.EQUAL),
                    ("above_tokens", RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                violation_error_message=(
                    "Another price of this unit and tier applies in that period. End it first."
                ),
            ),
            models.CheckConstraint(
                name="price_not_negative",
                condition=Q(amount__gte=0),
                violation_error_message="A price must be 0 or more.",
            ),
            models.CheckConstraint(
                name="price_range_not_empty",
                condition=Q(valid__isempty=False),
                violation_error_message="The price must end after it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} per million {PRICE_UNITS.get(self.unit, self.unit)}"
