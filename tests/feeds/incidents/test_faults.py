"""What a status page can do wrong: open incidents stay as they were, the run says what was wrong,
and the next good poll works as if nothing had been."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from pytest_django import Settings

from apps.catalog.models import Incident, Source
from apps.feeds.models import HostPause, PollState
from apps.feeds.polls.pipeline import PollResult, poll_source
from tests.builders import make_provider
from tests.feeds import loopback as server
from tests.feeds.incidents.statuspages import (
    AT,
    HOUR,
    atom,
    entry,
    history,
    incident,
    incident_io,
    summary,
)

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

CLOUD = {
    "id": "cloud1",
    "begin": "2026-09-01T06:00:00+00:00",
    "created": "2026-09-01T06:10:00+00:00",
    "external_desc": "Elevated errors",
    "status_impact": "SERVICE_OUTAGE",
    "severity": "high",
    "affected_products": [{"title": "Vertex AI", "id": "x"}],
}
EVENT = {"arn": "arn:aws:health:us-east-1::event/1", "date": "1788242400", "status": "3"}
AZURE = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>Azure Status</title><item>"
    "<guid>a</guid><title>Trouble</title>"
    "<pubDate>Tue, 01 Sep 2026 06:00:00 Z</pubDate></item></channel></rss>"
)
# a body of each form with one open incident
FORMS: dict[str, bytes] = {
    "summary": summary(incident()),
    "history": history(incident()),
    "incident.io": summary(incident_io(incident())),
    "google": json.dumps([CLOUD]).encode(),
    "aws": json.dumps([EVENT]).encode("utf-16"),
    "azure": AZURE.encode(),
    "atom": atom(entry("abcd1234", (AT, "Investigating", "Looking."))),
    "checkly": json.dumps(
        {
            "incidents": [
                {
                    "id": "c1",
                    "name": "Errors",
                    "severity": "MAJOR",
                    "created_at": "2026-09-01T06:00:00Z",
                    "lastUpdateStatus": "INVESTIGATING",
                }
            ]
        }
    ).encode(),
    "instatus": json.dumps(
        {
            "page": {"status": "HASISSUES"},
            "activeIncidents": [
                {
                    "id": "i1",
                    "name": "Errors",
                    "started": "2026-09-01T06:00:00Z",
                    "status": "INVESTIGATING",
                    "impact": "MAJOROUTAGE",
                }
            ],
        }
    ).encode(),
}

type Bad = Callable[[bytes], server.Behaviour]
FAULTS: dict[str, tuple[Bad, str]] = {
    "500": (lambda _: server.status(500), "500"),
    "404": (lambda _: server.status(404), "not found"),
    "403": (lambda _: server.status(403), "login"),
    "truncated": (server.truncated, "early|complete|incomplete"),
    "half": (lambda body: server.plain(body[: len(body) // 2]), "incomplete|not RSS|not JSON"),
    "HTML": (lambda _: server.html(), "web page|not RSS"),
    "empty object": (lambda _: server.plain(b"{}"), "no status page of a known form"),
    "error with 200": (lambda _: server.plain(b'{"error": "down"}'), "no status page of a known"),
    "no list": (lambda _: server.plain(b'{"page": {"id": "x"}}'), "lists no incidents at this"),
    "nothing": (lambda _: server.plain(b""), "empty"),
    "null": (lambda _: server.plain(b"null"), "known form"),
    "brackets without end": (lambda _: server.plain(b"[" * 500_000), "nested too deeply"),
    "entities": (
        lambda _: server.plain(
            b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><rss>&a;</rss>'
        ),
        "entities",
    ),
    "unreadable incidents": (
        lambda _: server.plain(b'{"page": {"id": "x"}, "incidents": [{"name": "x"}]}'),
        "No incident of the status page can be read",
    ),
    "huge": (lambda _: server.huge(40), "larger than"),
    "bomb": (lambda _: server.bomb(100), "larger than"),
    "private redirect": (lambda _: server.redirect("http://10.0.0.1/x"), "not allowed"),
    "reset": (lambda _: server.reset(), "before the response was complete"),
}


class Stage:
    """A status source of which one open incident is known."""

    def __init__(self, feed: server.Loopback, body: bytes) -> None:
        self.feed, self.body, self.at = feed, body, AT
        self.source = Source.objects.create(
            slug="status-acme",
            name="Status of Acme",
            kind=Source.STATUS,
            host=make_provider("acme", name="Acme"),
        )
        assert self.poll(server.plain(body)).run.status == "changed"
        self.before = self.snapshot()

    def poll(self, behaviour: server.Behaviour) -> PollResult:
        self.at += HOUR
        url = self.feed.route("/status*", behaviour)
        return poll_source(self.source, at=self.at, url=url, trigger="test")

    def snapshot(self) -> list[dict[str, Any]]:
        return list(Incident.objects.order_by("pk").values())

    @property
    def state(self) -> PollState:
        return PollState.objects.get(source=self.source)


@pytest.fixture
def loopback(settings: Settings) -> Iterator[server.Loopback]:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with server.Loopback() as running:
        yield running


@pytest.fixture(params=FORMS)
def stage(request: pytest.FixtureRequest, loopback: server.Loopback) -> Stage:
    return Stage(loopback, FORMS[request.param])


def test_a_fault_changes_nothing_says_so_and_the_next_good_poll_is_read(stage: Stage) -> None:
    for name, (bad, words) in FAULTS.items():
        polled = stage.poll(bad(stage.body))

        assert polled.run.status == "failed", name
        assert re.search(words, polled.run.error), (name, polled.run.error)
        assert polled.run.error.endswith("."), name
        assert stage.snapshot() == stage.before, name
        assert stage.state.error == polled.run.error
        # a host that asks for patience is not asked in these tests
        HostPause.objects.all().delete()

    polled = stage.poll(server.plain(stage.body))
    assert polled.run.status == "unchanged"
    assert (stage.state.failures, stage.state.error) == (0, "")
    assert stage.snapshot() == stage.before


def test_304_and_the_same_body_write_the_run_and_the_state(stage: Stage) -> None:
    for _ in range(2):
        polled = stage.poll(server.conditional(stage.body))
        assert polled.run.status == "unchanged"
    assert polled.run.http_status == 304
    assert stage.snapshot() == stage.before


def test_a_source_that_is_not_read_is_late_and_its_incidents_stay_open(stage: Stage) -> None:
    stage.poll(server.status(500))

    assert Incident.objects.ongoing().count() == 1
    assert isinstance(stage.state.last_success_at, datetime)
