"""What a poll costs, for each source, in statements and rows: nothing but the run and the state of
the source where the feed says nothing new, and no more statements for many rows than for few."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Assertion, Price, Source
from apps.feeds.models import Payload, QuarantinedRow
from apps.feeds.polls.pipeline import PollResult, poll_source
from tests.builders import make_source
from tests.feeds import loopback as server
from tests.feeds.commands import rolled_back
from tests.feeds.parsers.small_payloads import (
    PRICED,
    SLUGS,
    SMALL,
    Line,
    changed,
    lines,
    priced_at,
    without,
)

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
KNOWN = changed(lines(20), Line(3, ends="2027-03-01"))
QUIET = {"feeds_feedrun", "feeds_pollstate"}
FEW, MANY = 20, 160


class Stage:
    """A source and its server; `poll` counts statements."""

    def __init__(self, slug: str, feed: server.Loopback, source: Source | None = None) -> None:
        self.small, self.feed, self.at = SMALL[slug], feed, AT
        self.source = source or make_source(slug)
        self.statements: list[str] = []

    def poll(self, given: Sequence[Line], *, noise: int = 0, later: timedelta = DAY) -> PollResult:
        return self.poll_answer(server.plain(self.small.body(*given, noise=noise)), later=later)

    def poll_answer(self, behaviour: server.Behaviour, *, later: timedelta = DAY) -> PollResult:
        self.at += later
        url = self.feed.route("/feed", behaviour)
        with CaptureQueriesContext(connection) as queries:
            polled = poll_source(self.source, at=self.at, url=url, trigger="test")
        self.statements = [query["sql"] for query in queries.captured_queries]
        return polled

    @property
    def written(self) -> set[str]:
        """The tables that the last poll wrote to."""
        return {
            table
            for statement in self.statements
            for table in re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', statement)
        }


@pytest.fixture(params=SLUGS)
def stage(request: pytest.FixtureRequest, feed: server.Loopback) -> Stage:
    made = Stage(request.param, feed)
    made.poll(KNOWN)
    return made


# --- nothing new ----------------------------------------------------------------------------------


def assert_quiet(stage: Stage, polled: PollResult) -> None:
    assert (polled.run.status, polled.events, polled.n_assertions_changed) == ("unchanged", [], 0)
    assert stage.written == QUIET


def test_the_same_body_writes_the_run_and_the_state(stage: Stage) -> None:
    assert_quiet(stage, stage.poll(KNOWN))


def test_304_writes_the_run_and_the_state(stage: Stage) -> None:
    body = stage.small.body(*KNOWN, noise=1)
    stage.poll_answer(server.conditional(body))

    polled = stage.poll_answer(server.conditional(body))

    assert polled.run.http_status == 304
    assert_quiet(stage, polled)


def test_a_body_in_which_all_has_changed_that_means_nothing_writes_the_run_and_the_state(
    stage: Stage,
) -> None:
    for noise in range(1, 5):
        polled = stage.poll(KNOWN, noise=noise)

        assert stage.small.body(*KNOWN, noise=noise) != stage.small.body(*KNOWN, noise=noise - 1)
        assert_quiet(stage, polled)
    assert Payload.objects.count() == 1


def test_noise_writes_nothing_more_while_something_waits(stage: Stage) -> None:
    # a row that is gone, a price and a date that have to prove themselves
    waits = changed(without(KNOWN, 5), Line(3), Line(7, usd="2"))
    stage.poll(waits, noise=1)
    waiting = Assertion.objects.waiting().count()
    assert waiting >= 1

    for noise in range(2, 5):
        assert_quiet(stage, stage.poll(waits, noise=noise, later=HOUR))

    assert Assertion.objects.waiting().count() == waiting


@pytest.mark.parametrize("stage", PRICED, indirect=True)
def test_noise_writes_nothing_more_while_a_row_stands_in_quarantine(stage: Stage) -> None:
    odd = changed(KNOWN, priced_at(stage.small.slug, Line(5), -1))
    stage.poll(odd, noise=1)
    assert QuarantinedRow.objects.open().count() == (0 if stage.small.slug == "openrouter" else 1)

    for noise in range(2, 5):
        assert_quiet(stage, stage.poll(odd, noise=noise, later=HOUR))


def test_an_unchanged_poll_costs_as_many_statements_for_many_rows_as_for_few(stage: Stage) -> None:
    stage.poll(KNOWN, noise=1)
    few = len(stage.statements)
    many = Stage(
        stage.small.slug,
        stage.feed,
        make_source(f"other-{stage.small.slug}", kind=stage.small.slug),
    )
    many.poll(lines(MANY))

    many.poll(lines(MANY), noise=1)

    assert len(many.statements) == few


# --- something new --------------------------------------------------------------------------------


def changes_of(n: int) -> list[list[Line]]:
    """Payloads of n rows, in each of which all rows say something else than in the one before."""
    return [
        lines(n),
        lines(n, ends="2027-12-01"),
        lines(n, ends="2027-12-01", usd="2"),
        lines(n, ends="2027-12-01", usd="2"),
        [Line(line.n + n, ends="2027-12-01", usd="2") for line in lines(n)],
    ]


def tell_the_planner() -> None:
    """What autovacuum does within a minute, though not while a test is under way: tables that were
    empty a moment ago are joined row by row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE catalog_offering, catalog_assertion, catalog_footing, catalog_node, "
            "catalog_price"
        )


@pytest.mark.parametrize("slug", SLUGS)
def test_a_changed_poll_costs_as_many_statements_for_many_rows_as_for_few(
    slug: str, feed: server.Loopback
) -> None:
    counts: dict[int, list[int]] = {}
    told: dict[int, list[int]] = {}
    for n in (FEW, MANY):
        with rolled_back():
            stage = Stage(slug, feed)
            # the host and its node are made once
            stage.poll([Line(10_000)])
            steps = []
            for place, given in enumerate(changes_of(n)):
                polled = stage.poll([*given, Line(10_000)], noise=place, later=4 * DAY)
                tell_the_planner()
                steps.append((len(stage.statements), len(polled.events)))
        counts[n], told[n] = [step[0] for step in steps], [step[1] for step in steps]

    assert counts[FEW] == counts[MANY]
    assert max(counts[MANY]) < 100
    small = SMALL[slug]
    assert told[MANY][1] == (MANY if small.dated else 0)
    assert told[MANY][3] == (MANY if small.priced else 0)


@pytest.mark.parametrize("slug", PRICED)
def test_prices_that_change_write_a_range_each_and_nothing_of_the_other_rows(
    slug: str, feed: server.Loopback
) -> None:
    stage = Stage(slug, feed)
    stage.poll(lines(MANY))
    before = Price.objects.count()
    cheaper = changed(lines(MANY), *lines(10, usd="2"))

    stage.poll(cheaper, noise=1)
    stage.poll(cheaper, noise=1, later=4 * DAY)

    assert Price.objects.count() == before + 20
    assert Assertion.objects.filter(changed_at=stage.at).count() == 10
