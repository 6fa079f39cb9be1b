"""Retirement announcements over REST: who announces, what is answered, and the way back."""

from datetime import timedelta

import pytest

from apps.catalog.actions import set_manual_fact
from apps.catalog.models import RetirementAnnouncement
from apps.common.time import day_of, now
from apps.issues.models import Issue
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.http import problem_detail

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/retirement-announcements/"
RETIRES_ON = day_of(now()) + timedelta(days=120)


class Model:
    def __init__(self):
        self.version = make_version("maker/model-x-20250101")
        self.azure, self.bedrock = make_provider("azure"), make_provider("bedrock")
        self.first = make_offering("model-x", host=self.azure, version=self.version)
        self.second = make_offering("eu.model-x", host=self.bedrock, version=self.version)
        self.successor = make_offering("model-y", host=self.azure)
        self.application = make_application("Claims")
        make_dependency(self.application, self.first)
        self.governance = make_user(role="governance")
        self.body = {
            "version": self.version.identifier,
            "retires_on": RETIRES_ON.isoformat(),
            "successor": self.successor.pk,
            "source_url": "https://maker.example/deprecations",
        }


@pytest.fixture
def model(db):
    return Model()


@pytest.fixture
def client(api, model):
    return api(model.governance, "read", "write")


def test_a_dry_run_answers_what_would_be_covered_and_writes_nothing(client, model):
    answer = client.post(ADDRESS, {**model.body, "dry_run": True})

    assert answer.status_code == 200
    assert [(row["api_id"], row["covered"]) for row in answer.json()["offerings"]] == [
        ("model-x", True),
        ("eu.model-x", True),
    ]
    assert answer.json()["applications"] == [model.application.slug]
    assert not RetirementAnnouncement.objects.exists()


def test_one_announcement_is_one_fact_for_all_its_model_ids(client, model):
    answer = client.post(ADDRESS, model.body)

    assert answer.status_code == 201
    created = answer.json()
    assert created["version"] == model.version.identifier
    assert created["announced_by"] == model.governance.username
    assert created["offerings"] == sorted([model.first.pk, model.second.pk])
    assert len(created["events"]) == 2
    assert client.get(f"{ADDRESS}{created['id']}/").json() == created
    events = client.get(f"/api/v1/provider-events/?announcement={created['id']}").json()["results"]
    assert {event["announcement"] for event in events} == {created["id"]}
    assert Issue.objects.get().application == model.application


def test_the_same_again_is_the_same_announcement(client, model):
    first = client.post(ADDRESS, model.body).json()
    assert client.post(ADDRESS, model.body).json() == first
    assert client.post(ADDRESS, {**model.body, "dry_run": True}).json()["repeated"] == first["id"]


def test_hosts_and_model_ids_narrow_it(client, model):
    hosts = client.post(ADDRESS, {**model.body, "hosts": ["azure"]}).json()
    assert (hosts["scope"], hosts["offerings"]) == ("hosts", [model.first.pk])
    selected = client.post(ADDRESS, {**model.body, "model_ids": ["EU.model-x"]}).json()
    assert (selected["scope"], selected["offerings"]) == ("model_ids", [model.second.pk])


def test_lists_are_filtered(client, model):
    created = client.post(ADDRESS, model.body).json()
    for query, n in (
        (f"offering={model.second.pk}", 1),
        (f"offering={model.successor.pk}", 0),
        ("withdrawn=true", 0),
        ("withdrawn=false", 1),
        (f"version={model.version.identifier}", 1),
    ):
        assert len(client.get(f"{ADDRESS}?{query}").json()["results"]) == n, query
    assert created["withdrawn_at"] is None


def test_a_withdrawal_undoes_it_unless_a_value_was_changed_later(client, model):
    created = client.post(ADDRESS, model.body).json()
    address = f"{ADDRESS}{created['id']}/withdraw/"
    assert client.post(address, {}).status_code == 400
    set_manual_fact(
        offering=model.first,
        value={"retires_on": RETIRES_ON + timedelta(days=3), "date_kind": "firm"},
        by=model.governance,
        reason="Corrected.",
    )
    refused = client.post(address, {"reason": "A mistake."})
    assert "changed the date of model-x on Azure" in problem_detail(refused, 409)


def test_a_withdrawal_answers_with_its_reason(client, model):
    created = client.post(ADDRESS, model.body).json()
    answer = client.post(f"{ADDRESS}{created['id']}/withdraw/", {"reason": "A mistake."})
    assert answer.json()["withdrawal_reason"] == "A mistake."
    model.first.refresh_from_db()
    assert model.first.retires_on is None


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"retires_on": "2020-01-01"}, "retires_on", 400),
        ({"model_ids": ["zz"]}, "model_ids", 400),
        ({"foundation": "nothing"}, "foundation", 400),
        ({"model_ids": ["model-x"], "offerings": [1]}, "offerings", 400),
    ],
)
def test_refusals_name_the_field(client, model, change, field, code):
    answer = client.post(ADDRESS, {**model.body, **change})
    assert answer.status_code == code
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("role", ["auditor", ""])
def test_others_read_and_do_not_announce(api, client, model, role):
    created = client.post(ADDRESS, model.body).json()
    user = make_user(role=role) if role else make_member(make_team())
    other = api(user, "read", "write")

    assert other.get(f"{ADDRESS}{created['id']}/").status_code == 200
    assert other.post(ADDRESS, {}).status_code == 403
    assert other.post(f"{ADDRESS}{created['id']}/withdraw/", {}).status_code == 403


def test_a_campaign_is_opened_for_the_announcement(client, model):
    created = client.post(ADDRESS, model.body).json()
    campaign = client.post("/api/v1/campaigns/", {"announcement": created["id"]}).json()
    assert campaign["announcement"] == created["id"]
    assert campaign["offerings"] == created["offerings"]
    assert campaign["target"] == model.successor.pk
