"""Facts of offerings in comparisons: one offering exactly, a foundation over all of its
offerings, and unknowns as gaps."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import SettledClaims
from apps.exposure.diligence.scorecards import foundation_scorecards, offering_scorecards
from tests.builders import (
    NOW,
    TODAY,
    make_data_terms,
    make_foundation,
    make_offering,
    make_price,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db


def settle(offering, **values):
    SettledClaims.objects.create(
        offering=offering,
        topic="capability",
        values={
            field: {"value": value, "source": "LiteLLM", "at": "2026-05-01", "agreed": 2}
            for field, value in values.items()
        },
        changed_at=NOW,
    )


@pytest.fixture
def version():
    return make_version("acme/base-1", foundation=make_foundation("acme/base"))


@pytest.fixture
def governance():
    return make_user(role="governance")


def offering_card(offering, governance):
    [card] = offering_scorecards(offerings=[offering.pk], user=governance, on=TODAY)
    return {fact.key: fact for fact in card.facts}


def foundation_card(version, governance):
    [card] = foundation_scorecards(foundations=[version.foundation_id], user=governance, on=TODAY)
    return {fact.key: fact for fact in card.facts}


def test_an_offering_has_its_own_price_capabilities_and_terms_with_sources(version, governance):
    offering = make_offering(
        "base", version=version, retires_on=TODAY + timedelta(90), date_kind="firm"
    )
    make_price(offering, "input", "2.5")
    settle(offering, tool_calling=True, context_window=128_000, input_modalities=["image", "text"])
    make_data_terms(offering, training_use=False, retention_days=30)

    facts = offering_card(offering, governance)

    assert (facts["price_input"].value, facts["price_input"].unit) == (
        2.5,
        "USD per million tokens",
    )
    assert facts["tool_calling"].value is True
    assert (facts["tool_calling"].source, str(facts["tool_calling"].as_of)) == (
        "LiteLLM",
        "2026-05-01",
    )
    assert (facts["context_window"].value, facts["context_window"].unit) == (128_000, "tokens")
    assert facts["data_training_use"].value is False
    assert facts["data_retention_days"].value == 30
    assert facts["retirement"].value == (TODAY + timedelta(90)).isoformat()


def test_what_no_source_states_is_a_gap_and_never_a_value(version, governance):
    facts = offering_card(make_offering("base", version=version), governance)

    for key in ("price_input", "tool_calling", "context_window", "data_training_use", "regions"):
        assert facts[key].gap, key
        assert facts[key].value is None
        assert facts[key].why_gap


def test_a_foundation_shows_where_its_offerings_differ(version, governance):
    first, second, silent = (make_offering(f"base-{n}", version=version) for n in range(3))
    settle(first, tool_calling=True, context_window=128_000, input_modalities=["image", "text"])
    settle(second, tool_calling=False, context_window=32_000, input_modalities=["text"])
    make_price(first, "input", "2")
    make_price(second, "input", "3")
    assert silent.version_id == version.pk

    facts = foundation_card(version, governance)

    assert facts["tool_calling"].value == "no on 1, yes on 1"
    assert "stated for 2 of 3 offerings" in facts["tool_calling"].detail
    assert facts["context_window"].value == "32,000 to 128,000 tokens"
    assert facts["input_modalities"].value == ["text", "image on some"]
    assert facts["price_input"].value == 2.0
    assert "up to 3 on other offerings" in facts["price_input"].detail


def test_retired_offerings_are_no_part_of_a_foundation(version, governance):
    retired = make_offering("old", version=version, lifecycle="retired")
    settle(retired, tool_calling=True)

    assert foundation_card(version, governance)["tool_calling"].value is None


def test_more_offerings_need_no_more_statements(version, governance):
    def n_statements(offerings):
        with CaptureQueriesContext(connection) as counted:
            offering_scorecards(offerings=[row.pk for row in offerings], user=governance, on=TODAY)
        return len(counted)

    offerings = [make_offering(f"base-{n}", version=version) for n in range(6)]
    offering_scorecards(offerings=[offerings[0].pk], user=governance, on=TODAY)

    assert n_statements(offerings[:1]) == n_statements(offerings)
