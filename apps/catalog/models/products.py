"""Products with models inside, and the models that their vendors name."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.catalog.models.foundations import Foundation, Version
from apps.catalog.models.offerings import Offering, OfferingKind, OfferingQuerySet
from apps.catalog.models.providers import Provider, PublicQuerySet
from apps.common.history.context import track_history


class ModelsKnown(models.TextChoices):
    """How much of the models inside a product is known."""

    PUBLISHED = "published", "Published"
    PARTLY = "partly", "Partly published"
    UNKNOWN = "unknown", "Unknown"


@track_history(exclude=("updated_at",))
class Product(models.Model):
    """A product of a vendor with models inside. Applications depend on `offering`, whose candidates
    are the identified `models` (apps/catalog/products.py)."""

    offering = models.OneToOneField(
        Offering,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="product",
    )
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    vendor = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="products")
    page_url = models.URLField(max_length=500, blank=True, default="")
    other_names = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    models_known = models.CharField(
        max_length=9, choices=ModelsKnown, default=ModelsKnown.UNKNOWN, db_default="unknown"
    )
    regions = models.CharField(max_length=300, blank=True, default="")
    controls = models.CharField(max_length=300, blank=True, default="")
    changes_url = models.URLField(max_length=500, blank=True, default="")
    contact = models.CharField(max_length=300, blank=True, default="")
    source_url = models.URLField(max_length=500, blank=True, default="")
    source_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PublicQuerySet["Product"].as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def stated_offerings(self) -> OfferingQuerySet:
        """Select the offerings of this product for which an organisation states the model inside
        (stated_product_id() in apps/catalog/products.py)."""
        return Offering.objects.filter(
            kind=OfferingKind.PRODUCT, api_id__startswith=f"{self.slug}/"
        ).order_by("name", "pk")


@track_history()
class ProductModel(models.Model):
    """A model inside a product, as the vendor names it. It is identified by a version or a
    foundation; without both it is a model that the catalogue does not have."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(max_length=300)
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, blank=True, related_name="products"
    )
    foundation = models.ForeignKey(
        Foundation, on_delete=models.PROTECT, null=True, blank=True, related_name="products"
    )
    use = models.CharField(max_length=300, blank=True, default="")
    source_url = models.URLField(max_length=500)
    source_on = models.DateField()

    objects = PublicQuerySet["ProductModel"].as_manager()

    class Meta:
        ordering = ["product", "pk"]
        verbose_name = "model of a product"
        verbose_name_plural = "models of products"
        constraints = [
            models.CheckConstraint(
                name="product_model_is_one_thing",
                condition=Q(version__isnull=True) | Q(foundation__isnull=True),
                violation_error_message="Choose a version or a foundation, not both.",
            ),
            models.UniqueConstraint(
                fields=["product", "name", "use"],
                name="product_model_once",
                violation_error_message="This model is already listed for this use.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
