"""Every page: who may open it, and what all of them have in common."""

import re
from collections import deque

import pytest
from django.urls import reverse

from tests.http import outline_of
from tests.web.page_addresses import PAGES, address_of

TABLES = [
    "/applications.csv",
    "/applications/{triage.slug}/stack.csv",
    "/foundations.csv",
    "/offerings.csv",
    "/providers.csv",
    "/events.csv",
    "/feeds.csv",
    "/alerts.csv",
    "/deliveries.csv",
    "/deliveries/not-carried.csv",
    "/concentration.csv",
    "/runway.csv",
    "/ends.csv",
    "/feeds/quarantine.csv",
    "/feeds/disagreements.csv",
]
OWN = ["application", "alert", "delivery"]


@pytest.mark.parametrize("name", PAGES)
def test_governance_opens_every_page(name, world, as_user):
    response = as_user(world.governance).get(address_of(PAGES[name], world))

    assert response.status_code == 200
    found = outline_of(response)
    assert found.tags.count("h1") == 1
    assert 'class="stamp"' in response.content.decode()
    assert re.search(r"<title>.+ · Foundation Registry</title>", response.content.decode())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_no_inline_style_or_script_and_labels_every_field(name, world, as_user):
    response = as_user(world.governance).get(address_of(PAGES[name], world))

    found = outline_of(response)
    assert found.styled == []
    assert found.inline == []
    assert [
        field for field in found.fields if not field[2] and field[0] not in found.labelled
    ] == []
    assert sorted(found.ids) == sorted(set(found.ids))
    assert "script-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_sends_strangers_to_sign_in(name, world, client):
    response = client.get(address_of(PAGES[name], world))

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("path", TABLES)
def test_a_table_is_a_csv_file_for_those_signed_in_only(path, world, as_user, client):
    mine = as_user(world.governance).get(address_of(path, world))
    theirs = client.get(address_of(path, world))

    assert mine["Content-Type"].startswith("text/csv")
    assert "attachment" in mine["Content-Disposition"]
    assert theirs.status_code == 302


@pytest.mark.parametrize("name", OWN)
def test_what_belongs_to_another_team_is_not_found(name, world, as_user):
    response = as_user(world.outsider).get(address_of(PAGES[name], world))

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_no_page_names_what_its_reader_may_not_see(name, world, as_user):
    response = as_user(world.outsider).get(address_of(PAGES[name], world))

    text = response.content.decode()
    assert "Claims triage" not in text
    assert "Clause finder" not in text


@pytest.mark.proof
@pytest.mark.parametrize("name", [name for name in PAGES if name not in OWN])
def test_every_link_of_a_page_leads_somewhere(name, world, as_user):
    client = as_user(world.governance)

    links = {
        link.partition("#")[0]
        for link in outline_of(client.get(address_of(PAGES[name], world))).links
    }

    assert {
        link: code for link in links if (code := status_of(client, link)) not in {200, 302}
    } == {}


def status_of(client, link):
    """A file is read to its end, which closes it."""
    response = client.get(link)
    if response.streaming:
        deque(response.streaming_content, maxlen=0)
    return response.status_code


@pytest.mark.parametrize(
    "path", ["/applications/nothing/", "/offerings/999999/", "/events/999999/", "/feeds/nothing/"]
)
def test_an_unknown_address_is_not_found(path, world, as_user):
    assert as_user(world.governance).get(path).status_code == 404


def test_the_sign_in_page_has_no_sign_up(client, db):
    response = client.get(reverse("account_login"))

    assert response.status_code == 200
    assert "No account? Contact your administrator" in response.content.decode()
    assert outline_of(response).styled == []


@pytest.mark.parametrize(
    "route",
    [
        "account_logout",
        "account_change_password",
        "account_email",
        "mfa_index",
        "account_reauthenticate",
    ],
)
def test_account_pages_wear_the_same_frame(route, world, as_user):
    response = as_user(world.viewer).get(reverse(route))

    assert response.status_code == 200
    assert 'class="masthead"' in response.content.decode()
    assert outline_of(response).styled == []


def test_a_second_factor_can_be_set_up(world, client):
    client.post(reverse("account_login"), {"login": "hana", "password": "password"})
    asked = client.get(reverse("mfa_activate_totp"))

    page = client.post(asked["Location"], {"password": "password"}, follow=True)

    assert page.redirect_chain == [(reverse("mfa_activate_totp"), 302)]
    assert 'class="qr"' in page.content.decode()
