"""Lifecycle for gateways: by the IDs of a configuration, of a stored one, and of what is in use."""

from datetime import timedelta

import pytest
import yaml

from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.exposure.models import Campaign
from apps.intake.models import Observation
from tests.builders import (
    make_application,
    make_approval,
    make_campaign,
    make_claim,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
    make_version,
)
from tests.http import token_client

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/lifecycle/"
FILE = f"{ADDRESS}litellm.yaml"
CONFIGURATION = b"""
model_list:
  - model_name: chat
    litellm_params: {model: openai/gpt-4o}
  - model_name: chat
    litellm_params: {model: azure/our-deployment}
  - model_name: support
    litellm_params: {model: openai/gpt-4o}
"""


@pytest.fixture
def openai():
    return make_provider("openai", name="OpenAI")


@pytest.fixture
def auditor():
    return token_client(make_user(role="auditor"))


def ask(client, *models, **query):
    answer = client.get(ADDRESS, {"model": list(models), **query} if models else query)
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


def offer(model_id, host, **fields):
    return make_offering(model_id, host=host, version=make_version(f"openai/{model_id}"), **fields)


def test_an_announced_retirement_has_both_headers(openai, auditor):
    source = make_source("deprecations", name="Deprecations")
    successor = offer("gpt-4o", openai)
    old = offer(
        "gpt-4-32k",
        openai,
        lifecycle="deprecated",
        announced_on="2098-01-01",
        retires_on="2099-06-01",
        date_kind="firm",
        replacement=successor,
    )
    old.lifecycle_claim = make_claim(
        source, "gpt-4-32k", offering=old, source_url="https://provider.example/deprecations"
    )
    old.save()
    (entry,) = ask(auditor, "openai/gpt-4-32k")
    assert entry["status"] == "deprecated"
    assert entry["deprecated_since"] == "2098-01-01"
    assert entry["deprecation"] == "@4039372800"
    assert entry["sunset"] == "Mon, 01 Jun 2099 00:00:00 GMT"
    assert (entry["source"], entry["source_url"]) == (
        "Deprecations",
        "https://provider.example/deprecations",
    )
    assert entry["proposed_replacement"] == {
        "offering": successor.pk,
        "model": "gpt-4o",
        "host": "openai",
    }
    assert entry["accepted_replacement"] is None
    assert entry["sentence"] == "gpt-4-32k at OpenAI retires on 1 June 2099."
    assert entry["advice"] == "Its host proposes gpt-4o."
    assert entry["url"].endswith(f"/offerings/{old.pk}/")


@pytest.mark.parametrize(
    ("fields", "sunset", "sentence"),
    [
        (
            {"retires_on": "2099-06-01", "date_kind": "not_before"},
            None,
            "can retire from 1 June 2099 on. Its host has not announced a date.",
        ),
        (
            {"retires_on": "2099-06-01", "date_kind": "not_before", "retires_month": "2099-06"},
            None,
            "can retire from 2099-06 on.",
        ),
        ({"lifecycle": "deprecated"}, None, "is deprecated. No retirement date is announced."),
        ({"lifecycle": "active"}, None, "has no announced retirement."),
        ({"lifecycle": "retired"}, None, "is retired."),
        (
            {
                "lifecycle": "deprecated",
                "retires_on": "2024-06-01",
                "date_kind": "firm",
                "due_status": "still_listed",
            },
            "Sat, 01 Jun 2024 00:00:00 GMT",
            "was announced for 1 June 2024: it is still listed by its host.",
        ),
        ({}, None, "The lifecycle of old at OpenAI is unknown."),
    ],
)
def test_only_what_is_known_is_said(openai, auditor, fields, sunset, sentence):
    offer("old", openai, **{"lifecycle": "unknown", **fields})
    (entry,) = ask(auditor, "openai/old")
    assert entry["sunset"] == sunset
    assert entry["deprecation"] is None
    assert sentence in entry["sentence"]
    assert entry["due"] == fields.get("due_status", "")


@pytest.mark.parametrize(
    "model",
    ["openai/gpt-5000-imaginary", "azure/our-deployment", "command-line", "openai/*", "nobody/x"],
)
def test_an_id_that_is_not_identified_is_unknown(openai, auditor, model):
    make_provider("azure", name="Azure")
    offer("gpt-4o", openai, lifecycle="retired")
    (entry,) = ask(auditor, model)
    assert entry["model"] == model
    assert (entry["status"], entry["offering"]) == ("unknown", None)
    assert entry["identification"].endswith(".")
    assert (entry["deprecation"], entry["sunset"], entry["approval"]) == (None, None, "")


def test_ids_are_answered_in_order_and_once(openai, auditor):
    offer("gpt-4o", openai)
    models = ["openai/unknown-one", "openai/gpt-4o", "openai/unknown-one"]
    assert [entry["model"] for entry in ask(auditor, *models)] == models[:2]


