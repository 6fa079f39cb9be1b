"""What a feed can do wrong, for each source: what the catalogue knew stands, the run says what was
wrong, and the next good poll works as if nothing had been."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from pytest_django import Settings

from apps.catalog.models import Assertion, Offering, Price, ProviderEvent, Source
from apps.common.time import now
from apps.feeds.models import FeedRun, HostPause, Payload, PollState, QuarantinedRow
from apps.feeds.parsers import ADAPTERS
from apps.feeds.polls.pipeline import PollResult, poll_source
from tests.builders import make_source
from tests.feeds import loopback as server
from tests.feeds.parsers.small_payloads import (
    DATED,
    PRICED,
    SLUGS,
    SMALL,
    Line,
    SmallFeed,
    changed,
    lines,
    name,
    priced_at,
)

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
ENDS = "2026-12-01"
KNOWN = changed(lines(20), Line(3, ends="2027-03-01"))

type Bad = Callable[[SmallFeed], server.Behaviour]


class Stage:
    """A source of one kind that has been polled once, and its server."""

    def __init__(self, slug: str, feed: server.Loopback, known: list[Line] = KNOWN) -> None:
        self.small = SMALL[slug]
        self.feed = feed
        self.source: Source = make_source(slug)
        self.at = AT
        assert self.poll(self.good(known)).run.status == "changed"
        self.before = snapshot()

    def good(self, given: list[Line], *, noise: int = 0) -> server.Behaviour:
        return server.plain(self.small.body(*given, noise=noise))

    def poll(self, *behaviours: server.Behaviour, later: timedelta = DAY) -> PollResult:
        self.at += later
        return poll_source(
            self.source, at=self.at, url=self.feed.route("/feed*", *behaviours), trigger="test"
        )

    @property
    def state(self) -> PollState:
        return PollState.objects.get(source=self.source)

    def offering(self, n: int) -> Offering:
        return Offering.objects.get(api_id__endswith=name(n))

    def assert_nothing_changed(self) -> None:
        assert snapshot() == self.before

    def assert_failed(self, polled: PollResult, words: str) -> None:
        """The run has failed with a sentence that names what was wrong, and nothing else has
        happened."""
        run = FeedRun.objects.get(pk=polled.run.pk)
        assert (run.status, polled.events) == ("failed", [])
        assert re.search(words, run.error, re.IGNORECASE), run.error
        assert run.error.endswith(".")
        assert (self.state.failures, self.state.error) == (1, run.error)
        assert self.state.next_due_at is not None
        assert now() < self.state.next_due_at <= now() + timedelta(hours=7)
        self.assert_nothing_changed()

    def assert_goes_on(self, known: list[Line] = KNOWN) -> None:
        """The next good payload is read, with its news: a date on model-1 and a further row."""
        news = changed([*known, Line(20)], Line(1, ends=ENDS))
        polled = self.poll(self.good(news, noise=1))
        assert (polled.run.status, polled.run.rows, polled.run.error) == ("changed", 21, "")
        told = [
            (event.kind, event.external_id, event.new)
            for event in polled.events
            if event.kind != "released"
        ]
        assert told == ([("announced", self.small.key(1), ENDS)] if self.small.dated else [])
        assert self.offering(20).lifecycle in {"active", "unknown"}
        assert (self.state.failures, self.state.error, self.state.suspect) == (0, "", False)
        assert not QuarantinedRow.objects.open().exists()


def snapshot() -> dict[str, Any]:
    """All that the catalogue holds, what waits and what has been told; equal before and after means
    no change."""
    return {
        "offerings": list(
            Offering.objects.order_by("pk").values("pk", "lifecycle", "retires_on", "date_kind")
        ),
        "claims": list(
            Assertion.objects.order_by("pk").values(
                "pk", "value", "missing_since", "withdrawn_at", "pending", "held"
            )
        ),
        "prices": list(Price.objects.order_by("pk").values("pk", "amount", "valid")),
        "events": list(ProviderEvent.objects.order_by("pk").values_list("key", flat=True)),
    }


def believed() -> dict[str, Any]:
    """What people are shown and told, without what waits."""
    return {key: rows for key, rows in snapshot().items() if key != "claims"}


@pytest.fixture
def feed(settings: Settings) -> Iterator[server.Loopback]:
    # redirects go to public addresses only, and the server that is to redirect to itself is none
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with server.Loopback() as running:
        yield running


@pytest.fixture(params=SLUGS)
def stage(request: pytest.FixtureRequest, feed: server.Loopback) -> Stage:
    return Stage(request.param, feed)


def over(slugs: tuple[str, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", slugs, indirect=True)


# --- answers that are no feed ---------------------------------------------------------------------


def body_of(small: SmallFeed) -> bytes:
    return small.body(*KNOWN)


def other_shape(small: SmallFeed) -> bytes:
    """The same rows in an array where an object is expected, and the other way round."""
    document = small.document(*KNOWN)
    return json.dumps({"rows": document} if isinstance(document, list) else [document]).encode()


def nested(small: SmallFeed) -> bytes:
    """The good payload with a row of which one part nests a hundred thousand times."""
    row = small.row(Line(0), 0) | {"deep": "@"}
    whole = json.dumps(small.whole([row], 0))
    return whole.replace('"@"', "[" * 100_000 + "]" * 100_000).encode()


# what a parser says of a body that is JSON and no list of its own
NO_LIST = "must be|contains no readable row|returned an error"
NO_FEED: dict[str, tuple[Bad, str]] = {
    "500": (lambda _: server.status(500), "500"),
    "truncated": (lambda small: server.truncated(body_of(small)), "100 bytes early"),
    "half a JSON": (
        lambda small: server.plain(body_of(small)[: len(body_of(small)) // 2]),
        "body of the feed is incomplete",
    ),
    "HTML": (lambda _: server.html(), "web page"),
    "empty list": (lambda _: server.empty_list(), NO_LIST),
    "empty object": (lambda _: server.plain(b"{}"), NO_LIST),
    "error with 200": (lambda _: server.plain(b'{"error": "Internal error"}'), NO_LIST),
    "error object with 200": (
        lambda _: server.plain(b'{"error": {"message": "Rate limited", "code": 429}}'),
        NO_LIST,
    ),
    "array and object exchanged": (lambda small: server.plain(other_shape(small)), NO_LIST),
    "deeply nested": (lambda small: server.plain(nested(small)), "nested too deeply"),
    "Latin-1": (
        lambda small: server.plain(body_of(small).replace(b"acme", "acm\u00e9".encode("latin-1"))),
        "UTF-8",
    ),
    "endless redirect": (lambda _: server.redirect_for_ever(), "redirects more than"),
    "redirect to a private address": (
        lambda _: server.redirect("http://10.0.0.1/map"),
        "redirects to a URL that is not allowed. 10.0.0.1 is a private address",
    ),
    "100 MB": (lambda _: server.huge(100), "larger than"),
    "gzip bomb": (lambda _: server.bomb(100), "larger than"),
}
# of these the adapter sees nothing: each is tried with one source, in turn
NO_FEED_BEFORE_ANY_ADAPTER: dict[str, tuple[Bad, str]] = {
    "503 without a word": (lambda _: server.status(503), "503"),
    "404": (lambda _: server.status(404), "(not found)"),
    "403": (lambda _: server.status(403), "login"),
    "204": (lambda _: server.status(204), "204"),
    "chunks cut": (
        lambda small: server.chunks_cut(body_of(small)),
        "before the response was complete",
    ),
    "gzip cut": (lambda small: server.gzip_cut(body_of(small)), "is incomplete"),
    "reset": (lambda _: server.reset(), "before the response was complete"),
    "no HTTP": (lambda _: server.nonsense(), "HTTP"),
    "XML": (lambda _: server.plain(b"<rss><channel/></rss>"), "XML"),
    "nothing": (lambda _: server.plain(b""), "empty"),
    "null": (lambda _: server.plain(b"null"), NO_LIST),
    "a number": (lambda _: server.plain(b"42"), NO_LIST),
    "brackets without end": (lambda _: server.plain(b"[" * 1_000_000), "nested too deeply"),
    "UTF-16": (lambda small: server.plain(body_of(small).decode().encode("utf-16")), "UTF-8"),
    "number beyond measure": (
        lambda _: server.plain(b'[{"n": ' + b"9" * 100_000 + b"}]"),
        "nested too deeply",
    ),
    "redirect to the cloud's metadata": (
        lambda _: server.redirect("http://169.254.169.254/"),
        "metadata",
    ),
    "redirect to a file": (lambda _: server.redirect("file:///etc/passwd"), "file"),
    "100 MB announced": (lambda _: server.huge(100, announced=True), "larger than"),
}


@pytest.mark.parametrize(("bad", "words"), NO_FEED.values(), ids=NO_FEED)
def test_an_answer_that_is_no_feed_changes_nothing_and_the_next_good_one_is_read(
    stage: Stage, bad: Bad, words: str
) -> None:
    polled = stage.poll(bad(stage.small))

    stage.assert_failed(polled, words)
    stage.assert_goes_on()


@pytest.mark.parametrize(
    ("stage", "bad", "words"),
    [
        pytest.param(slug, bad, words, id=f"{fault}-{slug}")
        for slug, (fault, (bad, words)) in zip(
            cycle(SLUGS), NO_FEED_BEFORE_ANY_ADAPTER.items(), strict=False
        )
    ],
    indirect=["stage"],
)
def test_an_answer_that_no_adapter_gets_to_see_changes_nothing_either(
    stage: Stage, bad: Bad, words: str
) -> None:
    test_an_answer_that_is_no_feed_changes_nothing_and_the_next_good_one_is_read(stage, bad, words)


def test_a_body_just_over_what_the_feed_may_measure_is_refused_and_one_below_is_read(
    stage: Stage,
) -> None:
    # JSON may be padded with blanks, which a gzip stream makes cheap to send
    cap = ADAPTERS[stage.small.slug].cap_bytes
    body = stage.small.body(*KNOWN)

    above = stage.poll(server.gzipped(body.ljust(cap + 1)))
    below = stage.poll(server.gzipped(body.ljust(cap)))

    assert (above.run.status, "larger than" in above.run.error) == ("failed", True)
    assert (below.run.status, below.run.error) == ("unchanged", "")
    stage.assert_nothing_changed()


@over(("modeldeprecations",))
def test_a_list_shorter_than_it_says_is_refused(stage: Stage) -> None:
    document = stage.small.document(*KNOWN)
    document["models"] = document["models"][:10]

    polled = stage.poll(server.plain(json.dumps(document).encode()))

    stage.assert_failed(polled, "20 models but lists 10")
    stage.assert_goes_on()


TWO_LISTS = [
    "openrouter",
    "genai-prices",
    "models-dev",
    "modeldeprecations",
]


@pytest.mark.parametrize("stage", TWO_LISTS, indirect=True)
def test_two_lists_under_one_key_are_no_list(stage: Stage) -> None:
    half, whole = stage.small.document(*KNOWN[:10]), stage.small.document(*KNOWN)
    part, full = json.dumps(half), json.dumps(whole)
    if stage.small.slug == "models-dev":
        part, full = json.dumps(half["acme"]), json.dumps(whole["acme"])
        body = f'{{"acme": {full[:-1]}, {part[1:]}}}'
    elif isinstance(whole, list):
        body = f"{full[:-2]}, {part[2:]}"
    else:
        body = f"{full[:-1]}, {part[1:]}"
    assert json.loads(body)

    polled = stage.poll(server.plain(body.encode()))

    stage.assert_failed(polled, "")


# --- answers without a body -----------------------------------------------------------------------


def test_304_is_believed_and_the_next_good_payload_is_read(stage: Stage) -> None:
    body = stage.small.body(*KNOWN, noise=2)
    stage.poll(server.conditional(body, etag='"two"'))

    polled = stage.poll(server.conditional(body, etag='"two"'))

    assert (polled.run.status, polled.run.http_status, polled.events) == ("unchanged", 304, [])
    assert polled.run.rows == 20
    assert stage.feed.requests[-1].headers["if-none-match"] == '"two"'
    stage.assert_nothing_changed()
    stage.assert_goes_on()


def test_a_304_that_nobody_asked_for_is_a_fault(stage: Stage) -> None:
    polled = stage.poll(server.status(304))

    stage.assert_failed(polled, "304")
    stage.assert_goes_on()


@pytest.mark.parametrize(("code", "means"), [(429, "too many requests"), (503, "unavailable")])
def test_a_server_that_asks_for_patience_is_left_alone_until_then(
    stage: Stage, code: int, means: str
) -> None:
    polled = stage.poll(server.throttled("3600", code))
    asked = len(stage.feed.requests)

    stage.assert_failed(polled, rf"{code} \({means}\)\. The poll is postponed")
    again = stage.poll(stage.good(KNOWN))
    assert (again.run.status, "no requests until" in again.run.error) == ("failed", True)
    assert len(stage.feed.requests) == asked
    assert stage.state.next_due_at is not None
    assert stage.state.next_due_at > now() + timedelta(minutes=55)
    HostPause.objects.update(until=now())
    stage.assert_goes_on()


@pytest.mark.parametrize("said", [None, "soon", "-5"])
def test_429_without_a_time_that_can_be_read_is_tried_again_by_the_usual_delay(
    stage: Stage, said: str | None
) -> None:
    polled = stage.poll(server.throttled(said))

    stage.assert_failed(polled, "429")
    assert not HostPause.objects.exists()
    stage.assert_goes_on()


# --- most rows gone -------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_95_percent_of_the_rows_gone_are_held_and_dates_that_appear_are_told(
    slug: str, feed: server.Loopback
) -> None:
    known = lines(100)
    stage = Stage(slug, feed, known)
    standing = days_and_prices()
    left = changed(known[:5], Line(1, ends=ENDS))

    polled = stage.poll(stage.good(left, noise=1))

    assert (polled.run.status, polled.run.rows, polled.run.rows_vanished) == ("suspect", 5, 95)
    assert polled.run.held == {"acme": "95 of 100 rows disappeared together. Removals are on hold."}
    dated = [("announced", stage.small.key(1), ENDS)] if stage.small.dated else []
    assert [(event.kind, event.external_id, event.new) for event in polled.events] == dated
    assert stage.state.suspect
    standing[0].pop(stage.offering(1).pk)
    after = days_and_prices()
    assert (
        after[0].pop(stage.offering(1).pk) == (date.fromisoformat(ENDS), "firm")
    ) == stage.small.dated
    assert after == standing
    assert not Offering.objects.filter(lifecycle="retired").exists()
    back = stage.poll(stage.good(changed(known, Line(1, ends=ENDS)), noise=2))
    assert (back.run.status, back.run.rows, back.events, stage.state.suspect) == (
        "changed",
        100,
        [],
        False,
    )
    assert not Assertion.objects.filter(missing_since__isnull=False).exists()
    quiet = stage.poll(stage.good(changed(known, Line(1, ends=ENDS)), noise=2), later=20 * DAY)
    assert (quiet.run.status, quiet.events) == ("unchanged", [])


def days_and_prices() -> tuple[dict[int, tuple[date | None, str]], list[dict[str, Any]]]:
    offerings = Offering.objects.values_list("pk", "retires_on", "date_kind")
    return {pk: (day, kind) for pk, day, kind in offerings}, snapshot()["prices"]


@pytest.mark.parametrize("n_left", [5, 19], ids=["held", "a single row"])
def test_a_row_that_is_missing_stays_what_it_was_for_as_long_as_that_is_held(
    stage: Stage, n_left: int
) -> None:
    for noise, later in enumerate((timedelta(hours=1), DAY, 5 * DAY)):
        stage.poll(stage.good(KNOWN[:n_left], noise=noise), later=later)

        assert believed() == {key: rows for key, rows in stage.before.items() if key != "claims"}


# --- rows that cannot be believed -----------------------------------------------------------------

ODD_PRICES: dict[str, Any] = {
    "NaN": float("nan"),
    "infinite": float("inf"),
    "negative": -0.5,
    "nested too deeply": 10**30,
    "a word": "cheap",
}


@pytest.mark.parametrize("odd", ODD_PRICES.values(), ids=ODD_PRICES)
@over(PRICED)
def test_a_price_that_is_none_is_set_aside_and_the_one_that_was_known_stands(
    stage: Stage, odd: Any
) -> None:
    payload = changed(
        [*KNOWN, Line(20)], priced_at(stage.small.slug, Line(3, ends="2027-03-01"), odd)
    )

    polled = stage.poll(stage.good(payload))

    assert_row_is_set_aside(stage, polled, 3)
    stage.assert_goes_on()


@over(PRICED)
def test_rows_that_cannot_be_read_for_weeks_are_not_gone(stage: Stage) -> None:
    bad = changed(KNOWN, priced_at(stage.small.slug, Line(4), "cheap"))
    for week in range(4):
        polled = stage.poll(stage.good(bad, noise=week), later=7 * DAY)
        assert polled.events == []

    assert believed() == {key: rows for key, rows in stage.before.items() if key != "claims"}
    assert not Assertion.objects.filter(missing_since__isnull=False).exists()


NO_DAYS = (
    "9999-12-31",
    "10000-01-01",
    "0000-00-00",
    "2026-02-30",
    "1969-12-31",
    "soon",
    20261201,
    ["2026-12-01"],
)
# what stands for "no date" there, by its publisher's habit
NO_DATE = {"openrouter": {"9999-12-31"}, "modeldeprecations": {"9999-12-31"}}


@pytest.mark.parametrize("odd", NO_DAYS, ids=str)
@over(DATED)
def test_a_day_that_is_none_takes_no_other_away(stage: Stage, odd: Any) -> None:
    payload = changed([*KNOWN, Line(20)], Line(3, wire={stage.small.day: odd}))

    polled = stage.poll(stage.good(payload))

    if str(odd) in NO_DATE.get(stage.small.slug, ()):
        # the date is taken back, which must stand for a week before it is told
        assert (polled.run.status, polled.events) == ("changed", [])
        assert str(stage.offering(3).retires_on) == "2027-03-01"
    else:
        assert_row_is_set_aside(stage, polled, 3)
    stage.assert_goes_on()


@over(("genai-prices",))
def test_a_price_that_begins_in_the_year_9999_is_set_aside(stage: Stage) -> None:
    payload = changed([*KNOWN, Line(20)], Line(3, begins=("9999-01-01", "1")))

    assert_row_is_set_aside(stage, stage.poll(stage.good(payload)), 3)

    stage.assert_goes_on()


DOUBLED = {
    "litellm": ("input_cost_per_token", 1e-06),
    "deprecations-info": ("shutdown_date", "2026-11-11"),
    "modeldeprecations": ("shutdown_on", "2026-11-11"),
    "openrouter": ("expiration_date", "2026-11-11"),
    "genai-prices": ("prices", {"input_mtok": 1}),
    "models-dev": ("cost", {"input": 1, "output": 1}),
}


def test_a_row_that_says_a_thing_twice_differently_is_set_aside(stage: Stage) -> None:
    field, value = DOUBLED[stage.small.slug]
    twice = changed([*KNOWN, Line(20)], Line(3, ends="2027-03-01", wire={"@": value}))
    body = stage.small.body(*twice).replace(b'"@"', f'"{field}"'.encode())

    polled = stage.poll(server.plain(body))

    assert_row_is_set_aside(stage, polled, 3)
    assert "twice" in QuarantinedRow.objects.open()[0].reason
    stage.assert_goes_on()


def test_two_different_rows_under_one_key_are_set_aside(stage: Stage) -> None:
    wire = {"litellm": {"_key": "@"}, "models-dev": {"id": "@"}}.get(stage.small.slug, {})
    key = stage.small.key(3) if stage.small.slug == "litellm" else name(3)
    other = Line(3, ends="2026-11-11", usd="1", wire=wire)
    body = stage.small.body(*KNOWN, Line(20), other).replace(b'"@"', f'"{key}"'.encode())

    polled = stage.poll(server.plain(body))

    assert_row_is_set_aside(stage, polled, 3)
    stage.assert_goes_on()


def test_a_number_that_is_none_where_nobody_reads_changes_nothing(stage: Stage) -> None:
    payload = changed(
        KNOWN, Line(2, wire={"rating": float("nan"), "votes": -1, "seen": "9999-12-31"})
    )

    polled = stage.poll(stage.good(payload))

    assert (polled.run.status, polled.run.rows_quarantined, polled.events) == ("unchanged", 0, [])
    stage.assert_nothing_changed()
    stage.assert_goes_on()


def assert_row_is_set_aside(stage: Stage, polled: PollResult, n: int) -> None:
    """Row `n` is in quarantine with a sentence; what was known of it stands; the further row of
    this payload is taken; the body is kept, so that people can look."""
    assert (polled.run.status, polled.run.rows_quarantined, polled.run.rows_vanished) == (
        "changed",
        1,
        0,
    )
    assert [event for event in polled.events if event.kind != "released"] == []
    (aside,) = QuarantinedRow.objects.open()
    assert aside.external_id == stage.small.key(n)
    assert aside.reason.endswith(".")
    after = snapshot()
    known = {row["pk"] for row in stage.before["claims"]}
    assert [row for row in after["claims"] if row["pk"] in known] == stage.before["claims"]
    kept = {row["pk"] for row in stage.before["offerings"]}
    assert [row for row in after["offerings"] if row["pk"] in kept] == stage.before["offerings"]
    paid = {row["pk"] for row in stage.before["prices"]}
    assert [row for row in after["prices"] if row["pk"] in paid] == stage.before["prices"]
    assert stage.offering(20).pk not in kept
    assert gzip.decompress(Payload.objects.get(digest=polled.run.digest).body)


# --- the clock ------------------------------------------------------------------------------------


def test_a_clock_set_back_changes_nothing_and_the_run_says_so(stage: Stage) -> None:
    polled = stage.poll(stage.good(KNOWN[:3]), later=-DAY)

    stage.assert_failed(polled, "clock")
    assert len(stage.feed.requests) == 1
    stage.at = AT + 2 * DAY
    stage.assert_goes_on()
