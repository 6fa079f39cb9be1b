"""The price list inside the installed package, through the pipeline and without any network."""

import re
import socket
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Assertion, Offering, Price, ProviderEvent, Source
from apps.feeds.models import FeedRun, Payload, PollState
from apps.feeds.polls import package
from apps.feeds.polls.pipeline import poll_source
from tests.builders import make_source

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "package:genai-prices"


@pytest.fixture
def source() -> Source:
    return make_source("genai-prices-package", kind="genai-prices", url=URL)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every attempt to reach a host or to ask for its address; the database is connected before."""
    connection.ensure_connection()
    attempts: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> NoReturn:
        attempts.append(arguments)
        raise AssertionError(f"the network was touched: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts


def test_the_first_poll_fills_the_catalogue_and_the_second_finds_nothing_new(
    source: Source, no_network: list[Any]
) -> None:
    first = poll_source(source, at=AT, trigger="test")
    assert (first.run.status, first.events) == ("changed", [])
    assert first.run.rows == Assertion.objects.filter(source=source, topic="identity").count() > 500
    assert Price.objects.filter(offering__assertions__source=source).exists()
    assert Payload.objects.get().digest == first.run.digest
    before = (
        Offering.objects.count(),
        Assertion.objects.count(),
        Price.objects.count(),
        Payload.objects.count(),
    )

    with CaptureQueriesContext(connection) as queries:
        second = poll_source(source, at=AT + DAY, trigger="test")

    statements = "\n".join(query["sql"] for query in queries)
    written = set(re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', statements))
    assert (second.run.status, second.events, second.run.rows) == ("unchanged", [], first.run.rows)
    assert written == {"feeds_feedrun", "feeds_pollstate"}
    assert before == (
        Offering.objects.count(),
        Assertion.objects.count(),
        Price.objects.count(),
        Payload.objects.count(),
    )
    assert no_network == []


def test_the_version_of_the_package_is_what_is_remembered_of_it(
    source: Source, no_network: list[Any]
) -> None:
    poll_source(source, at=AT, trigger="test")

    state = PollState.objects.get(source=source)

    assert (state.etag, state.url, state.failures) == (package.package_version(), URL, 0)


def test_an_upgrade_that_brings_the_same_prices_writes_no_claims(
    source: Source, no_network: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_source(source, at=AT, trigger="test")
    monkeypatch.setattr(package, "package_version", lambda: "999.0")

    polled = poll_source(source, at=AT + DAY, trigger="test")

    assert (polled.run.status, polled.events) == ("unchanged", [])
    assert PollState.objects.get(source=source).etag == "999.0"


def test_a_price_of_the_package_that_begins_is_told_without_any_poll_of_it(
    source: Source, no_network: list[Any]
) -> None:
    poll_source(source, at=datetime(2026, 8, 20, tzinfo=UTC), trigger="test")
    ahead = (
        Assertion.objects.filter(source=source, next_start_on__isnull=False)
        .order_by("next_start_on")
        .first()
    )
    if ahead is None:
        pytest.skip("the installed package publishes no price in advance of August 2026")

    polled = poll_source(source, at=datetime(2027, 6, 1, tzinfo=UTC), trigger="test")

    assert polled.run.status == "unchanged"
    told = {event.external_id: event for event in polled.events}
    assert told[ahead.external_id].kind == "repriced"
    assert told[ahead.external_id].effective_on == ahead.next_start_on


def test_another_package_is_refused_with_a_sentence(source: Source, no_network: list[Any]) -> None:
    polled = poll_source(source, at=AT, url="package:requests", trigger="test")

    assert polled.run.status == "failed"
    assert "no known price list. Use genai-prices." in polled.run.error
    assert not Assertion.objects.exists()
    assert not ProviderEvent.objects.exists()
    assert FeedRun.objects.count() == 1
