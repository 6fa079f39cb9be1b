"""Data terms of an offering over REST."""

import pytest

from apps.catalog.models import Assertion
from tests.builders import make_offering, make_user

pytestmark = pytest.mark.django_db

ENTERED = {
    "training_use": False,
    "retention_days": 30,
    "at": "2026-01-14",
    "source_url": "https://example.com/terms",
}


@pytest.fixture
def offering():
    return make_offering("model-x")


def url(offering):
    return f"/api/v1/offerings/{offering.pk}/data-terms/"


@pytest.fixture
def governance(client):
    client.force_login(make_user(role="governance"))
    return client


def test_every_term_is_listed_and_what_nobody_stated_is_null(governance, offering):
    rows = governance.get(url(offering)).json()

    assert [row["term"] for row in rows][:2] == ["training_use", "retention_days"]
    assert {row["value"] for row in rows} == {None}
    assert {row["at"] for row in rows} == {None}


def test_governance_enters_terms_with_source_and_day(governance, offering):
    rows = governance.post(url(offering), ENTERED, content_type="application/json").json()

    training = rows[0]
    assert (training["value"], training["at"]) == (False, "2026-01-14")
    assert training["stated"] == [
        {
            "source": "manual",
            "value": False,
            "at": "2026-01-14",
            "source_url": "https://example.com/terms",
            "note": "",
        }
    ]


def test_a_statement_needs_an_address_or_a_note(governance, offering):
    body = {"training_use": False, "at": "2026-01-14"}

    response = governance.post(url(offering), body, content_type="application/json")

    assert response.status_code == 400
    assert not Assertion.objects.filter(topic="data_terms").exists()


def test_a_removed_term_is_unknown_again(governance, offering):
    governance.post(url(offering), ENTERED, content_type="application/json")

    response = governance.delete(f"{url(offering)}?term=training_use&reason=withdrawn")

    assert response.status_code == 204
    values = {row["term"]: row["value"] for row in governance.get(url(offering)).json()}
    assert (values["training_use"], values["retention_days"]) == (None, 30)


def test_a_viewer_reads_and_does_not_enter(client, offering):
    client.force_login(make_user())

    assert client.get(url(offering)).status_code == 200
    response = client.post(url(offering), ENTERED, content_type="application/json")
    assert response.status_code == 403
