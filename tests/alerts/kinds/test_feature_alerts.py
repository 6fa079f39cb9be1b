"""Alerts about features: events and reminders reach the applications that use them."""

from datetime import timedelta

import pytest

from apps.alerts.kinds.reminders.retirement_queries import due_retirements
from apps.alerts.queries import affected_applications, roles_affected
from apps.exposure.queries.dependents import affected_dependencies
from apps.inventory.models import Dependency
from tests.builders import TODAY, make_dependency, make_event, make_offering
from tests.kept_worlds import kept_world
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world():
    return make_small_world()


@pytest.fixture
def feature(world):
    return make_offering(
        "Assistants API",
        host=world.offering.host,
        resolved=False,
        kind="feature",
        not_a_model=True,
        retires_on=TODAY + timedelta(30),
        date_kind="firm",
        lifecycle="deprecated",
    )


def use(world, *features):
    Dependency.objects.filter(application=world.application).update(features=list(features))


def test_an_event_of_a_feature_affects_the_applications_that_use_it(world, feature):
    use(world, "Assistants API")
    event = make_event(feature)

    reached = affected_applications(event_ids=[event.pk], on=TODAY)

    assert [row.application_id for row in reached] == [world.application.pk]
    assert roles_affected(event_ids=[event.pk], application_ids=[world.application.pk], on=TODAY)
    assert affected_dependencies(event=event, on=TODAY).count() == 1


def test_an_event_of_a_feature_does_not_affect_others_on_its_host(world, feature):
    event = make_event(feature)

    assert affected_applications(event_ids=[event.pk], on=TODAY) == []
    assert not affected_dependencies(event=event, on=TODAY).exists()


def test_the_retirement_of_a_feature_is_reminded_of(world, feature):
    use(world, "Assistants API")

    due = [row for row in due_retirements(on=TODAY) if row.offering_id == feature.pk]

    assert [(row.application_id, row.retires_on) for row in due] == [
        (world.application.pk, feature.retires_on)
    ]


def test_an_event_of_a_fine_tuned_model_does_not_affect_its_base_model(world):
    make_dependency(world.application, world.offering, role="fallback")
    tuned = make_offering(
        world.offering.api_id,
        host=world.offering.host,
        version=world.offering.version,
        service_tier="fine-tuned",
    )
    event = make_event(tuned)

    assert affected_applications(event_ids=[event.pk], on=TODAY) == []
