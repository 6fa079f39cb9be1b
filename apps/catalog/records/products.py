"""Products with models inside, and the models that their vendors name."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models

from apps.catalog.models import Offering, OfferingCandidate, Product, ProductModel
from apps.catalog.products import settle_products
from apps.catalog.records.base import RECORD_KEYS, CatalogueRecord
from apps.common.records.field_set import SOURCE_FIELDS, SOURCE_SECTION, FieldSection, FieldSet
from apps.common.time import day_of, now


class ProductRecord(CatalogueRecord[Product]):
    """Products with models inside. Slug and vendor stay, since the offering has them; applications
    depend on that offering."""

    field_set = FieldSet(
        model=Product,
        sections=(
            FieldSection("Product", ("slug", "name", "vendor", "other_names", "page_url")),
            FieldSection(
                "Models inside", ("models_known", "regions", "controls", "changes_url", "contact")
            ),
            SOURCE_SECTION,
        ),
        fixed=frozenset({"slug", "vendor"}),
        required=frozenset(SOURCE_FIELDS),
        labels={
            "page_url": "Product page",
            "models_known": "Models inside",
            "controls": "Administrator controls",
            "changes_url": "Model changes announced at",
            "contact": "Vendor contact",
        },
        help_texts={
            "slug": "Short name in lower case for URLs and imports, such as acme-assistant.",
            "other_names": "Names that people write. One per line.",
            "models_known": "Published: the vendor lists every model of the product.",
            "regions": "Regions of the models, as the vendor states them.",
            "controls": "Settings with which administrators choose or exclude models.",
            "contact": "Link or email address for questions about the models.",
        },
        keys=RECORD_KEYS,
    )

    def after_write(self, row: Product, *, before: Any, changed: frozenset[str], by: Any) -> None:
        if Product.objects.filter(pk=row.pk).exists():
            settle_products([row.slug], today=day_of(now()))
            row.refresh_from_db(fields=["offering"])
        elif row.offering_id:
            OfferingCandidate.objects.filter(offering=row.offering_id).delete()
            Offering.objects.filter(pk=row.offering_id).delete()

    def derive(self, row: Product) -> None:
        """Leave out the offering of a product that is restored, if it was deleted with it."""
        if row.offering_id and not Offering.objects.filter(pk=row.offering_id).exists():
            row.offering_id = None

    def blocking_rows(self, row: Product) -> Iterable[models.Model]:
        return Offering.objects.filter(product=row)

    def is_derived_table(self, model: type[models.Model]) -> bool:
        return model in (Product, OfferingCandidate) or super().is_derived_table(model)


class ProductModelRecord(CatalogueRecord[ProductModel]):
    """Models inside a product, as its vendor names them."""

    field_set = FieldSet(
        model=ProductModel,
        sections=(
            FieldSection("Model", ("product", "name", "foundation", "version", "use")),
            SOURCE_SECTION,
        ),
        fixed=frozenset({"product"}),
        required=frozenset(SOURCE_FIELDS),
        labels={"name": "Name as published", "use": "Used for"},
        help_texts={
            "name": "Exactly as the vendor writes it.",
            "foundation": "Empty if the vendor names no model that the catalogue has.",
            "version": "Identifier, if the vendor names one release. Leave the foundation empty.",
            "use": "Function or part of the product, as the vendor states it.",
        },
        keys={**RECORD_KEYS, Product: "slug"},
    )
    footing_columns: ClassVar[frozenset[str]] = frozenset()

    def validate(self, row: ProductModel) -> None:
        if row.version is not None and row.foundation is not None:
            raise ValidationError({"version": "Enter a version or a foundation, not both."})

    def after_write(
        self, row: ProductModel, *, before: Any, changed: frozenset[str], by: Any
    ) -> None:
        settle_products([row.product.slug], today=day_of(now()))
