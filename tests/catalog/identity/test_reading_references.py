"""What a reading refers to: a model ID, published weights, a name, a product, or nothing."""

from datetime import UTC, datetime

import pytest

from apps.catalog.identity.named_models import HOST_NOT_STATED, OWN_HOSTING, ensure_named_models
from apps.catalog.identity.names.places import OWN
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.reading_references import (
    Reference,
    StoredModelIds,
    find_reference,
    host_of,
)
from apps.catalog.models import Offering, Product
from tests.builders import make_foundation, make_offering, make_provider, make_version

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)


def refer(reading: Reading, text: str, host: str = HOST_NOT_STATED) -> Reference:
    return find_reference(reading, text=text, host=host, model_ids=StoredModelIds())


def test_the_only_model_id_of_a_version_at_its_host_is_taken() -> None:
    version = make_version("openai/gpt-4o-2024-11-20")
    offering = make_offering("gpt-4o-2024-11-20", host=make_provider("azure"), version=version)
    reading = Reading("", Kind.RESOLVED, version=version.identifier)

    assert refer(reading, "GPT-4o (20.11.2024)", "azure").offering == offering.pk
    named = refer(reading, "GPT-4o (20.11.2024)").named
    assert named is not None
    assert (named.host, named.versions) == (HOST_NOT_STATED, (version.identifier,))


def test_published_weights_on_own_machines_are_a_model_id() -> None:
    foundation = make_foundation("meta/llama-3-8b", open_weights=True)
    version = make_version(
        "meta/llama-3-8b-instruct", foundation=foundation, repositories=["meta-llama/Llama-3-8B"]
    )
    reading = Reading("", Kind.CHOOSE, candidates=(version.identifier,), host=OWN)

    assert refer(reading, "llama 3 8b", host_of(reading)).repository == "meta-llama/Llama-3-8B"
    assert host_of(reading) == OWN_HOSTING
    assert refer(reading, "llama 3 8b", "azure").repository == ""


def test_an_alias_is_a_name_of_its_foundation() -> None:
    foundation = make_foundation("openai/chatgpt-4o")
    reading = Reading("", Kind.RESOLVED, version="openai/latest", line=foundation.line)

    named = refer(reading, "chatgpt-4o-latest", "openai").named

    assert named is not None
    assert (named.versions, named.foundations) == ((), (foundation.slug,))


@pytest.mark.parametrize("kind", [Kind.NOT_A_MODEL, Kind.SEVERAL])
def test_no_model_and_several_models_are_no_reference(kind: Kind) -> None:
    reference = refer(Reading("", kind), "XGBoost")

    assert (reference.offering, reference.repository, reference.named) == (None, "", None)


def test_a_product_is_that_of_the_list() -> None:
    reading = Reading("", Kind.PRODUCT, product="cognigy", product_name="Cognigy.AI")
    named = refer(reading, "Cognigy").named
    assert named is not None

    offering_id = ensure_named_models([named], at=NOW)[named]

    product = Product.objects.get(slug="cognigy")
    assert (product.offering_id, product.vendor.slug) == (offering_id, "cognigy")


def test_a_product_with_a_stated_model_belongs_to_the_record_and_contains_that_model() -> None:
    version = make_version("openai/gpt-4o-2024-11-20")
    inside = Reading("", Kind.CHOOSE, line="openai/gpt-4o", candidates=(version.identifier,))
    reading = Reading("", Kind.PRODUCT, product="cognigy", inside=inside)
    named = refer(reading, "Cognigy (GPT-4o)").named
    again = refer(reading, "Cognigy.AI with gpt4o").named
    assert named is not None
    assert again is not None

    found = ensure_named_models([named, again], at=NOW)

    product = Product.objects.get()
    stated = Offering.objects.get(pk=found[named])
    assert (stated.kind, stated.api_id, stated.name) == (
        "product",
        "cognigy/gpt-4o",
        "Cognigy.AI (gpt-4o)",
    )
    assert found[again] == stated.pk != product.offering_id
    assert [row.version for row in stated.candidates.all()] == [version]
    assert not product.offering.candidates.exists()
    assert [row.pk for row in product.stated_offerings()] == [stated.pk]
