"""Foundations, versions, offerings and providers: pictures that move with the data and agree with
table and file."""

import re
from datetime import timedelta

import pytest

from apps.catalog.models import NodeKind, Price
from apps.catalog.models.footing import Node
from apps.common.time import now, start_of
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.governance.approvals import record_decision
from apps.inventory.governance.contracts import register_contract
from apps.risks.models import FoundationRisk
from tests.builders import (
    make_application,
    make_claim,
    make_dependency,
    make_derivation,
    make_foundation,
    make_offering,
    make_provider,
    make_version,
)
from tests.http import csv_rows, text_of


def picture(response, name):
    """(what the picture is called, its paths) of the wide drawing inside the figure with that
    id."""
    page = response.content.decode()
    figure = re.search(rf'<figure[^>]*id="{name}".*?</figure>', page, re.DOTALL).group(0)
    drawing = re.search(r"<svg.*?</svg>", figure, re.DOTALL).group(0)
    title = " ".join(re.search(r"<title[^>]*>(.*?)</title>", drawing, re.DOTALL).group(1).split())
    return title, re.findall(r' d="([^"]*)"', drawing), " ".join(figure.split())


FOUNDATION = "/foundations/anthropic-claude-sonnet-4-5/"


@pytest.fixture
def priced(world):
    """Output tokens: 15 for a year, 18 for a month, and 20 announced by a source."""
    year, month = start_of(world.today - timedelta(365)), start_of(world.today - timedelta(30))
    Price.objects.create(offering=world.sonnet, unit="output", amount="15", valid=(year, month))
    Price.objects.create(offering=world.sonnet, unit="output", amount="18", valid=(month, None))
    make_claim(
        world.source,
        "coming",
        topic="price",
        offering=world.sonnet,
        first_seen=now(),
        changed_at=now(),
        value={"output": "18", f"output@{world.today + timedelta(60)}": "20", "currency": "USD"},
    )
    return world.sonnet


@pytest.mark.proof
def test_the_price_history_says_what_the_rows_say_and_moves_with_them(world, priced, as_user):
    client = as_user(world.viewer)
    title, paths, figure = picture(client.get(f"{FOUNDATION}?tab=offerings"), "prices")
    rows = csv_rows(client.get(f"{FOUNDATION}prices.csv?unit=output"))

    assert [(row["price"], row["kind"]) for row in rows] == [
        ("15", "list"),
        ("18", "list"),
        ("20", "announced"),
    ]
    assert "USD per million output tokens" in title
    assert "18.00, 20.00 from" in title
    for amount in ("15.00", "18.00", "20.00"):
        assert f">{amount}</td>" in figure

    Price.objects.filter(unit="output", amount="18").update(amount="9")
    moved, other_paths, _figure = picture(client.get(f"{FOUNDATION}?tab=offerings"), "prices")

    assert "9.00, 20.00 from" in moved
    assert other_paths != paths
    assert [
        row["price"] for row in csv_rows(client.get(f"{FOUNDATION}prices.csv?unit=output"))
    ] == ["15", "9", "20"]


@pytest.mark.proof
def test_a_version_and_an_offering_show_the_same_prices(world, priced, as_user):
    client = as_user(world.viewer)
    of_version = csv_rows(client.get(f"/versions/{priced.version_id}/prices.csv?unit=output"))
    of_offering = csv_rows(client.get(f"/offerings/{priced.pk}/prices.csv?unit=output"))

    assert of_version == of_offering
    assert (
        picture(client.get(f"/versions/{priced.version_id}/?tab=offerings"), "prices")[0]
        == picture(client.get(f"/offerings/{priced.pk}/?tab=prices"), "prices")[0]
    )


@pytest.mark.proof
def test_offerings_of_a_host_that_always_cost_the_same_are_one_line(world, priced, as_user):
    other = make_offering(
        "claude-sonnet-4-5-twin",
        host=world.sonnet.host,
        version=world.sonnet.version,
        retires_on=world.sonnet.retires_on,
        date_kind="firm",
    )
    Price.objects.create(
        offering=other, unit="input", amount="3", valid=Price.objects.get(unit="input").valid
    )

    page = text_of(as_user(world.viewer).get(f"{FOUNDATION}?tab=offerings&unit=input"))

    assert "1 line as a table" in page
    assert "claude-sonnet-4-5, claude-sonnet-4-5-twin" in page


@pytest.mark.proof
def test_a_unit_can_be_chosen_and_an_unknown_one_is_the_first(world, priced, as_user):
    client = as_user(world.viewer)

    assert (
        "input tokens" in picture(client.get(f"{FOUNDATION}?tab=offerings&unit=input"), "prices")[0]
    )
    assert (
        "output tokens"
        in picture(client.get(f"{FOUNDATION}?tab=offerings&unit=nonsense"), "prices")[0]
    )


