"""Products with models inside, and the models that their vendors name."""

import django_filters
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers

from apps.api.framework.record_views import RecordViewSet, record_schema
from apps.api.framework.views import BY_ID
from apps.catalog.filters import ProductFilter
from apps.catalog.models import Product, ProductModel
from apps.catalog.records.products import ProductModelRecord, ProductRecord
from apps.common.database.keyset_pagination import Keyset


class ProductSerializer(serializers.ModelSerializer[Product]):
    vendor = serializers.CharField(
        source="vendor.slug", read_only=True, help_text="Slug of the vendor."
    )
    offering = serializers.IntegerField(
        source="offering_id",
        read_only=True,
        allow_null=True,
        help_text="Offering on which applications depend.",
    )

    class Meta:
        model = Product
        fields = [
            "id",
            "slug",
            "name",
            "vendor",
            "offering",
            "other_names",
            "page_url",
            "models_known",
            "regions",
            "controls",
            "changes_url",
            "contact",
            "source_url",
            "source_on",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


@extend_schema_view(**record_schema(ProductRecord, ProductSerializer))
class ProductViewSet(RecordViewSet[Product]):
    """Products with models inside. An application that uses a product depends on its offering."""

    model = Product
    record = ProductRecord()
    serializer_class = ProductSerializer
    filterset_class = ProductFilter
    orders = {
        "id": BY_ID,
        "-id": Keyset(("-id",)),
        "name": Keyset(("name", "id")),
        "-name": Keyset(("-name", "-id")),
    }


class ProductModelFilter(django_filters.FilterSet):  # type: ignore[misc]
    product = django_filters.CharFilter(field_name="product__slug", label="Product (slug)")
    foundation = django_filters.CharFilter(field_name="foundation__slug", label="Foundation (slug)")
    version = django_filters.CharFilter(
        field_name="version__identifier", label="Version (identifier)"
    )

    class Meta:
        model = ProductModel
        fields: list[str] = []


class ProductModelSerializer(serializers.ModelSerializer[ProductModel]):
    product = serializers.CharField(
        source="product.slug", read_only=True, help_text="Slug of the product."
    )
    foundation = serializers.CharField(
        source="foundation.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the foundation; null if it is not known.",
    )
    version = serializers.CharField(
        source="version.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier of the version; null if the vendor names no release.",
    )

    class Meta:
        model = ProductModel
        fields = [
            "id",
            "product",
            "name",
            "foundation",
            "version",
            "use",
            "source_url",
            "source_on",
        ]
        read_only_fields = fields


@extend_schema_view(**record_schema(ProductModelRecord, ProductModelSerializer))
class ProductModelViewSet(RecordViewSet[ProductModel]):
    """Models inside products, as their vendors name them. A model without foundation and version is
    one that the catalogue does not have."""

    model = ProductModel
    record = ProductModelRecord()
    serializer_class = ProductModelSerializer
    filterset_class = ProductModelFilter
