"""Settled capabilities: which claims count, and that nothing is written without a difference."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.catalog.capabilities.fields import DATA_TERMS
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.settlement import settle_values
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.models import Offering, SettledClaims, Source
from tests.builders import make_claim, make_offering, make_provider, make_source, make_user

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, tzinfo=UTC)


def states(source: Source, offering: Offering, topic: str = "capability", **values: Any) -> None:
    """Make `source` state `values` about the offering since 2026-08-01."""
    make_claim(
        source,
        f"{offering.api_id}/{offering.region_scope}/{topic}",
        offering=offering,
        topic=topic,
        value={name: {"value": value, "at": "2026-08-01"} for name, value in values.items()},
    )


def known(offering: Offering, field: str) -> Any:
    value = settled_values([offering.pk]).get(offering.pk, {}).get(field)
    return value.value if value is not None else None


def test_claims_of_all_sources_are_settled() -> None:
    offering = make_offering()
    states(make_source("litellm"), offering, vision=True, pdf=True)
    states(make_source("models-dev"), offering, vision=True, pdf=False)

    reconcile_offerings([offering.pk], at=AT)

    row = SettledClaims.objects.get(offering=offering)
    assert row.topic == "capability"
    assert row.values["vision"]["value"] is True
    assert row.values["vision"]["agreed"] == 2
    assert row.values["pdf"] == {
        "value": None,
        "source": "",
        "at": "2026-08-01",
        "agreed": 0,
        "contradicted": True,
    }


def test_a_second_settlement_writes_nothing() -> None:
    offering = make_offering()
    states(make_source(), offering, vision=True)
    settle_values([offering.pk], at=AT)

    assert settle_values([offering.pk], at=AT.replace(day=2)) == 0
    assert SettledClaims.objects.get().changed_at == AT


def test_the_own_list_of_the_host_outranks_others() -> None:
    host = make_provider("maker")
    offering = make_offering(host=host)
    own = make_source("api-maker", kind="model-list", host=host)
    other_host = make_source("api-other", kind="model-list", host=make_provider("other"))
    states(make_source("litellm"), offering, vision=True)
    states(other_host, offering, vision=True)
    states(own, offering, vision=False)

    settle_values([offering.pk], at=AT)

    assert known(offering, "vision") is False


def test_an_own_test_outranks_the_host() -> None:
    host = make_provider("maker")
    offering = make_offering(host=host)
    states(make_source("api-maker", kind="model-list", host=host), offering, tool_calling=True)
    make_claim(
        make_source("manual", kind="manual"),
        "1",
        offering=offering,
        topic="capability",
        value={
            "tool_calling": {
                "value": False,
                "at": "2026-08-20",
                "kind": "own_test",
                "by": make_user().username,
            }
        },
    )

    settle_values([offering.pk], at=AT)

    value = settled_values([offering.pk])[offering.pk]["tool_calling"]
    assert (value.value, value.source) == (False, "Own test")


def test_the_built_in_catalogue_speaks_for_a_feed_until_that_is_read() -> None:
    offering = make_offering()
    feed = make_source("litellm")
    built_in = make_source("built-in", kind="built-in")
    make_claim(
        built_in,
        "litellm:one",
        offering=offering,
        topic="capability",
        value={"vision": {"value": True, "at": "2026-08-01"}},
    )
    settle_values([offering.pk], at=AT)
    value = settled_values([offering.pk])[offering.pk]["vision"]
    assert (value.value, value.source) == (True, feed.name)

    states(feed, make_offering(), vision=True)
    settle_values([offering.pk], at=AT)

    assert known(offering, "vision") is None
    assert not SettledClaims.objects.filter(offering=offering).exists()


def test_a_region_that_no_source_lists_follows_the_offering_without_region() -> None:
    general = make_offering("one")
    fields = {"host": general.host, "version": general.version}
    follower = make_offering("one", region_scope="eu", **fields)
    listed = make_offering("one", region_scope="us", **fields)
    source = make_source()
    states(source, general, vision=True)
    make_claim(source, "us/one", offering=listed, topic="identity")

    settle_values([general.pk, listed.pk], at=AT)

    assert known(follower, "vision") is True
    assert known(listed, "vision") is None


def test_names_have_no_values() -> None:
    offering = make_offering(kind="name")
    states(make_source(), offering, vision=True)

    assert settle_values([offering.pk], at=AT) == 0


def test_data_terms_are_settled_in_the_same_way() -> None:
    offering = make_offering()
    states(make_source("manual", kind="manual"), offering, DATA_TERMS, training_use=False)

    reconcile_offerings([offering.pk], at=AT)

    values = settled_values([offering.pk], DATA_TERMS)[offering.pk]
    assert values["training_use"].value is False


def test_the_number_of_statements_is_flat(django_assert_max_num_queries: Any) -> None:
    source = make_source()
    offerings = [make_offering() for _ in range(12)]
    for offering in offerings:
        states(source, offering, vision=True)

    with django_assert_max_num_queries(4):
        settle_values([offering.pk for offering in offerings], at=AT)
