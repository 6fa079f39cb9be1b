"""Pages of products with models inside."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.catalog.models import Product, ProductModel
from apps.catalog.products import settle_products
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db

SOURCE = {"source_url": "https://docs.acme.example/models", "source_on": date(2026, 11, 20)}


def _product(number: int = 1, known: str = "partly", n_models: int = 1) -> Product:
    product = Product.objects.create(
        slug=f"assistant-{number}",
        name=f"Assistant {number}",
        vendor=make_provider("acme", name="Acme", roles=("vendor",)),
        models_known=known,
        **SOURCE,
    )
    for index in range(n_models):
        foundation = make_foundation(f"openai/model-{number}-{index}")
        version = make_version(f"openai/model-{number}-{index}-2025", foundation=foundation)
        make_offering(
            version=version,
            host=foundation.developer,
            retires_on=day_of(now()) + timedelta(days=40 + index),
            date_kind="firm",
        )
        ProductModel.objects.create(
            product=product, name=f"Model {index}", foundation=foundation, **SOURCE
        )
    settle_products()
    product.refresh_from_db()
    return product


def _governance(client: Client) -> Client:
    client.force_login(make_user(role="governance"))
    return client


def test_the_page_shows_the_models_with_their_dates_and_sources(client: Client) -> None:
    product = _product()
    assert product.offering is not None
    make_dependency(make_application(status="production"), product.offering)
    refresh(on=day_of(now()))

    page = _governance(client).get(reverse("products:detail", args=[product.slug]))

    text = page.content.decode()
    assert "Acme names 1 model, and there might be others." in text
    assert "The next one to retire is Model 0" in text
    assert "1 application depends on it." in text
    assert "docs.acme.example" in text
    assert f"catalogue/product-models/{product.models.get().pk}/change/" in text


def test_a_product_without_models_names_the_vendor_to_ask(client: Client) -> None:
    product = _product(known="unknown", n_models=0)

    page = _governance(client).get(reverse("products:detail", args=[product.slug]))

    assert "The models inside are not known. Ask Acme which ones it uses." in page.content.decode()


def test_the_offering_of_a_product_leads_to_its_page(client: Client) -> None:
    product = _product()

    response = _governance(client).get(reverse("offerings:detail", args=[product.offering_id]))

    assert response["Location"] == reverse("products:detail", args=[product.slug])


def test_a_foundation_names_the_products_that_may_contain_it(client: Client) -> None:
    product = _product()
    foundation = product.models.get().foundation
    assert foundation is not None

    page = _governance(client).get(reverse("foundations:detail", args=[foundation.slug]))

    assert reverse("products:detail", args=[product.slug]) in page.content.decode()


def test_the_list_has_the_next_possible_retirement(client: Client) -> None:
    _product()
    _product(2, "unknown", 0)

    page = _governance(client).get(reverse("products:list"))

    text = page.content.decode()
    assert "The models inside 1 of them are not known." in text
    assert "Assistant 2" in text


def test_the_statements_of_list_and_page_do_not_grow_with_the_rows(client: Client) -> None:
    _governance(client)
    counts = []
    for number, n_models in ((1, 1), (2, 6)):
        product = _product(number, n_models=n_models)
        for url in (reverse("products:list"), reverse("products:detail", args=[product.slug])):
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            counts.append(len(queries))

    assert counts[:2] == counts[2:]
    assert max(counts) <= 30


def test_governance_adds_a_model_with_its_source_and_undoes_it(client: Client) -> None:
    product = _product(n_models=0)
    foundation = make_foundation("anthropic/one")
    _governance(client)
    url = reverse("records:create", args=["product-models"])

    shown = client.get(f"{url}?product={product.slug}")
    response = client.post(
        url,
        {
            "product": product.slug,
            "name": "One",
            "foundation": foundation.pk,
            "source_url": "https://docs.acme.example/models",
            "source_on": "2026-11-20",
            "reason": "New page of the vendor.",
        },
    )

    assert shown.status_code == 200
    assert response["Location"] == reverse("products:detail", args=[product.slug])
    model = product.models.get()
    history = client.get(reverse("records:history", args=["product-models", model.pk]))
    assert "New page of the vendor." in history.content.decode()


def test_a_viewer_sees_products_and_changes_none(client: Client) -> None:
    product = _product()
    client.force_login(make_user())

    page = client.get(reverse("products:detail", args=[product.slug]))

    assert page.status_code == 200
    assert "Add model" not in page.content.decode()
    assert client.get(reverse("records:edit", args=["products", product.pk])).status_code == 403


def test_the_page_links_the_dependencies_that_state_the_model_inside(client: Client) -> None:
    product = _product()
    stated = make_offering(
        f"{product.slug}/gpt-4o", host=product.vendor, kind="product", name="Assistant 1 (gpt-4o)"
    )
    make_dependency(make_application(status="production"), stated)
    refresh(on=day_of(now()))

    page = _governance(client).get(reverse("products:detail", args=[product.slug]))

    assert "Dependencies that state the model" in page.content.decode()
    assert reverse("offerings:detail", args=[stated.pk]) in page.content.decode()


def test_the_list_and_the_page_count_dependencies_with_a_stated_model(client: Client) -> None:
    product, other = _product(), _product(2)
    assert product.offering is not None
    stated = make_offering(f"{product.slug}/gpt-4o", host=product.vendor, kind="product")
    make_dependency(both := make_application(status="production"), product.offering)
    make_dependency(both, stated)
    make_dependency(make_application(status="production"), stated)
    refresh(on=day_of(now()))
    client = _governance(client)

    listed = client.get(reverse("products:list")).context["page"].rows
    page = client.get(reverse("products:detail", args=[product.slug]))

    assert {row.product: row.reach.n for row in listed} == {product: 2, other: 0}
    assert "2 applications depend on it." in page.content.decode()


def test_members_of_a_team_see_the_count_of_their_applications(client: Client) -> None:
    product = _product()
    stated = make_offering(f"{product.slug}/gpt-4o", host=product.vendor, kind="product")
    make_dependency(mine := make_application(status="production"), stated)
    make_dependency(make_application(status="production"), stated)
    refresh(on=day_of(now()))
    client.force_login(make_member(mine.team))

    page = client.get(reverse("products:detail", args=[product.slug]))

    assert "1 application depends on it." in page.content.decode()
