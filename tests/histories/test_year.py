"""The simulated year polls every kind of source, and a poll without a change writes one run and the
state of its source."""

from datetime import timedelta

import pytest

from tests.histories.invented_models import START
from tests.histories.year import HABITS, HOUR, QUIET, Cost, make_source, moments, poll, publisher_of

pytestmark = pytest.mark.django_db

OF_KINDS = ("litellm", "page-states", "page-labs", "status-statuspage")


@pytest.mark.parametrize("slug", OF_KINDS)
def test_a_poll_without_a_change_writes_one_run_and_the_state(slug: str) -> None:
    publisher = publisher_of(slug, rows=40, days=60, seed=3)
    source, cost = make_source(slug), Cost()

    # feeds and pages put another body out after six hours, in which nothing has happened
    for hours in (0, 0.02, 0.04) if slug.startswith("status") else (0, 7, 14):
        poll(source, publisher, START + hours * HOUR, cost)

    assert len(cost.seconds["unchanged"]) == 2
    assert set(cost.written) == QUIET
    assert cost.written["feeds_pollstate"] == 2
    assert max(cost.statements["unchanged"]) <= 30


def test_every_source_is_polled_at_its_interval_in_the_order_of_time() -> None:
    polls = list(moments(HABITS, days=1, seed=3))

    assert [at for at, _ in polls] == sorted(at for at, _ in polls)
    assert all(START <= at < START + timedelta(days=1, hours=1) for at, _ in polls)
    n_polls = {slug: sum(other == slug for _, other in polls) for slug in HABITS}
    assert n_polls["litellm"] == 24
    assert n_polls["page-labs"] == 4
    assert n_polls["status-atom"] == 288
