"""Notices of providers: RSS, Atom and JSON Feed, read with care, kept for people, changing nothing
by themselves."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Assertion, Offering, Source
from apps.feeds.models import ProviderNotice
from apps.feeds.parsers import InvalidPayloadError
from apps.feeds.parsers.notices import MAX_ITEMS, MAX_TEXT_LENGTH, html_to_text, parse
from apps.feeds.polls.pipeline import PollResult, poll_source
from apps.feeds.provider_notices import (
    AlreadyDecidedError,
    close_notices,
    possible_ids,
    record_event,
    reopen_notices,
)
from apps.feeds.sources.configuration import add_source
from tests.builders import make_offering, make_user
from tests.feeds import loopback as server

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HEAD = '<?xml version="1.0" encoding="utf-8"?>'


def rss(*items: str, head: str = HEAD) -> bytes:
    channel = f"<channel><title>News</title>{''.join(items)}</channel>"
    return f"{head}<rss version='2.0'>{channel}</rss>".encode()


def item(n: int = 1, title: str = "Big 1 goes", text: str = "acme-big-1 ends.") -> str:
    return (
        f"<item><guid>n-{n}</guid><title>{title}</title><link>https://acme.example/{n}</link>"
        "<pubDate>Tue, 01 Sep 2026 08:00:00 "
        f"+0200</pubDate><description>{text}</description></item>"
    )


ATOM = f"""{HEAD}<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>
<entry><id>urn:n-1</id><title type="html">Big &lt;b&gt;1&lt;/b&gt; goes</title>
<link rel="self" href="https://acme.example/self"/><link href="https://acme.example/1"/>
<updated>2026-09-01T06:00:00Z</updated>
<content type="html">&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;</content></entry></feed>"""
RDF = f"""{HEAD}<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><item><title>Old form</title><link>https://acme.example/old</link>
<dc:date>2026-09-01</dc:date></item></rdf:RDF>"""
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [
            {
                "id": 7,
                "url": "https://acme.example/7",
                "title": "Seven",
                "content_html": "<i>x</i>",
                "date_published": "2026-09-01T06:00:00Z",
            },
            {"id": "8", "content_text": "Only a text"},
        ],
    }
)


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "first"),
    [
        (rss(item()), ("n-1", "Big 1 goes", "https://acme.example/1", AT, "acme-big-1 ends.")),
        (ATOM.encode(), ("urn:n-1", "Big 1 goes", "https://acme.example/1", AT, "One\nTwo")),
        (
            RDF.encode(),
            (
                "https://acme.example/old",
                "Old form",
                "https://acme.example/old",
                AT.replace(hour=0),
                "",
            ),
        ),
        (JSON.encode(), ("7", "Seven", "https://acme.example/7", AT, "x")),
        (b"\xef\xbb\xbf\n" + JSON.encode(), ("7", "Seven", "https://acme.example/7", AT, "x")),
        (
            rss(item(title="Größe"), head='<?xml version="1.0" encoding="utf-8"?>'),
            ("n-1", "Größe", "https://acme.example/1", AT, "acme-big-1 ends."),
        ),
    ],
)
def test_each_format_gives_the_same_kind_of_item(body: bytes, first: tuple[Any, ...]) -> None:
    found = parse(body).items[0]
    assert (found.external_id, found.title, found.link, found.published_at, found.text) == first


def test_an_item_without_a_title_is_called_by_its_text_and_one_without_anything_is_set_aside() -> (
    None
):
    assert parse(JSON.encode()).items[1].title == "Only a text"
    empty = parse(rss("<item></item>", item()))
    assert [reject.external_id for reject in empty.rejects] == ["item 0"]
    assert len(empty.items) == 1
    assert parse(rss()).items == ()


def test_items_that_share_an_id_keep_their_own_in_whichever_order_they_come() -> None:
    one, other = item(1), item(1, title="Another")
    first, second = parse(rss(one, other)), parse(rss(other, one))
    assert len({found.external_id for found in first.items}) == 2
    assert {found.external_id: found.title for found in first.items} == {
        found.external_id: found.title for found in second.items
    }
    assert len(parse(rss(one, one)).items) == 1


def test_markup_becomes_plain_text() -> None:
    said = html_to_text(
        "<style>a{}</style><script>alert(1)</script><p>One &amp; "
        "<b>two</b></p><p>&lt;img&gt;\u202e</p>"
    )
    assert said == "One & two\n<img> "
    hostile = rss(item(text="<![CDATA[<img src=x onerror=alert(1)><a href='javascript:x'>y</a>]]>"))
    assert parse(hostile).items[0].text == "y"
    assert (
        parse(rss("<item><title>t</title><link>javascript:alert(1)</link></item>")).items[0].link
        == ""
    )


BOMB = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(8))
    + "]>"
)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            rss(item(text="&i;"), head=f"{HEAD}{BOMB}"),
            "The XML of the feed defines entities or external parts, which are not read for "
            "security reasons",
        ),
        (
            rss(
                item(text="&x;"),
                head=f'{HEAD}<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            ),
            "The XML of the feed defines entities or external parts, which are not read for "
            "security reasons",
        ),
        (
            rss(
                item(text="&x;"),
                head=f'{HEAD}<!DOCTYPE x [<!ENTITY % p SYSTEM "http://x.example/">%p;]>',
            ),
            "The XML of the feed defines entities or external parts, which are not read for "
            "security reasons",
        ),
        (b"<rss>" + b"<a>" * 100_000, "nested too deeply"),
        (b"<rss><channel>" + b"<a/>" * 600_000 + b"</channel></rss>", "nested too deeply"),
        (rss(*(item(n) for n in range(MAX_ITEMS + 1))), "more than 10,000 items"),
        (b"<html><body>Sign in</body></html>", "XML of the type 'html'"),
        (b"<!doctype html><p>Sign in", "The feed is not RSS, Atom or JSON Feed"),
        (b"plain words", "The feed is not RSS, Atom or JSON Feed"),
        (b'{"items": {}}', "in a list under"),
        (b'{"items": [' + b"[" * 100_000, "JSON|is incomplete"),
        (b"[]", "The feed is not RSS, Atom or JSON Feed"),
        (b"  ", "empty body"),
        (
            b'<?xml version="1.0" encoding="no-such"?><rss/>',
            "The feed is not RSS, Atom or JSON Feed",
        ),
        (b"\x00\xff<rss/>", "The feed is not RSS, Atom or JSON Feed"),
    ],
)
def test_a_hostile_or_wrong_body_is_refused_with_a_sentence(body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayloadError) as refused:
        parse(body)
    assert re.search(says, str(refused.value))


def test_wrong_types_and_endless_texts_are_borne() -> None:
    odd: dict[str, Any] = {
        "items": [
            None,
            3,
            {"id": None, "title": {"a": 1}, "url": []},
            {"title": "x" * 9999, "content_text": "y" * 99_999},
        ]
    }
    found = parse(json.dumps(odd).encode())
    assert len(found.rejects) == 3
    assert (len(found.items[0].title), len(found.items[0].text)) == (300, MAX_TEXT_LENGTH)
    for never in (
        "9999-99-99",
        "Tue, 99 Foo 2026",
        "0001-01-01T00:00:00+23:59",
        "x" * 5000,
        "2500-01-01",
    ):
        assert (
            parse(rss(f"<item><title>t</title><pubDate>{never}</pubDate></item>"))
            .items[0]
            .published_at
            is None
        )


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Use gpt-4o-mini, not gpt-4o.", {"gpt-4o-mini", "gpt-4o"}),
        (
            "(anthropic/claude-3:beta); anthropic.claude-v2:1!",
            {"anthropic/claude-3:beta", "anthropic.claude-v2:1"},
        ),
        ("The command and sonar models are fine", set()),
        ("o3 and o1", set()),
    ],
)
def test_only_what_is_written_as_an_id_may_be_one(text: str, tokens: set[str]) -> None:
    assert possible_ids(text) == tokens


# --- polling --------------------------------------------------------------------------------------


@pytest.fixture
def governance(db: None) -> Any:
    return make_user(role="governance")


@pytest.fixture
def source(governance: Any) -> Source:
    return add_source(
        kind="notices", by=governance, name="Acme news", url="https://acme.example/feed.xml"
    )


def polled(source: Source, feed: server.Loopback, body: bytes, at: datetime = AT) -> PollResult:
    return poll_source(source, at=at, url=feed.route("/feed", server.plain(body)), trigger="test")


def test_what_is_new_is_unread_and_what_was_there_before_is_not(
    source: Source, feed: server.Loopback
) -> None:
    first = polled(source, feed, rss(item(1)))
    second = polled(source, feed, rss(item(2), item(1)), AT + DAY)

    assert (first.run.status, first.run.rows, second.run.rows_changed) == ("changed", 1, 1)
    assert dict(ProviderNotice.objects.values_list("external_id", "state")) == {
        "n-1": "before",
        "n-2": "unread",
    }
    assert not Assertion.objects.filter(source=source).exists()


def test_an_unchanged_feed_of_notices_writes_one_run_only(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, rss(item(1)))

    with CaptureQueriesContext(connection) as queries:
        again = polled(source, feed, rss(item(1)) + b"<!-- built anew -->", AT + DAY)

    written = {
        table
        for query in queries.captured_queries
        for table in re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', query["sql"])
    }
    assert again.run.status == "unchanged"
    assert written == {"feeds_feedrun", "feeds_pollstate"}


def test_a_notice_that_says_something_else_is_unread_again_and_one_that_leaves_stays(
    source: Source, feed: server.Loopback, governance: Any
) -> None:
    polled(source, feed, rss(item(1), item(2)))
    close_notices(
        notices=ProviderNotice.objects.values_list("pk", flat=True),
        outcome=ProviderNotice.Outcome.NOTHING,
        by=governance,
    )

    polled(source, feed, rss(item(1, text="It ends in March after all.")), AT + DAY)

    states = dict(ProviderNotice.objects.values_list("external_id", "state"))
    assert states == {"n-1": "unread", "n-2": "done"}


def test_known_ids_are_found_letter_by_letter(source: Source, feed: server.Loopback) -> None:
    for name in ("acme-big-1", "acme-big", "command", "Acme-Big-2"):
        make_offering(api_id=name)
    text = "acme-big-1 and acme-big-10 and acme-big-2, by command. See acme/acme-big-1x."

    polled(source, feed, rss(item(1, title="About acme-big", text=text)))

    assert ProviderNotice.objects.get().names == ["acme-big", "acme-big-1"]


def test_a_body_that_is_no_feed_fails_the_run_and_keeps_what_was_read(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, rss(item(1)))
    run = polled(source, feed, b"<html></html>", AT + DAY).run
    assert run.status == "failed"
    assert "not RSS or Atom" in run.error
    assert ProviderNotice.objects.count() == 1


# --- deciding -------------------------------------------------------------------------------------


@pytest.fixture
def notice(source: Source, feed: server.Loopback) -> ProviderNotice:
    make_offering(api_id="acme-big-1")
    polled(source, feed, rss())
    polled(source, feed, rss(item(1)), AT + DAY)
    return ProviderNotice.objects.get()


def test_it_is_dealt_with_once_with_history_and_taken_back(
    notice: ProviderNotice, governance: Any
) -> None:
    done = close_notices(
        notices=[notice.pk],
        outcome=ProviderNotice.Outcome.NOTHING,
        by=governance,
        reason="not ours",
    )
    again = close_notices(notices=[notice.pk], outcome=ProviderNotice.Outcome.DATE, by=governance)

    assert ([row.pk for row in done], again) == ([notice.pk], [])
    notice.refresh_from_db()
    assert (notice.state, notice.outcome, notice.decided_by, notice.reason) == (
        "done",
        "nothing",
        governance,
        "not ours",
    )
    entry = (
        apps.get_model("feeds", "ProviderNoticeHistory")
        .objects.select_related("pgh_context")
        .latest("pgh_id")
    )
    assert entry.pgh_context.metadata["actor"] == governance.get_username()
    assert reopen_notices(notices=[notice.pk], by=governance) == 1
    notice.refresh_from_db()
    assert (notice.state, notice.outcome, notice.decided_by) == ("unread", "", None)


def test_a_person_may_tell_of_new_terms_once(notice: ProviderNotice, governance: Any) -> None:
    offering = Offering.objects.get(api_id="acme-big-1")
    said = {
        "notice": notice,
        "kind": "terms_changed",
        "offering": offering,
        "by": governance,
        "reason": "No training",
    }

    event = record_event(**said)

    assert (event.kind, event.source, event.new) == ("terms_changed", notice.source, "Big 1 goes")
    assert ProviderNotice.objects.get().outcome == "event"
    with pytest.raises(AlreadyDecidedError):
        record_event(**said)
    with pytest.raises(ValueError, match="Record a date with its own form"):
        record_event(**said | {"kind": "announced"})
    with pytest.raises(ValueError, match="Enter what the notice announces"):
        record_event(**said | {"reason": " "})


@pytest.mark.parametrize("role", ["", "auditor"])
def test_only_governance_deals_with_notices(role: str, notice: ProviderNotice) -> None:
    other = make_user(role=role)
    offering = Offering.objects.get(api_id="acme-big-1")
    with pytest.raises(PermissionDenied):
        close_notices(notices=[notice.pk], outcome=ProviderNotice.Outcome.NOTHING, by=other)
    with pytest.raises(PermissionDenied):
        reopen_notices(notices=[notice.pk], by=other)
    with pytest.raises(PermissionDenied):
        record_event(notice=notice, kind="released", offering=offering, by=other, reason="x")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "n"),
    [
        ("deprecations_info/2025-11-21T030602Z/feed.xml", 153),
        ("deprecations_info/2025-11-21T030602Z/feed.json", 153),
        ("modeldeprecations/2026-08-21T085655Z/changelog.xml", 60),
    ],
)
def test_real_feeds_of_notices_are_read_whole(shared: Any, path: str, n: int) -> None:
    """153 although 18 of the JSON Feed's ids collide."""
    found = parse((shared / "feeds" / path).read_bytes())
    assert (len(found.items), found.rejects) == (n, ())
