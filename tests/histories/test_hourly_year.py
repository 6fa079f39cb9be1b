"""A year of hourly polls of recorded feeds, shortened: what is unchanged writes a run and the
state, and polling hourly raises the same events as polling seldom."""

import json
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import transaction

from tests.histories.hourly_year import (
    FEEDS,
    FORTNIGHT,
    Figures,
    YearOfBodies,
    poll_seldom,
    poll_year,
    recorded_bodies,
)
from tests.histories.year import QUIET

SLUG = "deprecations-info"
needs_feeds = pytest.mark.skipif(not FEEDS.is_dir(), reason="the recorded feeds are not here")


def some_rows(slug: str) -> list[bytes]:
    """The recorded bodies; of LiteLLM's list the rows of three providers, among which rows leave,
    dates move, and both are doubted."""
    bodies = recorded_bodies(slug)
    if slug != "litellm":
        return bodies
    providers = {"anthropic", "gemini", "mistral"}
    return [
        json.dumps(
            {
                name: row
                for name, row in json.loads(body).items()
                if row.get("litellm_provider") in providers
            }
        ).encode()
        for body in bodies
    ]


def rolled_back(poll: Callable[[], Figures]) -> Figures:
    """What polls cost and raise in a database that has none of them afterwards."""
    with transaction.atomic():
        figures = poll()
        transaction.set_rollback(True)
    return figures


@pytest.mark.shared
@pytest.mark.proof
@pytest.mark.django_db
@needs_feeds
def test_unchanged_polls_of_a_full_feed_write_a_run_and_the_state() -> None:
    year = YearOfBodies(SLUG, 60, recorded_bodies(SLUG)[-2:])

    figures = poll_year(year, noise=7)

    n_unchanged = len(figures.unchanged_ms) + len(figures.noise_ms)
    assert n_unchanged >= 60 - len(year.served)
    assert set(figures.written) == QUIET
    assert figures.written["feeds_feedrun"] == n_unchanged
    assert all(n == 1 for n in figures.events.values())
    assert max(figures.statements) <= 30


@pytest.mark.shared
@pytest.mark.proof
@pytest.mark.django_db
@needs_feeds
@pytest.mark.parametrize("slug", ["litellm", "deprecations-info"])
def test_polls_of_every_hour_raise_the_events_of_a_few(slug: str) -> None:
    bodies = some_rows(slug)
    # longer than every hold, and than the last poll of the few
    year = YearOfBodies(slug, 300 * len(bodies), bodies)

    often = rolled_back(lambda: poll_year(year, noise=24, every=6))
    seldom = rolled_back(lambda: poll_seldom(year))

    assert often.events
    assert often.events == seldom.events
    assert max(often.events.values()) == 1
    kinds = Counter(kind for kind, *_ in often.events)
    if slug == "litellm":
        assert {"announced", "delisted", "moved_later", "repriced", "withdrawn"} <= set(kinds)


def test_every_hour_of_the_year_has_one_body() -> None:
    year = YearOfBodies("openrouter", 8760, [b"1", b"2", b"3"])

    assert year.served == [0, 2920, 5840]
    assert [year.body_from(hour) for hour in year.served] == [b"1", b"2", b"3"]
    assert Figures().events.total() == 0


def test_every_body_lasts_longer_than_its_holds() -> None:
    year = YearOfBodies("litellm", 8760, [b"1", b"2", b"3", b"4"])

    ends = [*year.served[1:], year.hours]
    assert min(end - begin for begin, end in zip(year.served, ends, strict=True)) >= FORTNIGHT
    assert len(year.served) == 23
