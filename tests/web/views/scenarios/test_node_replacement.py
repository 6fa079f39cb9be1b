"""A host is replaced: the mapping is shown with its fit, edited, calculated, and becomes a
migration."""

import pytest

from apps.common.time import day_of, now
from apps.exposure.actions.scenarios import run_queued
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import Campaign, Scenario, ScenarioRun
from tests.builders import make_application, make_dependency, make_offering
from tests.exposure.scenarios.replaced_host import make_replaced_host
from tests.http import csv_rows, visible_text
from tests.kept_worlds import kept_world
from tests.web.page_parts import headline_of

pytestmark = pytest.mark.django_db

ADDRESS = "/what-if/replacement/"
NODES = {"node": "host:azure", "by": "host:bedrock"}


@pytest.fixture
@kept_world
def world():
    return make_replaced_host(day_of(now()))


def calculate(client, world, targets, **fields):
    """POST the mapping and run it; return the run."""
    data = {**NODES, **{f"target-{old.pk}": new.pk if new else "" for old, new in targets}}
    response = client.post(ADDRESS, data | fields)
    assert response.status_code == 302, visible_text(response)
    run_queued(at=now())
    return ScenarioRun.objects.order_by("-pk")[0]


def test_what_can_be_replaced_is_listed_by_layer(world, as_user):
    page = as_user(world.governance).get(ADDRESS)

    said = visible_text(page)
    assert "Replace a developer, host, foundation or version by another." in said
    assert "Azure, 2 applications" in said
    assert "Maker, 2 applications" in said


def test_then_what_can_replace_it(world, as_user):
    page = as_user(world.governance).get(f"{ADDRESS}?node=host:azure")

    assert headline_of(page) == "3 models of Azure are in use. Select what replaces Azure."
    assert "Bedrock: serves 3 models, 1 of the versions in use" in visible_text(page)
    narrowed = as_user(world.governance).get(f"{ADDRESS}?node=host:azure&q=nothing")
    assert "No match" in visible_text(narrowed)


def test_the_mapping_is_proposed_with_its_fit(world, as_user):
    page = as_user(world.governance).get(f"{ADDRESS}?node=host:azure&by=host:bedrock")

    assert headline_of(page) == (
        "3 models of Azure are in use; Bedrock has a target for 2; 1 stays as it is."
    )
    said = visible_text(page)
    assert "large on Bedrock – same version, fits 1" in said
    assert "other on Bedrock – breaks 1" in said
    html = page.content.decode()
    assert f'name="target-{world.vectors.pk}"' in html
    assert '<span class="fit kept">fits 1</span>' in html


def test_the_page_makes_few_statements_for_many_models(
    world, as_user, django_assert_max_num_queries
):
    client = as_user(world.governance)
    host = world.large.host
    for number in range(12):
        make_dependency(make_application(), make_offering(f"model-{number}", host=host))
    refresh(on=day_of(now()))
    with django_assert_max_num_queries(30):
        client.get(f"{ADDRESS}?node=host:azure&by=host:bedrock")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("node=host:nobody", "was not found. Check the name in the catalogue."),
        ("node=host:azure&by=developer:maker", "Select what replaces Azure."),
        ("node=region:azure/eu", "Replace a developer, host, foundation or version"),
        ("node=host:azure&by=host:azure", "Select what replaces Azure."),
        ("scenario=999999", "Replace a developer"),
    ],
)
def test_what_cannot_be_meant_asks_again(world, as_user, query, says):
    page = as_user(world.governance).get(f"{ADDRESS}?{query}")

    assert page.status_code == 200
    assert says in visible_text(page)


def test_the_result_says_what_each_application_loses_and_pays(world, as_user):
    client = as_user(world.governance)
    run = calculate(
        client,
        world,
        [(world.large, world.large_elsewhere), (world.small, world.other), (world.vectors, None)],
    )

    page = client.get(f"/what-if/answers/{run.pk}/")

    said = visible_text(page)
    assert headline_of(page) == (
        "If Bedrock replaces Azure, 2 applications move at +1.00 USD per month, 1 cost unknown; "
        "2 have a blocker; 2 flags would open."
    )
    assert "1 model has no target and stays as it is." in said
    assert "Lost capability: other on Bedrock has no image input." in said
    assert "Azure host 2 0" in said
    only = client.get(f"/what-if/answers/{run.pk}/?blocker=capability")
    assert "Quotes" in visible_text(only).split("Applications that move")[1]
    assert "Triage" not in only.content.decode().split('id="effects"')[1].split("<nav")[0]
    rows = csv_rows(client.get(f"/what-if/answers/{run.pk}/applications.csv"))
    by_name = {row["application"]: row for row in rows}
    assert by_name["Quotes"]["blockers"] == "other on Bedrock has no image input."
    assert by_name["Triage"]["cost change per month"].lstrip("'") == "+1.00 USD"
    assert by_name["Triage"]["blockers"] == (
        "The fallback backup on Bedrock would share a party with large on Bedrock."
    )


