"""Reminders before a stage of a model in use begins."""

from datetime import timedelta

import pytest

from apps.alerts.kinds.reminders.alerts import raise_reminders
from apps.alerts.kinds.reminders.reminder_text import reminder_heading
from apps.alerts.models import Alert
from apps.catalog.models import OfferingStage
from tests.builders import NOW, TODAY, make_claim, make_source
from tests.kept_worlds import kept_world
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world():
    return make_small_world()


def add_stage(world, stage="extended_access", *, days=30, date_kind="firm"):
    return OfferingStage.objects.create(
        offering=world.offering,
        stage=stage,
        starts_on=TODAY + timedelta(days),
        date_kind=date_kind,
        claim=make_claim(make_source("page"), stage, offering=world.offering),
    )


def stage_alerts():
    return list(Alert.objects.filter(kind="stage_begins").order_by("pk"))


def test_extended_access_is_reminded_of_before_it_begins(world):
    add_stage(world)

    raise_reminders(at=NOW)

    (alert,) = stage_alerts()
    assert alert.application_ids == [world.application.pk]
    assert "extended access, where the price can change" in reminder_heading(
        alert, name=world.application.name, on=TODAY
    )


def test_a_reminder_is_raised_once(world):
    add_stage(world)
    raise_reminders(at=NOW)

    raise_reminders(at=NOW + timedelta(hours=3))

    assert len(stage_alerts()) == 1


@pytest.mark.parametrize("days", [31, -8])
def test_a_stage_far_away_or_long_begun_is_not_reminded_of(world, days):
    add_stage(world, days=days)

    raise_reminders(at=NOW)

    assert stage_alerts() == []


def test_an_earliest_day_of_a_stage_is_not_reminded_of(world):
    add_stage(world, date_kind="not_before")

    raise_reminders(at=NOW)

    assert stage_alerts() == []


def test_of_two_stages_of_one_day_one_is_reminded_of(world):
    add_stage(world, "legacy")
    add_stage(world, "extended_access")

    raise_reminders(at=NOW)

    (alert,) = stage_alerts()
    assert "extended access" in alert.details["what"]


def test_a_stage_that_moves_ends_its_reminder(world):
    stage = add_stage(world)
    raise_reminders(at=NOW)
    stage.starts_on += timedelta(200)
    stage.save()

    raise_reminders(at=NOW)

    (alert,) = stage_alerts()
    assert (alert.state, alert.resolution) == ("resolved", "stage_moved")


def test_a_stage_is_never_more_severe_than_low(world):
    add_stage(world, days=0)

    raise_reminders(at=NOW)

    (alert,) = stage_alerts()
    assert (alert.severity, alert.urgent) == (2, False)
