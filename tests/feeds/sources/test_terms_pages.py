"""Terms pages of providers: one event for a new text, none for what changes by itself, and a fault
where the page is something else."""

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Offering, ProviderEvent, Source
from apps.feeds.models import FeedRun, Payload, PollState
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.polls.pipeline import PollResult, poll_source
from apps.feeds.terms.difference import MAX_DIFFERENCE_LENGTH, compare_texts
from apps.feeds.terms.text import read_terms
from tests.builders import make_offering, make_provider, make_source, make_user
from tests.feeds import loopback as server

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
CLAUSES = [f"{n}. The customer may use the service as described in part {n}." for n in range(40)]


def html(clauses: list[str], *, noise: str = "a", title: str = "Terms") -> bytes:
    paragraphs = "".join(f"<p>{clause}</p>\n" for clause in clauses)
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title><script>var n = '{noise}';</script>"
        f"</head><body><nav>Menu {noise}</nav><main><h1>Terms</h1>{paragraphs}</main>"
        f"<p>Generated on 2026-09-{len(noise):02}</p><p>© {2020 + len(noise)} Acme</p>"
        f"<footer>Build {noise}</footer></body></html>"
    ).encode()


@pytest.fixture
def source() -> Source:
    make_provider("acme")
    return make_source("terms-acme", kind="terms", name="Acme: terms")


def polled(source: Source, feed: server.Loopback, body: bytes, at: datetime = AT) -> PollResult:
    url = feed.route("/terms", server.plain(body, content_type="text/html"))
    return poll_source(source, at=at, url=url, trigger="test")


def test_a_new_text_is_one_event_with_the_difference(source: Source, feed: server.Loopback) -> None:
    first = polled(source, feed, html(CLAUSES))
    changed = [*CLAUSES[:5], "6. The provider may train on inputs.", *CLAUSES[6:]]

    second = polled(source, feed, html(changed), AT + DAY)
    again = polled(source, feed, html(changed, noise="bb"), AT + 2 * DAY)

    assert (first.run.status, first.events) == ("changed", [])
    (event,) = second.events
    assert (event.kind, event.provider.slug, event.offering) == ("terms_changed", "acme", None)
    assert (event.new["added"], event.new["removed"]) == (1, 1)
    assert "+6. The provider may train on inputs." in event.new["difference"]
    assert f"-{CLAUSES[5]}" in event.new["difference"]
    assert (again.run.status, again.events) == ("unchanged", [])
    assert Payload.objects.filter(source=source).count() == 2


def test_what_changes_by_itself_writes_nothing(source: Source, feed: server.Loopback) -> None:
    polled(source, feed, html(CLAUSES))

    with CaptureQueriesContext(connection) as queries:
        noisy = polled(source, feed, html(CLAUSES, noise="cccc"), AT + DAY)

    written = {
        name
        for query in queries.captured_queries
        for name in re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', query["sql"])
    }
    assert (noisy.run.status, written) == ("unchanged", {"feeds_feedrun", "feeds_pollstate"})
    assert len(queries.captured_queries) <= 30


def test_a_server_that_alternates_between_two_texts_is_told_once(
    source: Source, feed: server.Loopback
) -> None:
    other = [*CLAUSES, "We use cookies."]
    polled(source, feed, html(CLAUSES))
    events = [
        event
        for day in range(1, 7)
        for event in polled(
            source, feed, html(other if day % 2 else CLAUSES), AT + day * DAY
        ).events
    ]

    assert len(events) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (html(CLAUSES[:3]), "too few for terms"),
        (
            b"<html><body><form><p>Sign in to continue.</p><input type='password'></form></html>",
            "login form",
        ),
        (html(CLAUSES[:20], title="404 Not Found"), "instead of the terms"),
        (b'{"error": "Internal error"}', "JSON"),
        (b"<html><body><div id='root'></div><script>start()</script></body></html>", "0 words"),
        (b"\xff\xfe<html>", "UTF-8"),
    ],
)
def test_a_page_that_is_something_else_is_a_fault_and_no_change(
    source: Source, feed: server.Loopback, body: bytes, words: str
) -> None:
    polled(source, feed, html(CLAUSES))

    fault = polled(source, feed, body, AT + DAY)
    back = polled(source, feed, html(CLAUSES), AT + 2 * DAY)

    assert (fault.run.status, fault.events) == ("failed", [])
    assert words in fault.run.error
    assert (back.run.status, back.events) == ("unchanged", [])


