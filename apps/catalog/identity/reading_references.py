"""What a reading of a name refers to: a model ID, a name, a product, or nothing.

One rule for imports, proposed use cases and declared dependencies. Only a model ID that the
catalogue has, or published weights on own machines, are model IDs; a product is that of the list
of products (apps/catalog/products.py); whatever else names a model is a name with candidates.
"""

from dataclasses import dataclass
from typing import Protocol

from django.utils.text import slugify

from apps.catalog.identity.named_models import (
    HOST_NOT_STATED,
    OWN_HOSTING,
    NamedModel,
    read_candidates,
)
from apps.catalog.identity.names.places import OWN
from apps.catalog.identity.names.product_names import vendor_slug
from apps.catalog.identity.names.products import BY_SLUG as PRODUCTS
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.models import Foundation, Offering, OfferingKind, Version
from apps.catalog.products import stated_product_id


class ModelIds(Protocol):
    """Lookup of the versions, foundations and model IDs that a name can be."""

    def find_candidates(self, reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return (identifiers of versions, slugs of foundations) that a reading leaves possible.
        An alias counts as its foundation, since it may have been another version."""

    def find_model_id(self, named: NamedModel, reading: Reading) -> int | None:
        """Return the offering of the only model ID that the name can be at its host."""

    def find_repository(self, version: str) -> str:
        """Return the repository of the version's published weights; empty if it has none."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What one name refers to: `offering` is a model ID of the catalogue, `repository` one on own
    machines that has to be created, `named` a name or a product. None of them: no model."""

    reading: Reading
    text: str
    offering: int | None = None
    repository: str = ""
    named: NamedModel | None = None


def find_reference(
    reading: Reading,
    *,
    text: str,
    host: str,
    model_ids: ModelIds,
    region: str = "",
    tier: str = "",
) -> Reference:
    """Return what the reading of one name refers to at a host."""
    named = build_named_model(
        reading, text=text, host=host, model_ids=model_ids, region=region, tier=tier
    )
    if named is None or named.kind == OfferingKind.PRODUCT:
        return Reference(reading, text, named=named)
    offering = model_ids.find_model_id(named, reading)
    if offering is not None:
        return Reference(reading, text, offering=offering)
    if host == OWN_HOSTING and len(named.versions) == 1:
        repository = model_ids.find_repository(named.versions[0])
        if repository:
            return Reference(reading, text, repository=repository)
    return Reference(reading, text, named=named)


def build_named_model(
    reading: Reading,
    *,
    text: str,
    host: str,
    model_ids: ModelIds,
    region: str = "",
    tier: str = "",
) -> NamedModel | None:
    """Return the name or product of the reading of one name; None if it names no model."""
    if reading.kind in (Kind.NOT_A_MODEL, Kind.SEVERAL):
        return None
    if reading.kind is not Kind.PRODUCT:
        return NamedModel(host, text, *model_ids.find_candidates(reading), region, tier)
    product = PRODUCTS.get(reading.product)
    if product is None:
        first = PRODUCTS.get(reading.candidates[0]) if reading.candidates else None
        return NamedModel(vendor_slug(first.vendor) if first else host, text)
    vendor = vendor_slug(product.vendor) or HOST_NOT_STATED
    versions: tuple[str, ...] = ()
    foundations: tuple[str, ...] = ()
    if reading.inside is not None:
        versions, foundations = model_ids.find_candidates(reading.inside)
    if not versions and not foundations:
        return NamedModel(vendor, product.slug, kind=OfferingKind.PRODUCT, label=product.name)
    stated = _name_inside(reading.inside)
    return NamedModel(
        vendor,
        stated_product_id(product.slug, stated or slugify(text)),
        versions,
        foundations,
        kind=OfferingKind.PRODUCT,
        label=f"{product.name} ({stated})" if stated else text,
    )


def host_of(reading: Reading) -> str:
    """Return the slug of the provider that a reading states; empty if it states none."""
    return OWN_HOSTING if reading.host == OWN else reading.host or ""


def _name_inside(inside: Reading | None) -> str:
    """Return the version or line that is stated of a product; empty for several lines."""
    identifier = (inside.version or inside.line) if inside else ""
    return identifier.rpartition("/")[2]


class StoredModelIds:
    """Model IDs of the catalogue; each lookup is one statement or two."""

    def find_candidates(self, reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
        identifiers, lines = read_candidates(reading)
        known = Version.objects.filter(identifier__in=identifiers).order_by("identifier")
        versions = tuple(known.values_list("identifier", flat=True))
        if versions or not (reading.line or lines):
            return versions, ()
        foundations = Foundation.objects.filter(line__in=lines or (reading.line,))
        return (), tuple(foundations.order_by("slug").values_list("slug", flat=True))

    def find_model_id(self, named: NamedModel, reading: Reading) -> int | None:
        if len(named.versions) != 1 or named.foundations:
            return None
        rows = Offering.objects.model_ids().filter(
            host__slug=named.host, version__identifier=named.versions[0], not_a_model=False
        )
        ids = list(rows.values_list("pk", flat=True)[:2])
        return ids[0] if len(ids) == 1 else None

    def find_repository(self, version: str) -> str:
        rows = Version.objects.filter(identifier=version, foundation__open_weights=True)
        repositories = rows.values_list("repositories", flat=True).first()
        return repositories[0] if repositories else ""
