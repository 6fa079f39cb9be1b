"""A year of hourly polls of recorded feeds, shortened: what is unchanged writes a run and the
state, and polling hourly tells the same as polling seldom."""

import pytest

from tests.histories.hourly_year import FEEDS, Figures, YearOfBodies, poll_year, recorded_bodies
from tests.histories.year import QUIET

SLUG = "deprecations-info"


@pytest.mark.shared
@pytest.mark.proof
@pytest.mark.django_db
@pytest.mark.skipif(not FEEDS.is_dir(), reason="the recorded feeds are not here")
def test_unchanged_polls_of_a_full_feed_write_a_run_and_the_state() -> None:
    year = YearOfBodies(SLUG, 60, recorded_bodies(SLUG)[-2:])

    figures = poll_year(year, noise=7)

    n_unchanged = len(figures.unchanged_ms) + len(figures.noise_ms)
    assert n_unchanged >= 60 - len(year.served)
    assert set(figures.written) == QUIET
    assert figures.written["feeds_feedrun"] == n_unchanged
    assert all(n == 1 for n in figures.events.values())
    assert max(figures.statements) <= 30


def test_every_hour_of_the_year_has_one_body() -> None:
    year = YearOfBodies("openrouter", 8760, [b"1", b"2", b"3"])

    assert year.served == [0, 2920, 5840]
    assert [year.body_from(hour) for hour in year.served] == [b"1", b"2", b"3"]
    assert Figures().events.total() == 0
