"""Records of the catalogue over REST: the actions of the pages, for governance."""

from datetime import timedelta

import pytest

from apps.catalog.models import Alias, Price, Version
from apps.common.time import now
from tests.builders import (
    make_foundation,
    make_offering,
    make_price,
    make_provider,
    make_user,
    make_version,
)
from tests.http import problem_detail, problem_of

pytestmark = pytest.mark.django_db
SOURCE = {"source_url": "https://maker.example/models", "source_on": "2026-11-20"}


@pytest.fixture
def client(api):
    return api(make_user(role="governance"), "read", "write")


def version_body(**fields):
    return {
        "identifier": "maker/model-x-1",
        "name": "Model X",
        "foundation": make_foundation("maker/model-x").slug,
        "names": ["model-x"],
        **SOURCE,
        **fields,
    }


def test_a_version_is_created_changed_and_deleted(client):
    created = client.post("/api/v1/versions/", version_body())
    assert created.status_code == 201
    address = f"/api/v1/versions/{created.json()['id']}/"
    assert created.json() == client.get(address).json()

    changed = client.patch(address, {"context_window": 1000, "reason": "model card"})

    assert changed.json()["context_window"] == 1000
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_a_client_can_send_back_the_record_that_it_read(client):
    address = f"/api/v1/versions/{client.post('/api/v1/versions/', version_body()).json()['id']}/"

    answer = client.patch(address, client.get(address).json() | {"name": "Model X1"})

    assert answer.json()["name"] == "Model X1"


def test_a_fact_needs_its_source(client):
    body = version_body()
    del body["source_url"]

    problem = problem_of(client.post("/api/v1/versions/", body), 400)

    assert [error["field"] for error in problem["errors"]] == ["source_url"]


def test_only_governance_writes(api):
    reader = api(make_user(), "read", "write")
    version = make_version()

    assert "governance" in problem_detail(reader.post("/api/v1/versions/", version_body()), 403)
    assert reader.patch(f"/api/v1/versions/{version.pk}/", {"name": "X"}).status_code == 403
    assert reader.delete(f"/api/v1/versions/{version.pk}/").status_code == 403
    assert reader.get(f"/api/v1/versions/{version.pk}/").status_code == 200


def test_a_stale_etag_is_refused(client):
    version = make_version(**SOURCE)
    address = f"/api/v1/versions/{version.pk}/"
    etag = client.get(address)["ETag"]
    Version.objects.filter(pk=version.pk).update(name="Another")

    answer = client.patch(address, {"name": "Mine"}, headers={"If-Match": etag})

    assert answer.status_code == 412


def test_a_repeated_key_creates_one_version(client):
    body, key = version_body(), {"Idempotency-Key": "one"}

    first = client.post("/api/v1/versions/", body, headers=key)
    second = client.post("/api/v1/versions/", body, headers=key)

    assert first.json() == second.json()
    assert Version.objects.count() == 1


def test_a_version_in_use_is_not_deleted(client):
    offering = make_offering()

    detail = problem_detail(client.delete(f"/api/v1/versions/{offering.version_id}/"), 409)

    assert "offerings depend on it" in detail


def test_an_alias_that_moves_is_a_provider_event(client):
    version = make_version()
    target = make_version("maker/next-1", foundation=version.foundation)
    created = client.post(
        "/api/v1/aliases/",
        {
            "identifier": "maker/latest",
            "kind": "alias",
            "foundation": version.foundation.slug,
            "version": version.identifier,
            **SOURCE,
        },
    ).json()
    offering = make_offering(version=version, alias=Alias.objects.get(pk=created["id"]))

    client.patch(f"/api/v1/aliases/{created['id']}/", {"version": target.identifier})

    [event] = client.get(f"/api/v1/provider-events/?offering={offering.pk}").json()["results"]
    assert (event["kind"], event["new"]) == ("alias_moved", target.identifier)


def test_a_price_entered_by_hand_outranks_the_feed_for_its_unit_only(client):
    offering = make_offering()
    make_price(offering, "input", "2")

    created = client.post(
        "/api/v1/prices/",
        {"offering": offering.pk, "unit": "input", "amount": "3", **SOURCE},
    )
    changed = client.patch(f"/api/v1/prices/{created.json()['id']}/", {"amount": "4"})

    assert created.status_code == 201
    assert (changed.json()["amount"], changed.json()["valid_until"]) == ("4.00000000", None)
    assert Price.objects.filter(offering=offering).at(now() + timedelta(seconds=1)).count() == 1
    assert client.delete(f"/api/v1/prices/{changed.json()['id']}/").status_code == 204
    assert not Price.objects.filter(offering=offering).at(now() + timedelta(seconds=1)).exists()


def test_regions_and_the_offerings_in_them(client):
    offering = make_offering()
    region = client.post(
        "/api/v1/regions/", {"host": offering.host.slug, "name": "eu-1", **SOURCE}
    ).json()

    link = client.post(
        "/api/v1/offering-regions/",
        {"offering": offering.pk, "region": region["id"], "reason": "list of the host"},
    )

    assert link.json()["name"] == "eu-1"
    assert client.get(f"/api/v1/offerings/{offering.pk}/").json()["regions"] == ["eu-1"]
    assert client.delete(f"/api/v1/regions/{region['id']}/").status_code == 409
    assert client.delete(f"/api/v1/offering-regions/{link.json()['id']}/").status_code == 204


def test_a_notice_policy_is_created_and_changed(client):
    make_provider("host-x")
    created = client.post(
        "/api/v1/notice-policies/",
        {"provider": "host-x", "scope": "general", "notice_days": 60, **SOURCE},
    ).json()

    changed = client.patch(f"/api/v1/notice-policies/{created['id']}/", {"notice_days": 90})

    assert changed.json()["notice_days"] == 90


def test_a_provider_is_created_and_gets_a_parent(client):
    make_provider("group")
    created = client.post(
        "/api/v1/providers/", {"slug": "acme", "name": "Acme", "roles": ["host"], **SOURCE}
    )
    assert created.status_code == 201

    changed = client.patch("/api/v1/providers/acme/", {"parent": "group"})

    assert changed.json()["parent"] == "group"


def test_a_risk_template_with_a_modifier(client):
    template = client.post(
        "/api/v1/risk-templates/",
        {
            "code": "OWN-1",
            "title": "Own",
            "layer": "serving",
            "sources": ["https://example.org/risk"],
        },
    ).json()
    client.post(
        "/api/v1/risk-modifiers/",
        {
            "template": "OWN-1",
            "adaptation": "fine_tune",
            "likelihood": 1,
            "rationale": "Needs to be made again.",
        },
    )

    [modifier] = client.get(f"/api/v1/risk-templates/{template['id']}/").json()["modifiers"]
    assert (modifier["adaptation"], modifier["likelihood"], modifier["impact"]) == (
        "fine_tune",
        1,
        0,
    )
