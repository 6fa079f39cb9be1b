"""Data terms on the pages of offerings and hosts: unknowns, entry for many, removal, undo."""

import pytest

from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.models import Assertion
from tests.builders import TODAY, make_offering
from tests.http import text_of

SOURCE = {"source_url": "https://example.com/terms", "at": TODAY.isoformat()}


def terms_of(offering):
    values = settled_values([offering.pk], "data_terms").get(offering.pk, {})
    return {field: value.value for field, value in values.items()}


@pytest.fixture
def governance(world, as_user):
    return as_user(world.governance)


def enter(client, offering, **terms):
    return client.post(f"/offerings/{offering.pk}/data-terms/", {**SOURCE, **terms})


def test_terms_that_nobody_stated_are_shown_as_unknown(world, as_user):
    response = as_user(world.viewer).get(f"/offerings/{world.sonnet.pk}/?tab=data-terms")

    assert [line.is_known for line in response.context["terms"]] == [False] * 5
    assert text_of(response).count("Unknown") >= 5


def test_governance_enters_what_a_page_states(world, governance):
    enter(governance, world.sonnet, training_use="no", retention_days="30", residency="EU, CH")

    assert terms_of(world.sonnet) == {
        "training_use": False,
        "retention_days": 30,
        "residency": ["CH", "EU"],
    }
    page = text_of(governance.get(f"/offerings/{world.sonnet.pk}/?tab=data-terms"))
    assert "30 days" in page


def test_a_term_that_stays_empty_is_not_changed(world, governance):
    enter(governance, world.sonnet, training_use="no")
    enter(governance, world.sonnet, retention_days="0")

    assert terms_of(world.sonnet) == {"training_use": False, "retention_days": 0}


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"training_use": "no", "source_url": ""}, "source_url"),
        ({"training_use": "no", "at": "2999-01-01"}, "at"),
        ({"retention_days": "-1"}, "retention_days"),
        ({"subprocessors_url": "javascript:alert(1)"}, "subprocessors_url"),
        ({}, "__all__"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_stored(world, governance, terms, field):
    response = enter(governance, world.sonnet, **terms)

    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Assertion.objects.filter(topic="data_terms").exists()


def test_the_terms_of_a_host_cover_the_selected_regions_only(world, governance):
    host = world.sonnet.host
    regional = make_offering("regional", host=host, region_scope="eu")
    other = make_offering("elsewhere")

    governance.post(
        f"/providers/{host.slug}/data-terms/", {**SOURCE, "training_use": "no", "covers": ["eu|"]}
    )

    assert terms_of(regional) == {"training_use": False}
    assert terms_of(world.sonnet) == terms_of(other) == {}


def test_an_entry_for_many_offerings_is_undone_in_one_step(world, governance):
    host = world.sonnet.host
    sibling = make_offering("sibling", host=host)
    enter(governance, sibling, training_use="yes")
    governance.post(
        f"/providers/{host.slug}/data-terms/",
        {**SOURCE, "training_use": "no", "covers": ["|"]},
    )
    change = Assertion.history.rel.related_model.objects.latest("pgh_id").pgh_context_id

    governance.post(f"/data-terms/undo/{change}/")

    assert terms_of(sibling) == {"training_use": True}
    assert terms_of(world.sonnet) == {}


def test_a_later_entry_is_not_undone(world, governance):
    enter(governance, world.sonnet, training_use="yes")
    change = Assertion.history.rel.related_model.objects.latest("pgh_id").pgh_context_id
    enter(governance, world.sonnet, training_use="no")

    response = governance.post(f"/data-terms/undo/{change}/", follow=True)

    assert terms_of(world.sonnet) == {"training_use": False}
    assert "changed later" in text_of(response)


def test_a_host_shows_how_many_offerings_state_what(world, governance):
    host = world.sonnet.host
    enter(governance, world.sonnet, training_use="no")

    response = governance.get(f"/providers/{host.slug}/?tab=contracts")

    line = response.context["host_terms"][0]
    assert [(text, n) for text, n, _ in line.values] == [("no", 1)]
    assert line.n_unknown == response.context["n_terms_offerings"] - 1


def test_only_governance_enters_terms(world, as_user):
    client = as_user(world.editor)

    assert enter(client, world.sonnet, training_use="no").status_code == 403
    assert client.get(f"/providers/{world.sonnet.host.slug}/data-terms/").status_code == 403


def test_a_removed_term_is_unknown_again(world, governance):
    enter(governance, world.sonnet, training_use="no", retention_days="30")

    governance.post(
        f"/offerings/{world.sonnet.pk}/data-terms/remove/",
        {"field": "training_use", "reason": "the page changed"},
    )

    assert terms_of(world.sonnet) == {"retention_days": 30}
