"""The catalogue of risks that can be inherited: templates, and the public taxonomies they are
mapped to."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.catalog.models import PublicQuerySet
from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history
from apps.inventory.models import Adaptation


class Layer(models.TextChoices):
    """The layer of the stack that a risk comes from, deepest first."""

    TRAINING_DATA = "training_data", "Training data"
    WEIGHTS = "weights", "Weights"
    ALIGNMENT = "alignment", "Alignment"
    SERVING = "serving", "Serving"
    COMMERCIAL = "commercial", "Commercial"
    LEGAL = "legal", "Legal"
    ECOSYSTEM = "ecosystem", "Ecosystem"


class Predicate(models.TextChoices):
    """Named conditions on a dependency under which a template applies to it; their SQL is in
    queries/inheritance_sql.py."""

    JUDGE_SHARES_BASE = (
        "judge_shares_base",
        "Judge or guardrail shares lineage with a primary model of its application",
    )
    CALLS_MOVING_NAME = "calls_moving_name", "Calls an alias that the provider can move"
    UNPLANNED_RETIREMENT = "unplanned_retirement", "No migration of the dependency is planned"


@track_history()
class Taxonomy(models.Model):
    """A public catalogue of risks, as far as its licence allows copies."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=20, blank=True)
    licence = models.CharField(max_length=200)
    attribution = models.CharField(max_length=300)
    source_url = models.URLField(max_length=500)
    coverage = models.CharField(
        max_length=200, blank=True, help_text="Part of the taxonomy that is recorded here."
    )

    objects = PublicQuerySet["Taxonomy"].as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "taxonomies"

    def __str__(self) -> str:
        return self.name


@track_history()
class TaxonomyEntry(models.Model):
    """One risk of a taxonomy. `text` is empty if the licence allows only IDs and names."""

    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.PROTECT, related_name="entries")
    code = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    url = models.URLField(max_length=500, blank=True)

    objects = PublicQuerySet["TaxonomyEntry"].as_manager()

    class Meta:
        ordering = ["taxonomy", "code"]
        verbose_name_plural = "taxonomy entries"
        constraints = [
            models.UniqueConstraint(
                fields=["taxonomy", "code"],
                name="taxonomy_entry_once",
                violation_error_message="This taxonomy already has an entry with this code.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


@track_history(exclude=("updated_at",))
class RiskTemplate(models.Model):
    """A kind of risk that dependencies inherit from a foundation. Releases replace the `built_in`
    ones; users edit their own.

    `stale_by` lists the causes that make assessments of the template's risks stale: kinds of
    provider events, and `exit_test_expired`.
    """

    code = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=200)
    description = LimitedTextField(blank=True)
    layer = models.CharField(max_length=13, choices=Layer)
    inherits_by_default = models.BooleanField(
        default=True,
        help_text="Off: the risk stays on its node until inheritance is switched on.",
    )
    applies_when = models.CharField(
        max_length=20,
        choices=Predicate,
        blank=True,
        help_text="Empty: every dependency that depends on the node inherits the risk.",
    )
    usual_likelihood = models.PositiveSmallIntegerField(
        default=3, help_text="1 rare to 5 almost certain."
    )
    usual_impact = models.PositiveSmallIntegerField(
        default=3, help_text="1 negligible to 5 severe."
    )
    stale_by = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    suggested_tests = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    suggested_treatments = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    sources = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    built_in = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PublicQuerySet["RiskTemplate"].as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="risk_template_levels_1_to_5",
                condition=Q(usual_likelihood__range=(1, 5), usual_impact__range=(1, 5)),
                violation_error_message="Likelihood and impact must be between 1 and 5.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


@track_history()
class Modifier(models.Model):
    """The effect of one kind of adaptation on a template's risk, in steps of likelihood and
    impact."""

    template = models.ForeignKey(RiskTemplate, on_delete=models.CASCADE, related_name="modifiers")
    adaptation = models.CharField(max_length=13, choices=Adaptation.Kind)
    likelihood = models.SmallIntegerField(default=0)
    impact = models.SmallIntegerField(default=0)
    rationale = models.CharField(max_length=300)

    objects = PublicQuerySet["Modifier"].as_manager()

    class Meta:
        ordering = ["template", "adaptation"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "adaptation"],
                name="modifier_once",
                violation_error_message=(
                    "This template already has a modifier for this type of adaptation."
                ),
            ),
            models.CheckConstraint(
                name="modifier_at_most_two_steps",
                condition=Q(likelihood__range=(-2, 2), impact__range=(-2, 2)),
                violation_error_message=(
                    "An adaptation can change likelihood or impact by at most 2 steps."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template_id}: {self.adaptation} {self.likelihood:+d}/{self.impact:+d}"


@track_history()
class TemplateMapping(models.Model):
    """The relationship of a template to an entry of a taxonomy, in SSSOM's terms: with `broadMatch`
    the entry is broader."""

    class Match(models.TextChoices):
        EXACT = "exactMatch", "Exact"
        CLOSE = "closeMatch", "Close"
        BROAD = "broadMatch", "Broader in the taxonomy"
        NARROW = "narrowMatch", "Narrower in the taxonomy"
        RELATED = "relatedMatch", "Related"

    template = models.ForeignKey(RiskTemplate, on_delete=models.CASCADE, related_name="mappings")
    entry = models.ForeignKey(TaxonomyEntry, on_delete=models.PROTECT, related_name="mappings")
    predicate = models.CharField(max_length=12, choices=Match)
    justification = models.CharField(max_length=60, default="semapv:ManualMappingCuration")
    author = models.CharField(max_length=100)

    objects = PublicQuerySet["TemplateMapping"].as_manager()

    class Meta:
        ordering = ["template", "entry"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "entry"],
                name="template_mapping_once",
                violation_error_message=(
                    "This template is already mapped to this entry. Change the mapping instead."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template_id} {self.predicate} {self.entry_id}"
