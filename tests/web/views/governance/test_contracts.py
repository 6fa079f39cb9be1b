"""Contracts and the documents that developers owe, on the pages."""

import re
from datetime import timedelta

import pytest

from apps.accounts.roles import OrganisationRole
from apps.inventory.governance.annex_documents import record_document_status, request_documents
from apps.inventory.governance.contracts import change_contract, register_contract
from apps.inventory.models import AnnexItem, Contract
from tests.builders import make_provider, make_user
from tests.http import csv_rows, text_of


def seen(response, prefix=""):
    return re.search(rf'name="{prefix}seen" value="([^"]*)"', response.content.decode()).group(1)


FACTS = {
    "name": "Direct access",
    "kind": "standalone",
    "currency": "USD",
    "exit_clause": "no",
    "notice_days_theirs": 30,
}
DOCUMENTS = "/contracts/documents/anthropic-claude-sonnet-4-5/"


@pytest.fixture
def contract(world):
    return register_contract(
        party=world.sonnet.host,
        ref="ANT-1",
        by=world.governance,
        facts={**FACTS, "ends_on": world.today + timedelta(40)},
    )


def test_the_form_offers_every_fact_that_may_be_set(world, contract, as_user):
    page = as_user(world.governance).get(f"/contracts/{contract.pk}/change/").content.decode()
    entered_elsewhere = {"id", "party", "created_at", "updated_at"}

    offered = set(re.findall(r'name="([a-z_]+)"', page))

    assert offered >= {field.name for field in Contract._meta.fields} - entered_elsewhere
    assert "party" not in offered


def test_a_stored_service_that_is_not_in_the_list_stays_selectable(world, contract, as_user):
    change_contract(contract=contract, facts={"ict_service_type": "S99"}, by=world.governance)

    page = as_user(world.governance).get(f"/contracts/{contract.pk}/change/").content.decode()

    assert '<option value="S99" selected>S99</option>' in page


def test_a_new_contract_is_cancelled_to_where_it_was_begun(world, as_user):
    client = as_user(world.governance)
    party = world.sonnet.host

    from_list = client.get("/contracts/new/").content.decode()
    from_provider = client.get(f"/contracts/new/?party={party.slug}").content.decode()

    assert '<a class="btn" href="/contracts/">Cancel</a>' in from_list
    assert "Add a contract." in from_list
    assert f'<a class="btn" href="/providers/{party.slug}/">Cancel</a>' in from_provider
    assert f'<option value="{party.pk}" selected>' in from_provider


def test_a_contract_is_registered_with_what_is_known(world, as_user):
    client = as_user(world.governance)
    party = world.sonnet.host

    answer = client.post(
        f"/contracts/new/?party={party.slug}",
        {
            **FACTS,
            "party": party.pk,
            "ref": "ANT-2",
            "governing_law": "ch",
            "annual_cost": "1200.50",
        },
    )

    made = Contract.objects.get()
    page = text_of(client.get(answer["Location"]))
    assert (made.party, made.governing_law, str(made.annual_cost)) == (party, "CH", "1200.50")
    assert "Not in the contract" in page
    assert 'Audit right</dt><dd><span class="gap">not known</span>' in page
    assert "Claims triage" in page


def test_a_reference_that_is_taken_is_refused_with_a_sentence(world, contract, as_user):
    party = world.sonnet.host

    answer = as_user(world.governance).post(
        "/contracts/new/", {**FACTS, "party": party.pk, "ref": "ANT-1"}
    )

    assert answer.status_code == 422
    assert "already exists" in text_of(answer)


def test_an_end_before_the_start_is_refused_and_changes_nothing(world, contract, as_user):
    client = as_user(world.governance)
    fields = {
        "seen": seen(client.get(f"/contracts/{contract.pk}/change/")),
        **FACTS,
        "ref": "ANT-1",
    }

    answer = client.post(
        f"/contracts/{contract.pk}/change/",
        {**fields, "starts_on": "2026-05-01", "ends_on": "2026-04-01"},
    )

    contract.refresh_from_db()
    assert answer.status_code == 422
    assert "The contract must end after it starts." in text_of(answer)
    assert contract.starts_on is None


def test_of_two_who_change_a_contract_the_second_compares_first(world, contract, as_user):
    client = as_user(world.governance)
    fields = {**FACTS, "ref": "ANT-1", "ends_on": contract.ends_on, "notice_days_theirs": 90}
    opened = seen(client.get(f"/contracts/{contract.pk}/change/"))
    change_contract(contract=contract, facts={"notice_days_theirs": 60}, by=world.governance)

    refused = client.post(f"/contracts/{contract.pk}/change/", {**fields, "seen": opened})
    contract.refresh_from_db()
    untouched = contract.notice_days_theirs
    client.post(f"/contracts/{contract.pk}/change/", {**fields, "seen": seen(refused)})

    contract.refresh_from_db()
    assert refused.status_code == 422
    assert "<td>30</td><td><b>60</b></td><td>90</td>" in text_of(refused)
    assert (untouched, contract.notice_days_theirs) == (60, 90)


