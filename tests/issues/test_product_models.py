"""Issues of products: a model that a product may contain retires."""

from datetime import timedelta
from typing import Any

import pytest

from apps.catalog.models import Product, ProductModel, Version
from apps.catalog.products import settle_products
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from apps.issues.sentences import issue_text
from apps.issues.subjects import load_subjects
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_version,
)

pytestmark = pytest.mark.django_db


def _product(*versions: Version, known: str = "partly") -> Product:
    source = {"source_url": "https://acme.example/models", "source_on": TODAY}
    product = Product.objects.create(
        slug="acme-assistant",
        name="Acme Assistant",
        vendor=make_provider("acme", name="Acme", roles=("vendor",)),
        models_known=known,
        **source,
    )
    for version in versions:
        ProductModel.objects.create(
            product=product, name=version.name, foundation=version.foundation, **source
        )
    settle_products(today=TODAY)
    product.refresh_from_db()
    return product


def _version(identifier: str, days: int | None, **fields: Any) -> Version:
    """A version that its developer serves, and that retires there in so many days."""
    version = make_version(identifier)
    dated: dict[str, Any] = (
        {"retires_on": TODAY + timedelta(days=days), "date_kind": "firm"} if days else {}
    )
    make_offering(version=version, host=version.foundation.developer, **dated, **fields)
    return version


def _issues() -> list[Issue]:
    return list(
        Issue.objects.filter(cause__subtype="product_models").select_related("cause", "application")
    )


def test_a_model_that_retires_is_an_issue_of_every_application_that_uses_the_product() -> None:
    product = _product(
        _version("openai/one-20250101", 40), _version("anthropic/two-20250101", None)
    )
    assert product.offering is not None
    for _ in range(2):
        make_dependency(make_application(status="production"), product.offering)

    evaluate_issues(at=NOW)

    first, _second = _issues()
    subjects = load_subjects([first.cause.subject])
    text = issue_text(first, subjects[first.cause.subject], TODAY)
    assert text.title == "Acme Assistant may depend on a model that retires on 3 January 2027"
    assert text.advice == (
        f"{product.models.all()[0].foundation} retires on 3 January 2027 at Openai. "
        "Ask Acme which models the application uses."
    )
    assert first.cause_id == _second.cause_id


def test_a_model_at_other_hosts_counts_only_where_its_developer_does_not_serve_it() -> None:
    version = _version("openai/one-20250101", None)
    make_offering(
        version=version, retires_on=TODAY + timedelta(days=9), date_kind="firm", lifecycle="retired"
    )
    product = _product(version)
    assert product.offering is not None
    make_dependency(make_application(status="production"), product.offering)

    evaluate_issues(at=NOW)

    assert _issues() == []


def test_the_issue_ends_when_the_product_no_longer_contains_the_model() -> None:
    product = _product(_version("openai/one-20250101", 40))
    assert product.offering is not None
    make_dependency(make_application(status="production"), product.offering)
    evaluate_issues(at=NOW)

    product.models.all().delete()
    settle_products(today=TODAY)
    evaluate_issues(at=NOW + timedelta(minutes=1))

    assert [(issue.state, issue.resolution) for issue in _issues()] == [("resolved", "cause_ended")]


def test_a_model_that_retired_long_ago_is_no_issue() -> None:
    product = _product(_version("openai/one-20250101", -300, lifecycle="retired"))
    assert product.offering is not None
    make_dependency(make_application(status="production"), product.offering)

    evaluate_issues(at=NOW)

    assert _issues() == []
