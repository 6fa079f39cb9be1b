"""One history of each source, polled over HTTP by `manage.py poll --at` and replayed by `manage.py
replay`: the same rows, the same events, and `manage.py events` tells them again."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import Assertion, Offering, Price, ProviderEvent, Source
from apps.feeds.models import FeedRun, PollState, QuarantinedRow
from apps.feeds.polls.replay import read_manifest, replay_history
from tests.builders import make_source
from tests.feeds import loopback as server
from tests.feeds.commands import output_of_command, rolled_back
from tests.feeds.parsers.small_payloads import (
    SLUGS,
    SMALL,
    Line,
    SmallFeed,
    changed,
    lines,
    without,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

START = datetime(2026, 9, 1, 6, tzinfo=UTC)
type Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the feed answers so many days after the start; without rows or a body it only has a
    status."""

    days: float
    rows: Sequence[Line] = ()
    status: int = 200
    body: bytes = b""

    @property
    def at(self) -> str:
        return (START + timedelta(days=self.days)).isoformat()

    def payload(self, small: SmallFeed) -> bytes:
        return self.body or small.body(*self.rows, noise=int(self.days))


def history() -> list[Answer]:
    """A fortnight in which dates appear, move, flap and come, rows go and return, prices change and
    begin, and the feed fails in three ways."""
    first = changed(lines(14), Line(2, ends="2026-09-11"), Line(4, ends="2027-03-01"))
    news = changed(
        first, Line(1, ends="2026-12-01"), Line(3, usd="2"), Line(6, begins=("2026-09-09", "1"))
    )
    gone = without(news, 4)
    more = [*without(gone, 5), Line(14)]
    moved = changed([*gone, Line(14)], Line(1, ends="2027-02-01"))
    cleared = changed(moved, Line(2))
    flicker = changed(moved, Line(7, usd="6"))
    return [
        Answer(0, first),
        Answer(1, news),
        Answer(2, gone),
        Answer(3, status=500),
        Answer(4.5, status=304),
        Answer(5, more),
        Answer(6, body=b"<!DOCTYPE html><html><body>We moved.</body></html>"),
        Answer(7, moved),
        Answer(8.25, cleared),
        Answer(9.5, moved),
        Answer(10, body=b"[]"),
        Answer(10.75, status=304),
        Answer(12, flicker),
        Answer(13, moved),
        Answer(14, status=304),
    ]


def expected(small: SmallFeed) -> list[tuple[str, str, Any, str]]:
    """(kind, external id, new value, day of detection), oldest first."""
    told: list[tuple[str, str, Any, str] | None] = [
        ("repriced", small.key(3), {"input": "2", "output": "10"}, "2026-09-05")
        if small.priced
        else None,
        ("repriced", small.key(6), {"input": "1", "output": "5"}, "2026-09-09")
        if small.schedules
        else None,
    ]
    if small.dated:
        told = [
            ("announced", small.key(1), "2026-12-01", "2026-09-02"),
            *told,
            ("moved_later", small.key(1), "2027-02-01", "2026-09-08"),
            ("delisted", small.key(4), None, "2026-09-10"),
            ("retired", small.key(2), "2026-09-11", "2026-09-11"),
        ]
    return [event for event in told if event is not None]


def short(events: Sequence[Event]) -> list[tuple[str, str, Any, str]]:
    return [
        (event["kind"], event["external_id"], event["new"], event["detected_at"][:10])
        for event in events
        if event["kind"] != "released"
    ]


def rows() -> dict[str, list[Any]]:
    """All that a poll writes, without keys of the database and without the wall clock."""
    return {
        "offerings": list(
            Offering.objects.order_by("host__slug", "api_id").values_list(
                "host__slug",
                "api_id",
                "lifecycle",
                "announced_on",
                "retires_on",
                "date_kind",
                "replacement_text",
            )
        ),
        "claims": list(
            Assertion.objects.order_by("source__slug", "external_id", "topic").values_list(
                "source__slug",
                "external_id",
                "topic",
                "group",
                "value",
                "excerpt",
                "offering__api_id",
                "first_seen",
                "changed_at",
                "missing_since",
                "withdrawn_at",
                "pending",
                "pending_since",
                "held",
                "price_moves",
                "floating_since",
                "next_start_on",
            )
        ),
        "prices": list(
            Price.objects.order_by("offering__api_id", "unit", "above_tokens", "valid").values_list(
                "offering__api_id", "unit", "above_tokens", "amount", "valid"
            )
        ),
        "events": [
            event.as_line() for event in ProviderEvent.objects.order_by("detected_at", "pk")
        ],
        "quarantine": list(
            QuarantinedRow.objects.order_by("external_id").values_list("external_id", "reason")
        ),
        "runs": list(
            FeedRun.objects.order_by("pk").values_list(
                "status",
                "observed_at",
                "rows",
                "rows_changed",
                "rows_vanished",
                "n_events",
                "held",
                "backfilled",
            )
        ),
        "state": list(
            PollState.objects.values_list(
                "digest", "last_observed_at", "failures", "suspect", "as_of"
            )
        ),
    }