def test_a_team_user_sees_their_own_applications_labelled_so(world, as_user):
    client = as_user(world.editor)
    mapping = client.get(f"{ADDRESS}?node=host:azure&by=host:bedrock")
    assert f'name="target-{world.large.pk}"' not in mapping.content.decode()
    run = calculate(client, world, [(world.small, world.other)])

    page = client.get(f"/what-if/answers/{run.pk}/")

    said = visible_text(page)
    assert "Scope: some teams’ applications." in said
    assert "Triage" not in said
    assert "Plan a migration" not in said
    assert client.get(f"/what-if/answers/{run.pk}/migration/").status_code == 403


def test_the_mapping_of_a_saved_scenario_is_edited(world, as_user):
    client = as_user(world.governance)
    calculate(client, world, [(world.large, world.other)], name="Leave Azure")
    scenario = Scenario.objects.get()
    detail = client.get(f"/what-if/saved/{scenario.pk}/").content.decode()
    assert f'href="{ADDRESS}?scenario={scenario.pk}"' in detail

    page = client.get(f"{ADDRESS}?scenario={scenario.pk}")
    assert f'value="{world.other.pk}" selected' in " ".join(page.content.decode().split())
    calculate(
        client, world, [(world.large, world.large_elsewhere)], scenario=scenario.pk, name="Again"
    )

    scenario.refresh_from_db()
    assert Scenario.objects.count() == 1
    assert scenario.name == "Again"
    assert scenario.ops[0]["mapping"] == [{"old": world.large.pk, "new": world.large_elsewhere.pk}]
    assert scenario.runs.count() == 2


def test_other_changes_are_applied_as_well(world, as_user):
    client = as_user(world.governance)
    said = visible_text(
        client.get(f"{ADDRESS}?remove=developer:rival&node=host:azure&by=host:bedrock")
    )
    assert "Applied as well: Rival fails" in said

    run = calculate(
        client, world, [(world.large, world.other)], remove="developer:rival", name="Both"
    )

    assert [op["op"] for op in run.ops] == ["remove", "replace"]
    assert run.result["after"]["n_states"]["exposed"] == 1


def test_a_migration_asks_first_if_anything_breaks(world, as_user):
    client = as_user(world.governance)
    run = calculate(
        client, world, [(world.large, world.large_elsewhere), (world.small, world.other)]
    )
    address = f"/what-if/answers/{run.pk}/migration/"

    page = client.get(address)
    said = visible_text(page)
    assert "other on Bedrock has no image input." in said
    assert "Plan it although 2 applications have a blocker" in said
    refused = client.post(address, {"title": "Leave Azure"})
    assert refused.status_code == 422
    assert "The mapping breaks something, as listed." in visible_text(refused)
    assert not Campaign.objects.exists()

    client.post(address, {"title": "Leave Azure", "is_confirmed": "on"})

    campaign = Campaign.objects.get()
    assert {task.dependency_id: task.target_id for task in campaign.tasks.all()} == {
        world.uses_large.pk: world.large_elsewhere.pk,
        world.uses_small.pk: world.other.pk,
    }
    assert campaign.targets == {
        str(world.large.pk): world.large_elsewhere.pk,
        str(world.small.pk): world.other.pk,
    }
    assert set(campaign.offerings.all()) == {world.large, world.small}
    assert client.get(f"/campaigns/{campaign.pk}/").status_code == 200


def test_what_fits_is_planned_without_asking_and_once_for_each_model(world, as_user):
    client = as_user(world.governance)
    run = calculate(client, world, [(world.small, world.large_elsewhere)])
    address = f"/what-if/answers/{run.pk}/migration/"
    assert "Plan it although" not in visible_text(client.get(address))

    client.post(address, {"title": "Leave Azure"})
    again = client.post(address, {"title": "Leave Azure again"})

    assert Campaign.objects.count() == 1
    assert "A migration is already open for every model of the mapping." in visible_text(again)
