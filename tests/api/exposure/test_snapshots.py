"""The daily indices as a resource: for the organisation's offices, by layer, weight and day."""

from datetime import timedelta

import pytest

from apps.common.time import day_of, now
from apps.exposure.snapshots.daily import take_snapshot
from tests.builders import (
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_user,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db
TODAY = day_of(now())
DAY = timedelta(days=1)


@pytest.fixture
@kept_world
def three_days():
    """Two applications on one host and one on another, on three days."""
    here, there = (
        make_offering("a", host=make_provider("here")),
        make_offering("b", host=make_provider("there")),
    )
    for offering in (here, here, there):
        make_dependency(make_application(), offering)
    for days in range(3):
        take_snapshot(on=TODAY + days * DAY)


def test_a_layer_is_listed_newest_first_within_the_days_asked_for(api, three_days):
    governor = api(make_user(role="governance"))

    answer = governor.get(f"/api/v1/snapshots/?layer=host&weight=count&since={TODAY + DAY}").json()

    assert [row["day"] for row in answer["results"]] == [str(TODAY + 2 * DAY), str(TODAY + DAY)]
    assert answer["results"][0]["hhi"] == pytest.approx(5 / 9)


def test_the_last_day_asked_for_is_left_out(api, three_days):
    auditor = api(make_user(role="auditor"))

    answer = auditor.get(f"/api/v1/snapshots/?layer=host&weight=count&until={TODAY + DAY}").json()

    assert [row["day"] for row in answer["results"]] == [str(TODAY)]


def test_a_layer_that_does_not_exist_is_refused(api, three_days):
    assert (
        api(make_user(role="governance")).get("/api/v1/snapshots/?layer=planet").status_code == 400
    )


def test_someone_without_an_office_sees_none(api, three_days):
    assert api(make_user()).get("/api/v1/snapshots/").json()["results"] == []
