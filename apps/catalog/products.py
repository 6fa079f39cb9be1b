"""Products with models inside: the offerings that applications depend on, and their candidates.

A product is an offering of its vendor, of kind `product` with the slug as its text. What its vendor
names is in `ProductModel`; the identified ones are the candidates of the offering, from which its
upstream dependencies follow (sql/footing_due.sql).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from django.db import transaction

from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.footing import refresh_footing
from apps.catalog.identity.names.product_names import Product as NamedProduct
from apps.catalog.identity.names.product_names import vendor_slug
from apps.catalog.identity.names.products import BY_SLUG
from apps.catalog.models import (
    Offering,
    OfferingCandidate,
    OfferingKind,
    Product,
    ProductModel,
    Provider,
    ProviderRole,
)


@transaction.atomic
def ensure_products(slugs: Iterable[str], *, today: date) -> dict[str, int]:
    """Find or create the products with these slugs; return {slug: offering ID}.

    A product that the catalogue does not have is created from the table of names, with unknown
    models. Slugs that neither has are left out. A number of statements that does not grow with the
    products.
    """
    wanted = set(slugs)
    known = dict(
        Product.objects.filter(slug__in=wanted, offering__isnull=False).values_list(
            "slug", "offering_id"
        )
    )
    missing = [BY_SLUG[slug] for slug in sorted(wanted - set(known)) if slug in BY_SLUG]
    if missing:
        catalogue_lock()
        vendors = ensure_vendors(missing)
        stored = set(Product.objects.filter(slug__in=wanted).values_list("slug", flat=True))
        Product.objects.bulk_create(
            Product(
                slug=named.slug,
                name=named.name,
                vendor_id=vendors[vendor_slug(named.vendor)],
                other_names=list(named.other_names),
            )
            for named in missing
            if named.slug not in stored
        )
        settle_products([named.slug for named in missing], today=today)
    return {
        slug: offering_id
        for slug, offering_id in Product.objects.filter(slug__in=wanted).values_list(
            "slug", "offering_id"
        )
        if offering_id is not None
    }


def stated_product_id(slug: str, stated: str) -> str:
    """Return the text of the offering of a product for which an organisation states the model
    inside. It belongs to the record of the product, and has the stated model as its candidate."""
    return f"{slug}/{stated}"


def product_slug(api_id: str) -> str:
    """Return the slug of the product to which an offering of kind `product` belongs."""
    return api_id.partition("/")[0]


def ensure_vendors(products: Iterable[NamedProduct]) -> dict[str, int]:
    """Return {slug: provider ID} of the vendors of the named products, created where missing."""
    names = {vendor_slug(each.vendor): each.vendor.partition("(")[0].strip() for each in products}
    stored = set(Provider.objects.filter(slug__in=names).values_list("slug", flat=True))
    Provider.objects.bulk_create(
        Provider(slug=slug, name=name, roles=[ProviderRole.VENDOR])
        for slug, name in sorted(names.items())
        if slug not in stored
    )
    return dict(Provider.objects.filter(slug__in=names).values_list("slug", "pk"))


def settle_products(slugs: Collection[str] | None = None, *, today: date | None = None) -> set[int]:
    """Create the offerings of products that have none, and set names and candidates of all; return
    the IDs of the offerings that changed. A number of statements that does not grow."""
    products = list(Product.objects.filter(**({} if slugs is None else {"slug__in": list(slugs)})))
    changed = _ensure_offerings([product for product in products if product.offering_id is None])
    offerings = {product.pk: product.offering_id for product in products if product.offering_id}
    changed |= _set_names(products) | _set_candidates(offerings)
    refresh_footing(changed | {pk for pk in offerings.values() if pk is not None}, today=today)
    return changed


def _ensure_offerings(products: Collection[Product]) -> set[int]:
    """Give products their offering; one that an import created earlier is taken over."""
    if not products:
        return set()
    keys = {(product.vendor_id, product.slug): product for product in products}
    Offering.objects.bulk_create(
        [
            Offering(
                host_id=vendor_id,
                api_id=slug,
                kind=OfferingKind.PRODUCT,
                name=product.name,
            )
            for (vendor_id, slug), product in keys.items()
        ],
        ignore_conflicts=True,
    )
    rows = Offering.objects.filter(
        kind=OfferingKind.PRODUCT,
        region_scope="",
        service_tier="",
        api_id__in={slug for _vendor, slug in keys},
        host__in={vendor for vendor, _slug in keys},
    ).values_list("host_id", "api_id", "pk")
    changed = set()
    for host_id, api_id, pk in rows:
        product = keys.get((host_id, api_id))
        if product is not None:
            product.offering_id = pk
            changed.add(pk)
    Product.objects.bulk_update(products, ["offering"])
    return changed


def _set_names(products: Iterable[Product]) -> set[int]:
    """Set the names of the offerings to those of their products; return those that changed."""
    names = {product.offering_id: product.name for product in products if product.offering_id}
    differing = [
        offering
        for offering in Offering.objects.filter(pk__in=names)
        if offering.name != names[offering.pk]
    ]
    for offering in differing:
        offering.name = names[offering.pk]
    Offering.objects.bulk_update(differing, ["name"])
    return {offering.pk for offering in differing}


def _set_candidates(offerings: Mapping[int, int | None]) -> set[int]:
    """Set the candidates of the offerings, given by product, to the identified models; return the
    offerings whose candidates changed. Candidates that stay are not written."""
    wanted: dict[tuple[int, int | None, int | None], ProductModel] = {}
    for row in ProductModel.objects.filter(product__in=offerings).order_by("pk"):
        offering_id = offerings[row.product_id]
        if offering_id is not None and (row.version_id or row.foundation_id):
            wanted.setdefault((offering_id, row.version_id, row.foundation_id), row)
    stored = {
        (row.offering_id, row.version_id, row.foundation_id): row
        for row in OfferingCandidate.objects.filter(offering__in=offerings.values())
    }
    surplus = [row for key, row in stored.items() if key not in wanted]
    missing = [
        OfferingCandidate(
            offering_id=key[0],
            version_id=key[1],
            foundation_id=key[2],
            source_url=row.source_url,
            source_on=row.source_on,
        )
        for key, row in wanted.items()
        if key not in stored
    ]
    OfferingCandidate.objects.filter(pk__in=[row.pk for row in surplus]).delete()
    OfferingCandidate.objects.bulk_create(missing)
    return {row.offering_id for row in [*surplus, *missing]}