@pytest.mark.proof
def test_the_lineage_names_parents_and_offspring_and_moves_with_them(world, as_user):
    client = as_user(world.viewer)
    own = world.sonnet.version
    parent = make_version(
        "anthropic/claude-sonnet-4",
        foundation=make_foundation("anthropic/sonnet-4", name="Sonnet 4"),
    )
    make_derivation(own, parent, kind="next_generation", source_url="https://example.org/card")
    title, paths, figure = picture(client.get(f"{FOUNDATION}?tab=risks"), "lineage")

    assert "Claude Sonnet 4.5 is the next generation of Sonnet 4." in title
    assert "No descendants known." in title
    assert "anthropic/claude-sonnet-4</a>" in figure
    assert [
        (row["child"], row["kind"], row["parent"])
        for row in csv_rows(client.get(f"{FOUNDATION}lineage.csv"))
    ] == [(own.identifier, "Next generation", parent.identifier)]

    child = make_version(
        "legal/clause-tuned", foundation=make_foundation("legal/clause-tuned", name="Clause tuned")
    )
    make_derivation(child, own)
    moved, other_paths, _figure = picture(client.get(f"{FOUNDATION}?tab=risks"), "lineage")

    assert "1 was made from it or follows it." in moved
    assert other_paths != paths
    assert len(csv_rows(client.get(f"{FOUNDATION}lineage.csv"))) == 2
    assert len(csv_rows(client.get(f"/versions/{own.pk}/lineage.csv"))) == 2


def test_the_lifecycle_as_rows_puts_claims_beside_what_is_accepted(world, as_user):
    rows = csv_rows(as_user(world.viewer).get(f"{FOUNDATION}lifecycle.csv"))

    row = next(row for row in rows if row["model ID"] == "claude-sonnet-4-5")
    assert (row["accepted retirement"], row["source"], row["retires"]) == (
        str(world.sonnet.retires_on),
        "LiteLLM price map",
        str(world.sonnet.retires_on),
    )
    assert next(row for row in rows if row["host"] == "Amazon Bedrock")["says"] == "no source value"


@pytest.mark.proof
def test_a_version_says_who_stands_on_it_as_far_as_its_reader_sees(world, as_user):
    mine = text_of(as_user(world.viewer).get(f"/versions/{world.sonnet.version_id}/"))
    all_of_them = text_of(as_user(world.governance).get(f"/versions/{world.sonnet.version_id}/"))
    nobody = text_of(as_user(world.outsider).get(f"/versions/{world.sonnet.version_id}/"))

    assert "1 application depends on it, 1 critical." in mine
    assert "Clause finder" not in mine
    assert "2 applications depend on it, 2 critical." in all_of_them
    assert "No application that you can view depends on it." in nobody
    assert as_user(world.viewer).get("/versions/999999/").status_code == 404


def test_the_gravest_are_listed_and_the_rest_are_one_link_away(world, as_user):
    for number in range(30):
        make_dependency(
            make_application(f"Reader {number}", team=world.team, criticality=3), world.sonnet
        )
    refresh(on=world.today)

    page = text_of(as_user(world.viewer).get(FOUNDATION))

    assert page.index("Claims triage") < page.index("Reader 1")
    assert "The first 25 of 31" in page
    foundation = world.sonnet.version.foundation_id
    assert f'href="/exposure/nodes/foundation/{foundation}/"' in page


def test_versions_are_listed_filtered_and_counted(world, as_user):
    client = as_user(world.viewer)

    page = text_of(client.get("/versions/?foundation=anthropic-claude-sonnet-4-5"))
    rows = csv_rows(client.get("/versions.csv?q=sonnet"))

    assert "1 version matches the filters." in page
    assert [(row["Version"], row["Model IDs"], row["Applications"]) for row in rows] == [
        (world.sonnet.version.identifier, "2", "1")
    ]
    assert "No records match these filters." in text_of(client.get("/versions/?q=zzz"))


def test_a_file_of_offerings_has_their_prices_in_the_order_of_the_page(world, priced, as_user):
    client = as_user(world.governance)
    other = make_offering("sonnet-later", resolved=True)
    other.retires_on, other.date_kind = world.today + timedelta(400), "not_before"
    other.save()

    rows = csv_rows(client.get("/offerings.csv?q=sonnet&sort=-ends"))
    page = client.get("/offerings/?q=sonnet&sort=-ends")

    assert [row["Model ID"] for row in rows] == ["sonnet-later", world.sonnet.api_id]
    assert [row.offering for row in page.context["page"].rows] == [other, world.sonnet]
    assert [(row["Output price"], row["Currency"], row["Unit"]) for row in rows] == [
        ("", "", ""),
        ("18.00000000", "USD", "million tokens"),
    ]
    assert "output 18.00" in text_of(page)
    assert "no earlier than" in text_of(page)


def test_an_offering_that_is_not_identified_has_no_foundation(world, as_user):
    client = as_user(world.viewer)

    page = text_of(client.get("/offerings/?resolved=false"))
    rows = csv_rows(client.get("/offerings.csv?resolved=false"))

    assert '<span class="dim">unresolved</span>' in page
    assert {row["Foundation"] for row in rows} == {""}
    assert world.unknown.api_id in [row["Model ID"] for row in rows]