def test_decisions_and_migrations_of_the_organisation(openai):
    old, new = offer("gpt-4", openai), offer("gpt-4o", openai)
    make_approval("restricted", provider=openai, criticalities=[3])
    make_approval("blocked", offering=old)
    team = make_team()
    dependency = make_dependency(make_application(team=team), old)
    campaign = make_campaign(old, target=new)
    campaign.offerings.set([old])
    governance = token_client(make_user(role="governance"))
    (entry,) = ask(governance, "openai/gpt-4")
    assert entry["approval"] == "blocked"
    assert entry["accepted_replacement"]["offering"] == new.pk
    assert entry["sentence"].endswith("An approval decision blocks it.")
    assert entry["advice"] == "Use gpt-4o at openai, which an open migration has chosen."
    assert ask(governance, "openai/gpt-4o")[0]["approval"] == "restricted"
    # a migration without a task of the caller's team is not shown
    assert dependency.pk
    assert ask(token_client(make_member(team)), "openai/gpt-4")[0]["accepted_replacement"] is None
    campaign.state = Campaign.State.CLOSED
    campaign.closed_at, campaign.closed_by = now(), campaign.opened_by
    campaign.save()
    assert ask(governance, "openai/gpt-4")[0]["accepted_replacement"] is None


def test_a_stored_configuration_answers_by_its_ids(openai):
    offering = offer("gpt-4o", openai, lifecycle="deprecated")
    team = make_team()
    editor = make_member(team, TeamRole.EDITOR)
    application = make_application(team=team)
    sent = token_client(editor, "intake").post(
        f"/api/v1/intake/litellm-config/?application={application.slug}",
        CONFIGURATION,
        content_type="application/yaml",
    )
    assert sent.status_code == 202, sent.content
    assert Observation.objects.count() == 3
    client = token_client(editor)
    entries = {entry["model"]: entry for entry in ask(client, gateway="litellm")}
    assert set(entries) == {"azure/our-deployment", "openai/gpt-4o"}
    assert entries["openai/gpt-4o"]["offering"] == offering.pk
    assert entries["openai/gpt-4o"]["aliases"] == ["chat", "support"]
    assert entries["azure/our-deployment"]["status"] == "unknown"
    assert ask(token_client(make_member(make_team())), gateway="litellm") == []
    first = client.get(ADDRESS, {"gateway": "litellm", "page_size": 1}).json()
    second = client.get(first["next"]).json()
    assert [*first["results"], *second["results"]] == list(entries.values())
    assert second["next"] is None

    file = client.get(FILE)
    assert file["Content-Type"] == "application/yaml; charset=utf-8"
    content = yaml.safe_load(file.content)
    # nothing that would replace a setting of the proxy
    assert set(content) == {"registry_lifecycle"}
    assert content["registry_lifecycle"] == {
        "complete": True,
        "models": list(entries.values()),
    }


def test_what_is_in_use_is_answered_by_offering(openai, auditor):
    team, other = make_team(), make_team()
    shop, claims = make_application(team=team), make_application(team=other)
    gpt, mini = offer("gpt-4o", openai), offer("gpt-4o-mini", openai)
    offer("unused", openai)
    make_dependency(shop, gpt)
    make_dependency(claims, gpt)
    make_dependency(claims, mini)
    make_dependency(shop, mini, until=day_of(now()) - timedelta(days=1))
    assert [entry["api_id"] for entry in ask(auditor)] == ["gpt-4o", "gpt-4o-mini"]
    assert [entry["api_id"] for entry in ask(auditor, application=shop.slug)] == ["gpt-4o"]
    member = token_client(make_member(team, TeamRole.VIEWER))
    assert [entry["api_id"] for entry in ask(member)] == ["gpt-4o"]
    assert member.get(ADDRESS, {"application": claims.slug}).status_code == 400
    first = auditor.get(ADDRESS, {"page_size": 1}).json()
    assert auditor.get(first["next"]).json()["results"][0]["api_id"] == "gpt-4o-mini"
    assert ask(token_client(make_user())) == []


def test_a_poll_without_news_is_answered_with_304(openai, auditor):
    offer("gpt-4o", openai)
    for address in (f"{ADDRESS}?model=openai/gpt-4o", f"{FILE}?model=openai/gpt-4o"):
        first = auditor.get(address)
        again = auditor.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
        assert (first.status_code, again.status_code) == (200, 304)
        assert not again.content


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"models": "openai/gpt-4o"}, "models"),
        ({"model": [f"openai/{n}" for n in range(201)]}, "model"),
        ({"model": "x" * 301}, "model"),
        ({"cursor": "last"}, "cursor"),
        ({"application": "nothing"}, "application"),
    ],
)
def test_a_wrong_question_is_refused(auditor, query, field):
    answer = auditor.get(ADDRESS, query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field)


def test_the_callback_is_downloaded_without_sign_in(client):
    answer = client.get("/gate/registry-lifecycle")
    assert answer.status_code == 200
    assert b'"registry_lifecycle.handler"' in answer.content
    assert 'filename="registry_lifecycle.py"' in answer["Content-Disposition"]


def test_the_number_of_statements_does_not_grow(openai, auditor, django_assert_max_num_queries):
    for number in range(20):
        offer(f"model-{number}", openai)
    ask(auditor, "openai/model-0")
    with django_assert_max_num_queries(24):
        entries = ask(auditor, *(f"openai/model-{number}" for number in range(20)))
    assert all(entry["offering"] for entry in entries)
