"""Candidates side by side: facts, gaps said as gaps, addresses that keep the candidates, the same
rows as a file."""

import re
from datetime import timedelta

import pytest

from apps.common.time import now
from apps.inventory.governance.approvals import record_decision
from apps.inventory.governance.contracts import register_contract
from apps.web.views.governance.scorecard_presenters import present_fact
from tests.builders import (
    make_data_terms,
    make_foundation,
    make_offering,
    make_price,
    make_provider,
    make_version,
)
from tests.http import csv_rows, text_of

SONNET = "anthropic-claude-sonnet-4-5"


@pytest.fixture
def mistral(world):
    maker = make_provider("mistral", roles=("developer", "host"), name="Mistral AI")
    found = make_foundation(
        "mistral/large", developer=maker, name="Mistral Large", open_weights=True
    )
    make_offering(
        "mistral-large", host=maker, version=make_version("mistral/large-1", foundation=found)
    )
    return found


def test_candidates_stand_side_by_side_with_gaps_said_as_gaps(world, mistral, as_user):
    page = text_of(
        as_user(world.governance).get(f"/choosing/?foundation={SONNET}&foundation={mistral.slug}")
    )

    assert re.search(r"Claude Sonnet 4\.5 and Mistral Large: \d+ of \d+ facts unknown\.", page)
    assert "no recorded value" in page
    assert '<span class="gap">not known</span><small>No valid contract is recorded.</small>' in page
    assert page.index("Claude Sonnet 4.5</a><small>Anthropic") < page.index(
        "Mistral Large</a><small>Mistral AI"
    )
    assert f'href="/selections/new/?foundation={SONNET}&amp;foundation={mistral.slug}"' in page


def test_the_file_holds_the_facts_of_the_page(world, mistral, as_user):
    address = f"?foundation={SONNET}&foundation={mistral.slug}"
    rows = csv_rows(as_user(world.governance).get(f"/choosing.csv{address}"))

    weights = {
        row["foundation"]: (row["value"], row["known"])
        for row in rows
        if row["key"] == "open_weights"
    }
    assert weights == {"Claude Sonnet 4.5": ("", "no"), "Mistral Large": ("yes", "yes")}
    hosts = {row["foundation"]: row["value"] for row in rows if row["key"] == "independent_hosts"}
    assert hosts == {"Claude Sonnet 4.5": "2", "Mistral Large": "1"}


def test_only_what_differs_can_be_asked_for(world, mistral, as_user):
    address = f"/choosing/?foundation={SONNET}&foundation={mistral.slug}&differing=true"
    page = text_of(as_user(world.governance).get(address))

    assert "Open weights" in page
    assert "Critical third party" not in page


def test_what_contracts_say_is_shown_to_offices_only(world, as_user):
    register_contract(
        party=world.sonnet.host,
        ref="ANT-1",
        by=world.governance,
        facts={"exit_clause": "yes", "starts_on": world.today},
    )
    address = f"/choosing/?foundation={SONNET}"

    offices = text_of(as_user(world.governance).get(address))
    others = text_of(as_user(world.viewer).get(address))

    assert "ANT-1" in offices
    assert "ANT-1" not in others
    assert "not visible to you" in others
    assert "Add selection record" not in others


def test_a_decision_in_force_stands_in_the_head_of_its_candidate(world, as_user):
    made = record_decision(
        target=world.sonnet.version.foundation,
        decision="approved",
        reason="x",
        at=now(),
        by=world.governance,
        expires_on=world.today + timedelta(90),
    )

    page = text_of(as_user(world.viewer).get(f"/choosing/?foundation={SONNET}"))

    assert f'<a class="badge approved" href="/approvals/{made.pk}/">Approved</a>' in page


def test_search_finds_candidates_and_leaves_out_those_that_are_there(world, mistral, as_user):
    client = as_user(world.viewer)

    page = text_of(client.get(f"/choosing/?foundation={SONNET}&q=mistral"))
    again = text_of(client.get(f"/choosing/?foundation={SONNET}&q=claude"))
    both = text_of(client.get("/choosing/?q=mistral"))
    fragment = text_of(client.get("/choosing/?q=mistral", headers={"HX-Request": "true"}))

    assert f'href="?foundation={SONNET}&amp;foundation={mistral.slug}"' in page
    assert "No further record matches “claude”." in again
    assert 'href="?provider=mistral"' in both
    assert "<html" not in fragment
    assert "Mistral Large" in fragment


def test_names_that_nobody_knows_are_said_and_left_out(world, as_user):
    page = text_of(
        as_user(world.viewer).get(f"/choosing/?foundation={SONNET}&foundation=nothing-of-the-kind")
    )

    assert "“nothing-of-the-kind” is not in the catalogue and was left out." in page


def test_providers_are_compared_the_same_way(world, as_user):
    page = text_of(
        as_user(world.viewer).get("/choosing/?provider=anthropic&provider=amazon-bedrock")
    )

    assert re.search(r"Anthropic and Amazon Bedrock: \d+ of \d+ facts unknown\.", page)
    assert "No foundations of this provider are recorded." in page


def test_an_empty_page_teaches_what_to_do(world, as_user):
    assert "No candidates yet." in text_of(as_user(world.viewer).get("/choosing/"))


def test_a_comparison_costs_the_same_for_any_number_of_candidates(
    world, mistral, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    others = [make_foundation(f"maker/number-{number}") for number in range(5)]
    slugs = [SONNET, mistral.slug, *(row.slug for row in others)]

    with django_assert_num_queries(25):
        client.get("/choosing/?" + "&".join(f"foundation={slug}" for slug in slugs))


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (True, "", "yes"),
        (False, "", "no"),
        (0.625, "share", "62%"),
        (1234, "days", "1,234"),
        (90.0, "days", "90"),
        (["MIT", "Apache"], "", "MIT, Apache"),
        ([], "", "none"),
        ("Used", "", "Used"),
        (0, "", "0"),
    ],
)
def test_a_value_in_words(value, unit, words):
    assert present_fact({"value": value, "unit": unit}).text == words


def test_offerings_stand_side_by_side_with_price_capabilities_and_terms(world, mistral, as_user):
    other = make_offering("mistral-medium", host=world.sonnet.host)
    make_price(other, "input", "0.4")
    make_data_terms(other, training_use=True)
    client = as_user(world.viewer)
    address = f"?offering={world.sonnet.pk}&offering={other.pk}"

    response = client.get(f"/choosing/{address}")
    rows = csv_rows(client.get(f"/choosing.csv{address}"))

    groups = {
        group.name: {row.key: row for row in group.rows} for group in response.context["groups"]
    }
    assert {"Prices", "Capabilities", "Data terms"} <= groups.keys()
    assert [cell.text for cell in groups["Data terms"]["data_training_use"].cells] == ["", "yes"]
    prices = {row["slug"]: row["value"] for row in rows if row["key"] == "price_input"}
    assert prices[str(other.pk)] == "0.4"