def test_the_list_names_what_ends_next_and_says_where_nobody_has_looked(world, contract, as_user):
    register_contract(party=make_provider("azure"), ref="MS-1", by=world.governance)
    client = as_user(world.governance)

    page = text_of(client.get("/contracts/"))
    rows = csv_rows(client.get(f"/contracts.csv?ends_before={world.today + timedelta(60)}"))
    found = csv_rows(client.get("/contracts.csv?q=ms-"))

    assert "that with Anthropic ends on" in page
    assert "5 of 6 clauses unknown" in page
    assert [row["Reference"] for row in rows] == ["ANT-1"]
    assert [row["Reference"] for row in found] == ["MS-1"]


@pytest.mark.proof
def test_contracts_are_for_the_offices(world, contract, as_user):
    auditor = make_user("edith", role=OrganisationRole.AUDITOR)

    read = text_of(as_user(auditor).get(f"/contracts/{contract.pk}/"))
    viewer = as_user(world.viewer)

    assert "ANT-1" in read
    assert "Contract data" not in read
    refused = as_user(auditor).post(f"/contracts/{contract.pk}/change/", {})
    assert refused.status_code == 403
    assert "You need the governance role to change contracts." in text_of(refused)
    assert viewer.get(f"/contracts/{contract.pk}/").status_code == 404
    assert viewer.get(DOCUMENTS).status_code == 404
    assert "ANT-1" not in text_of(viewer.get("/contracts/"))
    assert csv_rows(viewer.get("/contracts.csv")) == []
    assert csv_rows(viewer.get("/contracts/documents.csv")) == []
    assert viewer.post("/contracts/new/", {}).status_code == 403


def test_what_was_asked_for_is_due_in_two_weeks(world, as_user):
    client = as_user(world.governance)

    said = text_of(
        client.post(f"{DOCUMENTS}ask/", {"items": ["1a", "2c"], "on": "2026-11-01"}, follow=True)
    )

    assert "Two items were requested; the response is due on 15 November 2026." in said.replace(
        "\u00a0", " "
    )
    assert {str(row.due_on) for row in AnnexItem.objects.all()} == {"2026-11-15"}


def test_an_item_is_noted_and_a_public_one_needs_its_address(world, as_user):
    client = as_user(world.governance)

    refused = client.post(f"{DOCUMENTS}note/", {"i1b-item": "1b", "i1b-status": "public"})
    client.post(
        f"{DOCUMENTS}note/",
        {"i1b-item": "1b", "i1b-status": "public", "i1b-link": "https://example.org/aup"},
    )

    row = AnnexItem.objects.get()
    page = text_of(client.get(DOCUMENTS))
    assert refused.status_code == 422
    assert "Enter the URL at which the document is public." in text_of(refused)
    assert (row.item, row.status, row.noted_by) == ("1b", "public", world.governance)
    assert "One of eleven items of Claude Sonnet 4.5 are recorded" in page


def test_of_two_who_note_the_same_item_the_second_compares_first(world, as_user):
    client = as_user(world.governance)
    foundation = world.sonnet.version.foundation
    request_documents(foundation=foundation, items=["1a"], on=world.today, by=world.governance)
    opened = seen(client.get(DOCUMENTS), "i1a-")
    record_document_status(
        foundation=foundation, item="1a", status="received", on=world.today, by=world.governance
    )

    refused = client.post(
        f"{DOCUMENTS}note/",
        {
            "i1a-item": "1a",
            "i1a-status": "refused",
            "i1a-note": "They will not.",
            "i1a-seen": opened,
        },
    )

    assert refused.status_code == 422
    assert "Values that another user changed while you were editing" in text_of(refused)
    assert AnnexItem.objects.get().status == "received"


def test_overdue_answers_stand_first_and_in_the_sentence(world, as_user):
    foundation = world.sonnet.version.foundation
    request_documents(
        foundation=foundation, items=["1a"], on=world.today - timedelta(30), by=world.governance
    )
    request_documents(foundation=foundation, items=["1b"], on=world.today, by=world.governance)
    client = as_user(world.governance)

    page = text_of(client.get("/contracts/documents/"))
    rows = csv_rows(client.get(f"/contracts/documents.csv?due_before={world.today}"))

    assert "1 is overdue" in page
    assert page.index("1(a)") < page.index("1(b)")
    assert [row["Item"] for row in rows] == ["1a"]


@pytest.mark.proof
def test_pages_of_contracts_cost_the_same_for_any_number(
    world, contract, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    for number in range(5):
        register_contract(party=world.sonnet.host, ref=f"N-{number}", by=world.governance)
    request_documents(
        foundation=world.sonnet.version.foundation, on=world.today, by=world.governance
    )

    with django_assert_num_queries(8):
        client.get("/contracts/")
    with django_assert_num_queries(15):
        client.get(f"/contracts/{contract.pk}/")
    with django_assert_num_queries(8):
        client.get("/contracts/documents/")
    with django_assert_num_queries(6):
        client.get(DOCUMENTS)
