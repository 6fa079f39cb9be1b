"""What governance knows of a provider, read and changed through the API with the checks of its
page."""

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import Provider
from tests.builders import make_member, make_provider, make_team, make_user

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/providers/acme-cloud/"
# GLEIF's own, as its public register has it
LEI = "506700GE1G29325QX363"


@pytest.fixture
def host():
    return make_provider("acme-cloud", name="Acme Cloud", country="IE")


@pytest.fixture
def client(api):
    return api(make_user("gus", role="governance"), "read", "write")


def test_who_it_is_is_entered_answered_and_kept_with_the_reason(client, host):
    facts = {
        "legal_name": "Acme Cloud Ireland Ltd",
        "person_type": "legal",
        "promised_notice_days": 180,
    }

    answer = client.patch(
        ADDRESS, {**facts, "lei": "5067 00ge1g29325qx363", "country": "de", "reason": "register"}
    )

    assert answer.status_code == 200
    assert answer.json().items() >= {**facts, "lei": LEI, "country": "DE"}.items()
    assert client.get(ADDRESS).json() == answer.json()
    latest = Provider.history.rel.related_model.objects.order_by("pgh_id").last()
    assert (latest.legal_name, latest.pgh_context.metadata["reason"]) == (
        "Acme Cloud Ireland Ltd",
        "register",
    )


def test_what_was_read_can_be_sent_back(client, host):
    read = client.get(ADDRESS).json()

    answer = client.patch(ADDRESS, {**read, "person_type": "individual"})

    assert answer.json()["person_type"] == "individual"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lei": "506700GE1G29325QX364"}, "lei"),
        ({"country": "1E"}, "country"),
        ({"person_type": "robot"}, "person_type"),
        ({"legal_name": "x" * 201}, "legal_name"),
        ({"terms_url": "acme"}, "terms_url"),
        ({"nickname": "acme"}, "nickname"),
        # who is said to be critical without a source, though the source is not sent
        ({"critical_third_party": True}, ""),
    ],
)
def test_what_its_page_refuses_is_refused(client, host, body, field):
    answer = client.patch(ADDRESS, body)

    host.refresh_from_db()
    assert (host.lei, host.country, host.person_type, host.roles) == ("", "IE", "", ["host"])
    assert host.critical_third_party is None
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_roles_and_the_company_above_stay(client, host):
    client.patch(ADDRESS, {"roles": ["developer"], "parent": "maker", "slug": "other"})

    host.refresh_from_db()
    assert (host.roles, host.parent, host.slug) == (["host"], None, "acme-cloud")


@pytest.mark.parametrize("who", ["auditor", "owner"])
def test_only_governance_changes_it(api, host, who):
    person = (
        make_user(role="auditor") if who == "auditor" else make_member(make_team(), TeamRole.OWNER)
    )

    assert api(person, "read", "write").patch(ADDRESS, {"country": "DE"}).status_code == 403
    assert (
        api(make_user("ann", role="governance"), "read")
        .patch(ADDRESS, {"country": "DE"})
        .status_code
        == 403
    )


def test_lists_are_narrowed_by_the_kind_of_person_and_searched_by_legal_name(client, host):
    make_provider("other")
    client.patch(ADDRESS, {"legal_name": "Sirius Holding", "person_type": "legal"})

    for question in ("person_type=legal", "q=sirius"):
        assert [
            row["slug"] for row in client.get(f"/api/v1/providers/?{question}").json()["results"]
        ] == [host.slug]
