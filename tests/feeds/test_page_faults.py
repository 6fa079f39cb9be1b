"""What the server of a lifecycle page can do wrong: what the catalogue knew stands, the run says
what was wrong, and the next good poll works as if nothing had been. And what a poll costs."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.common.time import now
from apps.feeds.models import FeedRun, HostPause, PollState, QuarantinedRow, SourceMapping
from apps.feeds.polls.pipeline import PollResult, poll_source
from tests.builders import make_source
from tests.feeds import loopback as server
from tests.feeds.commands import rolled_back
from tests.feeds.sources.lifecycle_pages import MAPPING, models, page, table, two_tables

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
QUIET = {"feeds_feedrun", "feeds_pollstate"}
GOOD = two_tables()
MEBIBYTE = 1024 * 1024


def as_markdown(body: bytes) -> server.Behaviour:
    return server.plain(body, content_type="text/markdown")


class Stage:
    """A lifecycle page that has been polled once, and its server."""

    def __init__(self, feed: server.Loopback, slug: str = "acme-page") -> None:
        self.feed, self.at = feed, AT
        self.source: Source = make_source(slug, kind="page")
        SourceMapping.objects.create(source=self.source, settings=MAPPING)
        self.statements: list[str] = []

    def poll(self, *behaviours: server.Behaviour, later: timedelta = DAY) -> PollResult:
        self.at += later
        source = Source.objects.get(pk=self.source.pk)
        url = self.feed.route("/page*", *behaviours)
        with CaptureQueriesContext(connection) as queries:
            polled = poll_source(source, at=self.at, url=url, trigger="test")
        self.statements = [query["sql"] for query in queries.captured_queries]
        return polled

    @property
    def written(self) -> set[str]:
        return {
            name
            for sql in self.statements
            for name in re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', sql)
        }

    def assert_goes_on(self) -> None:
        """The next good page is read, with its news."""
        polled = self.poll(as_markdown(two_tables(m_1="2027-08-01")))
        assert (polled.run.status, polled.run.rows, polled.run.error) == ("changed", 16, "")
        assert [(event.kind, event.new) for event in polled.events] == [
            ("moved_later", "2027-08-01")
        ]
        state = PollState.objects.get(source=self.source)
        assert (state.failures, state.error, state.suspect) == (0, "", False)


def snapshot() -> dict[str, Any]:
    return {
        "offerings": list(Offering.objects.order_by("pk").values("pk", "lifecycle", "retires_on")),
        "claims": list(
            Assertion.objects.order_by("pk").values("pk", "value", "missing_since", "held")
        ),
        "events": list(ProviderEvent.objects.order_by("pk").values_list("key", flat=True)),
    }


@pytest.fixture
def feed(settings: Settings) -> Iterator[server.Loopback]:
    # redirects go to public addresses only, and the server that is to redirect to itself is none
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with server.Loopback() as running:
        yield running


@pytest.fixture
def stage(feed: server.Loopback) -> Stage:
    made = Stage(feed)
    assert made.poll(as_markdown(GOOD)).run.status == "changed"
    return made


NO_PAGE: dict[str, tuple[Callable[[], server.Behaviour], str]] = {
    "500": (lambda: server.status(500), "500"),
    "truncated": (lambda: server.truncated(GOOD), "100 bytes early"),
    "chunks cut": (lambda: server.chunks_cut(GOOD), "before the response was complete"),
    "JSON": (lambda: server.plain(b'{"models": [{"id": "acme-1"}]}'), ""),
    "empty list": (server.empty_list, ""),
    "empty": (lambda: as_markdown(b""), "empty"),
    "blank": (lambda: as_markdown(b"\n \n"), ""),
    "moved": (server.html, ""),
    "login form": (
        lambda: server.plain(
            b"<!DOCTYPE html><html><body><form><input type=password></form></body></html>",
            content_type="text/html",
        ),
        "",
    ),
    "HTML cut": (
        lambda: server.plain(
            b"<!DOCTYPE html><html><body><table><tr><th>Model</th><th>Shutdown date</th></tr>"
            b"<tr><td>acme-1</td><td>2027-06",
            content_type="text/html",
        ),
        "",
    ),
    "Latin-1": (lambda: as_markdown(GOOD.replace(b"acme", "acm\u00e9".encode("latin-1"))), "UTF-8"),
    "UTF-16": (lambda: as_markdown(GOOD.decode().encode("utf-16")), ""),
    "NUL": (lambda: as_markdown(b"\x00" * 5000), ""),
    "100 MB": (lambda: server.huge(100), "larger than"),
    "gzip bomb": (lambda: server.bomb(100), "larger than"),
    "gzip cut": (lambda: server.gzip_cut(GOOD), "is incomplete"),
    "endless redirect": (server.redirect_for_ever, "redirects more than"),
    "redirect to a private address": (
        lambda: server.redirect("http://10.0.0.1/page"),
        "10.0.0.1 is a private address",
    ),
    "redirect to a file": (lambda: server.redirect("file:///etc/passwd"), "file"),
}


@pytest.mark.parametrize(("bad", "words"), NO_PAGE.values(), ids=NO_PAGE)
def test_an_answer_that_is_no_page_changes_nothing_and_the_next_good_one_is_read(
    stage: Stage, bad: Callable[[], server.Behaviour], words: str
) -> None:
    before = snapshot()

    polled = stage.poll(bad())

    run = FeedRun.objects.get(pk=polled.run.pk)
    assert (run.status, polled.events) == ("failed", []), run.held
    assert words in run.error
    assert run.error.endswith(".")
    assert snapshot() == before
    stage.assert_goes_on()


def test_a_server_that_asks_for_patience_is_left_alone_until_then(stage: Stage) -> None:
    polled = stage.poll(server.throttled("3600"))
    asked = len(stage.feed.requests)

    assert (polled.run.status, "429" in polled.run.error) == ("failed", True)
    again = stage.poll(as_markdown(GOOD))
    assert "no requests until" in again.run.error
    assert len(stage.feed.requests) == asked
    state = PollState.objects.get(source=stage.source)
    assert state.next_due_at is not None
    assert state.next_due_at > now() + timedelta(minutes=55)
    HostPause.objects.update(until=now())
    stage.assert_goes_on()


def test_95_percent_of_the_rows_gone_are_on_hold(feed: server.Loopback) -> None:
    stage = Stage(feed)
    stage.poll(as_markdown(page({"Models": table(models(100))})))

    polled = stage.poll(as_markdown(page({"Models": table(models(5))})))
    stage.poll(as_markdown(page({"Models": table(models(5))}) + b"\n"), later=30 * DAY)

    assert (polled.run.status, polled.run.rows, polled.run.rows_vanished) == ("suspect", 5, 95)
    assert not ProviderEvent.objects.exists()
    assert not Offering.objects.filter(lifecycle="retired").exists()
    back = stage.poll(as_markdown(page({"Models": table(models(100))})))
    assert (back.events, PollState.objects.get(source=stage.source).suspect) == ([], False)


@pytest.mark.parametrize("odd", ["9999-12-31", "10000-01-01", "2026-02-30", "31/31/2027", "soon"])
def test_a_day_that_is_none_moves_no_date(stage: Stage, odd: str) -> None:
    polled = stage.poll(as_markdown(two_tables(m_3=odd)))

    assert polled.events == []
    assert str(Offering.objects.get(api_id="acme-3").retires_on) == "2027-06-01"
    assert not Assertion.objects.filter(missing_since__isnull=False).exists(), (
        QuarantinedRow.objects.values_list("external_id", "reason")
    )
    stage.assert_goes_on()


# --- what a poll costs ----------------------------------------------------------------------------


def test_304_and_noise_write_the_run_and_the_state(stage: Stage) -> None:
    stage.poll(server.conditional(GOOD + b"\n"))

    unchanged = stage.poll(server.conditional(GOOD + b"\n"))

    assert (unchanged.run.http_status, stage.written) == (304, QUIET)
    assert stage.feed.requests[-1].headers["accept"].startswith("text/markdown")
    noisy = stage.poll(as_markdown(GOOD + b"\nPage views: 7.\n"))
    assert (noisy.run.status, stage.written) == ("unchanged", QUIET)
    assert len(stage.statements) <= 30


def test_an_unchanged_poll_costs_as_many_statements_for_many_rows_as_for_few(
    feed: server.Loopback,
) -> None:
    counts = []
    for n in (20, 400):
        with rolled_back():
            stage = Stage(feed)
            stage.poll(as_markdown(page({"Models": table(models(n))})))
            stage.poll(as_markdown(page({"Models": table(models(n))}) + b"\n"))
            counts.append(len(stage.statements))

    assert counts[0] == counts[1] <= 30
