"""Outages and releases on the track record of a provider."""

from datetime import timedelta
from typing import Any

import pytest

from apps.catalog.models import Incident
from apps.common.time import day_of, now
from tests.builders import make_foundation, make_version
from tests.http import visible_text
from tests.worlds.outage_records import add_incident, add_outage_record, add_status_source

pytestmark = pytest.mark.django_db

PAGE = "/providers/anthropic/?tab=record"


@pytest.fixture
def viewer(world: Any, as_user: Any) -> Any:
    return as_user(world.viewer)


def text_of(client: Any) -> str:
    return visible_text(client.get(PAGE))


def test_a_host_without_a_status_source_says_what_is_missing(viewer: Any) -> None:
    text = text_of(viewer)

    assert "No outages are counted on this host." in text
    assert "No source reads the status page of this host." in text


def test_a_source_that_states_no_impact_is_not_counted(world: Any, viewer: Any) -> None:
    source = add_status_source(world.sonnet.host, read_at=now())
    add_incident(source, now() - timedelta(60), impact="")

    assert "has stated no impact yet" in text_of(viewer)


def test_outages_are_counted_by_threshold_with_months_and_source(world: Any, viewer: Any) -> None:
    source = add_status_source(world.sonnet.host, read_at=now())
    add_outage_record(source, months=12, n_critical=6)
    add_incident(source, now() - timedelta(75), 1, "minor")

    text = text_of(viewer)

    assert "6 outages in 12 months with critical impact, at least 4 hours." in text
    assert "Minor, major or critical impact, of any length" in text
    assert "12 months of Anthropic status" in text
    assert "Outages of any impact" in text


def test_before_a_month_is_over_nothing_is_counted(world: Any, viewer: Any) -> None:
    source = add_status_source(world.sonnet.host, read_at=now())
    add_incident(source, now() - timedelta(hours=9))

    assert "No full month is observed yet." in text_of(viewer)


def test_releases_have_a_median_or_say_what_is_missing(world: Any, viewer: Any) -> None:
    assert "No releases are recorded" in text_of(viewer) or "too few" in text_of(viewer)
    foundation = make_foundation("anthropic/x", developer=world.sonnet.host)
    for number in range(6):
        make_version(
            f"anthropic/x-{number}",
            foundation=foundation,
            released_on=day_of(now()) - timedelta(20 * number),
        )

    assert "Median of 20 days between releases" in text_of(viewer)


def test_the_page_takes_the_same_statements_for_any_number_of_incidents(
    world: Any, viewer: Any, django_assert_num_queries: Any
) -> None:
    source = add_status_source(world.sonnet.host, read_at=now())
    add_outage_record(source, months=4, n_critical=1)
    viewer.get(PAGE)
    with django_assert_num_queries(30, exact=False):
        viewer.get(PAGE)
    for number in range(40):
        add_incident(source, now() - timedelta(40 + number), external_id=f"x{number}")
    assert Incident.objects.count() > 40
    with django_assert_num_queries(30, exact=False):
        viewer.get(PAGE)
