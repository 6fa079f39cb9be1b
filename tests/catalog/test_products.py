"""Products with models inside: their offerings, candidates, upstream dependencies and records."""

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.catalog.footing import footing_differences
from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import (
    Footing,
    NodeKind,
    Offering,
    OfferingCandidate,
    OfferingKind,
    Product,
    ProductModel,
    Provider,
    Via,
)
from apps.catalog.products import ensure_products, settle_products
from apps.catalog.records.products import ProductModelRecord, ProductRecord
from apps.common.errors import ConflictError
from tests.builders import NOW, make_foundation, make_provider, make_user, make_version

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 25)
SOURCE = {"source_url": "https://acme.example/models", "source_on": date(2026, 11, 20)}


def _product(known: str = "published", *models: Any) -> Product:
    """A product of Acme whose vendor names `models`: foundations, versions, or None for a model
    that the catalogue does not have."""
    product = Product.objects.create(
        slug="acme-assistant",
        name="Acme Assistant",
        vendor=make_provider("acme", roles=("vendor",)),
        models_known=known,
        **SOURCE,
    )
    for number, model in enumerate(models):
        kind = type(model).__name__.lower() if model is not None else ""
        identity = {kind: model} if kind else {}
        ProductModel.objects.create(product=product, name=f"Model {number}", **identity, **SOURCE)
    settle_products(["acme-assistant"], today=TODAY)
    product.refresh_from_db()
    return product


def _via(product: Product, kind: NodeKind, ref: int) -> Via | None:
    row = Footing.objects.filter(
        offering=product.offering_id, node__kind=kind, node__ref=ref
    ).first()
    return Via(row.via) if row else None


def test_a_product_is_an_offering_of_its_vendor() -> None:
    product = _product("unknown")

    assert product.offering is not None
    assert (product.offering.kind, product.offering.host.slug) == (OfferingKind.PRODUCT, "acme")
    assert (product.offering.api_id, product.offering.name) == ("acme-assistant", "Acme Assistant")
    assert product.offering.lifecycle == "unknown"
    assert not footing_differences()


def test_a_product_depends_on_one_of_the_foundations_that_its_vendor_names() -> None:
    first, second = make_foundation("anthropic/one"), make_foundation("openai/two")
    product = _product("published", first, second)

    assert _via(product, NodeKind.FOUNDATION, first.pk) == Via.ONE_OF
    assert _via(product, NodeKind.FOUNDATION, second.pk) == Via.ONE_OF
    assert _via(product, NodeKind.HOST, product.vendor_id) == Via.DIRECT
    assert not footing_differences()


def test_a_product_depends_on_the_developer_of_every_model_that_its_vendor_publishes() -> None:
    first, second = make_foundation("anthropic/one"), make_foundation("anthropic/two")
    product = _product("published", first, second)

    assert _via(product, NodeKind.DEVELOPER, first.developer_id) == Via.DIRECT


@pytest.mark.parametrize("known", ["partly", "published"])
def test_a_model_that_is_not_known_can_be_of_any_developer(known: str) -> None:
    foundation = make_foundation("anthropic/one")
    product = _product(known, foundation, *([None] if known == "published" else []))

    assert _via(product, NodeKind.DEVELOPER, foundation.developer_id) == Via.ONE_OF
    assert _via(product, NodeKind.FOUNDATION, foundation.pk) == Via.ONE_OF
    assert not footing_differences()


def test_only_the_names_that_an_import_finds_and_the_catalogue_lacks_become_products() -> None:
    product = _product()

    found = ensure_products(["acme-assistant", "sap-joule", "no-such-product"], today=TODAY)
    again = ensure_products(["sap-joule"], today=TODAY)

    assert found["acme-assistant"] == product.offering_id
    assert set(found) == {"acme-assistant", "sap-joule"}
    assert again["sap-joule"] == found["sap-joule"]
    joule = Product.objects.get(slug="sap-joule")
    assert (joule.vendor.slug, joule.models_known) == ("sap", "unknown")
    assert Provider.objects.get(slug="sap").roles == ["vendor"]
    assert not footing_differences()


def test_a_product_that_an_import_creates_has_a_page() -> None:
    name = NamedModel("sap", "sap-joule", kind=OfferingKind.PRODUCT, label="SAP Joule")

    offering_id = ensure_named_models([name], at=NOW)[name]

    product = Product.objects.get()
    assert (product.offering_id, product.slug, product.vendor.slug) == (
        offering_id,
        "sap-joule",
        "sap",
    )


# --- records --------------------------------------------------------------------------------------


def test_a_created_product_has_an_offering_and_its_creation_can_be_undone() -> None:
    by = make_user()
    facts = {
        "slug": "acme-assistant",
        "name": "Acme Assistant",
        "vendor": make_provider("acme", roles=("vendor",)),
        **SOURCE,
    }
    write = ProductRecord().create(facts=facts, by=by)
    assert Offering.objects.get(kind="product").name == "Acme Assistant"

    undone = ProductRecord().undo(change=write.change, by=by)
    assert not Offering.objects.filter(kind="product").exists()

    ProductRecord().undo(change=undone.change, by=by)
    assert Product.objects.get().offering == Offering.objects.get(kind="product")
    assert not footing_differences()


def test_an_entered_model_changes_what_the_product_depends_on() -> None:
    by = make_user()
    product = _product("published")
    foundation = make_foundation("anthropic/one")
    facts = {"product": product, "name": "One", "foundation": foundation, **SOURCE}

    write = ProductModelRecord().create(facts=facts, by=by)
    assert _via(product, NodeKind.FOUNDATION, foundation.pk) == Via.DIRECT

    ProductRecord().change(row=product, facts={"models_known": "partly"}, by=by)
    assert _via(product, NodeKind.FOUNDATION, foundation.pk) == Via.ONE_OF

    ProductModelRecord().undo(change=write.change, by=by)
    assert _via(product, NodeKind.FOUNDATION, foundation.pk) is None
    assert not OfferingCandidate.objects.exists()
    assert not footing_differences()


def test_a_model_is_a_version_or_a_foundation_and_has_a_source() -> None:
    by = make_user()
    product, version = _product(), make_version("anthropic/one-20250101")
    facts = {"product": product, "name": "One", **SOURCE}

    with pytest.raises(ValidationError, match="not both"):
        ProductModelRecord().create(
            facts={**facts, "version": version, "foundation": version.foundation}, by=by
        )
    with pytest.raises(ValidationError, match="link to the page"):
        ProductModelRecord().create(facts={**facts, "source_url": ""}, by=by)


def test_a_product_with_models_is_not_deleted() -> None:
    product = _product("published", make_foundation("anthropic/one"))

    with pytest.raises(ConflictError, match="models of products depend on it"):
        ProductRecord().delete(row=product, by=make_user())
