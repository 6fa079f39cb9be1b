"""Page "Find a successor" for all dependencies of one cause."""

import pytest

from apps.common.time import day_of, now
from apps.exposure.engine.operations import Move as EngineMove
from apps.exposure.engine.scenarios import run_operations
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import Campaign, Policy
from apps.exposure.successors.tolerances import Move, exposure_after_all
from apps.inventory.models import Criticality, Dependency
from tests.builders import make_application, make_dependency, make_member, make_user
from tests.http import text_of
from tests.kept_worlds import kept_world
from tests.worlds.successors import SuccessorWorld, make_successor_world


@pytest.fixture
@kept_world
def world(db: None) -> SuccessorWorld:
    return make_successor_world()


@pytest.fixture
def other(world) -> Dependency:
    """Return a second dependency on the model that retires, of whose use nothing is known."""
    application = make_application(
        "Parts finder", team=world.team, criticality=Criticality.CRITICAL
    )
    dependency = make_dependency(application, world.gemini)
    rebuild(on=day_of(now()))
    return dependency


def path_of(world: SuccessorWorld) -> str:
    return f"/campaigns/successors/?offering={world.gemini.pk}"


def test_candidates_are_counted_over_all_dependencies(world, other, as_user):
    text = text_of(as_user(make_user(role="governance")).get(path_of(world)))
    assert "No candidate fits all 2 dependencies." in text
    assert "The best one fits 1." in text
    assert "Motor damage estimator" in text
    assert "Parts finder" in text
    assert "known for 1 of 2" in text
    assert "GPT-5.4, Microsoft Azure, eu: fits" in text


def test_of_one_dependency_the_headline_speaks_of_it_alone(world, as_user):
    text = text_of(as_user(make_user(role="governance")).get(path_of(world)))
    assert "fit the dependency." in text or "fits the dependency." in text
    assert "all 1" not in text


def test_members_see_their_own_and_open_nothing(world, other, as_user):
    client = as_user(make_member(world.team))
    text = text_of(client.get(path_of(world)))
    assert "Tolerances after moving all" not in text
    assert "Open migration" not in text
    assert client.post(path_of(world), {"target": world.gpt.pk}).status_code == 403


def test_the_choice_becomes_a_migration_with_its_targets(world, other, as_user):
    client = as_user(make_user(role="governance"))
    client.post(path_of(world), {"target": world.gpt.pk, f"target-{other.pk}": world.mistral.pk})
    campaign = Campaign.objects.get()
    assert campaign.target == world.gpt
    targets = dict(campaign.tasks.values_list("dependency_id", "target_id"))
    assert targets == {world.dependency.pk: None, other.pk: world.mistral.pk}


def test_a_choice_that_breaks_something_asks_first(world, other, as_user):
    client = as_user(make_user(role="governance"))
    response = client.post(path_of(world), {"target": world.mistral.pk})
    assert response.status_code == 422
    text = text_of(response)
    assert "Motor damage estimator, Mistral Large: Has no PDF input." in text
    assert not Campaign.objects.exists()
    client.post(path_of(world), {"target": world.mistral.pk, "confirmed": "on"})
    assert Campaign.objects.get().target == world.mistral


def test_values_after_moving_all_are_those_of_the_what_if_engine(world, other):
    Policy.objects.update(enabled=True)
    settings = engine_settings()
    (changes,) = exposure_after_all(
        [
            [
                Move(world.dependency.application_id, {world.dependency.pk: world.gpt.pk}),
                Move(other.application_id, {other.pk: world.gpt.pk}),
            ]
        ],
        settings=settings,
        on=day_of(now()),
    )
    answer = run_operations(
        [EngineMove(pk, world.gpt.pk) for pk in (world.dependency.pk, other.pk)],
        settings=settings,
        with_breaches=True,
    )
    names = dict(Policy.objects.values_list("pk", "name"))
    breaches = {
        (names[policy], value.value.value)
        for (policy, _node), value in answer.after.policy_values.items()
        if value.is_breach
    }
    ours = {(change.policy, change.after) for change in changes if change.is_breach}
    assert ours
    assert ours <= breaches


@pytest.mark.parametrize("n_more", [0, 12])
def test_the_page_makes_few_statements(world, other, as_user, django_assert_num_queries, n_more):
    Policy.objects.update(enabled=True)
    for number in range(n_more):
        make_dependency(make_application(f"Application {number}", team=world.team), world.gemini)
    rebuild(on=day_of(now()))
    client = as_user(make_user(role="governance"))
    client.get(path_of(world))
    with django_assert_num_queries(25):
        client.get(path_of(world))
