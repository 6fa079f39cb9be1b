"""The feeds, one feed, one run: how fresh, what was brought, what was kept out."""

import gzip
from datetime import datetime, timedelta

import pytest

from apps.catalog.models import Source
from apps.common.time import day_of, now
from apps.feeds.models import FeedRun, Payload, PollState, QuarantinedRow
from apps.web.presenters.source_freshness import source_freshness
from tests.builders import make_claim, make_event, make_source
from tests.http import file_lines, outline_of, text_of


def make_run(source, status, *, hours_ago, **fields):
    moment = now() - timedelta(hours=hours_ago)
    return FeedRun.objects.create(
        source=source,
        status=status,
        trigger="schedule",
        queued_at=moment,
        started_at=moment,
        finished_at=moment + timedelta(seconds=1.9),
        **fields,
    )


@pytest.fixture
def healthy(world):
    """The world without its suspect run: one feed that changed, failed and had nothing new within a
    day."""
    FeedRun.objects.all().delete()
    make_run(
        world.source,
        "changed",
        hours_ago=3,
        rows=120,
        rows_changed=4,
        rows_vanished=0,
        rows_quarantined=1,
    )
    make_run(world.source, "failed", hours_ago=2, error="connection timed out after 20 s")
    make_run(world.source, "unchanged", hours_ago=1, rows=120, rows_changed=0)
    make_run(world.source, "changed", hours_ago=30, rows=110, rows_changed=9)
    return world


# --- the list -------------------------------------------------------------------------------------


def test_the_strip_tells_the_last_day_in_words_too(healthy, as_user):
    page = text_of(as_user(healthy.governance).get("/feeds/"))

    finding = (
        "LiteLLM price map: 3 polls in the last 24 hours, 1 failed, 1 changed and 1 unchanged."
    )
    assert page.count(f">{finding}</title>") == 2
    assert "One mark per half hour, oldest left." in page
    assert "One mark per hour, oldest left." in page
    assert "1 feed, 120 rows, 3 runs in the last 24 hours." in page


def test_the_table_of_the_same_runs_is_one_click_away(healthy, as_user):
    client = as_user(healthy.governance)
    since = f"?since={day_of(now() - timedelta(days=1)).isoformat()}"

    page = text_of(client.get("/feeds/"))

    assert f'href="/feeds/runs/{since}"' in page
    assert len(file_lines(client.get("/feeds.csv?source=litellm"))) == 5


def test_the_only_feed_is_fresh_and_nothing_is_red(healthy, as_user):
    page = text_of(as_user(healthy.governance).get("/feeds/"))

    assert "The only feed is up to date." in page
    assert '<tr class="over">' not in page


def test_a_source_that_is_switched_off_says_so_and_cannot_be_polled(healthy, as_user):
    Source.objects.filter(pk=healthy.source.pk).update(enabled=False)

    page = text_of(as_user(healthy.governance).get("/feeds/"))

    assert "Disabled" in page
    assert "Poll now" not in page
    assert "No feeds are polled, so the catalogue receives no updates." in page


def test_one_of_two_feeds_that_is_late_is_named(healthy, as_user):
    late = make_source("models-dev", name="models.dev")
    PollState.objects.create(source=late, last_success_at=now() - timedelta(hours=33))

    page = text_of(as_user(healthy.governance).get("/feeds/"))

    assert "1 of 2 feeds is up to date." in page
    assert "models.dev is late: it last succeeded 33 h ago" in page


def test_only_governance_may_poll_and_add(healthy, as_user):
    mine, theirs = (
        text_of(as_user(user).get("/feeds/")) for user in (healthy.governance, healthy.viewer)
    )

    assert "Poll now" in mine
    assert "Add feed" in mine
    assert "Poll now" not in theirs
    assert "Add feed" not in theirs


def test_the_latest_rows_that_were_set_aside_stand_on_the_list(healthy, as_user):
    page = text_of(as_user(healthy.governance).get("/feeds/"))

    assert "sample_spec" in page
    assert 'href="/feeds/quarantine/">View all 1</a>' in page


def test_an_empty_registry_says_what_to_do(world, as_user):
    FeedRun.objects.all().delete()
    QuarantinedRow.objects.all().delete()
    PollState.objects.all().delete()

    page = text_of(as_user(world.governance).get("/feeds/"))

    assert "No feed has been polled yet." in page
    assert "Press “Poll now” beside a feed" in page
    assert "No rows are quarantined." in page
    assert "No sources disagree about models that your applications use." in page


def test_everybody_sees_feeds(world, as_user):
    assert "LiteLLM price map" in text_of(as_user(world.outsider).get("/feeds/"))


