"""One poll from the wire to the catalogue, against a server on loopback that behaves or does
not."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.catalog.footing import footing_differences
from apps.catalog.models import Assertion, Offering, Price, ProviderEvent, Source
from apps.common.time import now
from apps.feeds.models import FeedRun, HostPause, Payload, PollState, QuarantinedRow
from apps.feeds.polls.client import FetchResult
from apps.feeds.polls.pipeline import AlreadyPollingError, close_dead_runs, poll_source, queue_run
from tests.builders import make_source
from tests.feeds import loopback as server
from tests.feeds.parsers.price_maps import price_map
from tests.processes import blocked_sessions, database_url, wait_until
from tests.threads import call_at_once

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def snapshot() -> dict[str, Any]:
    """Everything the catalogue and the ledger of news hold; equal before and after means nothing
    changed."""
    return {
        "offerings": list(
            Offering.objects.order_by("pk").values("pk", "lifecycle", "retires_on", "date_kind")
        ),
        "claims": list(
            Assertion.objects.order_by("pk").values("pk", "value", "missing_since", "pending")
        ),
        "prices": list(Price.objects.order_by("pk").values("pk", "amount", "valid")),
        "events": list(ProviderEvent.objects.order_by("pk").values_list("key", flat=True)),
    }


@pytest.fixture
def source() -> Source:
    return make_source("litellm")


def polled_once(source: Source, feed: server.Loopback, body: bytes | None = None) -> None:
    url = feed.route("/first", server.plain(body or price_map()))
    assert poll_source(source, at=AT, url=url, trigger="test").run.status == "changed"


def test_a_first_poll_fills_the_catalogue_and_is_news_to_nobody(
    source: Source, feed: server.Loopback
) -> None:
    url = feed.route("/map", server.plain(price_map(model_1={"deprecation_date": "2026-12-01"})))

    polled = poll_source(source, at=AT, url=url, trigger="test")

    assert (polled.run.status, polled.run.rows, polled.events) == ("changed", 20, [])
    offering = Offering.objects.get(host__slug="acme", api_id="model-1")
    assert (offering.lifecycle, str(offering.retires_on), offering.date_kind) == (
        "deprecated",
        "2026-12-01",
        "firm",
    )
    assert {(p.unit, str(p.amount.normalize())) for p in offering.prices.all()} == {
        ("input", "3"),
        ("output", "15"),
    }
    assert footing_differences() == []


def test_an_answer_that_nothing_has_changed_is_no_first_observation(
    source: Source, feed: server.Loopback
) -> None:
    """As in a recorded history of which the first payload is missing."""
    early = poll_source(
        source, at=AT - DAY, fetch=lambda *_: FetchResult("unchanged", 304), trigger="test"
    )
    url = feed.route("/map", server.plain(price_map(model_1={"deprecation_date": "2026-12-01"})))

    polled = poll_source(source, at=AT, url=url, trigger="test")

    assert (early.run.status, early.run.observed_at) == ("failed", None)
    assert (polled.run.status, polled.events) == ("changed", [])


def test_a_date_that_appears_raises_one_event_with_its_evidence(
    source: Source, feed: server.Loopback
) -> None:
    polled_once(source, feed)
    url = feed.route("/map", server.plain(price_map(model_1={"deprecation_date": "2026-12-01"})))

    first = poll_source(source, at=AT + DAY, url=url, trigger="test")
    again = poll_source(source, at=AT + 2 * DAY, url=url, trigger="test")

    (event,) = first.events
    assert (event.kind, event.external_id, event.old, event.new) == (
        "announced",
        "acme/model-1",
        None,
        "2026-12-01",
    )
    assert event.evidence.get().value["retires_on"] == "2026-12-01"
    assert (again.run.status, again.events) == ("unchanged", [])
    assert ProviderEvent.objects.count() == 1


def test_a_day_that_comes_retires_the_offering_without_any_change_in_the_feed(
    source: Source, feed: server.Loopback
) -> None:
    url = feed.route("/map", server.plain(price_map(model_1={"deprecation_date": "2026-09-05"})))
    poll_source(source, at=AT, url=url, trigger="test")

    polled = poll_source(source, at=AT + 10 * DAY, url=url, trigger="test")

    (event,) = polled.events
    assert (event.kind, event.new) == ("retired", "2026-09-05")
    assert event.detected_at == datetime(2026, 9, 5, tzinfo=UTC)
    assert Offering.objects.get(api_id="model-1").lifecycle == "retired"


def test_an_unchanged_payload_writes_one_run_and_the_state_of_the_source(
    source: Source, feed: server.Loopback
) -> None:
    polled_once(source, feed)
    url = feed.route("/first", server.plain(price_map()))
    before = snapshot()

    with CaptureQueriesContext(connection) as queries:
        polled = poll_source(source, at=AT + DAY, url=url, trigger="test")

    statements = "\n".join(statement["sql"] for statement in queries.captured_queries)
    written = set(re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', statements))
    assert polled.run.status == "unchanged"
    assert written == {"feeds_feedrun", "feeds_pollstate"}
    assert snapshot() == before
    assert FeedRun.objects.count() == 2


def test_a_server_that_says_304_is_believed(source: Source, feed: server.Loopback) -> None:
    url = feed.route("/map", server.conditional(price_map(), etag='"one"'))
    poll_source(source, at=AT, url=url, trigger="test")
    before = snapshot()

    polled = poll_source(source, at=AT + DAY, url=url, trigger="test")

    assert (polled.run.status, polled.run.http_status) == ("unchanged", 304)
    assert feed.requests[-1].headers["if-none-match"] == '"one"'
    assert snapshot() == before


@pytest.mark.proof
def test_the_number_of_statements_does_not_grow_with_the_rows(
    source: Source, feed: server.Loopback
) -> None:
    other = make_source("other", kind="litellm")
    counts = []
    for which, n in ((source, 20), (other, 400)):
        start = feed.route("/start", server.plain(price_map(n)))
        poll_source(which, at=AT, url=start, trigger="test")
        dated = {f"model_{i}": {"deprecation_date": "2026-12-01"} for i in range(n)}
        changed = feed.route("/changed", server.plain(price_map(n, **dated)))
        with CaptureQueriesContext(connection) as queries:
            poll_source(which, at=AT + DAY, url=changed, trigger="test")
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (server.status(500), "500"),
        (server.truncated(price_map()), ""),
        (server.html(), "web page"),
        (server.empty_list(), ""),
        (server.latin1(), "UTF-8"),
        (server.bomb(), ""),
        (server.huge(), ""),
        (server.redirect_for_ever(), "redirect"),
        (server.redirect("http://10.0.0.1/map"), ""),
        (server.redirect("file:///etc/passwd"), ""),
        (server.reset(), ""),
        (server.nonsense(), ""),
        (server.plain(b"{}"), ""),
        (server.plain(b'{"acme/a": {"input_cost_per_token": NaN'), ""),
    ],
    ids=[
        "500",
        "truncated",
        "html",
        "empty list",
        "wrong charset",
        "gzip bomb",
        "100 MB",
        "endless redirect",
        "redirect to a private address",
        "redirect to a file",
        "reset",
        "no HTTP",
        "empty object",
        "half a JSON",
    ],
)
def test_a_bad_answer_changes_nothing_and_the_run_says_what_happened(
    source: Source,
    feed: server.Loopback,
    behaviour: server.Behaviour,
    words: str,
    settings: Settings,
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    polled_once(source, feed)
    before = snapshot()
    url = feed.route("/bad*", behaviour)

    polled = poll_source(source, at=AT + DAY, url=url, trigger="test")

    assert polled.run.status == "failed"
    assert words.lower() in polled.run.error.lower()
    assert polled.run.error.endswith(".")
    assert snapshot() == before
    state = PollState.objects.get(source=source)
    assert (state.failures, state.error) == (1, polled.run.error)
    assert state.next_due_at is not None
    assert state.next_due_at > now()


def test_a_server_that_asks_for_patience_is_left_alone_by_every_source(
    source: Source, feed: server.Loopback
) -> None:
    url = feed.route("/busy", server.throttled("3600"))

    first = poll_source(source, at=AT, url=url, trigger="test")
    second = poll_source(make_source("other", kind="litellm"), at=AT, url=url, trigger="test")

    assert first.run.status == second.run.status == "failed"
    assert "asked for no requests until" in second.run.error
    assert len(feed.requests) == 1
    assert HostPause.objects.get().until > now() + timedelta(minutes=55)


def test_a_source_is_not_polled_again_before_its_host_wants_to_be_asked(
    source: Source, feed: server.Loopback
) -> None:
    url = feed.route("/busy", server.throttled("3600"))

    poll_source(source, at=AT, url=url, trigger="test")
    poll_source(make_source("other", kind="litellm"), at=AT, url=url, trigger="test")

    until = HostPause.objects.get().until
    assert list(PollState.objects.values_list("next_due_at", flat=True)) == [until, until]


def test_rows_that_are_wrong_are_set_aside_and_the_others_are_taken(
    source: Source, feed: server.Loopback
) -> None:
    body = price_map(
        model_0={"input_cost_per_token": -1e-06},
        model_1={"deprecation_date": "9999-01-01"},
        model_2={"deprecation_date": "2026-12-01", "input_cost_per_token": 2.0},
    ).replace(b"1.5e-05", b"NaN", 1)

    polled = poll_source(source, at=AT, url=feed.route("/odd", server.plain(body)), trigger="test")

    assert polled.run.status == "changed"
    assert polled.run.rows_quarantined == QuarantinedRow.objects.open().count() > 0
    assert {row.external_id for row in QuarantinedRow.objects.open()} >= {
        "acme/model-0",
        "acme/model-2",
    }
    assert Offering.objects.get(api_id="model-1").retires_on is None
    assert str(Offering.objects.get(api_id="model-2").retires_on) == "2026-12-01"
    assert not Price.objects.filter(amount__gt=1000).exists()


def test_a_row_leaves_quarantine_when_the_feed_mends_it(
    source: Source, feed: server.Loopback
) -> None:
    polled_once(source, feed, price_map(model_0={"input_cost_per_token": -1e-06}))
    url = feed.route("/mended", server.plain(price_map()))

    poll_source(source, at=AT + DAY, url=url, trigger="test")

    assert not QuarantinedRow.objects.open().exists()
    assert QuarantinedRow.objects.count() >= 1


def test_most_rows_gone_makes_the_run_suspect_and_retires_nothing(
    source: Source, feed: server.Loopback
) -> None:
    polled_once(source, feed, price_map(100))
    url = feed.route(
        "/almost-empty", server.plain(price_map(5, model_1={"deprecation_date": "2026-12-01"}))
    )

    polled = poll_source(source, at=AT + DAY, url=url, trigger="test")

    assert polled.run.status == "suspect"
    assert "95 of 100" in str(polled.run.held)
    assert [event.kind for event in polled.events] == ["announced"]
    assert not Offering.objects.filter(lifecycle="retired").exists()
    assert PollState.objects.get(source=source).suspect


def test_an_observation_before_the_last_one_is_refused(
    source: Source, feed: server.Loopback
) -> None:
    polled_once(source, feed)
    before = snapshot()
    url = feed.route("/map", server.plain(price_map(3)))

    polled = poll_source(source, at=AT - DAY, url=url, trigger="test")

    assert polled.run.status == "failed"
    assert "clock" in polled.run.error
    assert snapshot() == before


def test_a_source_is_polled_once_at_a_time(source: Source) -> None:
    queue_run(source, trigger="test", at=now())

    with pytest.raises(AlreadyPollingError, match="already"):
        queue_run(source, trigger="test", at=now())

    assert FeedRun.objects.count() == 1


def test_a_run_without_a_sign_of_life_is_closed_and_its_source_polled_again(source: Source) -> None:
    PollState.objects.create(source=source, next_due_at=now() + DAY)
    run = queue_run(source, trigger="test", at=now() - timedelta(hours=1))
    FeedRun.objects.filter(pk=run.pk).update(
        status="running",
        step="compare",
        started_at=now() - timedelta(hours=1),
        heartbeat_at=now() - timedelta(hours=1),
    )

    closed = close_dead_runs(at=now())

    run.refresh_from_db()
    assert (closed, run.status) == (1, "failed")
    assert "compare" in run.error
    assert PollState.objects.get(source=source).next_due_at <= now()  # type: ignore[operator]
    queue_run(source, trigger="test", at=now())


def test_a_run_with_a_heartbeat_at_the_last_moment_is_not_closed(source: Source) -> None:
    run = queue_run(source, trigger="test", at=now() - timedelta(hours=1))
    FeedRun.objects.filter(pk=run.pk).update(
        status="running", heartbeat_at=now() - timedelta(hours=1)
    )
    with psycopg.connect(database_url()) as worker:
        worker.execute("UPDATE feeds_feedrun SET heartbeat_at = now() WHERE id = %s", [run.pk])

        def finish_heartbeat() -> None:
            wait_until(lambda: bool(blocked_sessions()), "the run is about to be closed")
            worker.commit()

        n_closed, _ = call_at_once(lambda: close_dead_runs(at=now()), finish_heartbeat)

    run.refresh_from_db()
    assert (n_closed, run.status) == (0, "running")


def test_the_body_is_kept_once_for_audit(source: Source, feed: server.Loopback) -> None:
    polled_once(source, feed)
    other = feed.route("/copy", server.plain(price_map()))

    poll_source(source, at=AT + DAY, url=other, trigger="test")

    payload = Payload.objects.get()
    assert payload.n_bytes == len(price_map())
    assert len(payload.body) < payload.n_bytes


def test_a_price_change_closes_the_old_range_and_opens_a_new_one(
    source: Source, feed: server.Loopback
) -> None:
    polled_once(source, feed)
    url = feed.route("/cheaper", server.plain(price_map(model_1={"input_cost_per_token": 1e-06})))
    poll_source(source, at=AT + DAY, url=url, trigger="test")
    held = list(
        Price.objects.filter(offering__api_id="model-1", unit="input").values_list(
            "amount", flat=True
        )
    )

    polled = poll_source(source, at=AT + 5 * DAY, url=url, trigger="test")

    (event,) = polled.events
    assert [str(amount.normalize()) for amount in held] == ["3"]
    assert (event.kind, event.old, event.new) == ("repriced", {"input": "3"}, {"input": "1"})
    ranges = Price.objects.filter(offering__api_id="model-1", unit="input").order_by("valid")
    assert [(str(p.amount.normalize()), p.valid.upper) for p in ranges] == [
        ("3", AT + 5 * DAY),
        ("1", None),
    ]


def test_history_names_the_poll_that_changed_a_row(source: Source, feed: server.Loopback) -> None:
    polled_once(source, feed)
    url = feed.route("/map", server.plain(price_map(model_1={"deprecation_date": "2026-12-01"})))

    polled = poll_source(source, at=AT + DAY, url=url, trigger="test")

    history = apps.get_model("catalog", "OfferingHistory")
    latest = (
        history.objects.filter(api_id="model-1")
        .select_related("pgh_context")
        .latest("pgh_created_at")
    )
    assert str(latest.retires_on) == "2026-12-01"
    assert latest.pgh_context.metadata["actor"] == "poll litellm"
    assert latest.pgh_context.metadata["reason"] == f"feed run {polled.run.pk}"


def test_a_day_that_its_source_has_taken_back_on_trial_retires_nothing(
    source: Source, feed: server.Loopback
) -> None:
    polled_once(source, feed, price_map(model_1={"deprecation_date": "2026-09-05"}))
    cleared = feed.route("/cleared", server.plain(price_map()))
    poll_source(source, at=AT + 3 * DAY, url=cleared, trigger="test")

    on_the_day = poll_source(source, at=AT + 6 * DAY, url=cleared, trigger="test")
    after_the_hold = poll_source(source, at=AT + 11 * DAY, url=cleared, trigger="test")

    assert on_the_day.events == []
    assert [event.kind for event in after_the_hold.events] == ["withdrawn"]
    assert Offering.objects.get(api_id="model-1").lifecycle == "active"


def test_a_day_that_was_in_doubt_and_stands_again_retires_on_that_day(
    source: Source, feed: server.Loopback
) -> None:
    dated = price_map(model_1={"deprecation_date": "2026-09-05"})
    polled_once(source, feed, dated)
    poll_source(
        source,
        at=AT + 3 * DAY,
        url=feed.route("/cleared", server.plain(price_map())),
        trigger="test",
    )

    poll_source(
        source, at=AT + 6 * DAY, url=feed.route("/back", server.plain(dated)), trigger="test"
    )
    polled = poll_source(
        source, at=AT + 7 * DAY, url=feed.route("/back", server.plain(dated)), trigger="test"
    )

    events = ProviderEvent.objects.values_list("kind", "detected_at")
    assert list(events) == [("retired", datetime(2026, 9, 5, tzinfo=UTC))]
    assert polled.run.status in {"unchanged", "changed"}
    assert Offering.objects.get(api_id="model-1").lifecycle == "retired"


def test_a_poll_made_by_a_clock_far_ahead_does_not_lock_the_source_for_years(
    source: Source, feed: server.Loopback
) -> None:
    url = feed.route("/map", server.plain(price_map()))
    poll_source(source, at=now() + timedelta(days=400), url=url, trigger="test")

    by_word = poll_source(source, at=now(), url=url, trigger="test")
    by_clock = poll_source(source, url=url, trigger="test")

    assert (by_word.run.status, by_clock.run.status) == ("failed", "unchanged")