def poll(source: Source, url: str, at: str) -> dict[str, Any]:
    """The report that `manage.py poll` prints, also where the poll has failed."""
    out = StringIO()
    with suppress(CommandError):
        call_command("poll", source.slug, "--url", url, "--at", at, stdout=out, stderr=StringIO())
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def read_lines(text: str) -> list[Event]:
    return [json.loads(line) for line in text.splitlines()]


def write_manifest(folder: Path, small: SmallFeed) -> Path:
    manifest = folder / "manifest.jsonl"
    with manifest.open("w") as out:
        for number, answer in enumerate(history()):
            line: dict[str, Any] = {"at": answer.at, "status": answer.status, "headers": {}}
            if answer.status == 200:
                line["path"] = f"{number}.json"
                (folder / line["path"]).write_bytes(answer.payload(small))
            out.write(json.dumps(line) + "\n")
    return manifest


def poll_all(source: Source, small: SmallFeed) -> list[dict[str, Any]]:
    """The reports of the whole history, polled from one address, with the ETag of the last good
    body for a 304."""
    reports = []
    with server.Loopback() as feed:
        served = last_good = server.status(404)
        for number, answer in enumerate(history()):
            if answer.status == 200:
                served = server.conditional(answer.payload(small), etag=f'"{number}"')
                if not answer.body:
                    last_good = served
            behaviour = {200: served, 304: last_good}.get(
                answer.status, server.status(answer.status)
            )
            reports.append(poll(source, feed.route("/feed", behaviour), answer.at))
    return reports


@pytest.mark.parametrize("slug", SLUGS)
def test_one_history_polled_and_replayed_gives_the_same_rows_and_events(
    slug: str, tmp_path: Path
) -> None:
    load_catalogue(identities_only=True)
    small, source = SMALL[slug], make_source(slug)
    manifest = write_manifest(tmp_path, small)
    with rolled_back():
        reports = poll_all(source, small)
        polled = rows()
        listed = read_lines(output_of_command("events"))
    with rolled_back():
        list(replay_history(source, read_manifest(manifest)))
        replayed = rows()

    printed = read_lines(output_of_command("replay", slug, str(manifest)))

    assert [report["status"] for report in reports].count("failed") == 3
    assert replayed == polled
    assert printed == polled["events"]
    assert [{key: part for key, part in line.items() if key != "key"} for line in listed] == printed
    assert [event for report in reports for event in report["events"]] == printed
    assert short(printed) == expected(small)
    assert rows()["events"] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_a_history_that_is_over_tells_nothing_more(slug: str) -> None:
    small, source = SMALL[slug], make_source(slug)
    poll_all(source, small)
    before = rows()
    last = history()[-2]
    with server.Loopback() as feed:
        url = feed.route("/feed", server.plain(last.payload(small)))

        again = poll(source, url, (START + timedelta(days=20)).isoformat())
        and_again = poll(source, url, (START + timedelta(days=40)).isoformat())

    assert again["events"] == and_again["events"] == []
    assert {key: rows()[key] for key in ("offerings", "claims", "prices", "events")} == {
        key: before[key] for key in ("offerings", "claims", "prices", "events")
    }


def test_events_are_listed_by_time_kind_and_source_with_their_keys() -> None:
    for slug in SLUGS:
        poll_all(make_source(slug), SMALL[slug])
    everything = read_lines(output_of_command("events"))

    assert len({event["key"] for event in everything}) == len(everything)
    assert everything == [
        event.as_line() | {"key": event.key}
        for event in ProviderEvent.objects.order_by("detected_at", "pk")
    ]
    questions: dict[tuple[str, ...], Callable[[Event], bool]] = {
        ("--since", "2026-09-05T06:00:00Z"): lambda event: (
            event["detected_at"] >= "2026-09-05T06:00:00"
        ),
        ("--since", "2026-09-10"): lambda event: event["detected_at"] >= "2026-09-10",
        ("--kind", "repriced"): lambda event: event["kind"] == "repriced",
        ("--source", "litellm"): lambda event: event["source"] == "litellm",
        ("--source", "litellm", "--kind", "announced", "--since", "2026-09-02"): lambda event: (
            event["source"] == "litellm" and event["kind"] == "announced"
        ),
    }
    for asked, wanted in questions.items():
        found = read_lines(output_of_command("events", *asked))
        assert found == [event for event in everything if wanted(event)]
        assert 0 < len(found) < len(everything)


@pytest.mark.parametrize("asked", [("--since", "yesterday"), ("--kind", "explained")])
def test_events_refuses_what_it_cannot_mean(asked: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=asked[1]):
        output_of_command("events", *asked)


def test_a_replay_does_not_depend_on_what_the_registry_holds(tmp_path: Path) -> None:
    slug, small = "litellm", SMALL["litellm"]
    manifest = write_manifest(tmp_path, small)
    alone = output_of_command("replay", slug, str(manifest))
    with server.Loopback() as feed:
        url = feed.route("/feed", server.plain(small.body(*lines(14, ends="2026-10-01", usd="9"))))
        poll(make_source(slug), url, (START - timedelta(days=30)).isoformat())

    assert output_of_command("replay", slug, str(manifest)) == alone
