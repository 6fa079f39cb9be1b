"""Section and page of the requirements of a dependency."""

import re
from datetime import date, timedelta

import pytest

from apps.inventory.actions.requirements import declare_requirements
from apps.inventory.models import Dependency, Requirement
from apps.inventory.requirements import declared_requirements
from tests.http import text_of


@pytest.fixture
def primary(world) -> Dependency:
    return Dependency.objects.get(application=world.triage, role="primary")


def page_of(dependency: Dependency) -> str:
    return f"/dependencies/{dependency.pk}/requirements/"


def seen(response) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', text_of(response))
    assert found is not None
    return found[1]


def test_the_section_teaches_and_shows_what_is_known(world, as_user, primary):
    client = as_user(world.editor)
    tab = f"/applications/{world.triage.slug}/?tab=dependencies"
    text = text_of(client.get(tab))
    assert "Nothing known of its use." in text
    assert "Declare requirements" in text

    Requirement.objects.create(
        dependency=primary,
        field="context_window",
        value=231_000,
        origin="observed",
        first_seen_on=world.today,
        last_seen_on=world.today,
    )
    Requirement.objects.create(
        dependency=primary,
        field="pdf",
        value=True,
        origin="observed",
        first_seen_on=date(2026, 11, 2),
        last_seen_on=date(2026, 11, 2),
    )
    declare_requirements(
        dependency=primary,
        values={"tool_calling": False, "pdf": False, "max_output": 8_000},
        by=world.editor,
    )
    text = text_of(client.get(tab))
    for chip in (
        "231,000 tokens per request, observed",
        "8,000 output tokens, declared",
        "PDF, observed",
        "Tool calling not used",
        "PDF input is declared as not used, but was observed on 2 November 2026.",
    ):
        assert chip in text
    assert page_of(primary) not in text_of(as_user(world.viewer).get(tab))


def test_declared_on_the_page_and_undone(world, as_user, primary):
    client = as_user(world.editor)
    Requirement.objects.create(
        dependency=primary,
        field="vision",
        value=True,
        origin="observed",
        first_seen_on=world.today - timedelta(9),
        last_seen_on=date(2026, 11, 2),
        n_requests=12,
    )
    opened = client.get(page_of(primary))
    assert "used, last on 2 November 2026, in 12 requests" in text_of(opened)
    # what was not observed can be used nonetheless
    assert "not observed" in text_of(opened)

    sent = {"seen": seen(opened), "tool_calling": "no", "context_window": "90000"}
    done = client.post(page_of(primary), sent, follow=True)
    assert "The requirements of the dependency on" in text_of(done)
    assert declared_requirements([primary.pk])[primary.pk] == {
        "tool_calling": False,
        "context_window": 90_000,
    }

    offered = re.findall(r'method="post" action="(/undo/[^"]+)"', text_of(done))
    client.post(offered[-1], {"back": "/applications/"})
    assert declared_requirements([primary.pk]) == {}


def test_a_wrong_number_is_said_beside_its_field(world, as_user, primary):
    client = as_user(world.editor)
    sent = {"seen": seen(client.get(page_of(primary))), "context_window": "many"}
    refused = client.post(page_of(primary), sent)
    assert refused.status_code == 422
    assert "Enter a whole number." in text_of(refused)

    refused = client.post(page_of(primary), sent | {"context_window": "-5"})
    assert refused.status_code == 422
    assert "Enter a whole number of tokens, from 1 to 1,000,000,000." in text_of(refused)


def test_what_another_user_declared_meanwhile_is_shown(world, as_user, primary):
    client = as_user(world.editor)
    opened = seen(client.get(page_of(primary)))
    declare_requirements(dependency=primary, values={"pdf": True}, by=world.governance)

    refused = client.post(page_of(primary), {"seen": opened, "pdf": "no"})
    assert refused.status_code == 422
    assert f"{world.governance.username} (" in text_of(refused)
    assert "changed this record while you were editing" in text_of(refused)

    client.post(page_of(primary), {"seen": seen(refused), "pdf": "no"})
    assert declared_requirements([primary.pk])[primary.pk] == {"pdf": False}


def test_readers_cannot_and_strangers_find_nothing(world, as_user, primary):
    assert as_user(world.viewer).get(page_of(primary)).status_code == 403
    assert as_user(world.outsider).get(page_of(primary)).status_code == 404