def test_a_page_that_lost_nearly_all_of_its_text_is_a_fault(
    source: Source, feed: server.Loopback
) -> None:
    long = [f"{clause} {n}" for n in range(20) for clause in CLAUSES]
    polled(source, feed, html(long))

    fault = polled(source, feed, html(CLAUSES), AT + DAY)

    assert (fault.run.status, fault.events) == ("failed", [])
    assert "lost nearly all of its text" in fault.run.error
    assert PollState.objects.get(source=source).failures == 1
    assert FeedRun.objects.get(pk=fault.run.pk).payload is not None


def test_the_difference_is_bounded() -> None:
    difference = compare_texts("\n".join(CLAUSES), "\n".join(f"x {n} " * 40 for n in range(900)))
    assert len(difference.text) <= MAX_DIFFERENCE_LENGTH + 100
    assert difference.text.endswith("Compare the stored bodies of the feed runs.")
    assert difference.n_added == 900


def test_hidden_parts_and_unclosed_elements_leave_the_text() -> None:
    body = html(CLAUSES).replace(b"<main>", b"<main><noscript>Turn on JavaScript<p>").decode()
    text = read_terms(body.replace("<h1>", "</noscript><h1>").encode())
    assert "JavaScript" not in text
    assert "Menu" not in text
    assert CLAUSES[3] in text
    with pytest.raises(InvalidPayloadError):
        read_terms(b"<nav>" * 10_000)


# --- events of a provider on pages, in REST and in commands ---------------------------------------


@pytest.fixture
def event(source: Source, feed: server.Loopback) -> ProviderEvent:
    polled(source, feed, html(CLAUSES))
    (found,) = polled(source, feed, html([*CLAUSES, "41. Last."]), AT + DAY).events
    return found


def test_an_event_has_one_subject(event: ProviderEvent) -> None:
    offering: Offering = make_offering("acme/m-1")
    for subject in ({}, {"offering": offering, "provider": event.provider}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ProviderEvent.objects.create(
                key=f"k{len(subject)}",
                kind="released",
                source=event.source,
                external_id="x",
                detected_at=AT,
                **subject,
            )


def test_the_command_prints_it(event: ProviderEvent) -> None:
    out = StringIO()
    call_command("events", "--kind", "terms_changed", stdout=out)
    line = json.loads(out.getvalue())
    assert (line["host"], line["api_id"], line["kind"]) == ("acme", None, "terms_changed")


def test_rest_has_it_with_its_provider(event: ProviderEvent, api: Any) -> None:
    client = api(make_user(), "read")
    answer = client.get("/api/v1/provider-events/?provider=acme")
    assert answer.status_code == 200, answer.content
    (row,) = answer.json()["results"]
    assert (row["provider"], row["offering"], row["host"], row["api_id"]) == (
        "acme",
        None,
        None,
        None,
    )
    assert row["new"]["added"] == 1
    assert client.get("/api/v1/provider-events/?format=atom").status_code == 200
    assert client.get(f"/api/v1/provider-events/{event.pk}/").json()["provider"] == "acme"


def test_its_page_shows_the_difference_and_lists_name_the_provider(
    event: ProviderEvent, as_user: Any
) -> None:
    client = as_user(make_user(role="governance"))
    page = client.get(f"/events/{event.pk}/").content.decode()
    assert "+41. Last." in page
    assert "1 line added and 0 removed" in page
    assert "Affected applications" not in page
    listed = client.get("/events/").content.decode()
    assert 'href="/providers/acme/"' in listed
    exported = b"".join(client.get("/events.csv").streaming_content).decode()
    assert "Acme" in exported
    run = FeedRun.objects.filter(source=event.source).latest("pk")
    assert 'href="/providers/acme/"' in client.get(f"/feeds/runs/{run.pk}/").content.decode()
    assert "Only the visible text" in client.get("/feeds/terms-acme/").content.decode()