@pytest.mark.parametrize(
    ("path", "n"),
    [
        ("/feeds/", 11),
        ("/feeds/litellm/", 13),
        ("/feeds/runs/", 8),
        ("/feeds/quarantine/", 8),
        ("/feeds/runs/{run.pk}/", 10),
    ],
)
def test_a_page_costs_the_same_however_much_was_polled(
    path, n, world, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    for number in range(8):
        source = make_source(f"feed-{number}")
        make_run(source, "changed", hours_ago=number + 1, rows=5, rows_changed=1)
        make_run(world.source, "changed", hours_ago=number + 1, rows=5, rows_changed=1)
        QuarantinedRow.objects.create(
            source=world.source,
            external_id=f"row-{number}",
            reason="unread",
            run=world.run,
            first_seen=now(),
        )

    with django_assert_num_queries(n):
        client.get(path.format(**vars(world)))


# --- a feed that answers and is dead --------------------------------------------------------------


@pytest.fixture
def frozen(healthy):
    Source.objects.filter(pk=healthy.source.pk).update(frozen_after_days=30)
    PollState.objects.filter(source=healthy.source).update(
        last_change_at=datetime.fromisoformat("2026-01-05T10:00Z")
    )
    return healthy


@pytest.mark.parametrize("path", ["/feeds/", "/feeds/litellm/"])
def test_a_frozen_feed_is_said_in_words_wherever_health_is_said(path, frozen, as_user):
    page = text_of(as_user(frozen.governance).get(path)).replace("\u00a0", " ")

    assert "responds, but its data has not changed since 5 January" in page


def test_a_feed_that_says_itself_how_old_it_is_is_taken_at_its_word(frozen, as_user):
    PollState.objects.filter(source=frozen.source).update(
        as_of=datetime.fromisoformat("2026-02-07T00:00Z")
    )

    page = text_of(as_user(frozen.governance).get("/feeds/litellm/")).replace("\u00a0", " ")

    assert "LiteLLM price map <em>responds, but its data is from 7 February" in page.replace(
        ' class="short"', ""
    )


def test_the_year_is_said_when_it_is_not_this_one(frozen):
    at = datetime.fromisoformat("2027-03-01T00:00Z")
    PollState.objects.filter(source=frozen.source).update(last_success_at=at)

    (fresh,) = source_freshness(Source.objects.filter(pk=frozen.source.pk), at=at)

    assert (
        fresh.words.replace("\u00a0", " ")
        == "responds, but its data has not changed since 5 January 2026"
    )


# --- one source -----------------------------------------------------------------------------------


def test_a_source_counts_its_claims_and_lists_floating_prices(healthy, as_user):
    moment = now()
    make_claim(
        healthy.source,
        "claude-sonnet-4-5",
        topic="price",
        offering=healthy.sonnet,
        value={"input": "3"},
        first_seen=moment,
        changed_at=moment,
        floating_since=day_of(moment),
    )

    page = text_of(as_user(healthy.viewer).get("/feeds/litellm/"))

    assert "Floating prices: 1" in page
    assert "input tokens 3.00 USD per million" in page
    assert '<th scope="row">Price</th><td class="num" data-l="values">1</td>' in page


def test_only_governance_is_led_to_the_settings_of_a_source(healthy, as_user):
    link = 'href="/feeds/litellm/change/"'

    assert link in text_of(as_user(healthy.governance).get("/feeds/litellm/"))
    assert link not in text_of(as_user(healthy.viewer).get("/feeds/litellm/"))


# --- one run --------------------------------------------------------------------------------------


@pytest.fixture
def run(healthy):
    """A run with everything a run can bring, between two others."""
    moment = now()
    before = make_run(
        healthy.source, "changed", hours_ago=20, observed_at=moment - timedelta(hours=20)
    )
    payload = Payload.objects.create(
        source=healthy.source,
        digest="d" * 64,
        body=gzip.compress(b'{"a": 1}'),
        n_bytes=8,
        received_at=moment,
    )
    middle = make_run(
        healthy.source,
        "changed",
        hours_ago=10,
        observed_at=moment - timedelta(hours=10),
        rows=10,
        rows_changed=2,
        rows_backfilled=1,
        backfilled=[["old-model", "2025-03-04"]],
        floated=[["cheap-model", {"input": "0.54"}, {"input": "0.95"}]],
        payload=payload,
        digest="d" * 64,
    )
    for hours_ago, kind in (
        (20, "announced"),
        (15, "retired"),
        (10, "moved_later"),
        (5, "withdrawn"),
    ):
        make_event(
            healthy.sonnet,
            kind,
            source=healthy.source,
            key=f"at-{hours_ago}",
            old="2027-01-01",
            new="2027-02-01",
            detected_at=moment - timedelta(hours=hours_ago),
        )
    middle.before = before
    return middle


def test_a_run_lists_what_was_no_news(run, healthy, as_user):
    page = text_of(as_user(healthy.viewer).get(f"/feeds/runs/{run.pk}/"))

    assert "Dates recorded later: 1" in page
    assert '<span class="id">old-model</span></th><td class="num">4 Mar 2025</td>' in page
    assert "Floating prices that changed: 1" in page
    assert "input tokens 0.54 → 0.95" in page
    assert "1.9 s" in page


def test_a_run_shows_its_events_and_those_of_the_clock_since_the_one_before(run, healthy, as_user):
    page = text_of(as_user(healthy.viewer).get(f"/feeds/runs/{run.pk}/"))

    assert "Retirement moved later</a>" in page
    assert "Retired</a>" in page
    assert "Retirement announced</a>" not in page
    assert "End withdrawn</a>" not in page


def test_a_run_leads_to_the_runs_beside_it(run, healthy, as_user):
    page = text_of(as_user(healthy.viewer).get(f"/feeds/runs/{run.pk}/"))

    assert f'rel="prev" href="/feeds/runs/{run.before.pk}/"' in page
    assert 'rel="next"' in page


def test_governance_downloads_what_was_sent_and_nobody_runs_it(run, healthy, as_user):
    client = as_user(healthy.governance)

    page, answer = (
        text_of(client.get(f"/feeds/runs/{run.pk}/")),
        client.get(f"/feeds/runs/{run.pk}/payload/"),
    )

    assert "Download payload" in page
    assert gzip.decompress(answer.content) == b'{"a": 1}'
    assert answer["Content-Type"] == "application/gzip"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith('attachment; filename="litellm-')


def test_others_cannot_download_it(run, healthy, as_user):
    client = as_user(healthy.editor)

    assert "Download payload" not in text_of(client.get(f"/feeds/runs/{run.pk}/"))
    assert client.get(f"/feeds/runs/{run.pk}/payload/").status_code == 403


def test_a_payload_that_is_not_kept_is_not_found(healthy, as_user):
    run = healthy.source.runs.first()

    assert as_user(healthy.governance).get(f"/feeds/runs/{run.pk}/payload/").status_code == 404


# --- all runs, all rows set aside -----------------------------------------------------------------


def test_runs_are_filtered_by_result_and_source(healthy, as_user):
    client = as_user(healthy.governance)

    failed, none = (
        text_of(client.get("/feeds/runs/?status=failed")),
        text_of(client.get("/feeds/runs/?source=nothing")),
    )

    assert "1 feed run matches the filters." in failed
    assert "connection timed out after 20 s" in failed
    assert "No records match these filters." in none


def test_htmx_gets_only_the_runs(healthy, as_user):
    answer = as_user(healthy.governance).get(
        "/feeds/runs/?status=failed", headers={"HX-Request": "true"}
    )

    assert "connection timed out" in text_of(answer)
    assert "<html" not in text_of(answer)


@pytest.fixture
def set_aside(healthy):
    for name, gone in (("assistants-api", None), ("left-again", now())):
        QuarantinedRow.objects.create(
            source=healthy.source,
            external_id=name,
            reason="not a model",
            excerpt='{"raw": true}',
            first_seen=now(),
            resolved_at=gone,
        )
    return healthy


def test_rows_set_aside_are_searched_and_only_open_ones_are_shown_unasked(set_aside, as_user):
    client = as_user(set_aside.viewer)

    unasked, found = (
        text_of(client.get("/feeds/quarantine/")),
        text_of(client.get("/feeds/quarantine/?q=ASSIST")),
    )
    every = text_of(client.get("/feeds/quarantine/?open="))

    assert "2 rows are quarantined." in unasked
    assert "left-again" not in unasked
    assert "assistants-api" in found
    assert "sample_spec" not in found
    assert "left-again" in every


def test_the_csv_of_rows_set_aside_holds_the_same_rows_with_the_raw_ones(set_aside, as_user):
    client = as_user(set_aside.viewer)

    rows = file_lines(client.get("/feeds/quarantine.csv?source=litellm&q=assist"))

    assert rows[0] == "Row,Feed,Reason,Quarantined,No longer sent,Raw row"
    assert len(rows) == 2
    assert "assistants-api,LiteLLM price map,not a model" in rows[1]
    assert "raw" in rows[1]


@pytest.mark.parametrize(
    "path", ["/feeds/runs/", "/feeds/quarantine/", "/feeds/quarantine.csv", "/feeds/litellm/held/"]
)
def test_pages_of_feeds_send_strangers_to_sign_in(path, world, client):
    assert client.get(path).status_code == 302


@pytest.mark.parametrize(
    "path", ["/feeds/", "/feeds/runs/", "/feeds/quarantine/", "/feeds/litellm/", "/feeds/runs/{}/"]
)
def test_the_pages_need_no_inline_style_and_label_every_field(path, run, set_aside, as_user):
    found = outline_of(as_user(set_aside.governance).get(path.format(run.pk)))

    assert (found.styled, found.inline) == ([], [])
    assert [
        field for field in found.fields if not field[2] and field[0] not in found.labelled
    ] == []
    assert sorted(found.ids) == sorted(set(found.ids))
