"""Lifecycle pages as sources: polled by the pipeline of every source, with the last good state kept
when a page changes its form."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.common.history.context import audit_context
from apps.feeds.actions import (
    accept_pending_changes,
    apply_expired_holds,
    reject_pending_changes,
)
from apps.feeds.models import FeedRun, Health, PollState, SourceMapping, source_health
from apps.feeds.polls.pipeline import PollResult, poll_source
from apps.feeds.sources.configuration import (
    InvalidSourceError,
    add_source,
    change_source,
    undo_source_change,
)
from tests.builders import make_user
from tests.feeds import loopback as server
from tests.feeds.sources.lifecycle_pages import HEADERS, MAPPING, models, page, table, two_tables

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def governance() -> Any:
    return make_user(role="governance")


@pytest.fixture
def source(governance: Any) -> Source:
    return add_source(
        kind="page",
        by=governance,
        mapping=MAPPING,
        name="Acme deprecations",
        url="https://acme.example/deprecations.md",
        interval_minutes=360,
    )


def polled(source: Source, feed: server.Loopback, payload: bytes, at: datetime = AT) -> PollResult:
    source = Source.objects.get(pk=source.pk)
    return poll_source(
        source,
        at=at,
        url=feed.route("/page", server.plain(payload, content_type="text/markdown")),
        trigger="test",
    )


def day_of(n: int) -> str:
    return str(Offering.objects.get(host__slug="acme", api_id=f"acme-{n}").retires_on)


def told(result: PollResult) -> list[tuple[str, Any, Any]]:
    return [(event.kind, event.old, event.new) for event in result.events]


# --- the pipeline is the one of every source ------------------------------------------------------


def test_its_rows_become_claims_with_provenance_and_its_news_events(
    source: Source, feed: server.Loopback
) -> None:
    first = polled(source, feed, two_tables())
    second = polled(source, feed, two_tables(m_1="2027-08-01"), AT + DAY)

    assert (first.run.status, first.run.rows, first.events) == ("changed", 16, [])
    assert told(second) == [("moved_later", "2027-06-01", "2027-08-01")]
    assert second.events[0].external_id == "acme/acme-1"
    assert day_of(1) == "2027-08-01"
    excerpt = second.events[0].evidence.get().excerpt
    assert excerpt["table"].endswith("Chat models")
    assert excerpt["row"] == 2


def test_an_unchanged_page_writes_one_run_and_its_state_only(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, two_tables())

    with CaptureQueriesContext(connection) as queries:
        again = polled(source, feed, two_tables() + b"\n<!-- built at noon -->\n", AT + DAY)

    written = {
        name
        for query in queries.captured_queries
        for name in re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', query["sql"])
    }
    assert again.run.status == "unchanged"
    assert written == {"feeds_feedrun", "feeds_pollstate"}
    assert len(queries.captured_queries) <= 30


def test_a_row_that_leaves_before_its_day_is_reported_after_the_hold_and_one_past_it_is_not(
    source: Source, feed: server.Loopback
) -> None:
    known = models(40, m_0="2026-09-02")
    polled(source, feed, page({"Chat models": table(known)}))
    polled(source, feed, page({"Chat models": table(known[2:])}), AT + 2 * DAY)

    later = polled(source, feed, page({"Chat models": table(known[2:])}), AT + 10 * DAY)

    assert told(later) == [("delisted", "2027-06-01", None)]
    assert later.events[0].external_id == "acme/acme-1"


# --- a page that changed its form -----------------------------------------------------------------


def assert_on_hold(source: Source, result: PollResult, sentence: str) -> None:
    run = FeedRun.objects.get(pk=result.run.pk)
    assert (run.status, result.events) == ("suspect", [])
    assert sentence in run.held["acme"]
    state = PollState.objects.get(source=source)
    assert state.suspect
    source = Source.objects.select_related("poll_state").get(pk=source.pk)
    assert source_health(source, at=state.last_success_at) == Health.SUSPECT


def test_a_table_that_is_gone_stays_in_the_catalogue_until_somebody_decides(
    source: Source, feed: server.Loopback, governance: Any
) -> None:
    polled(source, feed, two_tables())
    without = page({"Chat models": table(models(12))})

    gone = polled(source, feed, without, AT + DAY)
    weeks_later = polled(source, feed, without + b"\nMore.\n", AT + 30 * DAY)
    apply_expired_holds(at=AT + 30 * DAY + timedelta(hours=1))

    sentence = "The table “Audio models” with 4 rows is no longer read from the page."
    assert_on_hold(source, gone, sentence)
    assert_on_hold(source, weeks_later, sentence)
    assert not ProviderEvent.objects.exists()
    assert day_of(13) == "2027-06-01"
    events = accept_pending_changes(source=source, by=governance, reason="they stopped it")
    assert {event.kind for event in events} == {"delisted"}
    state = PollState.objects.get(source=source)
    assert (state.suspect, state.digest, state.page_form.get("doubts")) == (False, "", None)
    after = polled(source, feed, without, AT + 31 * DAY)
    assert (after.run.status, after.events) == ("unchanged", [])


def test_a_table_that_returns_ends_the_hold(source: Source, feed: server.Loopback) -> None:
    polled(source, feed, two_tables())
    polled(source, feed, page({"Chat models": table(models(12))}), AT + DAY)

    back = polled(source, feed, two_tables(), AT + 2 * DAY)

    assert back.events == []
    assert not PollState.objects.get(source=source).suspect
    assert not Assertion.objects.filter(missing_since__isnull=False).exists()


def test_a_table_that_moved_to_another_section_is_no_doubt(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, two_tables())

    moved = polled(
        source,
        feed,
        page({"Chat models": table(models(12)), "Past models": table(models(4, first=12))}),
        AT + DAY,
    )

    assert (moved.run.status, moved.run.held) == ("unchanged", {})


def test_a_column_that_is_gone_withdraws_nothing(source: Source, feed: server.Loopback) -> None:
    polled(source, feed, two_tables())
    rows = [[row[0], row[1]] for row in models(12)]
    narrow = page(
        {
            "Chat models": table(rows, HEADERS[:2]),
            "Audio models": table(models(4, first=12)),
        }
    )

    lost = polled(source, feed, narrow, AT + DAY)

    assert_on_hold(
        source, lost, "The column “Recommended replacement” of the table “Chat models” is missing."
    )
    assert Offering.objects.get(api_id="acme-1").replacement_text == "acme-99"


def test_a_date_column_that_moved_to_another_table_moves_no_date(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, two_tables())
    rows = [[row[0], row[2]] for row in models(12)]
    moved = page(
        {
            "Chat models": table(rows, ("Model", "Recommended replacement")),
            "Audio models": table(models(4, first=12)),
        }
    )

    lost = polled(source, feed, moved, AT + DAY)
    later = polled(source, feed, moved + b"\n", AT + 20 * DAY)

    assert_on_hold(source, lost, "The table “Chat models” with 12 rows is no longer read")
    assert later.events == []
    assert day_of(3) == "2027-06-01"


def test_a_tenth_of_the_rows_gone_is_on_hold(source: Source, feed: server.Loopback) -> None:
    polled(source, feed, page({"Chat models": table(models(30))}))

    fewer = polled(source, feed, page({"Chat models": table(models(27))}), AT + DAY)
    later = polled(source, feed, page({"Chat models": table(models(27))}) + b"\n", AT + 20 * DAY)

    assert_on_hold(source, fewer, "3 of 30 rows disappeared together.")
    assert later.events == []


def test_a_page_without_a_readable_row_changes_nothing(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, two_tables())

    prose = polled(source, feed, b"# Deprecations\n\nAll models were moved elsewhere.\n", AT + DAY)

    assert (prose.run.status, prose.events) == ("failed", [])
    assert prose.run.error.endswith(".")
    assert not Assertion.objects.filter(missing_since__isnull=False).exists()


def test_a_rejected_form_keeps_the_old_values(
    source: Source, feed: server.Loopback, governance: Any
) -> None:
    polled(source, feed, two_tables())
    without = page({"Chat models": table(models(12))})
    polled(source, feed, without, AT + DAY)

    assert reject_pending_changes(source=source, by=governance, reason="a mistake") == 4

    assert not PollState.objects.get(source=source).suspect
    polled(source, feed, without, AT + 20 * DAY)
    assert not ProviderEvent.objects.exists()


def test_another_mapping_reads_the_page_anew(
    source: Source, feed: server.Loopback, governance: Any
) -> None:
    polled(source, feed, two_tables())
    polled(source, feed, page({"Chat models": table(models(12))}), AT + DAY)

    change_source(
        source=source, by=governance, mapping={**MAPPING, "tables": [{"heading": "Chat models"}]}
    )

    assert PollState.objects.get(source=source).page_form == {}


# --- dates that move together ---------------------------------------------------------------------


def test_dates_that_many_rows_move_together_are_told_after_a_day_at_most(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, two_tables())
    days = {f"m_{i}": "2027-09-01" for i in range(8)}
    added = page(
        {
            "Chat models": table(models(12, **days)),
            "Audio models": table([*models(4, first=12), ["`acme-20`", "2027-05-01", "-"]]),
        }
    )

    first = polled(source, feed, added, AT + DAY)
    next_day = polled(source, feed, added + b"\n", AT + 2 * DAY)

    assert (first.run.status, told(first)) == ("suspect", [("announced", None, "2027-05-01")])
    assert told(next_day) == [("moved_later", "2027-06-01", "2027-09-01")] * 8
    assert not PollState.objects.get(source=source).suspect


def test_dates_that_moved_together_are_told_by_the_clock_between_two_polls(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, two_tables())
    moved = two_tables(**{f"m_{i}": "2027-09-01" for i in range(8)})
    polled(source, feed, moved, AT + DAY)
    polled(source, feed, moved, AT + DAY + timedelta(hours=12))

    events = apply_expired_holds(at=AT + 2 * DAY + timedelta(hours=1))

    assert [event.kind for event in events] == ["moved_later"] * 8


# --- precedence -----------------------------------------------------------------------------------


def feed_says(feed: server.Loopback, at: datetime, **ends: str) -> PollResult:
    """Poll a feed that gives dates of models at two hosts."""
    source, _ = Source.objects.get_or_create(
        slug="litellm", defaults={"kind": "litellm", "name": "LiteLLM", "trust_rank": 1}
    )
    rows = {
        f"{host}/acme-1": {
            "litellm_provider": host,
            "mode": "chat",
            "input_cost_per_token": 1e-06,
            "deprecation_date": day,
        }
        for host, day in ends.items()
    }
    url = feed.route("/map", server.plain(json.dumps(rows).encode()))
    return poll_source(source, at=at, url=url, trigger="test")


def test_a_page_outranks_a_feed_about_its_own_host_and_says_nothing_about_another(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, two_tables(m_1="2027-08-01"))

    first = feed_says(feed, AT + DAY, acme="2027-01-01", zenith="2027-01-01")
    moved = feed_says(feed, AT + 2 * DAY, acme="2027-02-01", zenith="2027-02-01")

    days = {
        offering.host.slug: str(offering.retires_on)
        for offering in Offering.objects.filter(api_id__endswith="acme-1").select_related("host")
    }
    assert first.events == []
    assert days == {"acme": "2027-08-01", "zenith": "2027-02-01"}
    assert [(event.external_id, event.new) for event in moved.events] == [
        ("zenith/acme-1", "2027-02-01")
    ]


# --- setting up -----------------------------------------------------------------------------------


def test_what_is_wrong_with_a_page_is_said_by_field(governance: Any) -> None:
    facts: dict[str, Any] = {
        "kind": "page",
        "by": governance,
        "name": "Acme",
        "url": "https://acme.example/",
    }
    with pytest.raises(InvalidSourceError, match="Enter the provider that publishes the page"):
        add_source(mapping={}, **facts)
    with pytest.raises(InvalidSourceError, match="is not a column of a page mapping"):
        add_source(mapping={"host": "acme", "columns": {"end": ["Day"]}}, **facts)
    added = add_source(mapping={"host": "OpenAI", "tables": [], "columns": {}}, **facts)
    assert SourceMapping.objects.get(source=added).settings == {"host": "openai"}


def test_a_change_of_the_mapping_is_undone(source: Source, governance: Any) -> None:
    with audit_context(user=governance) as change:
        change_source(source=source, by=governance, mapping={**MAPPING, "absence": "nothing"})

    undo_source_change(source=source, change=change, by=governance)

    assert SourceMapping.objects.get(source=source).settings == MAPPING
