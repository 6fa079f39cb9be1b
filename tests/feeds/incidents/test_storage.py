"""Incidents of status pages: each once, whatever is edited, reopened, repeated or posted late."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Incident, Offering, Source
from apps.feeds.models import FeedRun, Payload, PollState, QuarantinedRow
from apps.feeds.polls.pipeline import PollResult, poll_source
from tests.builders import make_foundation, make_offering, make_provider, make_version
from tests.feeds import loopback as server
from tests.feeds.incidents.statuspages import (
    AT,
    DAY,
    HOUR,
    MINUTE,
    atom,
    entry,
    history,
    incident,
    incident_io,
    resolved,
    summary,
    update,
)


class Stage:
    """A status source and its server."""

    def __init__(self, feed: server.Loopback) -> None:
        self.feed = feed
        self.host = make_provider("acme", name="Acme")
        self.source = Source.objects.create(
            slug="status-acme", name="Status of Acme", kind=Source.STATUS, host=self.host
        )

    def poll(self, body: bytes, at: datetime = AT) -> PollResult:
        return poll_source(
            self.source, at=at, url=self.feed.route("/s", server.plain(body)), trigger="test"
        )

    def only(self) -> Incident:
        return Incident.objects.get(source=self.source)

    @property
    def open_ids(self) -> list[str]:
        rows = Incident.objects.ongoing().order_by("external_id")
        return list(rows.values_list("external_id", flat=True))


@pytest.fixture
def stage(db: None, feed: server.Loopback) -> Stage:
    return Stage(feed)


# --- one incident ---------------------------------------------------------------------------------


def test_an_open_incident_is_stored_with_what_the_page_states(stage: Stage) -> None:
    polled = stage.poll(summary(incident(components=["API", "Chat", "API"])))

    assert (polled.run.status, polled.run.rows, polled.run.rows_changed) == ("changed", 1, 1)
    row = stage.only()
    assert (row.title, row.impact, row.started_at, row.ended_at) == (
        "Elevated errors",
        "major",
        AT,
        None,
    )
    assert (row.components, row.url) == (["API", "Chat"], "https://stspg.example/inc1")
    assert not row.backfilled
    assert row.as_line()["source"] == "status:acme"


def test_updates_extend_it_and_edited_names_change_it_in_place(stage: Stage) -> None:
    stage.poll(summary(incident()))
    later = incident(
        "inc1",
        update("investigating", AT),
        update("identified", AT + HOUR, "A fix is on its way."),
        name="Elevated errors on chat completions",
        impact="critical",
    )

    stage.poll(summary(later), AT + HOUR)
    stage.poll(summary(later | {"impact": "minor"}), AT + 2 * HOUR)

    row = stage.only()
    assert row.title == "Elevated errors on chat completions"
    assert (row.impact, row.highest_impact) == ("minor", "critical")
    assert [entry["status"] for entry in row.updates] == ["identified", "investigating"]
    assert row.last_update_at == AT + HOUR


def test_it_ends_when_the_page_says_so_and_a_postmortem_changes_nothing(stage: Stage) -> None:
    stage.poll(history(incident()))
    stage.poll(history(resolved(at=AT + HOUR)), AT + 2 * HOUR)
    assert (stage.only().ended_at, stage.only().end_reason) == (AT + HOUR, "resolved")

    told = incident(
        "inc1",
        update("investigating", AT),
        update("resolved", AT + HOUR),
        update("postmortem", AT + 20 * DAY),
        resolved_at=(AT + HOUR).isoformat(),
    )
    stage.poll(history(told), AT + 21 * DAY)

    assert (stage.only().started_at, stage.only().ended_at) == (AT, AT + HOUR)


def test_a_reopened_incident_is_the_same_one(stage: Stage) -> None:
    stage.poll(history(incident(), resolved("old", started_at=AT - DAY, at=AT - 23 * HOUR)))
    over = resolved(at=AT + HOUR)
    stage.poll(history(over), AT + 2 * HOUR)
    again = incident(
        "inc1",
        update("investigating", AT),
        update("resolved", AT + HOUR),
        update("investigating", AT + 3 * HOUR),
        resolved_at=(AT + HOUR).isoformat(),
    )
    stage.poll(history(again), AT + 3 * HOUR)

    row = Incident.objects.get(external_id="inc1")
    assert (row.ended_at, row.end_reason, row.reopened_at) == (None, "", AT + 3 * HOUR)

    stage.poll(
        history(
            incident(
                "inc1",
                update("investigating", AT),
                update("resolved", AT + HOUR),
                update("investigating", AT + 3 * HOUR),
                update("resolved", AT + 5 * HOUR),
            )
        ),
        AT + 6 * HOUR,
    )
    row.refresh_from_db()
    assert row.ended_at == AT + 5 * HOUR
    assert Incident.objects.count() == 2


def test_an_incident_posted_later_counts_from_its_start(stage: Stage) -> None:
    posted = incident("inc1", update("investigating", AT), started_at=AT - 2 * HOUR)
    posted["created_at"] = (AT).isoformat()
    stage.poll(summary(posted))

    assert stage.only().started_at == AT - 2 * HOUR
    assert not stage.only().backfilled


def test_a_backfilled_incident_is_known_as_such(stage: Stage) -> None:
    stage.poll(history(resolved(at=AT + HOUR)), AT + 3 * DAY)

    row = stage.only()
    assert (row.backfilled, row.started_at, row.ended_at) == (True, AT, AT + HOUR)


def test_a_maintenance_is_no_incident(stage: Stage) -> None:
    planned = incident("m1", impact="maintenance", status="scheduled")
    stage.poll(summary(scheduled_maintenances=[planned]))
    stage.poll(history(planned, resolved("m2", impact="maintenance")), AT + HOUR)

    assert not Incident.objects.exists()


def test_incident_io_has_no_times_of_its_own(stage: Stage) -> None:
    stage.poll(summary(incident_io(incident())))
    assert (stage.only().started_at, stage.only().components) == (AT, [])
    assert stage.only().url == "https://status.acme.example/incidents/inc1"

    stage.poll(history(incident_io(resolved(at=AT + HOUR))), AT + 2 * HOUR)

    assert stage.only().ended_at == AT + HOUR


# --- absence --------------------------------------------------------------------------------------


def test_one_that_left_the_summary_is_over_and_the_history_tells_since_when(stage: Stage) -> None:
    stage.poll(summary(incident()))
    stage.poll(summary(), AT + 3 * HOUR)
    assert (stage.only().ended_at, stage.only().end_reason) == (AT + 3 * HOUR, "absent")

    stage.poll(history(resolved(at=AT + 2 * HOUR)), AT + 4 * HOUR)

    assert (stage.only().ended_at, stage.only().end_reason) == (AT + 2 * HOUR, "resolved")


def test_one_that_left_the_newest_fifty_is_not_gone(stage: Stage) -> None:
    old = incident("old", started_at=AT - DAY)
    stage.poll(history(old, resolved("r0", started_at=AT - 2 * DAY, at=AT - DAY)))
    newer = [resolved(f"n{n}", started_at=AT + n * MINUTE, at=AT + HOUR) for n in range(50)]

    stage.poll(history(*newer), AT + 2 * HOUR)

    assert stage.open_ids == ["old"]


def test_an_empty_history_ends_nothing_and_says_so(stage: Stage) -> None:
    stage.poll(history(incident(), resolved("r0", started_at=AT - DAY, at=AT - 20 * HOUR)))

    polled = stage.poll(history(), AT + HOUR)

    assert polled.run.status == FeedRun.Status.FAILED
    assert "lists no incidents any more" in polled.run.error
    assert stage.open_ids == ["inc1"]
    assert PollState.objects.get().failures == 1


def test_an_empty_list_of_open_incidents_means_that_all_is_over(stage: Stage) -> None:
    stage.poll(history(incident()))
    stage.poll(history(), AT + 2 * HOUR)

    assert stage.only().end_reason == "absent"


def test_what_cannot_be_read_is_not_absent(stage: Stage) -> None:
    stage.poll(summary(incident("a"), incident("b", name="Other")))
    broken = incident("a") | {"created_at": None, "started_at": None, "incident_updates": []}

    polled = stage.poll(summary(broken, incident("b", name="Other")), AT + HOUR)

    assert polled.run.rows_quarantined == 1
    assert stage.open_ids == ["a", "b"]
    assert QuarantinedRow.objects.open().get().external_id == "a"


# --- duplicates -----------------------------------------------------------------------------------


def test_a_duplicate_that_says_so_is_closed_as_such(stage: Stage) -> None:
    stage.poll(summary(incident("a")))
    body = "This is a duplicate of another incident."
    stage.poll(
        summary(incident("a"), incident("b", update("investigating", AT + HOUR, body))), AT + HOUR
    )

    row = Incident.objects.get(external_id="b")
    assert (row.end_reason, row.ended_at) == ("duplicate", AT + HOUR)
    assert list(Incident.objects.told().values_list("external_id", flat=True)) == ["a"]


def test_one_that_vanishes_from_a_history_within_the_hour_was_a_duplicate(stage: Stage) -> None:
    old = resolved("r0", started_at=AT - DAY, at=AT - 20 * HOUR)
    stage.poll(history(old))
    stage.poll(history(incident("a"), incident("b", name="Errors, again"), old), AT)
    stage.poll(history(incident("a"), old), AT + 30 * MINUTE)

    assert Incident.objects.get(external_id="b").end_reason == "duplicate"
    assert stage.open_ids == ["a"]


def test_the_same_incident_under_the_ids_of_another_operator_counts_once(stage: Stage) -> None:
    stage.poll(history(resolved("a")), AT + DAY)
    stage.poll(history(incident_io(resolved("01ABC"))), AT + 2 * DAY)

    row = Incident.objects.get(external_id="01ABC")
    assert (row.end_reason, row.duplicate_of) == (
        "duplicate",
        Incident.objects.get(external_id="a"),
    )


# --- other forms ----------------------------------------------------------------------------------


def test_the_body_of_a_source_may_change_its_form(stage: Stage) -> None:
    stage.poll(history(incident("abcd1234", impact="critical")), AT)
    over = [(AT + HOUR, "Resolved", "Done."), (AT, "Investigating", "Looking.")]
    stage.poll(atom(entry("abcd1234", *over)), AT + 2 * HOUR)

    row = stage.only()
    assert (row.impact, row.started_at, row.ended_at) == ("critical", AT, AT + HOUR)
    assert row.components == ["API"]


def test_a_postmortem_in_the_news_weeks_later_changes_no_time(stage: Stage) -> None:
    over = [(AT + HOUR, "Resolved", "Done."), (AT, "Investigating", "Looking.")]
    stage.poll(atom(entry("abcd1234", *over)), AT + 2 * HOUR)
    told = [(AT + 20 * DAY, "Postmortem", "What happened."), *over]
    stage.poll(atom(entry("abcd1234", *told, late=AT + 20 * DAY)), AT + 21 * DAY)

    assert (stage.only().started_at, stage.only().ended_at) == (AT, AT + HOUR)


def test_times_without_a_year_are_those_before_the_entry(stage: Stage) -> None:
    start, end = (
        datetime(2026, 12, 31, 22, tzinfo=AT.tzinfo),
        datetime(2027, 1, 1, 3, tzinfo=AT.tzinfo),
    )
    stage.poll(atom(entry("abcd1234", (end, "Resolved", "x"), (start, "Investigating", "y"))), end)

    assert (stage.only().started_at, stage.only().ended_at) == (start, end)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html><body>Moved</body></html>", "web page instead of JSON"),
        (b'{"page": {"id": "x", "name": "Acme"}, "components": []}', "lists no incidents at this"),
        (b'{"data": []}', "no status page of a known form"),
        (b'[{"a": 1}]', "no status page of a known form"),
        (b'{"page": {"id": "x"}, "incidents": [{"name": "no id"}]}', "No incident of the status"),
        (b"", "empty body"),
        (b'{"page": {"id"', "incomplete"),
        (b"\xff\xfe[\x00{\x00\x00", "incomplete"),
    ],
)
def test_an_unreadable_page_never_means_that_all_is_well(
    stage: Stage, body: bytes, words: str
) -> None:
    stage.poll(summary(incident()))

    polled = stage.poll(body, AT + HOUR)

    assert polled.run.status == FeedRun.Status.FAILED
    assert words in polled.run.error
    assert stage.open_ids == ["inc1"]
    stage.poll(summary(), AT + 2 * HOUR)
    assert stage.open_ids == []


# --- models ---------------------------------------------------------------------------------------


@pytest.fixture
def models(stage: Stage) -> dict[str, Offering]:
    """Acme Big 2 with two releases, and Acme Big 2.5, at the host of the stage."""
    big = make_foundation("acme/big-2", name="Big 2", developer=stage.host)
    newer = make_foundation("acme/big-2.5", name="Big 2.5", developer=stage.host)
    lines = {"big-2-0101": big, "big-2-0601": big, "big-2.5": newer}
    offerings = {}
    for api_id, foundation in lines.items():
        version = make_version(f"acme/{api_id}", foundation=foundation)
        offerings[api_id] = make_offering(api_id, host=stage.host, version=version)
    return offerings


@pytest.mark.parametrize(
    ("title", "text", "named"),
    [
        ("Elevated errors on Big 2.5", "Looking.", {"big-2.5"}),
        ("Elevated errors", "Requests to big-2-0601 fail.", {"big-2-0601"}),
        ("Errors on Big 2", "Looking.", {"big-2-0101", "big-2-0601"}),
        ("Elevated errors", "Looking.", set()),
        ("Errors on all models", "Big 2.5 is slow too.", set()),
        ("Elevated errors", "Switch to Big 2.5 meanwhile.", set()),
        ("Errors on Bigger 2.5x", "Looking.", set()),
    ],
)
def test_models_are_named_or_the_whole_host_is_concerned(
    stage: Stage, models: dict[str, Offering], title: str, text: str, named: set[str]
) -> None:
    stage.poll(summary(incident("inc1", update("investigating", AT, text), name=title)))

    versions = stage.only().versions.all()
    assert set(versions.values_list("identifier", flat=True)) == {
        f"acme/{api_id}" for api_id in named
    }


def test_a_wider_update_takes_the_models_back(stage: Stage, models: dict[str, Offering]) -> None:
    stage.poll(summary(incident(name="Errors on Big 2.5")))
    assert stage.only().versions.count() == 1

    stage.poll(summary(incident(name="Errors on all models")), AT + HOUR)

    assert stage.only().versions.count() == 0


# --- cost -----------------------------------------------------------------------------------------


def writes(queries: Any) -> set[str]:
    return {
        table
        for query in queries.captured_queries
        for table in re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?', query["sql"])
    }


def test_a_poll_without_news_writes_the_run_and_the_state(stage: Stage) -> None:
    rows = [incident(), *(resolved(f"r{n}", started_at=AT - n * HOUR) for n in range(1, 40))]
    stage.poll(history(*rows), AT + HOUR)
    n_payloads = Payload.objects.count()

    with CaptureQueriesContext(connection) as queries:
        polled = stage.poll(history(*rows, noise=1), AT + 2 * HOUR)

    assert polled.run.status == "unchanged"
    assert writes(queries) == {"feeds_feedrun", "feeds_pollstate"}
    assert len(queries) <= 30
    assert Payload.objects.count() == n_payloads


@pytest.mark.parametrize("n", [5, 300])
def test_many_incidents_cost_no_more_statements_than_few(stage: Stage, n: int) -> None:
    rows = [resolved(f"r{k}", started_at=AT - k * HOUR, at=AT) for k in range(1, n + 1)]
    with CaptureQueriesContext(connection) as queries:
        stage.poll(history(*rows), AT + HOUR)
    first = len(queries)
    with CaptureQueriesContext(connection) as queries:
        stage.poll(history(*(row | {"name": "Renamed"} for row in rows)), AT + 2 * HOUR)

    assert (first <= 34, len(queries) <= 34) == (True, True), (first, len(queries))
