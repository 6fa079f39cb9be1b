"""Foundations and versions that developers train and release, and their names."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from apps.catalog.models.providers import Provider, PublicQuerySet
from apps.catalog.models.triggers import NO_DERIVATION_CIRCLE
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history


class FoundationQuerySet(PublicQuerySet["Foundation"]):
    pass


@track_history()
class Foundation(models.Model):
    """One pretrained model generation; a family (Claude Sonnet) is only a label on it."""

    developer = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="foundations")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=160, unique=True)
    line = models.CharField(
        max_length=200,
        unique=True,
        help_text="developer/line, such as anthropic/claude-sonnet-4-5.",
    )
    family = models.CharField(max_length=100, blank=True)
    modalities = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    open_weights = models.BooleanField(null=True, blank=True)
    acceptable_use_url = models.URLField(max_length=500, blank=True)
    source_url = models.URLField(max_length=500, blank=True)
    source_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = FoundationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["developer", "name"], name="foundation_by_developer")]

    def __str__(self) -> str:
        return self.name


class VersionQuerySet(PublicQuerySet["Version"]):
    pass


@track_history()
class Version(models.Model):
    """One release of a foundation.

    `moving` marks a release that the developer publishes only under a name that it can point to
    another release; `released_on` holds the first day of the month or year if only that is known
    (`released_precision`).
    """

    class Access(models.TextChoices):
        API = "api", "API only"
        WEIGHTS = "weights", "Open weights"

    foundation = models.ForeignKey(Foundation, on_delete=models.PROTECT, related_name="versions")
    identifier = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=200)
    moving = models.BooleanField(default=False)
    released_on = models.DateField(null=True, blank=True)
    released_precision = models.CharField(
        max_length=5, choices=[("day", "day"), ("month", "month"), ("year", "year")], default="day"
    )
    knowledge_cutoff = models.CharField(max_length=20, blank=True)
    context_window = models.PositiveIntegerField(null=True, blank=True, help_text="Tokens.")
    access = models.CharField(max_length=8, choices=Access, blank=True)
    predecessor = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="successors"
    )
    names = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    aliases = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    repositories = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    source_url = models.URLField(max_length=500, blank=True)
    source_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["identifier"]

    def __str__(self) -> str:
        return self.identifier


class AliasQuerySet(PublicQuerySet["Alias"]):
    pass


@track_history()
class Alias(models.Model):
    """A further canonical name: a moving pointer, an exact synonym, or a family that covers several
    releases."""

    class Kind(models.TextChoices):
        ALIAS = "alias", "Alias"
        SYNONYM = "synonym", "Synonym"
        FAMILY = "family", "Family"

    identifier = models.CharField(max_length=200, unique=True)
    foundation = models.ForeignKey(Foundation, on_delete=models.PROTECT, related_name="aliases")
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, blank=True, related_name="alias_records"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    synonym_of = models.CharField(
        max_length=200, blank=True, help_text="Identifier for which this is another spelling."
    )
    names = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    aliases = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    repositories = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    source_url = models.URLField(max_length=500, blank=True)
    source_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AliasQuerySet.as_manager()

    class Meta:
        ordering = ["identifier"]
        verbose_name_plural = "aliases"
        constraints = [
            models.CheckConstraint(
                name="alias_points_somewhere",
                condition=Q(kind="family", version__isnull=True) | Q(version__isnull=False),
                violation_error_message="Choose a version. Only a family name can be without one.",
            ),
        ]

    def __str__(self) -> str:
        return self.identifier


@track_history()
class Derivation(models.Model):
    """An edge of the lineage: `child` was made from `parent`."""

    class Kind(models.TextChoices):
        FINE_TUNE = "fine_tune", "Fine-tune"
        DISTILLATION = "distillation", "Distillation"
        QUANTISATION = "quantisation", "Quantisation"
        MERGE = "merge", "Merge"
        ADAPTER = "adapter", "Adapter"
        NEXT_GENERATION = "next_generation", "Next generation"

    child = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="derived_from")
    parent = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="derivatives")
    kind = models.CharField(max_length=16, choices=Kind)
    source_url = models.URLField(max_length=500, blank=True)
    source_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PublicQuerySet["Derivation"].as_manager()

    class Meta:
        ordering = ["child", "parent"]
        constraints = [
            models.UniqueConstraint(
                fields=["child", "parent", "kind"],
                name="derivation_once",
                violation_error_message="This lineage relationship is already recorded.",
            ),
            models.CheckConstraint(
                name="derivation_not_itself",
                condition=~Q(child=F("parent")),
                violation_error_message=(
                    "A version cannot be derived from itself. Choose another parent."
                ),
            ),
        ]
        triggers = [NO_DERIVATION_CIRCLE]

    def __str__(self) -> str:
        return f"{self.child} <- {self.parent} ({self.get_kind_display()})"


@track_history()
class IdentityDecision(models.Model):
    """A user's decision about the model that a raw string means at one host; it takes precedence
    over every rule until it is revoked."""

    raw = models.CharField(max_length=300)
    host = models.ForeignKey(
        Provider, on_delete=models.CASCADE, null=True, blank=True, help_text="Empty: on every host."
    )
    version = models.ForeignKey(Version, on_delete=models.PROTECT, null=True, blank=True)
    alias = models.ForeignKey(Alias, on_delete=models.PROTECT, null=True, blank=True)
    not_a_model = models.BooleanField(default=False)
    reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    decided_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-decided_at"]
        constraints = [
            models.UniqueConstraint(
                Lower("raw"),
                "host",
                name="identity_decision_once",
                condition=Q(revoked_at__isnull=True),
                nulls_distinct=False,
                violation_error_message=(
                    "This model ID is already identified on this host. Remove that decision first."
                ),
            ),
            models.CheckConstraint(
                name="identity_decision_says_one_thing",
                condition=Q(not_a_model=True, version__isnull=True, alias__isnull=True)
                | Q(not_a_model=False, version__isnull=False, alias__isnull=True)
                | Q(not_a_model=False, version__isnull=True, alias__isnull=False),
                violation_error_message="Choose a version, an alias, or 'not a model'.",
            ),
        ]

    def __str__(self) -> str:
        meaning = "not a model" if self.not_a_model else str(self.version or self.alias)
        return f"{self.raw} = {meaning}"