@pytest.mark.parametrize("role", ["governance", "viewer"])
def test_only_governance_adds_records_from_the_lists(role, world, as_user):
    client = as_user(getattr(world, role))

    offerings = text_of(client.get("/offerings/"))
    providers = text_of(client.get("/providers/"))

    is_governance = role == "governance"
    assert ('href="/catalogue/offerings/new/"' in offerings) == is_governance
    assert ('href="/catalogue/providers/new/"' in providers) == is_governance


def test_foundations_in_use_are_first_and_can_be_shown_alone(world, as_user):
    make_foundation("aardvark/aardvark")
    client = as_user(world.viewer)
    in_use = world.sonnet.version.foundation.name

    names = [row["Foundation"] for row in csv_rows(client.get("/foundations.csv"))]
    limited = [row["Foundation"] for row in csv_rows(client.get("/foundations.csv?in_use=true"))]

    assert names[0] == in_use
    assert len(names) > 1
    assert limited == [in_use]


def test_risks_attached_to_it_stand_on_its_page_the_severest_first(world, as_user):
    node = Node.objects.get(kind=NodeKind.FOUNDATION, ref=world.sonnet.version.foundation_id)
    for title, likelihood in (("Small thing", 1), ("Large thing", 5)):
        FoundationRisk.objects.create(
            title=title,
            node=node,
            likelihood=likelihood,
            impact=4,
            opened_at=now(),
            changed_at=now(),
        )

    page = text_of(as_user(world.viewer).get(f"{FOUNDATION}?tab=risks"))

    assert page.index("Large thing") < page.index("Small thing")
    assert "5 × 4" in page


def test_the_decision_in_force_stands_in_the_head(world, as_user):
    client = as_user(world.governance)
    before = text_of(client.get(FOUNDATION))
    record_decision(
        target=world.sonnet.version.foundation,
        decision="blocked",
        reason="x",
        at=now(),
        by=world.governance,
    )

    after = text_of(client.get(FOUNDATION))
    offering = text_of(client.get(f"/offerings/{world.sonnet.pk}/"))

    assert "No approval" in before
    assert 'href="/approvals/new/?foundation=anthropic-claude-sonnet-4-5"' in before
    assert "Add approval" not in after
    assert '<a class="badge blocked"' in after
    assert '<a class="badge blocked"' in offering


def test_readers_get_no_form_and_no_way_to_decide(world, as_user):
    page = text_of(as_user(world.viewer).get(FOUNDATION))

    assert "Add approval" not in page
    assert "Documents" not in page


def test_a_provider_shows_contracts_to_offices_and_says_so_to_others(world, as_user):
    made = register_contract(
        party=world.sonnet.host, ref="ANT-1", by=world.governance, facts={"notice_days_theirs": 30}
    )

    offices = text_of(as_user(world.governance).get("/providers/anthropic/?tab=contracts"))
    others = text_of(as_user(world.viewer).get("/providers/anthropic/?tab=contracts"))

    assert f'href="/contracts/{made.pk}/"' in offices
    assert 'href="/contracts/new/?party=anthropic"' in offices
    assert "ANT-1" not in others
    assert "You need the governance, auditor or administrator role to view contracts." in others


def test_a_provider_shows_the_company_above_and_those_below(world, as_user):
    parent = make_provider("amazon", roles=("reseller",), name="Amazon")
    world.sonnet_bedrock.host.parent = parent
    world.sonnet_bedrock.host.save()
    client = as_user(world.viewer)

    assert 'href="/providers/amazon/"' in text_of(client.get("/providers/amazon-bedrock/"))
    assert 'href="/providers/amazon-bedrock/"' in text_of(client.get("/providers/amazon/"))


def test_every_claim_of_an_offering_is_in_its_file(world, as_user):
    rows = csv_rows(as_user(world.viewer).get(f"/offerings/{world.sonnet.pk}/claims.csv"))

    assert [(row["topic"], row["source"], row["address"]) for row in rows] == [
        ("lifecycle", "LiteLLM price map", "https://example.org/deprecations")
    ]


@pytest.mark.proof
def test_pages_cost_the_same_however_much_there_is(
    world, priced, as_user, django_assert_max_num_queries
):
    client = as_user(world.governance)
    version = world.sonnet.version
    for number in range(5):
        offering = make_offering(
            f"further-{number}", host=make_provider(f"host-{number}"), version=version
        )
        make_dependency(make_application(team=world.team), offering)
        Price.objects.create(
            offering=offering, unit="output", amount=number + 1, valid=(start_of(world.today), None)
        )
    refresh(on=world.today)

    for path, tabs in (
        (FOUNDATION, ("overview", "offerings", "risks")),
        (f"/versions/{version.pk}/", ("overview", "offerings", "risks")),
        (f"/offerings/{world.sonnet.pk}/", ("overview", "sources", "prices", "risks")),
        ("/providers/anthropic/", ("overview", "models", "record", "contracts")),
    ):
        for tab in tabs:
            with django_assert_max_num_queries(30):
                client.get(f"{path}?tab={tab}")
    with django_assert_max_num_queries(9):
        client.get("/versions/")
